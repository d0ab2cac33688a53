package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
)

// cabinet is a Caddyfile with gateways that nobody runs.
type cabinet struct {
	file, store string
}

// behindGlass is one of its gateways.
type behindGlass struct {
	name, servers, bindDN string
	lines                 string // further ones of scim_gateway
	translator            string // further ones of its translator
}

// lockedIn is a gateway before a directory.
func lockedIn(name string, d *directory, lines ...string) behindGlass {
	return behindGlass{name: name, servers: d.Plain, bindDN: d.ServiceDN, lines: strings.Join(lines, "\n")}
}

// newCabinet writes the Caddyfile. The secret of its callers is known to nobody
// here, as to an operator who is not the service.
func newCabinet(t *testing.T, gateways ...behindGlass) cabinet {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	c := cabinet{filepath.Join(dir, "Caddyfile"), filepath.Join(dir, "store", "scimgate.db")}
	var text strings.Builder
	fmt.Fprintf(&text, "{\n\tscim {\n\t\tstore sqlite %s\n\t}\n}\n:%s {\n", c.store, freePort(t))
	for _, g := range gateways {
		fmt.Fprintf(&text, `	scim_gateway %s {
		base /%[1]s/scim/v2
		token entra {env.SCIMGATE_E2E_NOT_SET}
		brake disable 1 per 10m
		%s
		translator ldap %s {
			bind %s {env.SCIMGATE_E2E_%[5]s}
			password_policy cn=default,ou=policies,dc=example,dc=com
			%s
			users {
				base ou=people,dc=example,dc=com
				object_class inetOrgPerson
				rdn uid
				disable password_policy
				delete disable
				map userName uid
				map name.familyName sn
				map name.formatted cn
				map `+"`emails[type eq \"work\"].value`"+` mail
			}
		}
	}
`, g.name, g.lines, g.servers, g.bindDN, strings.ToUpper(g.name), g.translator)
	}
	text.WriteString("}\n")
	if err := os.WriteFile(c.file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs scimgate with that Caddyfile and returns what it prints, where, and its
// exit status.
func (c cabinet) run(t *testing.T, command string, args ...string) (out, complaints string, status int) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building scimgate: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{command, "--config", c.file}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if exit, ended := errors.AsType[*exec.ExitError](err); ended {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), status
}

// disabled runs scimgate disable with --json --yes and returns the results by
// gateway.
func (c cabinet) disabled(t *testing.T, status int, args ...string) map[string]string {
	t.Helper()
	out, complaints, got := c.run(t, "disable", append([]string{"--json", "--yes"}, args...)...)
	if got != status {
		t.Errorf("disable %q exits with %d, want %d:\n%s%s", args, got, status, out, complaints)
	}
	var report struct {
		Gateways []struct{ Gateway, Result string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("disable %q printed %s: %v", args, out, err)
	}
	results := make(map[string]string)
	for _, one := range report.Gateways {
		results[one.Gateway] = one.Result
	}
	return results
}

func passwordIs(t *testing.T, name string, d *directory) {
	t.Helper()
	t.Setenv("SCIMGATE_E2E_"+strings.ToUpper(name), d.ServicePassword)
}

func expectResults(t *testing.T, got map[string]string, want ...string) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		if got[want[i]] != want[i+1] {
			t.Errorf("%s: %s, want %s", want[i], got[want[i]], want[i+1])
		}
	}
	if len(got) != len(want)/2 {
		t.Errorf("the gateways are %v, want %v", got, want)
	}
}

