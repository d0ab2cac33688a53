package rest

import (
	"fmt"
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

// blocking puts a fault in the way of all requests.
func blocking(way *redmine.Roadblock, fault redmine.Fault) func(*testing.T) func() {
	return func(*testing.T) (restore func()) {
		way.Block(redmine.Block{Fault: fault})
		return way.Open
	}
}

// TestRedmineConformance runs the suite against Redmine.
func TestRedmineConformance(t *testing.T) {
	s := redmine.Start(t)
	way := redmine.NewRoadblock(t, s.URL())
	var given atomic.Int64
	conformance.Run(t, conformance.Backend{
		// Small pages take few users to fill.
		Translator: redmineTranslator(t, way.URL, s.Key(), "\terror errors\n", "\terror errors\n\tbreaker off\n\tretries off\n", "items users\n", "items users\n\t\t\t\tfilter_list\n", " limit 100 ", " limit 20 "),
		Reset:      func(t *testing.T) { s.Reset(t) },
		CanSignIn:  func(t *testing.T, userName, password string) bool { return s.CanSignIn(t, userName, password) },
		Interrupt:  blocking(way, redmine.CutBefore),
		Freeze:     blocking(way, redmine.Silence),
		// Redmine takes few characters in logins.
		Awkward: []string{"§.", ".§", "§@example.com", "§-_.", "-§", "_§_"},
		Value: func(path string, n int) scim.Value {
			if strings.HasPrefix(path, "emails") && strings.HasSuffix(path, ".value") {
				return scim.String(fmt.Sprintf("m%d.%d@example.com", n, given.Add(1)))
			}
			return scim.Value{}
		},
		Many:    41, // more than two pages
		Members: 30,
	})
}
