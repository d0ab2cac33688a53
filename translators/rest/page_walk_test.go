package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/signin"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// served is a translator for an application that a handler plays.
func served(t testing.TB, handle http.HandlerFunc) *Translator {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	tr := testTranslator()
	tr.URL = server.URL + "/api"
	client, err := web.New(web.Config{Retries: -1}, tr.URL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Destruct() })
	secrets, err := signin.NewSecrets(tr.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := signin.New(nil, secrets, client)
	if err != nil {
		t.Fatal(err)
	}
	client.UseSigner(signIn)
	tr.backend = &backend{client: client, signIn: signIn}
	return tr
}

// rowsJSON are rows with these ids.
func rowsJSON(from, to int) string {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, `{"id":`+strconv.Itoa(i)+`}`)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// list is an application with n users, of which it gives out as many at once as are asked
// for, and 100 at most.
func list(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		size := 20
		if limit, err := strconv.Atoi(q.Get("limit")); err == nil {
			size = min(limit, 100)
		}
		from, _ := strconv.Atoi(q.Get("offset"))
		if number, err := strconv.Atoi(q.Get("page")); err == nil {
			from = (number - 1) * size
		}
		if after, err := strconv.Atoi(q.Get("cursor")); err == nil {
			from = after
		}
		from = min(from, n)
		to := min(from+size, n)
		more := fmt.Sprintf(`"next":null,"count":%d`, to-from)
		if to < n {
			next := fmt.Sprintf("/api/users?offset=%d&limit=%d", to, size)
			w.Header().Set("Link", "<"+next+`>; rel="next"`)
			more = fmt.Sprintf(`"next":%d,"url":%q,"count":%d`, to, next, to-from)
		}
		more += fmt.Sprintf(`,"more":%t,"end":%d,"texts":"%[1]t"`, to < n, to)
		w.Header().Set("Content-Type", asJSON)
		fmt.Fprintf(w, `{"users":%s,"total":%d,"pages":%d,%s}`, rowsJSON(from, to), n, (n+size-1)/size, more)
	}
}

// walked are the ids of the rows, the requests that it took, and the error.
func walked(t *testing.T, handle http.HandlerFunc, text string, d CallDefaults) (ids []string, requests []string, err error) {
	t.Helper()
	tr := served(t, func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.URL.RequestURI())
		handle(w, r)
	})
	users := testKind(t, blockUsers)
	s, err := testStep(t, users, text, d)
	if err != nil {
		t.Fatal(err)
	}
	with := &scope{kind: users, attribute: scim.Target{Attribute: users.mapping.Type.Attribute("userName")}, value: scim.String("ada")}
	for row, fault := range tr.rows(context.Background(), s, with) {
		if fault != nil {
			return ids, requests, fault
		}
		ids = append(ids, row.Get("id").String())
	}
	return ids, requests, nil
}

