package e2e

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// mortal is scimgate as a process of its own, which can be killed and started anew.
type mortal struct {
	*gateway
	engine  store.Engine // where its store is
	config  string
	scratch string
	command *exec.Cmd
	ended   chan struct{}
}

// newMortal writes the configuration of a process. Its store is in SQLite, or in the
// PostgreSQL database that is named.
func newMortal(t *testing.T, d *directory, dsn string, s setup) *mortal {
	t.Helper()
	scratch := t.TempDir()
	t.Setenv("SCIMGATE_DEMO_TOKEN", token)
	t.Setenv("SCIMGATE_DEMO_PASSWORD", d.ServicePassword)
	if s.File == "" {
		s.Replace = append(s.Replace, "brake disable 50 per 10m\n", "")
	}
	g := &gateway{
		Store: filepath.Join(scratch, "scimgate.db"), LogFile: filepath.Join(scratch, "log.jsonl"),
		setup: s, directory: d, port: freePort(t), adminPort: freePort(t),
	}
	g.Site, g.Admin = "http://127.0.0.1:"+g.port, "http://127.0.0.1:"+g.adminPort
	g.URL = g.Site + "/scim/v2"
	m := &mortal{gateway: g, config: filepath.Join(scratch, "Caddyfile"), scratch: scratch}
	m.engine = sqliteAt(g.Store)
	text := g.caddyfile(t)
	if dsn != "" {
		text = replaced(t, text, "store sqlite "+g.Store, `store postgres "`+dsn+`"`)
		m.engine = storetest.At(t, dsn)
	}
	if err := os.WriteFile(m.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.kill(t)
		if t.Failed() {
			t.Logf("the end of the log:\n%s", tail(g.log(t), 10))
		}
	})
	return m
}

// start starts the process and waits until it serves.
func (m *mortal) start(t *testing.T) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building scimgate: %v", err)
	}
	m.command = exec.Command(program, "run", "--config", m.config, "--adapter", "caddyfile")
	m.command.Env = append(os.Environ(), "XDG_DATA_HOME="+m.scratch, "XDG_CONFIG_HOME="+m.scratch)
	if err := m.command.Start(); err != nil {
		t.Fatalf("starting scimgate: %v", err)
	}
	m.ended = make(chan struct{})
	go func(command *exec.Cmd, ended chan struct{}) {
		_ = command.Wait()
		close(ended)
	}(m.command, m.ended)
	waitFor(t, "scimgate to serve", func() bool {
		a, err := m.send("GET", "/Users?count=0", "")
		return err == nil && a.Status == 200
	})
}

// kill ends the process as a power cut does.
func (m *mortal) kill(t *testing.T) {
	t.Helper()
	if m.command == nil {
		return
	}
	_ = m.command.Process.Kill()
	<-m.ended
	m.command = nil
	client.CloseIdleConnections()
}

// recorded reads all entries of the journal.
func (m *mortal) recorded(t *testing.T) (all []journal.Entry) {
	t.Helper()
	s := store.New(m.engine, zap.NewNop())
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Destruct() }()
	for e, err := range journal.Read(t.Context(), s, journal.Query{}) {
		if err != nil {
			t.Fatalf("reading the journal: %v", err)
		}
		all = append(all, e)
	}
	return all
}

// closed waits until no entry is open and returns all.
func (m *mortal) closed(t *testing.T) (all []journal.Entry) {
	t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; <-ticker.C {
		all = m.recorded(t)
		i := slices.IndexFunc(all, func(e journal.Entry) bool { return e.Result == journal.Unresolved })
		if i < 0 {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("the entry %+v stays open", all[i])
		}
	}
}

// audited is a write that slapd has carried out for the service account.
type audited struct {
	kind   string              // add, modify
	dn     string              //
	values map[string][]string // by attribute: what was added or set
}

// audit reads the log of slapd's overlay auditlog.
func audit(t *testing.T, path, by string) (all []audited) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	unfolded := strings.ReplaceAll(string(text), "\n ", "")
	var record *audited
	for line := range strings.Lines(unfolded) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		switch {
		case len(words) > 4 && words[0] == "#" && words[1] != "end":
			record = nil
			if strings.EqualFold(words[4], by) {
				all = append(all, audited{kind: words[1], values: make(map[string][]string)})
				record = &all[len(all)-1]
			}
		case record == nil || len(words) < 2:
		case words[0] == "dn:":
			record.dn = strings.TrimPrefix(line, "dn: ")
		default:
			name, value, _ := strings.Cut(line, ":")
			if encoded, is := strings.CutPrefix(value, ": "); is {
				decoded, err := base64.StdEncoding.DecodeString(encoded)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				value = string(decoded)
			}
			record.values[name] = append(record.values[name], strings.TrimPrefix(value, " "))
		}
	}
	return all
}

