package docs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/slapd"
)

// stock is a slapd as Debian's package sets one up: its own template for
// cn=config, its schemas, no overlays, no account but the administrator's. Only
// the paths are others, and the certificate is a test's.
type stock struct {
	dir, address, ldapi, ca string
	authority               *slapd.Server // signs the certificates
	stop                    func()        // ends the server; start starts it again
}

const adminPassword = "admin-secret"

// tool finds a program that may stand where only root's PATH leads.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		path = filepath.Join("/usr/sbin", name)
	}
	return path
}

func startStock(t *testing.T) *stock {
	t.Helper()
	dir, err := os.MkdirTemp("", "slapd") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	certificates := slapd.Start(t, slapd.Options{NoSync: true})
	s := &stock{dir: dir, address: "ldap://127.0.0.1:" + freePort(t), authority: certificates, ldapi: "ldapi://" + url.PathEscape(filepath.Join(dir, "ldapi")), ca: certificates.CAFile()}
	template, err := os.ReadFile("/usr/share/slapd/slapd.init.ldif")
	if err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(filepath.Dir(s.ca), "server")
	text := strings.NewReplacer(
		"@SUFFIX@", slapd.Base, "@PASSWORD@", adminPassword, "/var/lib/ldap", filepath.Join(dir, "db"), "/var/run/slapd", dir,
		"gidNumber=0+uidNumber=0", fmt.Sprintf("gidNumber=%d+uidNumber=%d", os.Getgid(), os.Getuid()),
		"olcLogLevel: none\n", "olcLogLevel: none\nolcTLSCertificateFile: "+server+".crt\nolcTLSCertificateKeyFile: "+server+".key\n",
	).Replace(string(template))
	for _, name := range []string{"config", "db"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.load(t, "cn=config", text)
	s.load(t, slapd.Base, "dn: "+slapd.Base+"\nobjectClass: top\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n")
	s.start(t)
	return s
}

// load adds entries before the start.
func (s *stock) load(t *testing.T, base, text string) {
	t.Helper()
	command := exec.Command(tool(t, "slapadd"), "-F", filepath.Join(s.dir, "config"), "-b", base)
	command.Stdin = strings.NewReader(text)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, output)
	}
}

// start runs the server until the test ends, and waits until it answers.
func (s *stock) start(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var log bytes.Buffer
	server := exec.CommandContext(ctx, tool(t, "slapd"), "-d", "0", "-F", filepath.Join(s.dir, "config"), "-h", s.address+" "+s.ldapi)
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		stop()
		_ = server.Wait()
	})
	t.Cleanup(s.stop)
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if err = exec.Command("ldapsearch", "-x", "-H", s.address, "-s", "base", "-b", "").Run(); err == nil {
			return
		}
	}
	t.Fatalf("slapd does not answer: %v\n%s", err, log.String())
}

// sh runs commands of a document. What they ask for at the terminal is given in
// their arguments.
func (s *stock) sh(t *testing.T, commands string) string {
	t.Helper()
	commands = strings.NewReplacer(
		"ldapi:///", s.ldapi,
		"-W -D cn=admin,", "-w "+adminPassword+" -H "+s.address+" -D cn=admin,",
		"-W -D cn=scimgate,", "-w "+passwordForTests+" -H "+s.address+" -D cn=scimgate,",
	).Replace(commands)
	run := exec.Command("sh", "-ec", commands)
	run.Dir = s.dir
	output, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", commands, err, output)
	}
	return string(output)
}

// write puts a document's block into a file beside the commands.
func (s *stock) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prepare does to the directory what the page about LDAP says.
func (s *stock) prepare(t *testing.T) {
	t.Helper()
	p := pageOf(t, "docs/translators/ldap.md")
	s.write(t, "scimgate-config.ldif", p.of("ldif config")[0].text)
	s.write(t, "scimgate-sorting.ldif", p.of("ldif sorting")[0].text)
	s.write(t, "scimgate-tree.ldif", replaced(t, p.of("ldif tree")[0].text,
		"{SSHA}replace-this-by-the-output-of-slappasswd", slapd.HashPassword(passwordForTests)))
	schema, err := os.ReadFile("scimgate.schema")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "scimgate.schema", string(schema))
	for _, b := range p.of("sh stock") {
		s.sh(t, b.text)
	}
}

