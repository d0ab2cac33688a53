package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/go-ldap/ldap/v3"
	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/internal/redmine"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	_ "github.com/scimgate/scimgate/translators/rest"
)

// token is what callers show; it is unlike anything else, so that it can be
// looked for where it must not be.
const token = "e2e-token-Qz7Lw0Vb3Kd9"

// briefly are lines of the translator that make a silent directory be noticed
// soon.
const briefly = "connections {\n dial_timeout 1s\n request_timeout 1s\n }"

// setup is how a gateway differs from that of the demo.
type setup struct {
	Servers    string   // addresses of the directory; default: its own
	Gateway    []string // further lines of scim_gateway
	Translator []string // further lines of its translator
	Replace    []string // pairs of a text of the Caddyfile, which must be there, and what stands for it
	Sites      string   // further sites
	File       string   // a Caddyfile of testdata instead of the demo's; only Replace applies

	Redmine     *redmine.Server    // with File: what stands behind instead of a directory
	Roadblock   *redmine.Roadblock // with Redmine: what stands before it
	Application *legacy.App        // with File: what stands behind instead of a directory
}

// gateway is a running Caddy with the demo's gateway in front of a directory.
type gateway struct {
	URL     string // the tenant URL
	Site    string // scheme, host and port
	Admin   string // URL of Caddy's admin API, metrics included
	Store   string // the file
	LogFile string // Caddy's log: JSON lines at the debug level

	setup     setup
	directory *directory
	port      string
	adminPort string
}

// startGateway loads Caddy with a gateway before the directory. It ends with the
// test. Only one runs at a time.
func startGateway(t *testing.T, d *directory, s setup) *gateway {
	t.Helper()
	scratch := t.TempDir()
	t.Setenv("XDG_DATA_HOME", scratch) // where the store is
	t.Setenv("XDG_CONFIG_HOME", scratch)
	t.Setenv("SCIMGATE_DEMO_TOKEN", token)
	t.Setenv("SCIMGATE_DEMO_PASSWORD", d.ServicePassword)
	g := &gateway{
		Store: filepath.Join(scratch, "caddy", "scimgate", "scimgate.db"), LogFile: filepath.Join(scratch, "log.jsonl"),
		setup: s, directory: d, port: freePort(t), adminPort: freePort(t),
	}
	g.Site = "http://127.0.0.1:" + g.port
	g.URL = g.Site + "/scim/v2"
	g.Admin = "http://127.0.0.1:" + g.adminPort
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
		client.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the end of Caddy's log:\n%s", tail(g.log(t), 15))
		}
	})
	if err := g.load(t); err != nil {
		t.Fatalf("loading Caddy: %v", err)
	}
	return g
}

// tenantURL returns the URL of a version of SCIM; "" is 2.0.
func (g *gateway) tenantURL(version string) string {
	if version == "1.1" {
		return g.Site + "/scim/v1"
	}
	return g.URL
}

// caddyfile returns the configuration as an operator would write it.
func (g *gateway) caddyfile(t *testing.T) string {
	t.Helper()
	if g.setup.File != "" {
		return g.example(t)
	}
	servers := g.setup.Servers
	if servers == "" {
		servers = g.directory.URL
	}
	lines := g.setup.Translator
	if g.directory.CAFile != "" && strings.Contains(servers, "ldaps://") {
		lines = append([]string{"tls_ca " + g.directory.CAFile}, lines...)
	}
	text, err := demo.Config{
		Host: "127.0.0.1", Port: g.port, Servers: servers, BindDN: g.directory.ServiceDN,
		Store: g.Store, Debug: true, Extra: lines,
	}.Caddyfile()
	if err != nil {
		t.Fatalf("writing the Caddyfile: %v", err)
	}
	text = replaced(t, text,
		"admin off", "admin 127.0.0.1:"+g.adminPort+"\n\tmetrics",
		"format console", "output file "+g.LogFile+" {\n\t\t\troll_disabled\n\t\t}\n\t\tformat json",
		"base /scim/v2\n", "base /scim/v2\n"+strings.Join(g.setup.Gateway, "\n")+"\n")
	return replaced(t, text, g.setup.Replace...) + "\n" + g.setup.Sites
}

// example returns the Caddyfile of testdata with the directory and the files of
// this gateway.
func (g *gateway) example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../testdata/" + g.setup.File)
	if err != nil {
		t.Fatal(err)
	}
	if g.setup.Redmine != nil {
		return g.options() + g.redmine(t, string(text))
	}
	if g.setup.Application != nil {
		return g.options() + g.application(t, string(text))
	}
	return g.options() +
		replaced(t, string(text), append([]string{
			"scim.example.com {", "http://:" + g.port + " {\n\tbind 127.0.0.1",
			"{file./etc/scimgate/okta}", "{env.SCIMGATE_DEMO_TOKEN}",
			"ldaps://dir1.example.com", g.directory.Plain,
			"bind cn=scimgate,ou=services,dc=example,dc=com {file./etc/scimgate/ldap}", "bind " + g.directory.ServiceDN + " {env.SCIMGATE_DEMO_PASSWORD}\npage_size 100",
		}, g.setup.Replace...)...)
}

