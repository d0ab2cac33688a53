// Package docs_test runs what the documents show: Caddyfiles are validated,
// shell sessions are typed into a shell before a running demo, LDIF goes into a
// slapd as Debian installs it, and what a page says there is, is compared with
// the code.
package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// binary is the program as it is built for this run.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "scimgate-docs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("XDG_DATA_HOME", dir); err != nil { // where the store is
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "scimgate")
	build := exec.Command("go", "build", "-o", binary, "../cmd/scimgate")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building scimgate: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// page is a document.
type page struct {
	name   string // as seen from the root of the repository
	text   string
	blocks []block
}

// block is what stands in a document between fences. Its kind is the whole info
// string: the language, by which a reader's browser colours it, and a word that
// says how it is run.
type block struct {
	kind string
	line int
	text string
}

// kinds are all kinds of blocks and what becomes of them.
var kinds = map[string]string{
	"caddyfile":           "a whole Caddyfile; formatted and validated",
	"caddyfile gateway":   "lines of a scim_gateway block; the same",
	"caddyfile ldap":      "lines of a translator ldap block; the same",
	"caddyfile rest":      "lines of a translator rest block; the same",
	"caddyfile users":     "lines of a users block; the same",
	"caddyfile rest user": "lines of its users block; the same",
	"caddyfile groups":    "lines of a groups block; the same",
	"caddyfile shape":     "lines of a Caddyfile in testdata/rest; formatted, looked for there, and the whole file validated",
	"console":             "a shell session before a demo; typed and compared",
	"sh demo":             "commands before a demo, to be copied; run",
	"text demo":           "what the commands above print; compared",
	"json":                "lines of a log or journal; their fields are compared with real ones",
	"ldif config":         "changes to the configuration of a stock slapd; made",
	"ldif tree":           "entries for a stock slapd; added",
	"ldif sorting":        "more of that; made",
	"ldif external":       "more of that, for certificates; made, and tried with other certificates",
	"sh external":         "the command that tries them; run",
	"ldif devices-config": "changes to the configuration for devices; made",
	"ldif devices-tree":   "their container; added",
	"sh devices":          "the commands for these two; run",
	"ldif 389ds":          "for another directory, which no test has; tried by hand",
	"ldif person":         "a change to a person in it; made",
	"sh stock":            "commands for a stock slapd; run",
	"sh log":              "commands that read the service's log; run on a log",
	"sh":                  "commands that depend on the operator's machine; parsed",
	"text pattern":        "the pattern that finds one; compared with the code",
	"text":                "syntax; compared with the code",
	"sh explain":          "a command before the first Caddyfile of the page; run",
	"text explain":        "what it prints; compared",
	"text explained":      "a part of that; compared",
	"text access check":   "what access check prints; it is compared with what it does print",
	"json health":         "the answer of /health; its fields are compared with a real one",
	"yaml":                "alert rules; their metrics are compared with real ones",
}

var fence = regexp.MustCompile("^( *)```(.*)$")

// pages returns all documents with their blocks.
func pages(t *testing.T) []page {
	t.Helper()
	files := []string{"../README.md"}
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		// The page with the benchmark's tables is written by the benchmark.
		if strings.HasSuffix(path, ".md") && path != "performance.md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.ToSlash(filepath.Join("docs", file))
		all = append(all, page{name, string(text), blocksOf(t, name, string(text))})
	}
	return all
}

func blocksOf(t *testing.T, name, text string) []block {
	t.Helper()
	var blocks []block
	var open *block
	indent := ""
	for i, line := range strings.Split(text, "\n") {
		found := fence.FindStringSubmatch(line)
		switch {
		case open == nil && found != nil:
			open, indent = &block{kind: found[2], line: i + 1}, found[1]
		case found != nil && found[2] == "":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", name, open.line)
	}
	return blocks
}

// pageOf returns the document of that name.
func pageOf(t *testing.T, name string) page {
	t.Helper()
	all := pages(t)
	i := slices.IndexFunc(all, func(p page) bool { return p.name == name })
	if i < 0 {
		t.Fatalf("there is no page %s", name)
	}
	return all[i]
}

// of returns the blocks of that kind.
func (p page) of(kind string) []block {
	return slices.DeleteFunc(slices.Clone(p.blocks), func(b block) bool { return b.kind != kind })
}

// TestKinds: no block goes unrun because its kind is misspelt.
func TestKinds(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if kinds[b.kind] == "" {
				t.Errorf("%s:%d: nothing is known to do with a block of the kind %q", p.name, b.line, b.kind)
			}
		}
	}
}

// TestShell parses the commands that can't be run here.
func TestShell(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.of("sh") {
			parse := exec.Command("sh", "-n")
			parse.Stdin = strings.NewReader(b.text)
			if output, err := parse.CombinedOutput(); err != nil {
				t.Errorf("%s:%d: %v\n%s", p.name, b.line, err, output)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unslug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks follows the links between documents, to their sections too.
func TestLinks(t *testing.T) {
	for _, p := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(p.text, -1) {
			target, section, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := filepath.Join("..", filepath.FromSlash(p.name))
			if target != "" {
				file = filepath.Join(filepath.Dir(file), filepath.FromSlash(target))
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", p.name, found[1], err)
				continue
			}
			if section != "" && !slices.Contains(slugs(string(text)), section) {
				t.Errorf("%s: the link %s leads to no section; there are %s", p.name, found[1], strings.Join(slugs(string(text)), " "))
			}
		}
	}
}

// slugs returns the names that GitHub gives to a page's sections.
func slugs(text string) []string {
	var names []string
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		name := unslug.ReplaceAllString(strings.ToLower(h[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
