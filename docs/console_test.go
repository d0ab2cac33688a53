package docs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/standard" // the demo logs and serves by them
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/internal/dialogue"
)

// before is what has happened on a page before its first session.
var before = map[string]string{
	"docs/journal.md": `ada=$(curl -s -H "Authorization: Bearer $TOKEN" "$URL/Users?filter=userName+eq+%22ada.lovelace%22" | jq -r '.Resources[0].id')
change() { curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' -d "{\"Operations\":[$1]}" "$URL/Users/$ada"; }
change '{"op":"replace","path":"title","value":"Countess"}'
change '{"op":"replace","path":"active","value":false}'`,
	"docs/runbook.md": `curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' -d '{"Operations":[{"op":"replace","path":"active","value":false}]}' $URL/Users/$(curl -s -H "Authorization: Bearer $TOKEN" "$URL/Users?filter=userName+eq+%22ada.lovelace%22" | jq -r '.Resources[0].id')`,
}

// TestConsole types the sessions of each page into a shell, before a demo of the
// page's own, and compares what comes out.
func TestConsole(t *testing.T) {
	for _, p := range pages(t) {
		sessions := slices.DeleteFunc(slices.Clone(p.blocks), func(b block) bool {
			return b.kind != "console" && b.kind != "sh demo" && b.kind != "text demo"
		})
		if len(sessions) == 0 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			d, err := demo.Start(demo.Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Token: tokenForTests})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Stop(); err != nil {
					t.Error(err)
				}
			})
			as := strings.NewReplacer("http://127.0.0.1:8880/scim/v2", d.TenantURL, "ldap://127.0.0.1:8389", d.LDAPURL, "the-token-that-it-prints", d.Token)
			sh := newShell(t, d)
			sh.run(t, before[p.name])
			printed := ""
			for _, session := range sessions {
				switch session.kind {
				case "sh demo":
					printed = sh.run(t, as.Replace(session.text))
					continue
				case "text demo":
					if err := same(session.text, printed); err != nil {
						t.Errorf("%s:%d: %v", p.name, session.line, err)
					}
					continue
				}
				for _, c := range commandsOf(t, p, session) {
					got := sh.run(t, as.Replace(c.typed))
					if err := same(c.answer, got); err != nil {
						t.Errorf("%s:%d: %s\n%v", p.name, session.line, c.typed, err)
					}
				}
			}
		})
	}
}

// command is one prompt of a session and what follows it.
type command struct{ typed, answer string }

func commandsOf(t *testing.T, p page, b block) []command {
	t.Helper()
	var all []command
	for line := range strings.Lines(b.text) {
		typed, isCommand := strings.CutPrefix(line, "$ ")
		if isCommand {
			all = append(all, command{typed: typed})
			continue
		}
		if len(all) == 0 {
			t.Fatalf("%s:%d: the session does not begin with a command", p.name, b.line)
		}
		c := &all[len(all)-1]
		more, isMore := strings.CutPrefix(line, ">")
		switch {
		case isMore && c.answer == "":
			c.typed += strings.TrimPrefix(more, " ")
		default:
			c.answer += line
		}
	}
	return all
}

// shell is a running sh: what one command sets, the next one sees.
type shell struct {
	in  io.Writer
	out *bufio.Reader
}

// finished stands behind the output of every command.
const finished = "-- that was all --"