// autosavePath is where Caddy saves its configuration where no test has said another.
var autosavePath = caddy.ConfigAutosavePath

// options are the global options of a Caddyfile of testdata. The configuration is saved
// where a test has said a place of its own for that.
func (g *gateway) options() string {
	persist := "\tpersist_config off\n"
	if caddy.ConfigAutosavePath != autosavePath {
		persist = ""
	}
	return "{\n\tscim {\n\t\tstore sqlite " + g.Store + "\n\t}\n\tadmin 127.0.0.1:" + g.adminPort + "\n\tmetrics\n" + persist + "\tauto_https off\n\tlog {\n\t\toutput file " + g.LogFile +
		" {\n\t\t\troll_disabled\n\t\t}\n\t\tformat json\n\t\tlevel DEBUG\n\t}\n\tservers {\n\t\tprotocols h1\n\t}\n}\n"
}

// replaced replaces texts that must be there.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the Caddyfile has no %q:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// load loads, or reloads, Caddy with the present setup.
func (g *gateway) load(t *testing.T) error {
	t.Helper()
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(g.caddyfile(t)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return fmt.Errorf("adapting: %w", err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			t.Logf("Caddyfile: %s", w)
		}
	}
	return caddy.Load(config, true)
}

// reload reloads Caddy with a changed setup.
func (g *gateway) reload(t *testing.T, change func(*setup)) {
	t.Helper()
	change(&g.setup)
	if err := g.load(t); err != nil {
		t.Fatalf("reloading Caddy: %v", err)
	}
	hasOneListener(t, g.port)
	// A connection that the old configuration is just closing is no place for a
	// request that can't be repeated.
	client.CloseIdleConnections()
}

