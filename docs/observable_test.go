package docs_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// gateway is a running gateway as a provider sees it.
type gateway struct {
	url, token string
}

// ask sends a request and returns status, header and body.
func (g gateway) ask(t *testing.T, method, path, body string) (int, http.Header, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, g.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	r.Header.Set("Authorization", "Bearer "+g.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return answer.StatusCode, answer.Header, object
}

// idOf returns the id of the user of that name.
func (g gateway) idOf(t *testing.T, userName string) string {
	t.Helper()
	_, _, list := g.ask(t, http.MethodGet, "/Users?filter=userName+eq+%22"+userName+"%22", "")
	found, _ := list["Resources"].([]any)
	if len(found) != 1 {
		t.Fatalf("looking for %s: %v", userName, list)
	}
	return found[0].(map[string]any)["id"].(string)
}

const disable = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`

// startDirectory starts the demo's directory.
func startDirectory(t *testing.T) (url string) {
	t.Helper()
	server, err := demo.NewDirectory(passwordForTests)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	address, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return "ldap://" + address.String()
}

// runCaddy runs Caddy with a Caddyfile until the test ends.
func runCaddy(t *testing.T, text string) {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// busy is a demo to which everything has happened that leaves a trace in log,
// journal or metrics.
func busy(t *testing.T) (log, store string) {
	t.Helper()
	dir := t.TempDir()
	log, store = filepath.Join(dir, "log"), filepath.Join(dir, "scimgate.db")
	port := freePort(t)
	config := demo.Config{Host: "127.0.0.1", Port: port, Servers: startDirectory(t), BindDN: demo.BindDN, Store: store}
	text, err := config.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SCIMGATE_DEMO_TOKEN", tokenForTests)
	t.Setenv("SCIMGATE_DEMO_PASSWORD", passwordForTests)
	text = replaced(t, text, "format console", "output file "+log+"\nformat json")
	text = replaced(t, text, "exclude scim.journal\n", "")
	text = replaced(t, text, "brake disable 50 per 10m", "brake disable 2 per 10m")
	text = replaced(t, text, "base /scim/v2\n", "base /scim/v2\nallow 127.0.0.1\nallow service_tag AzureActiveDirectory ../testdata/ServiceTags_Public.json\n")
	text = replaced(t, text, "token demo {env.SCIMGATE_DEMO_TOKEN}", "token demo {\nsecret {env.SCIMGATE_DEMO_TOKEN}\nexpires 2126-01-01\n}")
	runCaddy(t, text)
	g := gateway{"http://127.0.0.1:" + port + "/scim/v2", tokenForTests}

	expect := func(status int, method, path, body string) {
		t.Helper()
		if got, _, answer := g.ask(t, method, path, body); got != status {
			t.Fatalf("%s %s: %d, want %d: %v", method, path, got, status, answer)
		}
	}
	g.token = issued(t, text, g)
	expect(200, "PATCH", "/Users/"+g.idOf(t, "ada.lovelace"), disable)
	g.token = tokenForTests
	expect(201, "POST", "/Users", `{"userName": "new", "entitlements": ["ignored"]}`)
	expect(409, "POST", "/Users", `{"userName": "new"}`)
	expect(204, "DELETE", "/Users/"+g.idOf(t, "new"), "")
	expect(503, "PATCH", "/Users/"+g.idOf(t, "grace.hopper"), disable)
	expect(404, "GET", "/Users/nobody", "")
	expect(200, "POST", "/Bulk", `{"Operations": [{"method": "DELETE", "path": "/Users/nobody"}]}`)
	g.url = strings.TrimSuffix(g.url, "/v2") + "/v1"
	expect(404, "GET", "/Users/nobody", "")
	g.token = "not-the-token-at-all"
	expect(401, "GET", "/Users", "")
	return log, store
}

// issued issues a token to a gateway that runs with a Caddyfile, and waits until it
// counts.
func issued(t *testing.T, caddyfile string, g gateway) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		if g.token == tokenForTests {
			command := exec.Command(binary, "token", "create", "--config", file, "--name", "entra")
			printed, err := command.Output() // fails until the gateway has made the store
			if err != nil {
				continue
			}
			g.token = strings.TrimSpace(string(printed))
		}
		if status, _, _ := g.ask(t, http.MethodGet, "/Users?count=0", ""); status == http.StatusOK {
			return g.token
		}
	}
	t.Fatal("no token was issued, or it was never accepted")
	return ""
}

// TestLogFields compares the fields of the log line with those that the page
// explains.
func TestLogFields(t *testing.T) {
	log, _ := busy(t)
	p := pageOf(t, "docs/gateway.md")
	for _, test := range []struct {
		section, file string
		belongs       func(map[string]any) bool
		besides       []string
	}{
		{"The log line", log, func(line map[string]any) bool { return line["msg"] == "scim request" }, []string{"level", "ts", "logger", "msg"}},
	} {
		real := slices.DeleteFunc(fieldsOf(t, test.file, test.belongs), func(f string) bool { return slices.Contains(test.besides, f) })
		told := firstColumn(t, p, test.section)
		for _, field := range real {
			if !slices.Contains(told, field) {
				t.Errorf("%s: the page does not explain %s", test.section, field)
			}
		}
		for _, field := range told {
			if !slices.Contains(real, field) {
				t.Errorf("%s: there is no %s; there are %s", test.section, field, strings.Join(real, ", "))
			}
		}
	}
	// The lines that the page shows have no other fields.
	known := firstColumn(t, p, "The log line")
	known = append(known, "level", "ts", "logger", "msg")
	for _, b := range p.of("json") {
		for line := range strings.Lines(b.text) {
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil {
				t.Fatalf("%s:%d: %v", p.name, b.line, err)
			}
			for field := range object {
				if !slices.Contains(known, field) {
					t.Errorf("%s:%d: nothing explains %s", p.name, b.line, field)
				}
			}
		}
	}
}

// TestJournalFields compares the fields of an entry with those that the page
// explains.
func TestJournalFields(t *testing.T) {
	entry := reflect.TypeFor[journal.Entry]()
	var real []string
	for i := range entry.NumField() {
		name, _, _ := strings.Cut(entry.Field(i).Tag.Get("json"), ",")
		real = append(real, name)
	}
	if diff := cmp.Diff(real, firstColumn(t, pageOf(t, "docs/journal.md"), "What an entry holds")); diff != "" {
		t.Errorf("the fields of an entry (-) and what the page explains (+):\n%s", diff)
	}
}

// fieldsOf returns the names that the lines of a file have, of those that belong.
func fieldsOf(t *testing.T, file string, belongs func(map[string]any) bool) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for line := range strings.Lines(string(text)) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%s: %v: %s", file, err, line)
		}
		if !belongs(object) {
			continue
		}
		for field := range object {
			if !slices.Contains(fields, field) {
				fields = append(fields, field)
			}
		}
	}
	slices.Sort(fields)
	return fields
}

var inCode = regexp.MustCompile("`([^`]+)`")

// firstColumn returns what stands in code in the first column of the first table
// of a section.
func firstColumn(t *testing.T, p page, section string) []string {
	t.Helper()
	_, rest, found := strings.Cut(p.text, "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %s", p.name, section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var names []string
	inTable := false
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "| `") {
			if inTable {
				break
			}
			continue
		}
		inTable = true
		for _, name := range inCode.FindAllStringSubmatch(strings.SplitN(line, "|", 3)[1], -1) {
			names = append(names, name[1])
		}
	}
	return names
}

// TestMetrics compares the metrics and their labels with the table, and with the
// alert rules.
func TestMetrics(t *testing.T) {
	busy(t)
	running := caddy.ActiveContext()
	families, err := running.GetMetricsRegistry().Gather()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); err == nil && time.Now().Before(deadline); families, err = running.GetMetricsRegistry().Gather() {
		<-tick.C
		isChecked := false
		for _, family := range families {
			isChecked = isChecked || family.GetName() == "caddy_scim_backend_usable"
		}
		if isChecked {
			break // the last metric that comes to be
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	p := pageOf(t, "docs/gateway.md")
	var real []string
	for _, family := range families {
		name := family.GetName()
		if !strings.HasPrefix(name, "caddy_scim_") {
			continue
		}
		real = append(real, name)
		row := ""
		for line := range strings.Lines(p.text) {
			if strings.HasPrefix(line, "| `"+name+"` |") {
				row = line
			}
		}
		var labels, told []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		if columns := strings.Split(row, "|"); len(columns) > 2 {
			for _, label := range inCode.FindAllStringSubmatch(columns[2], -1) {
				told = append(told, label[1])
			}
		}
		slices.Sort(labels)
		slices.Sort(told)
		if !slices.Equal(labels, told) {
			t.Errorf("%s has the labels %q; the page says %q", name, labels, told)
		}
	}
	all := regexp.MustCompile(`caddy_scim_[a-z_]+`)
	for _, p := range pages(t) {
		for _, name := range all.FindAllString(p.text, -1) {
			if !slices.Contains(real, name) {
				t.Errorf("%s names the metric %s; there are %s", p.name, name, strings.Join(real, ", "))
			}
		}
	}
}

// TestSoftDelete: the page about Entra tells what becomes of somebody whom Entra
// puts into its recycle bin, and where it is found.
func TestSoftDelete(t *testing.T) {
	d, err := demo.Start(demo.Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Token: tokenForTests})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	g := gateway{d.TenantURL, d.Token}
	const long = "8646d01116934cd39ee60d7482ca2219Ada.Lovelace"
	id := g.idOf(t, "ada.lovelace")
	status, _, ada := g.ask(t, http.MethodPatch, "/Users/"+id, `{"Operations":[{"op":"Replace","path":"userName","value":"`+long+`"},{"op":"Replace","path":"active","value":"False"}]}`)
	if status != http.StatusOK || ada["userName"] != long || ada["active"] != false || ada["id"] != id {
		t.Fatalf("deleted: %d %v", status, ada)
	}
	back := strings.ReplaceAll(`{"Operations":[{"op":"Replace","path":"userName","value":"NAME"},{"op":"Replace","path":"active","value":"True"}]}`, "NAME", "Ada.Lovelace")
	if status, _, ada = g.ask(t, http.MethodPatch, "/Users/"+id, back); status != http.StatusOK || ada["userName"] != "Ada.Lovelace" || ada["active"] != true {
		t.Fatalf("restored: %d %v", status, ada)
	}
	var got []string
	for _, e := range entriesOf(t, d.Store, 3) {
		got = append(got, e.Operation+" "+e.Name)
		if e.Resource != id {
			t.Errorf("the resource is %s, want %s", e.Resource, id)
		}
	}
	if want := []string{"disable Ada.Lovelace", "update Ada.Lovelace", "enable " + long}; !slices.Equal(got, want) {
		t.Errorf("the journal has %q, want %q", got, want)
	}
}

// entriesOf returns the entries of the journal in the SQLite store, when there are so
// many that have ended.
func entriesOf(t *testing.T, path string, ended int) []journal.Entry {
	t.Helper()
	s := store.New(&sqlite.Engine{Path: path, MustExist: true}, zap.NewNop())
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Destruct()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		var all []journal.Entry
		for e, err := range journal.Read(t.Context(), s, journal.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Result != journal.Unresolved {
				all = append(all, e)
			}
		}
		if len(all) >= ended {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("the journal has %+v, want %d that have ended", all, ended)
		}
	}
}

// TestLogCommands runs the commands that read the log of the service.
func TestLogCommands(t *testing.T) {
	log, _ := busy(t)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	// What the gateway says of a proof that fails, and what systemd says.
	text = append(text, `{"logger":"http.handlers.scim_gateway","msg":"a change of active did not take effect in the backend","wanted":"disabled","reason":"x"}
{"level":"error","finding":"y"}
{"msg":"scim request","token":"k3f9x2ab","address":"192.0.2.10","ts":1}
Started caddy.service.
`...)
	if err := os.WriteFile(log, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		for _, b := range p.of("sh log") {
			output, err := exec.Command("sh", "-ec", "journalctl() { cat "+log+"; }\n"+b.text).CombinedOutput()
			if err != nil || len(output) == 0 {
				t.Errorf("%s:%d: %v, and printed %q", p.name, b.line, err, output)
			}
		}
	}
}

// TestUsersAlone: a gateway with the README's Caddyfile, which serves no groups,
// passes Entra's Test Connection, which looks for one.
func TestUsersAlone(t *testing.T) {
	m := newMachine(t, "")
	port := freePort(t)
	text := m.local(pageOf(t, "README.md").of("caddyfile")[0].text)
	text = replaced(t, text, "scim.example.com {", "{\nadmin off\npersist_config off\n}\nhttp://127.0.0.1:"+port+" {")
	text = replaced(t, text, "ldaps://dir1.example.com", startDirectory(t))
	text = replaced(t, text, "base /scim/v2", "base /scim/v2\njournal off")
	runCaddy(t, text)
	g := gateway{"http://127.0.0.1:" + port + "/scim/v2", tokenForTests}
	for _, path := range []string{
		"/Users?filter=userName+eq+%228646d011-1693-4cd3-9ee6-0d7482ca2219%22",
		"/Groups?excludedAttributes=members&filter=displayName+eq+%228646d011-1693-4cd3-9ee6-0d7482ca2219%22",
	} {
		if status, _, list := g.ask(t, http.MethodGet, path, ""); status != http.StatusOK || list["totalResults"] != 0.0 {
			t.Errorf("%s: %d %v", path, status, list)
		}
	}
	if status, header, _ := g.ask(t, http.MethodPatch, "/Users/"+g.idOf(t, "GRACE.hopper"), disable); status != http.StatusOK || header.Get("Scimgate-Proof") != "" {
		t.Errorf("disabling: %d, %v", status, header)
	}
}

// freePort returns a port that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// replaced is strings.Replace of what must be there.
func replaced(t *testing.T, text, old, by string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in %s", old, text)
	}
	return strings.ReplaceAll(text, old, by)
}

// TestJournalLogFields: the page explains each field of the logger scim.journal.
func TestJournalLogFields(t *testing.T) {
	log, _ := busy(t)
	real := fieldsOf(t, log, func(line map[string]any) bool { return line["logger"] == "scim.journal" })
	if len(real) < 10 {
		t.Fatalf("the log has only the fields %q", real)
	}
	_, section, _ := strings.Cut(pageOf(t, "docs/journal.md").text, "## To a SIEM")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, field := range real {
		if !slices.Contains([]string{"level", "ts", "logger", "msg"}, field) && !strings.Contains(section, "`"+field+"`") {
			t.Errorf("the page does not explain %s", field)
		}
	}
}
