package demo

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/testdata/dialogues"
)

func start(t *testing.T) *Demo {
	t.Helper()
	d, err := Start(Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Errorf("stopping the demo: %v", err)
		}
	})
	return d
}

// All dialogues end well in the demo, one after the other, and leave it as it was.
func TestPlay(t *testing.T) {
	d := start(t)
	var out bytes.Buffer
	if err := d.Play(t.Context(), PlayOptions{Names: []string{"all"}, Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	all, err := dialogues.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		for _, step := range one.Steps {
			if !strings.Contains(out.String(), "\n✓ "+step.Title+"\n") {
				t.Errorf("%s: the step %q is not shown", one.Name, step.Title)
			}
		}
	}
	for _, want := range []string{
		"── entra-users ──",
		`GET /Users?filter=userName eq "ADA.LOVELACE" → 200 OK` + "\n    → found 1: Ada.Lovelace\n",
		`{"Operations":[{"op":"Replace","path":"active","value":"False"}]}` + "\n      # lock the account\n",
		"replace: pwdAccountLockedTime\n      pwdAccountLockedTime: 000001010000Z\n",
		"→ uid=Ada.Lovelace can't sign in with ada-password\n",
		"→ uid=Test_User_ab6490ee is gone from the directory\n",
		"POST /Users → 409 Conflict\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not show %q", want)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("there are colours")
	}
	if strings.Contains(out.String(), d.Token) || strings.Contains(out.String(), d.Password) {
		t.Error("a secret of the demo is shown")
	}
	after, err := dumpContents(d.server)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(records(d.initial), records(after)); diff != "" {
		t.Errorf("people and groups are not as they were: (-want +got)\n%s", diff)
	}
}

// records are the entries of LDIF, in order.
func records(ldif string) []string {
	all := strings.Split(strings.TrimSpace(ldif), "\n\n")
	slices.Sort(all)
	return all
}

// What is not as it should be is shown, and is an error; the play goes on.
func TestPlayTellsDifferences(t *testing.T) {
	d := start(t)
	odd, err := dialogue.Read("odd", `# source
=== An answer of another kind
GET /Users/{ada}

becomes:
  read User {ada}

answers: 200
  {"userName": "Grace.Hopper"}

# source
=== A directory of another kind
PATCH /Users/{ada}

{"Operations": [{"op": "replace", "path": "title", "value": "Countess"}]}

becomes:
  update User {ada}
    replace title "Countess"

answers: 200 or 204

directory: uid=Ada.Lovelace,ou=people,dc=example,dc=com
  title: Analyst
  cannot bind with ada-password

# source
=== All is well
GET /Users/{ada}

becomes:
  read User {ada}

answers: 200
  {"title": "Countess"}
`)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = d.playAll(t.Context(), PlayOptions{Out: &out, Colour: true}, []*dialogue.Dialogue{odd})
	if !errors.Is(err, ErrDiffers) {
		t.Fatalf("it ended with %v\n%s", err, out.String())
	}
	for _, want := range []string{
		"\x1b[31m✗\x1b[0m \x1b[1mAn answer of another kind\x1b[0m\n",
		"not as it should be: the body.userName is Ada.Lovelace, want Grace.Hopper",
		`not as it should be: uid=Ada.Lovelace,ou=people,dc=example,dc=com: title is "Countess", want "Analyst"`,
		"\x1b[32m✓\x1b[0m \x1b[1mAll is well\x1b[0m\n",
		"✗ 2 of 3 steps were not as they should be.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not show %q:\n%s", want, out.String())
		}
	}
}

// The gateway logs less while it is watched, and as always afterwards.
func TestUnquiet(t *testing.T) {
	d := start(t)
	if d.config.LogLevel() != "ERROR" {
		t.Errorf("it logs from %s", d.config.LogLevel())
	}
	if err := d.Unquiet(); err != nil {
		t.Fatal(err)
	}
	if d.config.LogLevel() != "INFO" {
		t.Errorf("afterwards it logs from %s", d.config.LogLevel())
	}
	if err := d.Play(t.Context(), PlayOptions{Names: []string{"okta-groups"}, Out: new(bytes.Buffer)}); err != nil {
		t.Errorf("after a reload: %v", err)
	}
}

func TestCheckPlay(t *testing.T) {
	if err := CheckPlay(nil); err != nil {
		t.Errorf("what is played by default: %v", err)
	}
	if err := CheckPlay([]string{"okta-groups", "noktua"}); err == nil || !strings.Contains(err.Error(), `no dialogue "noktua"`) {
		t.Errorf("an unknown dialogue: %v", err)
	}
}

func TestRemark(t *testing.T) {
	for comment, want := range map[string]string{
		"okta.md §8.": "",
		"entra.md §4: an account that existed before.":                                 "An account that existed before.",
		"entra.md §9 and §7 (4) without the flag. The danger: all.":                    "The danger: all.",
		"entra.md §5 [doc: ATTR], AppRoleAssignmentsComplex: several roles.":           "Several roles.",
		"entra.md §6 row 3 (wire-server PR5419 [obs]): there is none; it\nis created.": "There is none; it is created.",
		"okta.md §8, and validators.md §5 C9317: an empty group.":                      "An empty group.",
		"okta.md §1: what it does not name stays (DESIGN §3).":                         "What it does not name stays.",
		"okta.md §3: the only call (LAB), with Okta's headers (§2).":                   "The only call, with Okta's headers.",
		"RFC 7644 §3.5.2.1: a single object where a list belongs.":                     "RFC 7644 §3.5.2.1: a single object where a list belongs.",
		"DESIGN §4 rule 4: twice is once.":                                             "Twice is once.",
		"Nobody (whoever that is) knows.":                                              "Nobody (whoever that is) knows.",
	} {
		if got := remark(strings.Split(comment, "\n")); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", comment, got, want)
		}
	}
}

func TestLongTextsAreShortened(t *testing.T) {
	s := shown{ids: []string{"60eec4f3-439e-462f-9f0a-cf2b708d1b23", "short"}}
	if got := s.shorten("PATCH /Users/60eec4f3-439e-462f-9f0a-cf2b708d1b23 short"); got != "PATCH /Users/60eec4f3… short" {
		t.Errorf("got %s", got)
	}
}
