package scimgate_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/scimgate/scimgate"

// rule says what the packages of a room may import. Rooms and imports within
// the module are written without its path; "/..." stands for a room and all in
// it.
type rule struct {
	room string
	may  []string
	why  string
}

// What an import may be besides a path.
const (
	standard = "the standard library"
	foreign  = "other modules" // and the standard library
	own      = "its own packages"
)

// helpers are the libraries that anything that talks to a backend may use.
var helpers = []string{
	"github.com/caddyserver/caddy/v2/...", "go.uber.org/zap/...", "github.com/prometheus/client_golang/...",
	"github.com/cenkalti/backoff/v5", "github.com/jackc/puddle/v2", "github.com/sony/gobreaker/v2",
	"golang.org/x/sync/...", "golang.org/x/time/...", "github.com/google/uuid",
}

// everything is what a package may import that puts the others together.
var everything = []string{foreign, own, "", "modules/...", "translators/...", "scim", "directory/...", "demo/...", "internal/...", "testdata/..."}

// rules are those of DESIGN.md §2. The first one whose room has the package
// counts, so that the narrower ones stand first. Tests may import what they
// like.
var rules = []rule{
	{"scim/...", []string{standard, own, "github.com/tidwall/gjson", "github.com/tidwall/sjson"},
		"the SCIM language knows no gateway, no backend and no network"},
	{"translators", []string{standard, "scim"},
		"the contract with a backend is SCIM and nothing else, least of all Caddy"},
	{"translators/mapfile/...", []string{standard, own, "scim", "translators", "github.com/caddyserver/caddy/v2", "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"},
		"the grammar of mappings is for all translators and knows none of them"},
	{"translators/trust", []string{standard, "translators/mapfile"},
		"the settings of TLS are for all translators and know none of them"},
	{"translators/conformance/...", []string{standard, own, "scim", "translators", "translators/mapfile", "internal/...", "github.com/google/go-cmp/...", "go.uber.org/goleak"},
		"the suite that every translator passes knows none of them"},
	{"translators/ldap/...", append([]string{standard, own, "scim", "translators", "translators/mapfile", "translators/trust",
		"github.com/go-ldap/ldap/v3", "github.com/go-asn1-ber/asn1-ber"}, helpers...),
		"a translator knows the contract, the mapping, its client library and Caddy for its glue; neither the gateway nor another translator"},
	{"translators/rest/template", []string{standard, "github.com/tidwall/gjson"},
		"a template knows values and the places they stand in"},
	{"translators/rest/document", []string{standard, "github.com/tidwall/gjson", "github.com/tidwall/sjson", "golang.org/x/net/html/charset", "golang.org/x/text/..."},
		"a document is bytes and paths"},
	{"translators/rest/expression", []string{standard, "cel.dev/cel-go/...", "google.golang.org/protobuf/..."},
		"an expression knows values"},
	{"translators/rest/web", append([]string{standard, own, "translators", "translators/mapfile", "translators/trust", "github.com/dustin/go-humanize",
		"golang.org/x/net/http/httpproxy"}, helpers...),
		"what makes requests knows neither SCIM nor what they are for"},
	{"translators/rest/signin", append([]string{standard, own, "translators", "translators/mapfile", "translators/rest/web", "translators/rest/template",
		"translators/rest/document", "translators/rest/expression", "github.com/tidwall/gjson", "golang.org/x/oauth2/..."}, helpers...),
		"what signs requests in knows neither SCIM nor what they are for"},
	{"translators/*/...", []string{foreign, own, "internal/quiet", "scim", "translators", "translators/mapfile", "translators/trust"},
		"a translator knows the contract, the mapping, its client library and Caddy for its glue; neither the gateway nor another translator"},
	{"modules/store/storetest/...", []string{foreign, own, "internal/..."},
		"what tests the store starts databases, and knows nothing that is kept in them"},
	{"modules/store/...", []string{foreign, own, "internal/owner"},
		"the store keeps what others give it and knows none of them"},
	{"modules/oauth/...", []string{foreign, own},
		"JWTs are made and verified without knowing whose they are"},
	{"modules/addresses/...", []string{foreign, own, "internal/quiet"},
		"address lists serve all of Caddy and know no gateway"},
	{"modules/notice/...", []string{foreign, own, "modules/store", "internal/terminal"},
		"warnings know the tokens in the store and no gateway"},
	{"modules/journal/...", []string{foreign, own, "modules/store", "scim", "internal/owner", "internal/terminal"},
		"the journal records operations, and knows neither who decides about them nor who carries them out"},
	{"modules/remember/...", []string{foreign, own, "modules/store", "scim", "translators"},
		"what is remembered is a translator's, before any other one"},
	{"modules/policy/...", []string{foreign, own, "scim", "translators"},
		"policy is values in, verdict out"},
	{"modules/access/...", []string{foreign, own, "modules/addresses", "modules/oauth", "modules/store", "scim"},
		"access is the first stage and knows none behind it"},
	{"modules/app/...", []string{foreign, own, "modules/journal", "modules/notice", "modules/store/..."},
		"the app holds what gateways share, and knows none of them"},
	{"modules/gateway/...", []string{foreign, own, "internal/quiet", "modules/access", "modules/app", "modules/journal", "modules/notice", "modules/oauth",
		"modules/policy", "modules/remember", "modules/store", "scim", "translators", "translators/mapfile"},
		"the gateway puts the stages together, sees no translator from inside, and knows no database"},
	{"modules/admin/...", []string{foreign, own, "modules/app", "modules/gateway", "modules/journal", "modules/store"},
		"Caddy's admin endpoint tells of gateways, store and journal, and nothing stands on it"},
	{"modules/...", []string{foreign, own, "modules/...", "scim", "translators", "translators/mapfile", "directory/...", "internal/..."},
		"the gateway speaks to translators through the contract and never sees the inside of one"},
	{"directory/...", []string{standard, own, "github.com/go-asn1-ber/asn1-ber", "github.com/go-ldap/ldap/v3", "github.com/google/uuid"},
		"the embedded directory is a directory like any other and has never heard of SCIM or Caddy"},
	{"cmd/...", everything,
		"commands put everything together, and nothing stands on a command"},
	{"demo/...", everything,
		"the demo puts everything together, and nothing stands on a command"},
	{"e2e/...", everything,
		"the tests put everything together, and nothing stands on a command"},
	{"bench/...", everything,
		"the benchmark puts everything together, and nothing stands on it"},
	{"docs/...", []string{standard},
		"documents hold no code but the test that runs them"},
	{"internal/...", everything,
		"nothing stands on a command"},
	{"", everything,
		"the package for xcaddy puts the modules together; nothing stands on a command"},
}

