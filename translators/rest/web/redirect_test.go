package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRedirects(t *testing.T) {
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host got %s %s with %q", r.Method, r.URL, r.Header.Get("X-Key"))
	})
	var got atomic.Pointer[string]
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		// /api/<status>/<where to>
		status, where, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
		code := 0
		if _, err := fmt.Sscan(status, &code); err != nil {
			body, _ := io.ReadAll(r.Body)
			text := r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Key") + " " + string(body)
			got.Store(&text)
			return
		}
		switch where {
		case "circle":
			where = r.URL.Path
		case "none":
			w.WriteHeader(code)
			return
		case "other":
			where = elsewhere + "/x"
		case "protocol":
			where = strings.TrimPrefix(elsewhere, "http:") + "/x"
		case "https":
			where = "https://" + r.Host + "/api/x"
		case "user":
			where = "http://u:p@" + r.Host + "/api/x"
		case "bad":
			where = "http://%zz/"
		case "relative":
			where = "../x#part"
		case "whole":
			where = "http://" + r.Host + "/api/x"
		default:
			where = "/api/x"
		}
		w.Header().Set("Location", where)
		w.WriteHeader(code)
	})
	const followed = "followed"
	tests := []struct {
		method, url, want string // followed, the status of the answer, or a part of the error
		maybeSent         bool
	}{
		{"GET", "/301/path", followed, false},
		{"GET", "/302/relative", followed, false},
		{"GET", "/303/whole", followed, false},
		{"HEAD", "/307/path", followed, false},
		{"GET", "/308/path", followed, false},
		{"GET", "/302/none", "302", false},
		{"GET", "/300/path", "300", false},
		{"GET", "/304/path", "304", false},
		{"GET", "/302/circle", "more than 5 times", false},
		{"GET", "/302/other", "make that the address of the translator", false},
		{"GET", "/302/protocol", "requests go to one host alone", false},
		{"GET", "/302/https", "to https://", false},
		{"GET", "/302/user", "with a user in it", false},
		{"GET", "/302/bad", "reading where the application redirects (302) to", false},
		{"POST", "/307/path", followed, false},
		{"PUT", "/308/whole", followed, false},
		{"DELETE", "/307/other", "requests go to one host alone", false},
		{"POST", "/301/path", "this POST to /api/x, and a write is not sent again as something else: make that the URL of the call if the API is there, or write success 301", true},
		{"POST", "/302/path", "write success 302", true},
		{"PUT", "/303/path", "write success 303", true},
		{"POST", "/302/other", "requests go to one host alone", true},
		{"POST", "/308/circle", "more than 5 times", true},
	}
	for _, test := range tests {
		t.Run(test.method+test.url, func(t *testing.T) {
			c, _ := client(t, base+"/api", Config{})
			got.Store(nil)
			response, err := c.Do(t.Context(), &Request{Method: test.method, URL: test.url, Header: http.Header{"X-Key": {"k"}}, Body: []byte("{}"), IsRepeatable: true})
			switch {
			case test.want == followed:
				if err != nil || response.URL != base+"/api/x" || got.Load() == nil || *got.Load() != test.method+" /api/x k {}" {
					t.Errorf("got %+v, %v", response, err)
				}
			case len(test.want) == 3:
				if err != nil || fmt.Sprint(response.Status) != test.want {
					t.Errorf("got %+v, %v", response, err)
				}
			default:
				e := failure(t, response, err)
				if e.Reason != "redirect" || e.MaybeSent != test.maybeSent || !strings.Contains(e.Error(), test.want) {
					t.Errorf("got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
				}
			}
		})
	}
}

// TestRedirectIsTheAnswer: applications made for browsers answer so to what they have
// done.
func TestRedirectIsTheAnswer(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/users/7")
		w.WriteHeader(http.StatusFound)
	})
	c, _ := client(t, base, Config{})
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/users", IsAnswer: func(r *Response) bool { return r.Status == 302 }})
	if err != nil || response.Header.Get("Location") != "/users/7" {
		t.Errorf("got %+v, %v", response, err)
	}
}

// TestRedirectToLogin: an application made for browsers says so that a request is not
// signed in.
func TestRedirectToLogin(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "new" {
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	})
	c, _ := client(t, base, Config{})
	s := &signer{keys: []string{"old", "new"}}
	c.UseSigner(s)
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/users", IsRefused: func(r *Response) bool { return r.Status == 302 }})
	if err != nil || response.Status != 200 {
		t.Errorf("got %+v, %v", response, err)
	}
}

// TestSchemeStays: what is signed in over TLS does not go on without it.
func TestSchemeStays(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent without TLS") })
	secured := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain, http.StatusFound)
	}))
	defer secured.Close()
	c, _ := client(t, secured.URL, Config{TLS: trusting(t, secured.Certificate())})
	response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"})
	if e := failure(t, response, err); e.Reason != "redirect" {
		t.Errorf("got %s: %v", e.Reason, e)
	}
}

// TestRedirectIsOneRequestLine: what an application writes into Location can't be more than
// a target in the request that follows.
func TestRedirectIsOneRequestLine(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			w.Header().Set("Location", "/new?name=a b HTTP/1.1 é")
			w.WriteHeader(http.StatusFound)
			return
		}
		fmt.Fprint(w, r.URL.Path, " ", r.URL.RawQuery)
	})
	c, _ := client(t, base, Config{})
	response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/old"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(response.Body); got != "/new name=a%20b%20HTTP/1.1%20%C3%A9" {
		t.Errorf("got %d %s", response.Status, got)
	}
}
