package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/translators"
)

// grammars are the files that read the Caddyfile, and the page of each.
var grammars = []struct {
	page  string
	files []string
}{
	{"docs/gateway.md", []string{"../modules/gateway/caddyfile.go", "../modules/access/caddyfile.go"}},
	{"docs/access.md", []string{"../modules/access/caddyfile.go", "../modules/notice/caddyfile.go"}},
	{"docs/oauth.md", []string{"../modules/access/caddyfile_oauth.go"}},
	{"docs/translators/ldap.md", []string{"../translators/ldap/caddyfile.go", "../translators/ldap/generic.go", "../translators/mapfile/mapfile.go", "../translators/trust/config.go"}},
	{"docs/translators/rest-reference.md", []string{"../translators/rest/caddyfile.go", "../translators/rest/caddyfile_resource.go", "../translators/rest/web/caddyfile.go", "../translators/rest/signin/caddyfile.go", "../translators/rest/caddyfile_call.go", "../translators/rest/caddyfile_map.go", "../translators/rest/config.go"}},
	{"docs/store.md", []string{"../modules/store/postgres/caddyfile.go"}},
	{"docs/schemas.md", []string{"../translators/mapfile/schema.go"}},
	{"docs/journal.md", []string{"../modules/app/journal.go"}},
}

// elsewhere are options that are explained on another page than that of the file
// which reads them.
var elsewhere = map[string]string{
	"secret": "docs/access.md", "sha256": "docs/access.md", "expires": "docs/access.md", "user": "docs/access.md",
	"me": "docs/access.md",
}

// TestOptions: each option that the code reads is on its page, and each line of
// a syntax block begins with a word that the code reads.
func TestOptions(t *testing.T) {
	read := []string{"scim_gateway", "scim", "store", "expiry_warning", "auth"}
	for _, g := range grammars {
		for _, file := range g.files {
			words := wordsRead(t, file)
			if len(words) < 3 {
				t.Fatalf("%s: only %q are read: the test does not understand the file any more", file, words)
			}
			read = append(read, words...)
			for _, word := range words {
				name := g.page
				if elsewhere[word] != "" {
					name = elsewhere[word]
				}
				if !mentions(pageOf(t, name), word) {
					t.Errorf("%s does not mention the option %s of %s", name, word, file)
				}
			}
		}
	}
	codecs := []string{translators.CodecBoolean, translators.CodecTimestamp, translators.CodecBinary,
		translators.CodecPostalAddress, translators.CodecJSON, translators.CodecReference}
	for _, codec := range codecs {
		if !mentions(pageOf(t, "docs/translators/ldap.md"), codec) {
			t.Errorf("docs/translators/ldap.md does not mention the codec %s", codec)
		}
	}
	read = append(read, codecs...)
	for _, p := range pages(t) {
		for _, b := range p.of("text") {
			for line := range strings.Lines(b.text) {
				words := strings.Fields(line)
				if len(words) > 0 && words[0] != "}" && !slices.Contains(read, words[0]) {
					t.Errorf("%s:%d: the code reads no %s", p.name, b.line, words[0])
				}
			}
		}
	}
}

// mentions reports whether the word stands in the page in code.
func mentions(p page, word string) bool {
	quoted := regexp.MustCompile("`[^`\n]*\\b" + word + "\\b[^`\n]*`")
	bare := regexp.MustCompile(`\b` + word + `\b`)
	return quoted.MatchString(p.text) || slices.ContainsFunc(p.of("text"), func(b block) bool { return bare.MatchString(b.text) })
}

var option = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// wordsRead returns the words that a file compares with what stands in a
// Caddyfile: in cases, by ==, as keys of maps and as constants.
func wordsRead(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	note := func(e ast.Expr) {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		if word, err := strconv.Unquote(literal.Value); err == nil && option.MatchString(word) && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CaseClause:
			for _, e := range n.List {
				note(e)
			}
		case *ast.ValueSpec: // the words of operations and verdicts
			for _, e := range n.Values {
				note(e)
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL {
				note(n.Y)
			}
		case *ast.KeyValueExpr:
			note(n.Key)
		case *ast.IndexExpr: // single["user"]
			note(n.Index)
		}
		return true
	})
	return words
}

// TestTokenPattern: the page shows the pattern by which issued tokens are found.
func TestTokenPattern(t *testing.T) {
	shown := pageOf(t, "docs/access.md").of("text pattern")
	if len(shown) != 1 || strings.TrimSpace(shown[0].text) != access.TokenPattern {
		t.Errorf("docs/access.md shows %v, and it is %s", shown, access.TokenPattern)
	}
	text, _, err := access.NewToken()
	if err != nil || !regexp.MustCompile("^"+access.TokenPattern+"$").MatchString(text) {
		t.Errorf("a token is %s, %v", text, err)
	}
}

// TestEntitlements: Okta's page shows the Caddyfile with which its test is run.
func TestEntitlements(t *testing.T) {
	text, err := os.ReadFile("../testdata/okta-entitlements.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(pageOf(t, "docs/providers/okta.md").of("caddyfile"), func(b block) bool { return b.text == string(text) }) {
		t.Error("docs/providers/okta.md does not show testdata/okta-entitlements.caddyfile as it is")
	}
}

// TestSchema: the schema beside the documents is that of the demo.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("scimgate.schema")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != demo.OpenLDAPSchema() {
		t.Error("docs/scimgate.schema is not what demo.OpenLDAPSchema returns: write it anew")
	}
}