var client = &http.Client{
	Timeout:       40 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// get returns what stands at a path of gjson in the body, as text.
func (a answer) get(path string) string { return gjson.Get(a.Body, path).String() }

func (a answer) String() string {
	after := ""
	if seconds := a.Header.Get("Retry-After"); seconds != "" {
		after = " (Retry-After " + seconds + ")"
	}
	return fmt.Sprintf("%d%s %s", a.Status, after, brief(a.Body))
}

// send sends a request below the base with the token. Headers are given as
// "Name: value" and replace those that are sent otherwise; without a value they
// are left out. A path that begins with a scheme is a whole URL.
func (g *gateway) send(method, path, body string, headers ...string) (answer, error) {
	target := path
	if !strings.HasPrefix(path, "http") {
		target = g.URL + path
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequest(method, target, reader)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		request.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		if value = strings.TrimSpace(value); value == "" {
			request.Header.Del(name)
		} else if strings.EqualFold(name, "Host") {
			request.Host = value
		} else {
			request.Header.Set(name, value)
		}
	}
	return roundTrip(request)
}

func roundTrip(request *http.Request) (answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// do is send for requests that must get an answer.
func (g *gateway) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	a, err := g.send(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// want is do for requests whose status is known.
func (g *gateway) want(t *testing.T, status int, method, path, body string, headers ...string) answer {
	t.Helper()
	a := g.do(t, method, path, body, headers...)
	if a.Status != status {
		t.Fatalf("%s %s %s: %s, want %d", method, brief(path), brief(body), a, status)
	}
	if a.Body != "" && !gjson.Valid(a.Body) {
		t.Fatalf("%s %s: the body is no JSON: %s", method, path, a.Body)
	}
	return a
}

// eventually repeats a request while it is answered that there is a fault.
func (g *gateway) eventually(t *testing.T, status int, method, path, body string) answer {
	t.Helper()
	waitFor(t, "the fault to pass", func() bool {
		a := g.do(t, "GET", "/Users?count=0", "")
		return a.Status != 503 && a.Status != 504
	})
	var a answer
	waitFor(t, "the fault to pass", func() bool {
		a = g.do(t, method, path, body)
		return a.Status != 503 && a.Status != 504
	})
	if a.Status != status {
		t.Fatalf("%s %s %s: %s, want %d", method, brief(path), brief(body), a, status)
	}
	return a
}

// filterPath is the path of a search.
func filterPath(endpoint, filter string) string {
	return endpoint + "?filter=" + url.QueryEscape(filter)
}

// id returns the id of a user by the userName.
func (g *gateway) id(t *testing.T, userName string) string {
	t.Helper()
	return g.only(t, "/Users", fmt.Sprintf("userName eq %s", quoted(userName)))
}

// groupID returns the id of a group by its displayName.
func (g *gateway) groupID(t *testing.T, displayName string) string {
	t.Helper()
	return g.only(t, "/Groups", fmt.Sprintf("displayName eq %s", quoted(displayName)))
}

func (g *gateway) only(t *testing.T, endpoint, filter string) string {
	t.Helper()
	a := g.want(t, 200, "GET", filterPath(endpoint, filter), "")
	if a.get("totalResults") != "1" || a.get("Resources.#") != "1" {
		t.Fatalf("searching %s: %s, want one", filter, a)
	}
	return a.get("Resources.0.id")
}

// create creates a user with nothing but a name, a surname and a password, and
// returns the id.
func (g *gateway) create(t *testing.T, userName string) string {
	t.Helper()
	return g.want(t, 201, "POST", "/Users", userBody(userName)).get("id")
}

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise  = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// passwordOf is the password of the users that tests create.
func passwordOf(userName string) string { return "Pw-" + userName + "-8Xk2" }

func userBody(userName string) string {
	return jsonOf(map[string]any{
		"schemas": []string{userSchema}, "userName": userName, "password": passwordOf(userName), "active": true,
		"name": map[string]any{"familyName": "Test", "formatted": "Test " + userName},
	})
}

// patchOf makes a PATCH body of operations as Entra writes them. A path "" is
// left out, a nil value too.
func patchOf(operations ...any) string {
	var list []any
	for _, o := range operations {
		list = append(list, o)
	}
	return jsonOf(map[string]any{"schemas": []string{patchSchema}, "Operations": list})
}

func operation(op, path string, value any) map[string]any {
	o := map[string]any{"op": op}
	if path != "" {
		o["path"] = path
	}
	if value != nil {
		o["value"] = value
	}
	return o
}

// disable is the PATCH by which Entra disables.
var disable = patchOf(operation("Replace", "active", "False"))

// enable is its reverse.
var enable = patchOf(operation("Replace", "active", "True"))

// members makes the value list of a change of members.
func members(ids ...string) []map[string]any {
	var list []map[string]any
	for _, id := range ids {
		list = append(list, map[string]any{"value": id})
	}
	return list
}

func jsonOf(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // the values stand in the tests
	}
	return strings.TrimSpace(b.String())
}

func quoted(text string) string { return jsonOf(text) }

// brief shortens a text for messages.
func brief(text string) string {
	const most = 600
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// isSCIMError checks that an answer is an error as RFC 7644 §3.12 has it.
func isSCIMError(t *testing.T, a answer) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/scim+json") {
		t.Errorf("the error has the content type %q: %s", got, a)
	}
	if a.get("schemas.0") != errorSchema || a.get("status") != fmt.Sprint(a.Status) ||
		gjson.Get(a.Body, "status").Type != gjson.String || a.get("detail") == "" {
		t.Errorf("the error has no SCIM body: %s", a)
	}
}

// isSCIM11Error is isSCIMError for an answer in SCIM 1.1.
func isSCIM11Error(t *testing.T, a answer) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("the error has the content type %q: %s", got, a)
	}
	if a.get("Errors.0.code") != fmt.Sprint(a.Status) || gjson.Get(a.Body, "Errors.0.code").Type != gjson.String || a.get("Errors.0.description") == "" {
		t.Errorf("the error has no body of SCIM 1.1: %s", a)
	}
}

// journalLine is an intent or an outcome of the journal.
type journalLine struct {
	Kind, ID, Gateway, Caller, Operation, Type, Resource, Name, Result, Proof, Error string
	Calls                                                                            []string
}

// journal returns the intents of the gateway's journal and, behind each, its outcome.
func (g *gateway) journal(t *testing.T) []journalLine {
	t.Helper()
	var all []journalLine
	for _, e := range g.entries(t) {
		line := journalLine{Kind: "intent", ID: e.ID, Gateway: e.Gateway, Caller: e.Caller, Operation: e.Operation, Type: e.Type, Resource: e.Resource, Name: e.Name}
		for _, call := range e.Calls {
			line.Calls = append(line.Calls, call.Purpose)
		}
		all = append(all, line)
		if e.Result != journal.Unresolved {
			all = append(all, journalLine{Kind: "outcome", ID: e.ID, Resource: e.Resource, Name: e.Name, Result: string(e.Result), Proof: e.Proof, Error: e.Error})
		}
	}
	return all
}