// load writes without end about people and groups of its own, in each way there is,
// until the gateway does not answer any more.
type load struct {
	g      *gateway
	groups []string
	shared string // the id of somebody whom all change
	number *atomic.Int64
	id     sync.Map // by userName
}

func (l *load) worker(done <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		name := fmt.Sprintf("x%d", l.number.Add(1))
		a, err := l.g.send("POST", "/Users", userBody(name))
		if err != nil {
			return
		}
		id := a.get("id")
		l.id.Store(name, id)
		requests := []request{
			{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "title of "+name), operation("Replace", "nickName", "nick of "+name))},
			{"PATCH", "/Groups/" + l.groups[n%len(l.groups)], patchOf(operation("Add", "members", members(id)))},
			{"PATCH", "/Users/" + l.shared, patchOf(operation("Replace", "title", "title by "+name))},
		}
		switch n % 4 {
		case 0:
			requests = append(requests, request{"PATCH", "/Users/" + id, disable})
		case 1:
			requests = append(requests, request{"DELETE", "/Users/" + id, ""})
		case 2:
			requests = append(requests, request{"POST", "/Bulk", jsonOf(map[string]any{
				"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"},
				"Operations": []any{
					map[string]any{"method": "POST", "path": "/Users", "bulkId": "1", "data": map[string]any{"schemas": []string{userSchema}, "userName": name + "b"}},
					map[string]any{"method": "PATCH", "path": "/Users/" + id, "data": map[string]any{"schemas": []string{patchSchema},
						"Operations": []any{operation("Replace", "active", false), operation("Replace", "title", "title of "+name+"b")}}},
				},
			})})
		}
		for _, r := range requests {
			if id == "" {
				break
			}
			if _, err := l.g.send(r.method, r.path, r.body); err != nil {
				return
			}
		}
	}
}

// DESIGN §4 rule 9: whatever the directory has done has an intent, also after kill -9
// at any moment, and on the next start each one is closed as the directory has it.
func TestRule09EveryWriteHasAnIntentAlsoAfterAKill(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { killedUnderLoad(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { killedUnderLoad(t, postgres.Start(t).Database(t)) })
}

func killedUnderLoad(t *testing.T, dsn string) {
	log := filepath.Join(t.TempDir(), "audit.ldif")
	d := startSlapd(t, slapd.Options{Global: "moduleload auditlog", Database: "overlay auditlog\nauditlog " + log + "\n"})
	m := newMortal(t, d, dsn, setup{})
	m.start(t)
	l := &load{g: m.gateway, number: new(atomic.Int64), shared: m.create(t, "shared")}
	for n := range 3 {
		l.groups = append(l.groups, m.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": fmt.Sprintf("crowd%d", n), "members": members(l.shared)})).get("id"))
	}
	const kills = 12
	for range kills {
		done := make(chan struct{})
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() { l.worker(done) })
		}
		atLeast := l.number.Load() + 8 + rand.Int64N(60)
		waitFor(t, "the load", func() bool { return l.number.Load() > atLeast })
		m.kill(t)
		close(done)
		workers.Wait()
		m.start(t)
	}
	entries := m.closed(t)
	m.kill(t)
	compareWithAudit(t, d, l, entries, audit(t, log, d.ServiceDN))
	resolved, unknown := 0, 0
	for _, e := range entries {
		if strings.HasPrefix(e.Note, "closed at the next start") {
			resolved++
		}
		if e.Result == journal.Unknown {
			unknown++
			t.Logf("unknown: %s %s %s: %s", e.Operation, e.Name, e.ID, e.Note)
		}
	}
	t.Logf("%d entries, %d of them closed by reading the directory, %d unknown, after %d kills", len(entries), resolved, unknown, kills)
	if resolved == 0 {
		t.Error("no kill has left an entry open: the test tells nothing")
	}
	if unknown*10 > resolved {
		t.Errorf("%d of %d entries were closed as unknown", unknown, resolved)
	}
}