// TestExample runs Caddyfile.example before a slapd as Debian installs it,
// prepared as the page about LDAP says, and before the one of the other tests.
func TestExample(t *testing.T) {
	example, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("valid", func(t *testing.T) {
		check := exec.Command(binary, "fmt", "--diff", "../Caddyfile.example")
		if output, err := check.CombinedOutput(); err != nil {
			t.Errorf("scimgate fmt: %v\n%s", err, output)
		}
		if err := newMachine(t, slapd.Start(t, slapd.Options{NoSync: true}).CAFile()).validate(t, string(example)); err != nil {
			t.Error(err)
		}
	})
	t.Run("stock slapd", func(t *testing.T) {
		s := startStock(t)
		s.prepare(t)
		g := runExample(t, string(example), s.address, s.ca)
		offBoard(t, g, s.address)
		for _, b := range pageOf(t, "docs/translators/ldap.md").of("ldif person") {
			s.write(t, "person.ldif", b.text)
			s.sh(t, "ldapmodify -x -W -D cn=admin,dc=example,dc=com -f person.ldif")
		}
		enable := replaced(t, disable, `"False"`, `"True"`)
		if status, _, answer := g.ask(t, "PATCH", "/Users/"+g.idOf(t, "Ada.Lovelace"), enable); status != 200 {
			t.Fatalf("enabling: %d %v", status, answer)
		}
		// The runbook locks by hand, and slapd says so.
		for _, b := range pageOf(t, "docs/runbook.md").of("sh stock") {
			s.sh(t, b.text)
		}
		if output := signIn(s.address, "-e", "ppolicy"); !strings.Contains(output, "Account locked") {
			t.Errorf("signing in after the runbook's lock: %s", output)
		}
	})
	t.Run("slapd of the tests", func(t *testing.T) {
		s := slapd.Start(t, slapd.Options{NoSync: true})
		offBoard(t, runExample(t, string(example), s.URL(), s.CAFile()), s.URL())
	})
}

// runExample runs the example with other addresses.
func runExample(t *testing.T, text, ldap, ca string) gateway {
	t.Helper()
	m := newMachine(t, ca)
	port := freePort(t)
	text = replaced(t, text, "scim.example.com {", "http://127.0.0.1:"+port+" {")
	text = replaced(t, text, "ldap://dir1.example.com ldap://dir2.example.com", ldap)
	text = replaced(t, text, "\tmetrics\n", "\tmetrics\n\tadmin off\n\tpersist_config off\n")
	runCaddy(t, m.local(text))
	return gateway{"http://127.0.0.1:" + port + "/scim/v2", tokenForTests}
}

const adaDN = "uid=Ada.Lovelace,ou=people,dc=example,dc=com"

// signIn signs in as Ada and returns what ldapwhoami prints.
func signIn(ldap string, options ...string) string {
	command := exec.Command("ldapwhoami", append(options, "-x", "-H", ldap, "-D", adaDN, "-w", "ada-password")...)
	output, _ := command.CombinedOutput()
	return string(output)
}

// offBoard creates a person, gives her a password and a group, and disables her.
func offBoard(t *testing.T, g gateway, ldap string) {
	t.Helper()
	status, _, ada := g.ask(t, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
		"externalId": "not mapped", "userName": "Ada.Lovelace", "displayName": "Ada Lovelace", "active": true,
		"emails": [{"primary": true, "type": "work", "value": "ada.lovelace@example.com"}], "roles": []}`)
	if status != 201 {
		t.Fatalf("creating Ada: %d %v", status, ada)
	}
	set := exec.Command("ldappasswd", "-x", "-H", ldap, "-D", slapd.AdminDN, "-w", adminPassword, "-s", "ada-password", adaDN)
	if output, err := set.CombinedOutput(); err != nil {
		t.Fatalf("ldappasswd: %v\n%s", err, output)
	}
	if output := signIn(ldap); !strings.Contains(strings.ToLower(output), strings.ToLower(adaDN)) {
		t.Fatalf("Ada can't sign in to begin with: %s", output)
	}
	id := ada["id"].(string)
	if status, _, answer := g.ask(t, "POST", "/Groups", `{"displayName": "Engineering", "members": [{"value": "`+id+`"}]}`); status != 201 {
		t.Fatalf("creating a group: %d %v", status, answer)
	}
	if _, _, answer := g.ask(t, "GET", "/Users/"+id, ""); fmt.Sprint(answer["groups"]) == "<nil>" {
		t.Errorf("Ada is in no group: %v", answer)
	}
	status, header, answer := g.ask(t, "PATCH", "/Users/"+g.idOf(t, "ADA.LOVELACE"), disable)
	if status != 200 || answer["active"] != false || header.Get("Scimgate-Proof") != "" {
		t.Errorf("disabling Ada: %d %v, proof %q", status, answer, header.Get("Scimgate-Proof"))
	}
	if output := signIn(ldap); !strings.Contains(output, "Invalid credentials") {
		t.Errorf("Ada is disabled, and signing in brings %s", output)
	}
}