func TestRows(t *testing.T) {
	const list1 = "list GET /users {\n items users\n "
	tests := map[string]struct {
		n        int // users
		text     string
		requests int
	}{
		"not paged":                     {20, list1 + "\n}", 1},
		"by offset":                     {250, list1 + "page offset limit 100 total\n}", 3},
		"by offset, a cap":              {250, list1 + "page offset limit 500 total\n}", 3},
		"by offset, no total":           {250, list1 + "page offset offset limit 100\n}", 3},
		"by offset, no total, a cap":    {250, list1 + "page offset offset limit 500\n}", 3},
		"by offset, no total, full":     {200, list1 + "page offset offset limit 100\n}", 3},
		"by offset, no total, no size":  {50, list1 + "page offset\n}", 3},
		"by offset, one":                {1, list1 + "page offset\n}", 1},
		"by offset, one of a hundred":   {1, list1 + "page offset offset limit 100\n}", 1},
		"by offset, none":               {0, list1 + "page offset limit 100 total\n}", 1},
		"by offset, none and no total":  {0, list1 + "page offset\n}", 1},
		"by offset, a full page in all": {100, list1 + "page offset limit 100 total\n}", 2},
		"by offset, nearly a full page": {99, list1 + "page offset limit 100 total\n}", 1},
		"by number":                     {250, list1 + "page number page limit 100 total\n}", 3},
		"by number, pages":              {250, list1 + "page number page limit 100 {\n pages pages\n}\n}", 3},
		"by number, pages, none":        {0, list1 + "page number page limit 100 {\n pages pages\n}\n}", 1},
		"by cursor":                     {250, list1 + "page cursor cursor limit 100 next\n}", 3},
		"by cursor, one":                {1, list1 + "page cursor cursor next\n}", 1},
		"by cursor, more":               {250, list1 + "page cursor cursor limit 100 end {\n more more\n}\n}", 3},
		"by cursor, more as a text":     {250, list1 + "page cursor cursor limit 100 end {\n more texts\n}\n}", 3},
		"by cursor, no more":            {100, list1 + "page cursor cursor limit 100 end {\n more more\n}\n}", 1},
		"by cursor, no more, none":      {0, list1 + "page cursor cursor limit 100 end {\n more more\n}\n}", 1},
		"by cursor, more and a total":   {250, list1 + "page cursor cursor limit 100 end {\n more more\n total total\n}\n}", 3},
		"by offset, more":               {250, list1 + "page offset offset limit 100 {\n more more\n}\n}", 3},
		"by offset, no more":            {100, list1 + "page offset offset limit 100 {\n more more\n}\n}", 1},
		"by number, no more":            {100, list1 + "page number page limit 100 {\n more more\n}\n}", 1},
		"by cursor and total":           {250, list1 + "page cursor cursor limit 100 next {\n total total\n}\n}", 3},
		"by link":                       {250, list1 + "page link limit 100\n}", 3},
		"by link and total":             {250, list1 + "page link limit 100 total\n}", 3},
		"by URL":                        {250, list1 + "page url url {\n limit limit 100\n}\n}", 3},
		"by templates":                  {250, "list GET /users?offset={page.offset}&limit={page.limit} {\n items users\n page offset {\n total total\n limit ignored 50\n}\n}", 5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ids, requests, err := walked(t, list(test.n), test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range test.n {
				want = append(want, strconv.Itoa(i))
			}
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Error(diff)
			}
			if len(requests) != test.requests {
				t.Errorf("the requests were %q", requests)
			}
		})
	}
}

// TestRowsShapes: what a list may look like in an answer that is not paged.
func TestRowsShapes(t *testing.T) {
	tests := map[string]struct {
		items, media, body, want string // ids, or a part of the error behind a !
	}{
		"the whole":            {"", asJSON, `[{"id":1},{"id":2}]`, "1 2"},
		"the whole, empty":     {"", asJSON, `[]`, ""},
		"an object":            {"", asJSON, `{"error":"no"}`, "!it is no array: there is an object with error; say with items"},
		"an object, said so":   {".", asJSON, `{"id":1}`, "1"},
		"below a name":         {"data.users", asJSON, `{"data":{"users":[{"id":1}]}}`, "1"},
		"null":                 {"users", asJSON, `{"users":null}`, ""},
		"not there":            {"users", asJSON, `{"user":[]}`, "!it has no items users: there is an object with user; say with items where the rows are"},
		"an empty object":      {"users", asJSON, `{}`, "!it has no items users"},
		"a text":               {"users", asJSON, `{"users":"none"}`, "!a row is no object: there is a text; say with items where the list of records is"},
		"texts":                {"users", asJSON, `{"users":["a"]}`, "!a row is no object"},
		"empty":                {"users", asJSON, ``, "!it is empty, and rows were expected; if the application says so that there are none, write not_found and the status"},
		"cut":                  {"users", asJSON, `{"users":[{"id":1}`, "!JSON"},
		"a page":               {"users", asHTML, page, "!page"},
		"XML":                  {"users.user", "application/xml", `<users><user><id>1</id></user><user><id>2</id></user></users>`, "1 2"},
		"XML, one":             {"users.user", "application/xml", `<users><user><id>1</id></user></users>`, "1"},
		"XML, none":            {"users.user", "application/xml", `<users/>`, ""},
		"XML, none of its own": {"users.user", "application/xml", `<users total="0"></users>`, ""},
		"XML, something else":  {"users.user", "application/xml", `<error><user/></error>`, "!it has no items users.user"},
		"the same twice":       {"users", asJSON, `{"users":[{"id":1},{"id":2},{"id":1}]}`, "1 2"},
		"without ids":          {"users", asJSON, `{"users":[{"a":1},{"a":2},{"a":1}]}`, " "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ids, _, err := walked(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.media)
				_, _ = w.Write([]byte(test.body))
			}, "list GET /users", CallDefaults{Items: test.items})
			part, isError := strings.CutPrefix(test.want, "!")
			switch {
			case isError && (translators.KindOf(err) != translators.Unavailable || !strings.Contains(err.Error(), part)):
				t.Errorf("got %q, %v", ids, err)
			case !isError && (err != nil || strings.Join(ids, " ") != test.want):
				t.Errorf("got %q, %v", ids, err)
			}
		})
	}
}

