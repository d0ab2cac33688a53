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
		"app": tokenForTests, "app-password": passwordForTests, "app-secret": tokenForTests, "redmine": tokenForTests, "refresh-token": tokenForTests,
		"smtp": passwordForTests, "webhook": tokenForTests, "postgres": passwordForTests,
		"ldap": passwordForTests, "office.txt": "127.0.0.1\n2001:db8::/32 # first floor\n", "proxies.txt": "192.0.2.80\n",
	} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile("../testdata/ServiceTags_Public.json")
	if err == nil {
		err = os.WriteFile(filepath.Join(m.dir, "ServiceTags_Public.json"), published, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.env = append(os.Environ(), "HOME="+m.dir, "XDG_DATA_HOME="+m.dir, "XDG_CONFIG_HOME="+m.dir)
	return m
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
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
			if part == "shape" {
				continue // see TestCookbook
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
	case "rest":
		return wholeRest(text, "")
	case "rest user":
		return wholeRest("", text)
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

// wholeRest returns the whole Caddyfile that lines of a translator rest, or of users in
// it, are a part of.
func wholeRest(text, users string) string {
	return "http://localhost:8080 {\nscim_gateway tickets {\nbase /scim/v2\ntoken other " + tokenForTests + "-of-the-test\n" +
		"translator rest http://localhost:9 {\n" + text +
		"secret operator scimgate\nusers {\n" + users +
		without("map userName login\nsearch GET /users?login={userName}\nread GET /users/{id}\ndelete refuse\n", users) + "}\n}\n}\n}\n"
}

// without returns those lines that text has not, by their first words.
func without(lines, text string) string {
	has := make(map[string]bool)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "map" {
			words[0] += " " + words[1]
		}
		if len(words) > 0 && !strings.HasPrefix(line, "\t") { // read stands in the block of a map, too
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

// TestServiceTags downloads Microsoft's file as the page says, and allows who is in it.
func TestServiceTags(t *testing.T) {
	var command string
	for _, b := range pageOf(t, "docs/access.md").of("sh") {
		if strings.Contains(b.text, "ServiceTags_Public.json") {
			command = b.text
		}
	}
	m := newMachine(t, "")
	list := filepath.Join(m.dir, "ServiceTags_Public.json")
	published, err := os.ReadFile(list)
	if err == nil {
		err = os.Remove(list)
	}
	if err != nil {
		t.Fatal(err)
	}
	const lines = "allow service_tag AzureActiveDirectory /etc/scimgate/ServiceTags_Public.json\n"
	if err := m.validate(t, whole("gateway", lines)); err == nil || !strings.Contains(err.Error(), list+" (AzureActiveDirectory): there is no such file: put it there") {
		t.Errorf("without the file: %v", err)
	}
	sh := exec.Command("sh", "-ec", strings.ReplaceAll(command, "/etc/scimgate", m.dir))
	sh.Env = append(m.env, "PRESENT_ADDRESS=file://"+absolute(t, "../testdata/ServiceTags_Public.json"))
	if output, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if made, err := os.ReadFile(list); err != nil || string(made) != string(published) {
		t.Fatalf("downloaded was %q: %v", made, err)
	}
	if err := m.validate(t, whole("gateway", lines)); err != nil {
		t.Error(err)
	}
}

// TestAccessCheck: the command prints for the example of the page what the page shows.
func TestAccessCheck(t *testing.T) {
	p := pageOf(t, "docs/access.md")
	m := newMachine(t, "")
	var example, command string
	for _, b := range p.blocks {
		switch {
		case b.kind == "caddyfile gateway" && strings.Contains(b.text, "allow service_tag"):
			example = b.text
		case b.kind == "sh" && strings.Contains(b.text, "access check"):
			command = b.text
		}
	}
	if err := m.validate(t, whole("gateway", strings.Replace(example, "secret {file./etc/scimgate/entra}", "secret {file./etc/scimgate/entra}\nexpires 2027-06-01", 1))); err != nil {
		t.Fatal(err)
	}
	command = strings.NewReplacer("scimgate access", binary+" access", "/etc/caddy/", m.dir+"/", "/etc/scimgate/", m.dir+"/").Replace(command)
	sh := exec.Command("sh", "-ec", command)
	sh.Env = m.env
	output, err := sh.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	want := m.local(p.of("text access check")[0].text)
	if string(output) != want {
		t.Errorf("it prints\n%swant\n%s", output, want)
	}
}