// A person goes from all directories, without a gateway that runs and without a
// store, through protection; what fails in one place holds nothing up elsewhere.
func TestBreakGlass(t *testing.T) {
	hr, it := startSlapd(t, slapd.Options{}), startSlapd(t, slapd.Options{})
	passwordIs(t, "hr", hr)
	passwordIs(t, "it", it)
	passwordIs(t, "away", hr)
	dead := behindGlass{name: "away", servers: "ldap://127.0.0.1:" + freePort(t), bindDN: hr.ServiceDN}
	c := newCabinet(t, lockedIn("hr", hr), lockedIn("it", it, "protect `userName eq \"grace.hopper\"`"), dead)

	// Nobody chooses for the operator, and nothing is done before it is said.
	out, complaints, status := c.run(t, "disable", "ada.lovelace", "--gateway", "hr")
	if status == 0 || !strings.Contains(complaints, "--yes") {
		t.Errorf("without --yes it exits with %d: %s%s", status, out, complaints)
	}
	out, complaints, status = c.run(t, "disable", "ada.lovelace", "--yes")
	if status != 1 || !strings.Contains(complaints, "hr, it have ada.lovelace: say --everywhere") {
		t.Errorf("without --everywhere it exits with %d: %s%s", status, out, complaints)
	}
	out, complaints, status = c.run(t, "disable", "ada.lovelace", "--dry-run", "--gateway", "hr")
	if status != 0 || !strings.Contains(out, "dn: "+ada) || !strings.Contains(out, "pwdAccountLockedTime: 000001010000Z") {
		t.Errorf("a dry run exits with %d: %s%s", status, out, complaints)
	}
	hr.signsIn(t, ada, "ada-password", true)
	it.signsIn(t, ada, "ada-password", true)

	// One directory does not answer, so that nobody knows whether she is there.
	expectResults(t, c.disabled(t, 1, "ADA.lovelace", "--everywhere"), "hr", "disabled", "it", "disabled", "away", "failed")
	hr.signsIn(t, ada, "ada-password", false)
	it.signsIn(t, ada, "ada-password", false)
	out, complaints, status = c.run(t, "disable", "ada.lovelace", "--yes", "-g", "hr", "-g", "it")
	if status != 0 || strings.Count(out, "was disabled already, proven") != 2 {
		t.Errorf("the second time it exits with %d: %s%s", status, out, complaints)
	}
	if _, err := os.Stat(c.store); err == nil || !strings.Contains(complaints, "the store can't be used") {
		t.Errorf("the store, which is not there: %v: %s", err, complaints)
	}

	// Protection holds, where it stands.
	expectResults(t, c.disabled(t, 1, "grace.hopper", "-g", "it", "-g", "hr"), "hr", "disabled", "it", "protected")
	hr.signsIn(t, grace, "grace-password", false)
	it.signsIn(t, grace, "grace-password", true)

	// The brake, which lets one through, is not for this; a filter finds, too.
	expectResults(t, c.disabled(t, 0, "--filter", `emails.value eq "alan.turing@example.com"`, "-g", "hr"), "hr", "disabled")
	hr.signsIn(t, alan, "alan-password", false)
	id := it.values(t, alan, "entryUUID")[0]
	expectResults(t, c.disabled(t, 0, id, "-g", "it"), "it", "disabled")

	expectResults(t, c.disabled(t, 1, "nobody", "-g", "hr", "-g", "it"), "hr", "not found", "it", "not found")
	if _, complaints, status := c.run(t, "disable", "ada.lovelace", "--yes", "-g", "typo"); status != 1 || !strings.Contains(complaints, "there is away, hr, it") {
		t.Errorf("an unknown gateway exits with %d: %s", status, complaints)
	}
}

// Of two accounts of one name nobody but the operator can tell which is meant.
func TestBreakGlassNeverGuesses(t *testing.T) {
	d := startSlapd(t, slapd.Options{LDIF: strings.Join([]string{
		"dn: ou=guests," + people, "objectClass: organizationalUnit", "ou: guests", "",
		"dn: uid=Ada.Lovelace,ou=guests," + people, "objectClass: inetOrgPerson", "uid: Ada.Lovelace", "cn: Ada", "sn: Lovelace", "",
		"",
	}, "\n")})
	passwordIs(t, "hr", d)
	c := newCabinet(t, lockedIn("hr", d))
	before := d.dump(t)
	out, complaints, status := c.run(t, "disable", "ada.lovelace", "--yes")
	ids := []string{d.values(t, ada, "entryUUID")[0], d.values(t, "uid=Ada.Lovelace,ou=guests,"+people, "entryUUID")[0]}
	if status != 1 || !strings.Contains(out, ids[0]) || !strings.Contains(out, ids[1]) {
		t.Errorf("it exits with %d, and does not list %q: %s%s", status, ids, out, complaints)
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", after)
	}
	expectResults(t, c.disabled(t, 0, ids[0]), "hr", "disabled")
	d.signsIn(t, ada, "ada-password", false)
}
