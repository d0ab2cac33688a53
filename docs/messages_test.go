package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// quotation is what stands in code within a sentence or a table and may be a
// message of ours: four words or more, none of them with signs that a message
// has not.
var (
	quotation = regexp.MustCompile("`([A-Za-z][^`\n]*)`")
	strange   = regexp.MustCompile(`[<>={}$\\]`)
)

// notOurs are quotations of others.
var notOurs = []string{
	"Create new user returned empty user",                                                              // Okta
	`Join(" ", [givenName], [surname])`,                                                                // Entra
	`emails[type eq "work"].value eq "x"`,                                                              // a filter
	"Thu, 01 Jan 2026 00:00:00 GMT",                                                                    // how a time is written
	"database or disk is full", "attempt to write a readonly database", "unable to open database file", // SQLite
	"cannot execute … in a read-only transaction", "prepared statement … does not exist", "relation … does not exist", // PostgreSQL
	"No space left on device",                      // the operating system
	"ldapwhoami -x -ZZ -H ldap://dir1.example.com", // a command
}

// syntaxOf are the pages that have the syntax blocks of others.
var syntaxOf = map[string]string{
	"docs/translators/rest.md":          "docs/translators/rest-reference.md",
	"docs/translators/rest-cookbook.md": "docs/translators/rest-reference.md",
}

// TestMessages: each message that a document quotes is one that the code has. An
// ellipsis stands for what differs from case to case.
func TestMessages(t *testing.T) {
	texts := literals(t)
	quoted := 0
	for _, p := range pages(t) {
		syntax := p.of("text")
		if name := syntaxOf[p.name]; name != "" {
			syntax = append(syntax, pageOf(t, name).of("text")...)
		}
		prose := p.text
		for _, b := range p.blocks {
			prose = strings.Replace(prose, b.text, "", 1)
		}
		for _, found := range quotation.FindAllStringSubmatch(prose, -1) {
			message := found[1]
			first, _, _ := strings.Cut(message, " ")
			isOption := option.MatchString(first) && slices.ContainsFunc(syntax, func(b block) bool { return strings.Contains(b.text, first+" ") })
			if len(strings.Fields(message)) < 4 || strange.MatchString(message) || slices.Contains(notOurs, message) ||
				isOption || first == "GET" || first == "map" || first == "scimgate" || first == "disable" || first == "not_found" {
				continue
			}
			quoted++
			for _, part := range strings.FieldsFunc(strings.ReplaceAll(message, ". ", "…"), func(r rune) bool { return r == '…' }) {
				part = strings.TrimRight(strings.TrimSpace(part), ".")
				if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) }) {
					t.Errorf("%s quotes %q, and nothing says %q", p.name, message, part)
				}
			}
		}
	}
	if quoted < 40 {
		t.Errorf("only %d quotations were found: the test does not understand the documents any more", quoted)
	}
}

// literals returns the texts in the code, those that are joined by + as one.
func literals(t *testing.T) []string {
	t.Helper()
	var texts []string
	for _, root := range []string{"../modules", "../translators", "../scim", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok {
					if text, ok := textOf(e); ok {
						texts = append(texts, text)
						return false
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// textOf returns the text of a literal, or of several with + between them, in
// which what is no literal is left out.
func textOf(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, isLeft := textOf(e.X)
		right, isRight := textOf(e.Y)
		return left + right, isLeft || isRight
	}
	return "", false
}
