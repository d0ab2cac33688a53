package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

const (
	cookbook = "docs/translators/rest-cookbook.md"
	shapes   = "../testdata/rest"
)

// shapeLink is a link to the Caddyfile of a shape.
var shapeLink = regexp.MustCompile(`\]\(\.\./\.\./testdata/rest/([^)\s]+)\)\.\*\*`)

// TestCookbook: what the cookbook shows of a shape stands in the very file that the title
// before it leads to, and no shape is missing. Lines without a blank line between them
// stand so in the file.
func TestCookbook(t *testing.T) {
	lines := strings.Split(pageOf(t, cookbook).text, "\n")
	shown := make(map[string]int)
	file := ""
	var chunk []string
	inBlock := false
	for i, line := range lines {
		if found := shapeLink.FindStringSubmatch(line); found != nil {
			file = found[1]
			shown[file] += 0
		}
		switch {
		case !inBlock:
			inBlock = line == "```caddyfile shape"
			continue
		case line != "```" && line != "":
			chunk = append(chunk, strings.TrimSpace(line))
			continue
		}
		inBlock = line != "```"
		if !hasLines(textOfShape(t, file), chunk) {
			t.Errorf("%s:%d: these lines do not stand so in %s/%s:\n%s", cookbook, i+1, shapes, file, strings.Join(chunk, "\n"))
		}
		shown[file], chunk = shown[file]+1, nil
	}
	if n := strings.Count(textOfShape(t, "no-groups.caddyfile"), "groups {"); n > 0 {
		t.Errorf("the Caddyfile of the application without groups has a block for them")
	}
	shown["no-groups.caddyfile"]++ // there is nothing to show of it
	for _, name := range shapeFiles(t) {
		if shown[name] == 0 {
			t.Errorf("%s shows nothing of %s/%s: say in a sentence what the API is like, and show what says it", cookbook, shapes, name)
		}
	}
}

// TestShapes validates the Caddyfiles that the cookbook leads to, as they are copied.
func TestShapes(t *testing.T) {
	m := newMachine(t, "")
	for _, name := range shapeFiles(t) {
		text := textOfShape(t, name)
		if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
			t.Errorf("%s/%s: scimgate fmt makes of it:\n%s", shapes, name, formatted)
		}
		if err := m.validate(t, text); err != nil {
			t.Errorf("%s/%s: %v", shapes, name, err)
		}
	}
}

// shapeFiles returns the names of the Caddyfiles of the shapes.
func shapeFiles(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(shapes + "/*.caddyfile")
	if err != nil || len(paths) < 30 {
		t.Fatalf("there are %d Caddyfiles in %s: %v", len(paths), shapes, err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}
	return paths
}

func textOfShape(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shapes, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hasLines reports whether the lines stand one below the other in a text, wherever they
// are indented to.
func hasLines(text string, lines []string) bool {
	var all []string
	for line := range strings.Lines(text) {
		all = append(all, strings.TrimSpace(line))
	}
	for i := range all {
		if len(lines) > 0 && i+len(lines) <= len(all) && slices.Equal(all[i:i+len(lines)], lines) {
			return true
		}
	}
	return false
}

// TestExampleOfApplication: the gateway that stands commented out in Caddyfile.example is
// valid as it stands there.
func TestExampleOfApplication(t *testing.T) {
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, isThere := strings.Cut(string(text), "\n\t# scim_gateway tickets {\n")
	block, _, isWhole := strings.Cut(rest, "\n\t# }\n")
	if !isThere || !isWhole {
		t.Fatal("Caddyfile.example has no gateway before an application")
	}
	uncommented := "scim.example.com {\n\tscim_gateway tickets {\n"
	for line := range strings.Lines(block + "\n\t# }\n") {
		inner, isComment := strings.CutPrefix(line, "\t# ")
		if !isComment {
			t.Errorf("Caddyfile.example: within the gateway before an application a line is no comment: %q", line)
		}
		uncommented += "\t" + inner
	}
	uncommented += "\trespond 404\n}\n"
	if formatted := string(caddyfile.Format([]byte(uncommented))); formatted != uncommented {
		t.Errorf("Caddyfile.example: scimgate fmt makes of it:\n%s", formatted)
	}
	if err := newMachine(t, "").validate(t, uncommented); err != nil {
		t.Errorf("Caddyfile.example: %v", err)
	}
}