// compareWithAudit holds the journal against what the directory has done, in both
// directions.
func compareWithAudit(t *testing.T, d *directory, l *load, entries []journal.Entry, writes []audited) {
	t.Helper()
	made := make(map[string]bool) // what the directory has done
	for _, w := range writes {
		uid := strings.TrimPrefix(strings.SplitN(w.dn, ",", 2)[0], "uid=")
		isPerson := uid != strings.SplitN(w.dn, ",", 2)[0]
		switch {
		case w.kind == "add" && isPerson:
			made["create "+uid] = true
		case w.kind == "delete" && isPerson:
			made["delete "+uid] = true
		case w.kind == "modify":
			for _, title := range w.values["title"] {
				made["title "+title] = true
			}
			for _, member := range w.values["member"] {
				if w.values["add"] != nil && slices.Contains(w.values["add"], "member") {
					made["member "+w.dn+" "+strings.TrimPrefix(strings.SplitN(member, ",", 2)[0], "uid=")] = true
				}
			}
			if len(w.values["pwdAccountLockedTime"]) > 0 && isPerson {
				made["disable "+uid] = true
			}
		}
	}
	nameOf := make(map[string]string) // by id
	l.id.Range(func(name, id any) bool {
		nameOf[id.(string)] = name.(string)
		return true
	})
	groupName := make(map[string]string)
	for n, id := range l.groups {
		groupName[id] = fmt.Sprintf("cn=crowd%d,%s", n, groups)
	}
	intended := make(map[string][]journal.Entry)
	for _, e := range entries {
		switch e.Operation {
		case "create":
			if e.Type == "User" {
				intended["create "+e.Name] = append(intended["create "+e.Name], e)
			}
		case "delete", "disable":
			intended[e.Operation+" "+e.Name] = append(intended[e.Operation+" "+e.Name], e)
		case "update":
			for _, c := range e.Changes {
				if c.Attribute == "title" {
					what := "title " + strings.Trim(string(c.To), `"`)
					intended[what] = append(intended[what], e)
				}
			}
			if e.Members != nil {
				for _, id := range e.Members.Added {
					what := "member " + groupName[e.Resource] + " " + nameOf[id]
					intended[what] = append(intended[what], e)
				}
			}
		}
	}
	if len(made) < 100 {
		t.Errorf("the directory has done %d things: the load is none", len(made))
	}
	for what := range made {
		if len(intended[what]) == 0 {
			t.Errorf("%s: done by the directory, and no intent", what)
		}
	}
	for what, all := range intended {
		for _, e := range all {
			if (e.Result == journal.Applied) != made[what] && e.Result != journal.Unknown {
				t.Errorf("%s: the directory has done it: %t, the journal says %q (%s, %s)", what, made[what], e.Result, e.ID, e.Note)
			}
		}
	}
}

// Two gateways share a store; one is killed with a disable under way. The other closes
// its entry.
func TestRule09AnotherGatewayClosesWhatAKilledOneLeft(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	dsn := postgres.Start(t).Database(t)
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	one := newMortal(t, d, dsn, setup{Servers: proxy.URL()})
	other := newMortal(t, d, dsn, setup{})
	one.start(t)
	other.start(t)
	done, undone := one.create(t, "done"), one.create(t, "undone")
	hang := func(name, id string, cut func()) {
		t.Helper()
		cut()
		go func() { _, _ = one.send("PATCH", "/Users/"+id, disable) }()
		waitFor(t, "the intent of "+name, func() bool {
			return slices.ContainsFunc(one.recorded(t), func(e journal.Entry) bool { return e.Operation == "disable" && e.Name == name })
		})
	}
	hang("done", done, func() { silenceAfterModify(proxy) })
	waitFor(t, "the directory to have done it", func() bool { return !d.canBind(t, userDN("done"), passwordOf("done")) })
	proxy.BlackHole(false)
	proxy.OnResponse(nil)
	one.kill(t)
	one.start(t)
	// This one does not even reach the directory.
	hang("undone", undone, func() {
		proxy.OnRequest(func(operation int) slapd.Action {
			if operation == ldap.ApplicationModifyRequest {
				return slapd.Drop
			}
			return slapd.Forward
		})
	})
	one.kill(t)
	results := make(map[string]journal.Entry)
	for _, e := range other.closed(t) {
		if e.Operation == "disable" {
			results[e.Name] = e
		}
	}
	if e := results["done"]; e.Result != journal.Applied || e.Proof != "proven" || !strings.HasPrefix(e.Note, "closed at the next start: read back from the backend") {
		t.Errorf("the disable that was done is closed as %q, proof %q: %s", e.Result, e.Proof, e.Note)
	}
	if e := results["undone"]; e.Result != journal.NotApplied {
		t.Errorf("the disable that was not done is closed as %q: %s", e.Result, e.Note)
	}
	told := other.logged(t, "a disable was cut off, and the account is not known to be off: disable it again")
	if len(told) != 1 || told[0].Get("resource_id").String() != undone || told[0].Get("level").String() != "error" {
		t.Errorf("logged is %v, want one line about %s", told, undone)
	}
	if n := other.metric(t, "caddy_scim_resolved_total", `operation="disable"`, `result="not applied"`); n != 1 {
		t.Errorf("counted are %v disables that were cut off, want 1", n)
	}
}