// entries reads the journal when nothing was added for several commit intervals: an
// outcome may trail its answer by one.
func (g *gateway) entries(t *testing.T) []journal.Entry {
	t.Helper()
	if _, err := os.Stat(g.Store); os.IsNotExist(err) {
		return nil
	}
	s := store.New(&sqlite.Engine{Path: g.Store, MustExist: true}, zap.NewNop())
	// The gateway makes the tables while it serves already.
	waitFor(t, "the store", func() bool { return s.Open(t.Context()) == nil })
	defer func() {
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	}()
	read := func() (all []journal.Entry) {
		for e, err := range journal.Read(t.Context(), s, journal.Query{}) {
			if err != nil {
				t.Fatalf("reading the journal: %v", err)
			}
			all = append(all, e)
		}
		return all
	}
	all := read()
	ticker := time.NewTicker(journal.CommitInterval)
	defer ticker.Stop()
	for since := time.Now(); time.Since(since) < 5*journal.CommitInterval; <-ticker.C {
		if now := read(); !reflect.DeepEqual(now, all) {
			all, since = now, time.Now()
		}
	}
	return all
}

// openIntents returns the intents that have no outcome.
func (g *gateway) openIntents(t *testing.T) []journalLine {
	t.Helper()
	lines := g.journal(t)
	ended := make(map[string]bool)
	for _, line := range lines {
		if line.Kind == "outcome" {
			ended[line.ID] = true
		}
	}
	var open []journalLine
	for _, line := range lines {
		if line.Kind == "intent" && !ended[line.ID] {
			open = append(open, line)
		}
	}
	return open
}

// log returns Caddy's log so far.
func (g *gateway) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(g.LogFile)
	if err != nil && !os.IsNotExist(err) {
		t.Fatalf("reading the log: %v", err)
	}
	return string(text)
}

// logged returns the log lines with that message.
func (g *gateway) logged(t *testing.T, message string) []gjson.Result {
	t.Helper()
	var found []gjson.Result
	for line := range strings.Lines(g.log(t)) {
		if parsed := gjson.Parse(line); parsed.Get("msg").String() == message {
			found = append(found, parsed)
		}
	}
	return found
}

// isChecked waits until the gateway has looked at its backend, as it does soon
// after it was loaded: from then on it asks only what requests make it ask.
func (g *gateway) isChecked(t *testing.T) {
	t.Helper()
	waitFor(t, "the backend to be checked", func() bool {
		return len(g.logged(t, "the backend was checked")) > 0
	})
}

// requestLine returns the log line of the request that was answered with a.
// It is written behind the answer, so that it may have to be waited for.
func (g *gateway) requestLine(t *testing.T, a answer) gjson.Result {
	t.Helper()
	var found gjson.Result
	waitFor(t, "the log line of a request", func() bool {
		for _, line := range g.logged(t, "scim request") {
			if line.Get("request_id").String() == a.Header.Get("X-Request-Id") {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// metricsText is what Prometheus would scrape.
func (g *gateway) metricsText(t *testing.T) string {
	t.Helper()
	return g.want200Text(t, g.Admin+"/metrics")
}

func (g *gateway) want200Text(t *testing.T, target string) string {
	t.Helper()
	request, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := roundTrip(request)
	if err != nil || a.Status != 200 {
		t.Fatalf("GET %s: %v %s", target, err, a)
	}
	return a.Body
}

// metric returns the sum of the series of a metric that have all the labels,
// each given as name="value".
func (g *gateway) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(g.metricsText(t)) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if alone, is := strings.CutPrefix(strings.TrimSpace(line), name+" "); is { // without labels
			series, value, ok = name+"{", alone, true
		}
		if rest, is := strings.CutPrefix(series, name+"{"); ok && is {
			all := true
			for _, label := range labels {
				all = all && strings.Contains(","+rest+",", ","+label+",")
			}
			var number float64
			if _, err := fmt.Sscan(value, &number); err != nil {
				t.Fatalf("reading the metric %s: %v", line, err)
			}
			if all {
				sum += number
			}
		}
	}
	return sum
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// silenceAfterModify has the directory carry a modification out and swallows the
// answer and all that follow.
func silenceAfterModify(proxy *slapd.Proxy) {
	proxy.OnResponse(func(operation int) slapd.Action {
		if operation == ldap.ApplicationModifyResponse {
			proxy.BlackHole(true)
			return slapd.Drop
		}
		return slapd.Forward
	})
}

// abandon sends a request and hangs up when it was reached. What it returns is
// closed when the connection is.
func (g *gateway) abandon(t *testing.T, method, path, body string, reached <-chan struct{}) <-chan struct{} {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.Site, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s /scim/v2%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, token, len(body), body); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		<-reached
		_ = conn.Close()
	}()
	return gone
}
