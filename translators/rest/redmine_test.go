package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimgate/scimgate/internal/redmine"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/conformance"
)

// redmineTranslator returns the translator of testdata/rest/redmine.caddyfile, before
// what answers at the address.
func redmineTranslator(t *testing.T, address, key string, edits ...string) *Translator {
	t.Helper()
	content, err := os.ReadFile("../../testdata/rest/redmine.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	_, text, isFound := strings.Cut(string(content), "translator ")
	text, _, isClosed := strings.Cut(text, "\n\t\t}\n")
	if !isFound || !isClosed {
		t.Fatal("the Caddyfile has no translator")
	}
	text = strings.NewReplacer(append([]string{"https://redmine.example.com", address, "{file./etc/scimgate/redmine}", key}, edits...)...).Replace(text + "\n}\n")
	return provision(t, text)
}

// roadblock is a proxy that can cut connections, or let them wait.
type roadblock struct {
	*httptest.Server
	way atomic.Pointer[func(r *http.Request)] // nil: open
}

func newRoadblock(t *testing.T, target string) *roadblock {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(to)
	onward.Transport = &http.Transport{DisableKeepAlives: true}
	b := new(roadblock)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if blocked := b.way.Load(); blocked != nil {
			(*blocked)(r)
		}
		onward.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

// interrupt cuts all requests off.
func (b *roadblock) interrupt(*testing.T) (restore func()) {
	cut := func(*http.Request) { panic(http.ErrAbortHandler) }
	b.way.Store(&cut)
	return func() { b.way.Store(nil) }
}

// freeze lets them wait.
func (b *roadblock) freeze(*testing.T) (restore func()) {
	thawed := make(chan struct{})
	wait := func(r *http.Request) {
		select {
		case <-thawed:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	b.way.Store(&wait)
	return func() {
		b.way.Store(nil)
		close(thawed)
	}
}

// TestRedmineConformance runs the suite against Redmine.
func TestRedmineConformance(t *testing.T) {
	s := redmine.Start(t)
	way := newRoadblock(t, s.URL())
	var given atomic.Int64
	conformance.Run(t, conformance.Backend{
		Translator: redmineTranslator(t, way.URL, s.Key(), "\terror errors\n", "\terror errors\n\tbreaker off\n", "items users\n", "items users\n\t\t\t\tfilter_list\n"),
		Reset:      func(t *testing.T) { s.Reset(t) },
		CanSignIn:  func(t *testing.T, userName, password string) bool { return s.CanSignIn(t, userName, password) },
		Interrupt:  way.interrupt,
		Freeze:     way.freeze,
		// Redmine takes few characters in logins.
		Awkward: []string{"§.", ".§", "§@example.com", "§-_.", "-§", "_§_"},
		Value: func(path string, n int) scim.Value {
			if strings.HasPrefix(path, "emails") && strings.HasSuffix(path, ".value") {
				return scim.String(fmt.Sprintf("m%d.%d@example.com", n, given.Add(1)))
			}
			return scim.Value{}
		},
		Many:    101, // more than a page
		Members: 30,
	})
}