func newShell(t *testing.T, d *demo.Demo) *shell {
	t.Helper()
	m := newMachine(t, "")
	config := filepath.Join(m.dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(m.local(pageOf(t, "README.md").of("caddyfile")[0].text)), 0o600); err != nil {
		t.Fatal(err)
	}
	running, err := d.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.Command("sh")
	sh.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(sh.Dir, "Caddyfile"), []byte(running), 0o600); err != nil {
		t.Fatal(err)
	}
	sh.Env = append(m.env, "TZ=UTC", "URL="+d.TenantURL, "LDAP="+d.LDAPURL, "TOKEN="+d.Token,
		"SCIMGATE="+binary, "CONFIG="+config, "LDAPNOINIT=1")
	in, err := sh.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sh.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	sh.Stderr = sh.Stdout
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = sh.Wait()
	})
	s := &shell{in, bufio.NewReader(out)}
	s.run(t, `explain() { "$SCIMGATE" explain --config "$CONFIG" --gateway directory --offline 2>/dev/null; }
scimgate() { "$SCIMGATE" "$@" 2>log || { tail -n 4 log; return 1; }; grep -Ev '^([0-9]{4}/|\{)' log >&2 || :; } # without what Caddy logs`)
	return s
}

// run types a command and returns what it prints.
func (s *shell) run(t *testing.T, typed string) string {
	t.Helper()
	if _, err := fmt.Fprintf(s.in, "%s\nprintf '\\n%%s\\n' '%s'\n", strings.TrimRight(typed, "\n"), finished); err != nil {
		t.Fatalf("typing %s: %v", typed, err)
	}
	var printed strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: the shell ended: %v\n%s", typed, err, printed.String())
		}
		if line == finished+"\n" {
			return strings.TrimRight(printed.String(), "\n")
		}
		printed.WriteString(line)
	}
}

// volatile are those parts of an answer that differ from run to run.
var volatile = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<id>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "<time>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "<time>"},
	{regexp.MustCompile(`\btook [0-9.]+ ?[mµ]s\b`), "took <time>"},
	{regexp.MustCompile(`\b[0-9a-f]{16}-\d+\b`), "<entry>"},
	{regexp.MustCompile(`\brequest [0-9a-f]{16}\b`), "request <id>"},
	{regexp.MustCompile(`\bscimgate-rehearsal-[a-z2-7]{8}\b`), "<rehearsal>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}…`), "<id>"},
	{regexp.MustCompile(`(?m)\bin [0-9.ms]+\.$`), "in <time>."},
	{regexp.MustCompile(`\b[a-z][0-9][a-z0-9]{6}\b`), "<token id>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`), "<day>"},
	{regexp.MustCompile(`\b(now|\d+ (second|minute)s? ago) from 127.0.0.1`), "<lately>"},
	{regexp.MustCompile(`(?m)(\S)  +`), "$1  "}, // columns
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+/scim/v2`), "<tenant>"},
	{regexp.MustCompile(`ldap://127\.0\.0\.1:\d+`), "<directory>"},
}

// same compares an answer with the documented one: as JSON, of which a document
// may show a part, or line by line.
func same(want, got string) error {
	for _, v := range volatile {
		want, got = v.pattern.ReplaceAllString(want, v.name), v.pattern.ReplaceAllString(got, v.name)
	}
	want, got = strings.TrimSpace(want), strings.TrimSpace(got)
	if json.Valid([]byte(want)) {
		return (&dialogue.Answer{Statuses: []int{http.StatusOK}, Body: want}).Check(http.StatusOK, nil, []byte(got))
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		return fmt.Errorf("what the document says (-) and what was printed (+):\n%s", diff)
	}
	return nil
}

// TestSame makes sure that a wrong answer is noticed.
func TestSame(t *testing.T) {
	for _, test := range []struct {
		want, got string
		isSame    bool
	}{
		{`{"active": false}`, `{"id":"x","active":false}`, true},
		{`{"active": false}`, `{"id":"x","active":true}`, false},
		{`{"active": false}`, `not JSON`, false},
		{"dn:uid=a", "dn:uid=a", true},
		{"dn:uid=a", "dn:uid=b", false},
		{"", "something", false},
		{"2026-11-21T18:20:12Z x", "2027-01-01T00:00:00.123Z x", true},
	} {
		if err := same(test.want, test.got); (err == nil) != test.isSame {
			t.Errorf("%q and %q: %v", test.want, test.got, err)
		}
	}
}
