package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/internal/slapd"
)

// machine is a place with the files and variables that the documents' Caddyfiles
// name.
type machine struct {
	dir string
	ca  string // a PEM file
	env []string
}

const (
	tokenForTests    = "a-token-for-the-documents"
	passwordForTests = slapd.ServicePassword
)

func newMachine(t *testing.T, ca string) *machine {
	t.Helper()
	m := &machine{dir: t.TempDir(), ca: ca}
	for name, text := range map[string]string{
		"entra": tokenForTests, "entra-2026": tokenForTests, "entra-2027": "another-" + tokenForTests, "okta": "okta-" + tokenForTests, "okta-password": "okta-password-" + tokenForTests,
		"ldap": passwordForTests, "entra.allow": "allow 127.0.0.1\nallow 2001:db8::/32\n",
	} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.env = append(os.Environ(), "HOME="+m.dir, "XDG_DATA_HOME="+m.dir, "XDG_CONFIG_HOME="+m.dir)
	return m
}

// local puts the machine's own paths into a Caddyfile.
func (m *machine) local(text string) string {
	return strings.NewReplacer(
		"/etc/scimgate/ldap-ca.crt", m.ca, "/etc/ssl/private-ca.crt", m.ca, "/etc/scimgate/", m.dir+"/",
	).Replace(text)
}

// validate is scimgate validate.
func (m *machine) validate(t *testing.T, text string) error {
	t.Helper()
	file := filepath.Join(m.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(m.local(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "validate", "--config", file)
	command.Env = m.env
	if output, err := command.CombinedOutput(); err != nil {
		return &failed{err, string(output)}
	}
	return nil
}

type failed struct {
	err    error
	output string
}

func (f *failed) Error() string { return f.err.Error() + "\n" + f.output }

// TestCaddyfiles validates every Caddyfile of the documents, with the secrets
// where they should be.
func TestCaddyfiles(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	m := newMachine(t, server.CAFile())
	server.ClientCertificate(t, m.dir, "gateway")
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			language, part, _ := strings.Cut(b.kind, " ")
			if language != "caddyfile" {
				continue
			}
			if formatted := string(caddyfile.Format([]byte(b.text))); formatted != b.text {
				t.Errorf("%s:%d: scimgate fmt makes of it:\n%s", p.name, b.line, formatted)
			}
			if err := m.validate(t, whole(part, b.text)); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
			}
		}
	}
}

// TestUnmappedIsSaid leaves a map line out of an example: the check says what is
// not served then.
func TestUnmappedIsSaid(t *testing.T) {
	m := newMachine(t, "")
	text := replaced(t, pageOf(t, "docs/schemas.md").of("caddyfile")[0].text,
		"map urn:example:params:scim:schemas:extension:hr:2.0:User:sites departmentNumber\n", "\n")
	file := filepath.Join(m.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(m.local(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "validate", "--config", file)
	command.Env = m.env
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for line := range strings.Lines(string(output)) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, "an attribute is defined and not mapped: it is not served") &&
			strings.Contains(line, `"attribute":"urn:example:params:scim:schemas:extension:hr:2.0:User:sites"`) {
			return
		}
	}
	t.Errorf("nothing is said of sites:\n%s", output)
}

// whole returns the whole Caddyfile that the lines are a part of.
func whole(part, text string) string {
	const users, groups = "base ou=people,dc=example,dc=com\nobject_class inetOrgPerson\nrdn uid\ndelete disable\ndisable password_policy\nmap userName uid\n",
		"base ou=groups,dc=example,dc=com\nobject_class groupOfNames\nmap displayName cn\n"
	asUsers, asGroups := users, groups
	switch part {
	case "users":
		asUsers = text + without(users, text)
	case "groups":
		asGroups = text + without(groups, text)
	case "":
		return text
	}
	gateway, ldap := "", ""
	switch part {
	case "gateway":
		gateway = text
	case "ldap":
		if ldap = text; strings.Contains(text, "directory generic") {
			asUsers = strings.Replace(users, "disable password_policy", "disable lock", 1)
		}
	}
	return "http://localhost:8080 {\nscim_gateway directory {\n" + gateway +
		without("base /scim/v2\ntoken other "+tokenForTests+"-of-the-test\n", gateway) +
		"translator ldap ldaps://localhost {\n" + ldap + "users {\n" + asUsers + "}\ngroups {\n" + asGroups + "}\n}\n}\n}\n"
}

// without returns those lines that text has not, by their first words.
func without(lines, text string) string {
	has := make(map[string]bool)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "map" {
			words[0] += " " + words[1]
		}
		if len(words) > 0 {
			has[words[0]] = true
		}
	}
	missing := ""
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if words[0] == "map" {
			words[0] += " " + words[1]
		}
		if !has[words[0]] {
			missing += line
		}
	}
	return missing
}

// TestServiceTags makes the list of addresses as the page says, and imports it.
func TestServiceTags(t *testing.T) {
	var command string
	for _, b := range pageOf(t, "docs/access.md").of("sh") {
		if strings.Contains(b.text, "ServiceTags_Public.json") {
			command = b.text
		}
	}
	m := newMachine(t, "")
	tags := `{"values": [{"name": "Sql", "properties": {"addressPrefixes": ["198.51.100.0/24"]}},
		{"name": "AzureActiveDirectory", "properties": {"addressPrefixes": ["192.0.2.0/24", "2001:db8::/32"]}}]}`
	if err := os.WriteFile(filepath.Join(m.dir, "ServiceTags_Public.json"), []byte(tags), 0o600); err != nil {
		t.Fatal(err)
	}
	sh := exec.Command("sh", "-ec", m.local(command))
	sh.Dir = m.dir
	if output, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	made, err := os.ReadFile(filepath.Join(m.dir, "entra.allow"))
	if want := "allow 192.0.2.0/24\nallow 2001:db8::/32\n"; err != nil || string(made) != want {
		t.Fatalf("the list is %q (%v), want %q", made, err, want)
	}
	if err := m.validate(t, whole("gateway", "import /etc/scimgate/entra.allow\n")); err != nil {
		t.Error(err)
	}
}