// ruleFor returns the rule for a package of the module, or nil.
func ruleFor(pkg string) *rule {
	for i, r := range rules {
		room, wild := strings.CutSuffix(r.room, "/...")
		if parent, isAny := strings.CutSuffix(room, "/*"); isAny {
			rest, isIn := strings.CutPrefix(pkg, parent+"/")
			if isIn && rest != "" {
				return &rules[i]
			}
		}
		if pkg == room || wild && strings.HasPrefix(pkg, room+"/") {
			return &rules[i]
		}
	}
	return nil
}

// permits reports whether the rule lets pkg, a package of the module, import
// what is written in its source as imported.
func (r *rule) permits(pkg, imported string) bool {
	inside, isInside := strings.CutPrefix(imported, module+"/")
	if imported == module {
		inside, isInside = "", true
	}
	first, _, _ := strings.Cut(imported, "/")
	isStandard := !strings.Contains(first, ".")
	for _, may := range r.may {
		switch may {
		case standard, foreign:
			if isStandard || may == foreign && !isInside {
				return true
			}
			continue
		case own:
			if isInside && topOf(pkg) == topOf(inside) {
				return true
			}
			continue
		}
		target := imported
		if isInside {
			target = inside
		}
		base, wild := strings.CutSuffix(may, "/...")
		if target == base || wild && strings.HasPrefix(target, base+"/") {
			return true
		}
	}
	return false
}

// topOf returns the room that a package is a part of: translators/ldap of
// translators/ldap/ldapconn, scim of scim/x.
func topOf(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	if len(parts) > 1 && (parts[0] == "translators" || parts[0] == "modules") {
		return path.Join(parts[0], parts[1])
	}
	return parts[0]
}

// TestImports holds every package of the module against the import rules of
// DESIGN.md §2.
func TestImports(t *testing.T) {
	// The test cache knows what a test reads, not what go list does: without
	// this, an import added elsewhere would not run the test again.
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	out, err := list.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("listing the packages: %v", err)
	}
	seen := make(map[string]bool)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkg := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		seen[pkg] = true
		r := ruleFor(pkg)
		if r == nil {
			t.Errorf("%s is in no room of DESIGN.md §2: give it a rule", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !r.permits(pkg, imported) {
				t.Errorf("%s imports %s, but %s: %s may import only %s", pkg, imported, r.why, r.room, strings.Join(r.may, ", "))
			}
		}
	}
	for _, room := range []string{"scim", "translators", "translators/mapfile", "translators/ldap", "modules/gateway", "directory", "cmd/scimgate"} {
		if !seen[room] {
			t.Errorf("%s is not among the packages, so that nothing is known of it", room)
		}
	}
}