// Nobody can read the directory for a gateway that is not configured any more: after a
// week its entries are closed as unknown.
func TestRule09EntriesOfNobodysGatewaysAreClosed(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	m := newMortal(t, d, "", setup{Servers: proxy.URL()})
	m.start(t)
	ids := []string{m.create(t, "young"), m.create(t, "old")}
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationModifyRequest {
			return slapd.Drop
		}
		return slapd.Forward
	})
	for _, id := range ids {
		go func() { _, _ = m.send("PATCH", "/Users/"+id, disable) }()
	}
	disables := func() map[string]journal.Entry {
		found := make(map[string]journal.Entry)
		for _, e := range m.recorded(t) {
			if e.Operation == "disable" {
				found[e.Name] = e
			}
		}
		return found
	}
	waitFor(t, "the intents", func() bool { return len(disables()) == 2 })
	m.kill(t)
	proxy.OnRequest(nil)
	s := store.New(m.engine, zap.NewNop())
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE scim_journal SET gateway = 'gone' WHERE operation = 'disable'")
		if err == nil {
			_, err = tx.Exec(t.Context(), "UPDATE scim_journal SET time = $1 WHERE name = 'old'", store.Micros(time.Now().Add(-8*24*time.Hour)))
		}
		return err
	})
	if err = errors.Join(err, s.Destruct()); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	waitFor(t, "the old entry to be closed", func() bool { return disables()["old"].Result != journal.Unresolved })
	found := disables()
	if e := found["old"]; e.Result != journal.Unknown || !strings.Contains(e.Note, "for a week") {
		t.Errorf("the old entry is closed as %q: %s", e.Result, e.Note)
	}
	if e := found["young"]; e.Result != journal.Unresolved {
		t.Errorf("the young entry is closed as %q: %s", e.Result, e.Note)
	}
}

// A process that is slow, or stopped altogether, is not robbed of its entries.
func TestRule09TheSlowAreNotRobbed(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	dsn := postgres.Start(t).Database(t)
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	slow := newMortal(t, d, dsn, setup{Servers: proxy.URL()})
	slow.start(t)
	id := slow.create(t, "patient")
	var answers atomic.Int64
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == ldap.ApplicationModifyRequest {
			answers.Add(1)
			return slapd.Drop
		}
		return slapd.Forward
	})
	answered := make(chan answer, 1)
	go func() {
		a, _ := slow.send("PATCH", "/Users/"+id, disable)
		answered <- a
	}()
	waitFor(t, "the disable to be under way", func() bool { return answers.Load() > 0 })
	if err := slow.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	other := newMortal(t, d, dsn, setup{})
	other.start(t)
	waitFor(t, "the other to look for open entries", func() bool {
		return strings.Contains(other.metricsText(t), "caddy_scim_open_entries{")
	})
	for _, e := range other.recorded(t) {
		if e.Operation == "disable" && e.Result != journal.Unresolved {
			t.Errorf("the disable that is under way was closed: %q, %s", e.Result, e.Note)
		}
	}
	if err := slow.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	proxy.OnRequest(nil)
	if a := <-answered; a.Status == 200 {
		t.Errorf("a disable that did not reach the directory is answered with %s", a)
	}
	for _, e := range slow.closed(t) {
		if e.Operation == "disable" && e.Result != journal.NotApplied {
			t.Errorf("the disable ends as %q: %s", e.Result, e.Note)
		}
	}
}

func sqliteAt(path string) store.Engine { return &sqlite.Engine{Path: path, MustExist: true} }