// TestRowsOutOfOrder: a list that does not come whole is an error, never a shorter one.
func TestRowsOutOfOrder(t *testing.T) {
	users := func(rows, more string) string { return `{"users":` + rows + more + `}` }
	offset := func(r *http.Request) int { n, _ := strconv.Atoi(r.URL.Query().Get("offset")); return n }
	tests := map[string]struct {
		page string
		body func(r *http.Request, call int) (body, link string)
		want string
	}{
		"the same page again": {"page offset offset limit 5", func(*http.Request, int) (string, string) { return users(rowsJSON(0, 5), ""), "" }, "the same page came again"},
		"the same cursor again": {"page cursor cursor next", func(_ *http.Request, call int) (string, string) {
			return users(rowsJSON(call, call+1), `,"next":"x"`), ""
		}, "the cursor of a page before came again"},
		"a cursor that is no text": {"page cursor cursor next", func(*http.Request, int) (string, string) { return users("[]", `,"next":{"x":1}`), "" }, "neither a text nor a number"},
		"the same URL again": {"page link", func(_ *http.Request, call int) (string, string) {
			return users(rowsJSON(call, call+1), ""), `</api/users?p=2>; rel=next`
		}, "the URL of a page before came again"},
		"another host": {"page link", func(*http.Request, int) (string, string) {
			return users(rowsJSON(0, 1), ""), `<https://evil.example.com/users>; rel=next`
		}, "away from"},
		"another host in the body": {"page url next", func(*http.Request, int) (string, string) {
			return users(rowsJSON(0, 1), `,"next":"//evil.example.com/users"`), ""
		}, "away from"},
		"another scheme": {"page url next", func(*http.Request, int) (string, string) {
			return users(rowsJSON(0, 1), `,"next":"file:///etc/passwd"`), ""
		}, "the next page"},
		"a link that is none": {"page link", func(*http.Request, int) (string, string) { return users(rowsJSON(0, 1), ""), `next` }, "RFC 8288"},
		"fewer than the total": {"page offset limit 100 total", func(r *http.Request, _ int) (string, string) {
			return users(rowsJSON(min(offset(r), 3), 3), `,"total":4`), ""
		}, "the rows and their total have not agreed, twice"},
		"fewer than the total, by link": {"page link per 100 total", func(*http.Request, int) (string, string) { return users(rowsJSON(0, 3), `,"total":4`), "" }, "twice"},
		"a total that changes": {"page offset limit 2 total", func(r *http.Request, call int) (string, string) {
			return users(rowsJSON(offset(r), offset(r)+2), fmt.Sprintf(`,"total":%d`, 10+call)), ""
		}, "twice"},
		"no total": {"page offset limit 100 total", func(*http.Request, int) (string, string) { return users(rowsJSON(0, 3), ""), "" }, "it has no number at total total"},
		"a total of a page": {"page offset limit 5 total", func(r *http.Request, _ int) (string, string) {
			return users(rowsJSON(offset(r), offset(r)+5), `,"total":5`), ""
		}, "total total is the number of rows of a page"},
		"more and no cursor": {"page cursor cursor next {\n more more\n}", func(*http.Request, int) (string, string) {
			return users(rowsJSON(0, 3), `,"more":true`), ""
		}, "more more says that there is another page, and there is nothing at next next"},
		"more that is no yes or no": {"page cursor cursor next {\n more more\n}", func(*http.Request, int) (string, string) {
			return users(rowsJSON(0, 3), `,"next":"x","more":7`), ""
		}, "it has neither true nor false at more more"},
		"no more": {"page offset offset limit 5 {\n more more\n}", func(*http.Request, int) (string, string) { return users(rowsJSON(0, 3), ""), "" }, "it has neither true nor false at more more"},
		"no more, and fewer than the total": {"page cursor cursor next {\n more more\n total total\n}", func(*http.Request, int) (string, string) {
			return users(rowsJSON(0, 3), `,"more":false,"total":4`), ""
		}, "twice"},
		"more for ever":      {"page offset offset limit 5 {\n more more\n}", func(*http.Request, int) (string, string) { return users("[]", `,"more":true`), "" }, "has not ended after 101 pages"},
		"no number of pages": {"page number page limit 100 {\n pages n\n}", func(*http.Request, int) (string, string) { return users(rowsJSON(0, 3), ""), "" }, "it has no number at pages n"},
		"empty pages for ever": {"page cursor cursor next", func(_ *http.Request, call int) (string, string) {
			return users("[]", fmt.Sprintf(`,"next":%d`, call)), ""
		}, "has not ended after 101 pages"},
		"a later page that is wrong": {"page offset offset limit 5", func(_ *http.Request, call int) (string, string) {
			if call > 1 {
				return `{"error":"no"}`, ""
			}
			return users(rowsJSON(0, 5), ""), ""
		}, "it has no items users"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			_, _, err := walked(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				body, link := test.body(r, calls)
				if link != "" {
					w.Header().Set("Link", link)
				}
				w.Header().Set("Content-Type", asJSON)
				_, _ = w.Write([]byte(body))
			}, "list GET /users {\n items users\n "+test.page+"\n}", CallDefaults{})
			if translators.KindOf(err) != translators.Unavailable || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRowsShift: somebody comes while the pages are read, so that a row is on two of them
// and the last one on none. The walk is made again, and no row is given twice.
func TestRowsShift(t *testing.T) {
	rows, calls := []int{1, 2, 3, 4}, 0
	ids, requests, err := walked(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 2 {
			rows = []int{0, 1, 2, 3, 4}
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		var part []string
		for _, id := range rows[min(from, len(rows)):min(from+2, len(rows))] {
			part = append(part, fmt.Sprintf(`{"id":%d}`, id))
		}
		w.Header().Set("Content-Type", asJSON)
		fmt.Fprintf(w, `{"users":[%s],"total":5}`, strings.Join(part, ","))
	}, "list GET /users {\n items users\n page offset limit 2 total\n}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ids, " "); got != "1 2 3 4 0" || len(requests) != 6 {
		t.Errorf("got %s by %q", got, requests)
	}
}

// TestRowsAreLazy: who has enough asks for no more.
func TestRowsAreLazy(t *testing.T) {
	requests := 0
	tr := served(t, func(w http.ResponseWriter, r *http.Request) { requests++; list(1000)(w, r) })
	s, err := testStep(t, testKind(t, blockUsers), "list GET /users {\n items users\n page offset limit 100 total\n}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range tr.rows(context.Background(), s, &scope{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 100 {
			break
		}
	}
	if requests != 1 {
		t.Errorf("%d requests were made", requests)
	}
}

// TestLookupIsOneRequest: what is asked most.
func TestLookupIsOneRequest(t *testing.T) {
	ids, requests, err := walked(t, list(1), "search GET /users?name={userName}", CallDefaults{Items: "users", Page: &PageConfig{By: "offset", Limit: "limit", Size: 100, Total: "total"}})
	if err != nil || len(ids) != 1 || len(requests) != 1 || requests[0] != "/api/users?name=ada&offset=0&limit=100" {
		t.Errorf("got %q by %q, %v", ids, requests, err)
	}
}

// TestSearchThatFindsNone: an answer that the configuration calls absence is an empty list,
// any other error of the search is one.
func TestSearchThatFindsNone(t *testing.T) {
	missing := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	ids, _, err := walked(t, missing, "search GET /users/{userName} {\n items .\n not_found 404\n}", CallDefaults{})
	if len(ids) > 0 || err != nil {
		t.Errorf("said: %q, %v", ids, err)
	}
	_, _, err = walked(t, missing, "search GET /users/{userName} {\n items .\n}", CallDefaults{})
	if translators.KindOf(err) != translators.Unavailable {
		t.Errorf("not said: %v", err)
	}
}

// TestRowsOfMembers: they may be references alone.
func TestRowsOfMembers(t *testing.T) {
	for body, want := range map[string]string{`{"users":[5,"6",{"id":7},5]}`: `5 "6" {"id":7}`, `{"users":[]}`: "", `{"users":[[5]]}`: "!", `{"users":[true]}`: "!"} {
		tr := served(t, says(http.StatusOK, asJSON, body))
		s, err := testStep(t, testKind(t, blockGroups), "members GET /groups/{id}/users {\n items users\n}", CallDefaults{})
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for row, err := range tr.rows(context.Background(), s, &scope{id: "1"}) {
			if err != nil {
				rows = []string{"!"}
				break
			}
			rows = append(rows, row.Raw)
		}
		if got := strings.Join(rows, " "); got != want {
			t.Errorf("%s: got %s", body, got)
		}
	}
}

// TestNextPageKeepsItsQuery: the URL of the next page is taken as it is.
func TestNextPageKeepsItsQuery(t *testing.T) {
	var seen []url.Values
	_, _, err := walked(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Query())
		w.Header().Set("Content-Type", asJSON)
		if len(seen) == 1 {
			w.Header().Set("Link", `<?token=a%2Fb>; rel="next"`)
		}
		fmt.Fprint(w, rowsJSON(len(seen), len(seen)+1))
	}, "list GET /users {\n query x y\n page link per 10\n}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]url.Values{{"x": {"y"}, "per": {"10"}}, {"token": {"a/b"}}}, seen); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkLookup(b *testing.B) {
	users := testKind(b, blockUsers)
	s, err := testStep(b, users, "search GET /users?name={userName}", CallDefaults{Items: "users", Page: &PageConfig{By: "offset", Limit: "limit", Size: 100, Total: "total"}})
	if err != nil {
		b.Fatal(err)
	}
	tr := testTranslator()
	body := []byte(`{"users":[{"id":7,"login":"ada","firstname":"Ada","mail":"ada@example.com"}],"total":1}`)
	with := &scope{kind: users, attribute: scim.Target{Attribute: users.mapping.Type.Attribute("userName")}, value: scim.String("ada")}
	header := http.Header{"Content-Type": {asJSON}}
	b.ReportAllocs()
	for b.Loop() {
		l := &lookup{t: tr, s: s, with: with}
		if _, err := l.request(); err != nil {
			b.Fatal(err)
		}
		a := s.judge(&web.Response{Status: 200, Header: header, Body: body})
		if rows, err := s.rowsOf(a); err != nil || len(rows) != 1 || a.verdict != VerdictSuccess {
			b.Fatal(err)
		}
	}
}