// The rules are worth what they forbid.
func TestImportRules(t *testing.T) {
	const caddy, ldap = "github.com/caddyserver/caddy/v2", "github.com/go-ldap/ldap/v3"
	tests := []struct {
		pkg, imported string
		want          bool
	}{
		{"scim", "net/http", true},
		{"scim", "github.com/tidwall/gjson", true},
		{"scim", "github.com/tidwall/pretty", false},
		{"scim", caddy, false},
		{"scim", module + "/translators", false},
		{"scim", module + "/modules/gateway", false},
		{"scim", module + "/internal/dialogue", false},
		{"scim", module, false},
		{"translators", module + "/scim", true},
		{"translators", "go.uber.org/zap", false},
		{"translators", module + "/translators/mapfile", false},
		{"translators/mapfile", caddy + "/caddyconfig/caddyfile", true},
		{"translators/mapfile", caddy, true},
		{"translators/mapfile", caddy + "/caddyconfig/caddyfile/inner", false},
		{"translators/mapfile", module + "/translators/ldap", false},
		{"translators/conformance", module + "/translators/ldap", false},
		{"translators/ldap", module + "/translators/ldap/ldapconn", true},
		{"translators/ldap/ldapconn", ldap, true},
		{"translators/ldap/ldapconn", module + "/translators/ldap", true},
		{"translators/ldap", caddy + "/caddyconfig/caddyfile", true},
		{"translators/ldap", module + "/modules/gateway", false},
		{"translators/ldap", module + "/translators/rest", false},
		{"translators/ldap", module + "/directory", false},
		{"translators/ldap", "golang.org/x/oauth2", false},
		{"translators/rest", "golang.org/x/oauth2", true},
		{"translators/rest", module + "/translators/ldap/ldapconn", false},
		{"modules/gateway", module + "/translators", true},
		{"modules/gateway", module + "/modules/access", true},
		{"modules/gateway", module + "/translators/ldap", false},
		{"modules/gateway", module + "/translators/ldap/ldapconn", false},
		{"modules/gateway", module + "/cmd/scimgate", false},
		{"modules/gateway", module + "/modules/admin", false},
		{"modules/gateway", module + "/modules/store/sqlite", false},
		{"modules/store", module + "/modules/journal", false},
		{"modules/store/sqlite", module + "/modules/store", true},
		{"modules/store", module + "/internal/postgres", false},
		{"modules/store/storetest", module + "/internal/postgres", true},
		{"modules/journal/tell", module + "/modules/journal", true},
		{"modules/journal", module + "/modules/gateway", false},
		{"modules/journal", module + "/translators", false},
		{"modules/oauth", module + "/modules/access", false},
		{"modules/addresses", module + "/modules/access", false},
		{"modules/notice", module + "/modules/gateway", false},
		{"modules/remember", module + "/translators/ldap", false},
		{"modules/access", module + "/modules/policy", false},
		{"modules/access", module + "/modules/app", false},
		{"modules/app", module + "/modules/store/postgres", true},
		{"modules/app", module + "/modules/gateway", false},
		{"modules/admin", module + "/modules/gateway", true},
		{"directory", ldap, true},
		{"directory", module + "/scim", false},
		{"directory", caddy, false},
		{"cmd/scimgate", module + "/translators/ldap", true},
		{"demo", module + "/modules/gateway", true},
		{"e2e", module + "/demo", true},
		{"e2e", module + "/cmd/scimgate", false},
		{"modules/gateway", module + "/demo", false},
		{"", module + "/translators/ldap", true},
		{"", module + "/cmd/scimgate", false},
		{"internal/slapd", module + "/cmd/scimgate", false},
	}
	for _, test := range tests {
		r := ruleFor(test.pkg)
		if r == nil {
			t.Errorf("there is no rule for %s", test.pkg)
			continue
		}
		if got := r.permits(test.pkg, test.imported); got != test.want {
			t.Errorf("may %s import %s: %v, want %v", test.pkg, test.imported, got, test.want)
		}
	}
	if r := ruleFor("pkg/util"); r != nil {
		t.Errorf("a room that DESIGN.md does not have falls under %v", r)
	}
}
