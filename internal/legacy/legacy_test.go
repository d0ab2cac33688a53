package legacy_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/legacy"
)

// client asks an application.
type client struct {
	*testing.T
	app    *legacy.App
	header http.Header
}

func start(t *testing.T, options legacy.Options) *client {
	t.Helper()
	return &client{t, legacy.Start(t, options), http.Header{"X-Api-Key": {legacy.Key}, "Content-Type": {"application/json"}}}
}

type said struct {
	status int
	header http.Header
	body   string
}

func (s said) get(path string) string { return gjson.Get(s.body, path).String() }

func (c *client) try(method, path, body string) (said, error) {
	if !strings.HasPrefix(path, "http") {
		path = c.app.URL + path
	}
	request, err := http.NewRequestWithContext(c.Context(), method, path, strings.NewReader(body))
	if err != nil {
		return said{}, err
	}
	request.Header = c.header.Clone()
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return said{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return said{response.StatusCode, response.Header, string(text)}, err
}

func (c *client) want(status int, method, path, body string) said {
	c.Helper()
	s, err := c.try(method, path, body)
	if err != nil || s.status != status {
		c.Fatalf("%s %s %s: %v, %d %s, want %d", method, path, body, err, s.status, s.body, status)
	}
	return s
}

func (c *client) is(got, want string) {
	c.Helper()
	if got != want {
		c.Errorf("got %q, want %q", got, want)
	}
}

func TestPlain(t *testing.T) {
	c := start(t, legacy.Options{})
	made := c.want(201, "POST", "/users", `{"login":"ada","first_name":"Ada","password":"secret-8","personnel_no":4711}`)
	c.is(made.header.Get("Location"), "/users/11")
	c.is(made.get("id"), "11")
	c.is(made.get("theme"), "light")
	if made.get("password") != "" {
		t.Errorf("the password is shown: %s", made.body)
	}
	c.want(409, "POST", "/users", `{"login":"ADA"}`)
	c.want(422, "POST", "/users", `{"first_name":"Nobody"}`)
	c.want(422, "POST", "/users", `{"login":"bob","personnel_no":"4711"}`)
	c.want(422, "POST", "/users", `{"login":"bob","shoe_size":44}`)
	c.want(400, "POST", "/users", `[]`)
	c.want(404, "GET", "/users/12", "")
	c.want(404, "POST", "/nothing", "")

	c.is(c.want(200, "GET", "/users?login=Ada", "").get("total"), "1")
	c.is(c.want(200, "GET", "/users?login=ad", "").get("total"), "0")
	c.is(c.want(200, "GET", "/users/11", "").get("status"), "active")
	c.want(204, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
	c.is(c.want(200, "PATCH", "/users/11", `{"status":"locked"}`).get("status"), "locked")
	c.want(401, "POST", "/login", `{"login":"ada","password":"secret-8"}`)
	c.want(422, "PATCH", "/users/11", `{"status":"off"}`)
	c.want(200, "PATCH", "/users/11", `{"status":"active","login":"ada.l"}`)
	c.want(204, "POST", "/login", `{"login":"ada.l","password":"secret-8"}`)
	c.want(401, "POST", "/login", `{"login":"ada","password":"secret-8"}`)

	group := c.want(201, "POST", "/groups", `{"name":"Staff"}`).get("id")
	c.want(409, "POST", "/groups", `{"name":"staff"}`)
	c.want(204, "POST", "/groups/"+group+"/members", `{"user_id":11}`)
	c.want(409, "POST", "/groups/"+group+"/members", `{"user_id":11}`)
	c.want(422, "POST", "/groups/"+group+"/members", `{"user_id":"11"}`)
	c.want(422, "POST", "/groups/"+group+"/members", `{"user_id":99}`)
	c.is(c.want(200, "GET", "/groups/"+group, "").get("members.0.login"), "ada.l")
	c.want(204, "DELETE", "/groups/"+group+"/members/11", "")
	c.want(404, "DELETE", "/groups/"+group+"/members/11", "")
	c.want(204, "PUT", "/groups/"+group+"/members", `{"user_ids":[11]}`)
	if logins, ok := c.app.Members("Staff"); !ok || !slices.Equal(logins, []string{"ada.l"}) {
		t.Errorf("the members are %q, %v", logins, ok)
	}
	c.want(204, "DELETE", "/users/11", "")
	c.want(404, "GET", "/users/11", "")
	if logins, _ := c.app.Members("Staff"); len(logins) > 0 || len(c.app.Logins()) > 0 {
		t.Errorf("left are %q, members %q", c.app.Logins(), logins)
	}
	c.header.Del("X-Api-Key")
	c.want(401, "GET", "/users", "")

	writes := c.app.Writes()
	if first := writes[0]; first.Op != "users.create" || first.Status != 201 || !strings.Contains(first.Body, "personnel_no") {
		t.Errorf("the first request is %+v", first)
	}
	c.app.Forget()
	if len(c.app.Requests()) > 0 {
		t.Error("the requests are remembered")
	}
}

func TestPaging(t *testing.T) {
	next := map[legacy.Paging]func(said) string{
		legacy.ByOffset: func(s said) string {
			at := gjson.Get(s.body, "offset").Int() + gjson.Get(s.body, "limit").Int()
			if at >= gjson.Get(s.body, "total").Int() {
				return ""
			}
			return fmt.Sprintf("/users?limit=3&offset=%d", at)
		},
		legacy.ByNumber: func(s said) string {
			if s.get("page") == s.get("pages") {
				return ""
			}
			return fmt.Sprintf("/users?per_page=3&page=%d", gjson.Get(s.body, "page").Int()+1)
		},
		legacy.ByCursor: func(s said) string {
			if s.get("next_cursor") == "" {
				return ""
			}
			return "/users?limit=3&cursor=" + s.get("next_cursor")
		},
		legacy.ByLink: func(s said) string {
			target, rest, _ := strings.Cut(strings.TrimPrefix(s.header.Get("Link"), "<"), ">")
			if !strings.HasPrefix(rest, `; rel="next"`) {
				return ""
			}
			return target
		},
		legacy.ByURL:   func(s said) string { return s.get("next") },
		legacy.Unpaged: func(said) string { return "" },
	}
	for paging, next := range next {
		t.Run(string(paging), func(t *testing.T) {
			c := start(t, legacy.Options{Paging: paging, Seed: 10})
			var logins []string
			for path := "/users?limit=3&per_page=3"; path != ""; {
				s := c.want(200, "GET", path, "")
				rows := gjson.Get(s.body, "users")
				if paging == legacy.ByLink {
					rows = gjson.Parse(s.body)
				}
				for _, row := range rows.Array() {
					logins = append(logins, row.Get("login").String())
				}
				path = next(s)
			}
			if !slices.Equal(logins, c.app.Logins()) {
				t.Errorf("the pages have %q", logins)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	c := start(t, legacy.Options{Seed: 4})
	for _, fault := range []struct {
		legacy.Fault
		status int  // 0: none
		isDone bool // nevertheless
		holds  string
	}{
		{legacy.Fault{Kind: legacy.TooMany, For: 3 * time.Second}, 429, false, "<h1>"},
		{legacy.Fault{Kind: legacy.ErrorBefore}, 500, false, "<h1>"},
		{legacy.Fault{Kind: legacy.ErrorAfter}, 500, true, "<h1>"},
		{legacy.Fault{Kind: legacy.CutBefore}, 0, false, ""},
		{legacy.Fault{Kind: legacy.CutAfter}, 0, true, ""},
		{legacy.Fault{Kind: legacy.Half}, 0, true, ""},
		{legacy.Fault{Kind: legacy.Broken}, 201, true, "="},
		{legacy.Fault{Kind: legacy.NoAnswer}, 200, true, ""},
		{legacy.Fault{Kind: legacy.HTML, Status: 404}, 404, false, "<h1>"},
		{legacy.Fault{Kind: legacy.LoginPage}, 200, false, "sign in"},
		{legacy.Fault{Kind: legacy.Huge}, 201, true, "huge"},
		{legacy.Fault{Kind: legacy.Redirect, Location: "/elsewhere"}, 302, false, "Moved"},
		{legacy.Fault{Kind: legacy.Echo}, 422, false, "X-Api-Key"},
		{legacy.Fault{Kind: legacy.Denied}, 403, false, "may not"},
	} {
		t.Run(string(fault.Kind), func(t *testing.T) {
			c := &client{t, c.app, c.header}
			defer c.app.Mend()
			fault.Op, fault.Times = "users.create", 1
			c.app.Fail(fault.Fault)
			login := strings.ReplaceAll(string(fault.Kind), " ", "-")
			s, err := c.try("POST", "/users", `{"login":"`+login+`"}`)
			if (err == nil) != (fault.status != 0) || err == nil && (s.status != fault.status || !strings.Contains(s.body, fault.holds)) {
				t.Errorf("answered %v, %d %.200s", err, s.status, s.body)
			}
			if isDone := c.app.User(login) != nil; isDone != fault.isDone {
				t.Errorf("done: %v", isDone)
			}
			if fault.Kind == legacy.TooMany && s.header.Get("Retry-After") != "3" {
				t.Errorf("Retry-After is %q", s.header.Get("Retry-After"))
			}
			c.want(201, "POST", "/users", `{"login":"again-`+login+`"}`)
		})
	}
	t.Run("slow", func(t *testing.T) {
		c.app.Fail(legacy.Fault{Kind: legacy.Slow, For: 30 * time.Millisecond, Times: 1})
		begun := time.Now()
		c.want(200, "GET", "/users", "")
		if time.Since(begun) < 30*time.Millisecond {
			t.Error("answered at once")
		}
	})
	t.Run("lists", func(t *testing.T) {
		c.app.Fail(legacy.Fault{Kind: legacy.RepeatedPage, Times: 1})
		c.is(c.want(200, "GET", "/users?offset=2&limit=2", "").get("users.0.login"), "user000000@example.com")
		c.app.Fail(legacy.Fault{Kind: legacy.LyingTotal, Times: 1})
		if total := c.want(200, "GET", "/users?login=user000001@example.com", "").get("total"); total != "8" {
			t.Errorf("the total is %s", total)
		}
		c.app.Fail(legacy.Fault{Kind: legacy.NextElsewhere, Location: "http://other.example/", Times: 1})
		c.is(c.want(200, "GET", "/users", "").get("next"), "http://other.example/")
	})
}
