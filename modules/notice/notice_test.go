package notice

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/scimgate/scimgate/internal/postgres.(*Server).launch.func1"))
}

// noon is when the credentials of the tests expire.
var noon = time.Date(2027, 6, 1, 12, 0, 0, 0, time.UTC)

// inbox is a webhook that notes what comes.
type inbox struct {
	mu     sync.Mutex
	texts  []string // token and days left
	status int
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Token, ID string
		DaysLeft  int `json:"days_left"`
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &m)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.status >= 300 {
		w.WriteHeader(i.status)
		return
	}
	i.texts = append(i.texts, strings.Join(strings.Fields(fmt.Sprintf("%s %s %d", m.Token, m.ID, m.DaysLeft)), " "))
}

func (i *inbox) answers(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status = status
}

// take returns what came since it was asked last.
func (i *inbox) take() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	texts := i.texts
	i.texts = nil
	return texts
}

// process is a gateway's process as the warnings see it.
type process struct {
	*Notice
	logs   *observer.ObservedLogs
	events chan string
}

func newProcess(t *testing.T, s *store.Store, url string, credentials ...Credential) process {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	n := &Notice{Webhooks: []*Webhook{{URL: url}}}
	if err := n.Provision(s, zap.New(core)); err != nil {
		t.Fatal(err)
	}
	if err := n.Resolve(); err != nil {
		t.Fatal(err)
	}
	n.Watch("directory", credentials)
	n.Watch("directory", credentials) // as of a site with two ports
	p := process{n, logs, make(chan string, 100)}
	n.emit = func(event string, data map[string]any) { p.events <- fmt.Sprint(event, " ", data["token"]) }
	return p
}

// warned returns how often the log has warned.
func (p process) warned() int { return p.logs.FilterMessage("a credential expires soon").Len() }

func elsewhere(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
}

// Each warning is given once: by two processes at once, and by a third one later.
func TestOnce(t *testing.T) {
	elsewhere(t)
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		in := new(inbox)
		server := httptest.NewServer(in)
		defer server.Close()
		entra := Credential{Gateway: "directory", Name: "entra", Expires: noon}
		never := Credential{Gateway: "directory", Name: "never"}
		processes := []process{
			newProcess(t, storetest.Open(t, engine()), server.URL, entra, never),
			newProcess(t, storetest.Open(t, engine()), server.URL, entra, never),
		}
		look := func(left time.Duration, want ...string) {
			t.Helper()
			var all sync.WaitGroup
			for _, p := range processes {
				all.Go(func() { p.Look(t.Context(), noon.Add(-left)) })
			}
			all.Wait()
			if diff := cmp.Diff(want, in.take()); diff != "" {
				t.Errorf("with %s left (-want +got):\n%s", left, diff)
			}
		}
		look(31 * day)
		look(30*day, "entra 30")
		look(30*day - time.Minute)
		look(8 * day)
		look(7*day-time.Second, "entra 7")
		processes = append(processes, newProcess(t, storetest.Open(t, engine()), server.URL, entra, never)) // a restart
		look(6 * day)
		look(23*time.Hour, "entra 1")
		look(time.Hour)
		look(0)
		look(-time.Hour)
		warned, events := 0, 0
		for _, p := range processes {
			warned += p.warned()
		}
		for range 3 {
			event := ""
			select {
			case event = <-processes[0].events:
			case event = <-processes[1].events:
			case event = <-processes[2].events:
			}
			if event != EventExpiring+" entra" {
				t.Errorf("the event %s", event)
			}
			events++
		}
		for _, p := range processes {
			events += len(p.events)
		}
		if warned != 3 || events != 3 {
			t.Errorf("the log has warned %d times, and there were %d events", warned, events)
		}
	})
}

// What was made with less time left is warned of once, with what is left; what
// expires anew after it was exchanged is another matter.
func TestLittleTimeLeft(t *testing.T) {
	elsewhere(t)
	in := new(inbox)
	server := httptest.NewServer(in)
	defer server.Close()
	s := storetest.Open(t, storetest.SQLite(t)())
	p := newProcess(t, s, server.URL, Credential{Gateway: "directory", Name: "entra", Expires: noon})
	for left, want := range map[time.Duration][]string{5 * day: {"entra 5"}} {
		p.Look(t.Context(), noon.Add(-left))
		p.Look(t.Context(), noon.Add(-left+time.Hour))
		if diff := cmp.Diff(want, in.take()); diff != "" {
			t.Error(diff)
		}
	}
	again := newProcess(t, s, server.URL, Credential{Gateway: "directory", Name: "entra", Expires: noon.Add(30 * day)})
	again.Look(t.Context(), noon.Add(2*day))
	if diff := cmp.Diff([]string{"entra 28"}, in.take()); diff != "" {
		t.Error(diff)
	}
}

// What can't be sent is tried again, later and later, by whoever runs, and until it
// was sent; the other ways are not repeated for it.
func TestRetry(t *testing.T) {
	elsewhere(t)
	in := &inbox{status: 503}
	server := httptest.NewServer(in)
	defer server.Close()
	engine := storetest.SQLite(t)
	entra := Credential{Gateway: "directory", Name: "entra", Expires: noon}
	first, second := newProcess(t, storetest.Open(t, engine()), server.URL, entra), newProcess(t, storetest.Open(t, engine()), server.URL, entra)
	begin := noon.Add(-30 * day)
	failures := func() int {
		return first.logs.FilterMessageSnippet("could not be sent").Len() + second.logs.FilterMessageSnippet("could not be sent").Len()
	}
	for _, step := range []struct {
		p    process
		at   time.Duration
		want int
	}{
		{first, 0, 1}, {second, 0, 1}, {second, 59 * time.Second, 1}, {second, 61 * time.Second, 2}, {first, 2 * time.Minute, 2}, {first, 4 * time.Minute, 3},
	} {
		step.p.Look(t.Context(), begin.Add(step.at))
		if got := failures(); got != step.want {
			t.Errorf("%s on, %d attempts have failed, want %d", step.at, got, step.want)
		}
	}
	in.answers(200)
	for range 3 {
		first.Look(t.Context(), begin.Add(time.Hour))
		second.Look(t.Context(), begin.Add(time.Hour))
	}
	if diff := cmp.Diff([]string{"entra 30"}, in.take()); diff != "" {
		t.Error(diff)
	}
	if n := first.warned() + second.warned(); n != 1 {
		t.Errorf("the log has warned %d times", n)
	}
}

// Whoever dies while sending is taken over from, when the time of the claim is over.
func TestTakenOver(t *testing.T) {
	elsewhere(t)
	in := new(inbox)
	server := httptest.NewServer(in)
	defer server.Close()
	engine := storetest.SQLite(t)
	entra := Credential{Gateway: "directory", Name: "entra", Expires: noon}
	died := storetest.Open(t, engine())
	hook := &Webhook{URL: server.URL}
	w := warning{entra, 30 * day}
	begin := noon.Add(-30 * day)
	if attempt, _, err := w.claim(hook.key()).take(t.Context(), died, begin); attempt != 1 || err != nil {
		t.Fatalf("the claim is taken as %d, %v", attempt, err)
	}
	p := newProcess(t, storetest.Open(t, engine()), server.URL, entra)
	p.Look(t.Context(), begin.Add(claimLife-time.Second))
	if got := in.take(); got != nil {
		t.Errorf("somebody else's claim was not waited for: %q", got)
	}
	p.Look(t.Context(), begin.Add(claimLife))
	if diff := cmp.Diff([]string{"entra 30"}, in.take()); diff != "" {
		t.Error(diff)
	}
	// The dead one comes back: it has lost the claim, and settles nothing.
	if err := w.claim(hook.key()).end(t.Context(), died, begin, false, 0); err != nil {
		t.Fatal(err)
	}
	again := newProcess(t, died, server.URL, entra)
	again.Look(t.Context(), begin.Add(time.Hour))
	if got := in.take(); got != nil {
		t.Errorf("it was sent twice: %q", got)
	}
}

// Issued tokens: of the gateways here, valid, and not yet replaced in practice.
func TestIssued(t *testing.T) {
	elsewhere(t)
	ctx := t.Context()
	in := new(inbox)
	server := httptest.NewServer(in)
	defer server.Close()
	s := storetest.Open(t, storetest.SQLite(t)())
	issue := func(id, gateway, name, replaces string) {
		t.Helper()
		if err := s.AddToken(ctx, store.Token{ID: id, Gateway: gateway, Name: name, Hash: sha256.Sum256([]byte(id)), Expires: noon, Replaces: replaces}); err != nil {
			t.Fatal(err)
		}
	}
	issue("entra001", "directory", "entra", "")
	issue("okta0001", "directory", "okta", "")
	issue("revoked1", "directory", "revoked", "")
	issue("another1", "another", "entra", "")
	issue("entra002", "directory", "entra", "entra001")
	if err := s.RevokeToken(ctx, "revoked1", noon, "", ""); err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, s, server.URL)
	at := noon.Add(-7 * day)
	p.Look(ctx, at)
	got := in.take()
	if diff := cmp.Diff([]string{"entra entra001 7", "entra entra002 7", "okta okta0001 7"}, got); diff != "" {
		t.Errorf("before the new one is used (-want +got):\n%s", diff)
	}
	var remedies []string
	for _, line := range p.logs.FilterMessage("a credential expires soon").All() {
		remedies = append(remedies, line.ContextMap()["remedy"].(string))
	}
	if len(remedies) != 3 || !strings.Contains(remedies[0], "rotated to entra002") || !strings.Contains(remedies[2], "scimgate token rotate okta0001") {
		t.Errorf("the remedies are %q", remedies)
	}
	use := func(id string, at time.Time) {
		s.Use("directory", id).Note(at, netip.MustParseAddr("192.0.2.1"))
	}
	use("entra001", at.Add(time.Hour))
	use("entra002", at.Add(2*time.Hour))
	p.Look(ctx, noon.Add(-day))
	if diff := cmp.Diff([]string{"entra entra002 1", "okta okta0001 1"}, in.take()); diff != "" {
		t.Errorf("when the new one is used (-want +got):\n%s", diff)
	}
}

// While the store is away nothing is sent, which could be sent twice; it is when the
// store is there.
func TestStoreAway(t *testing.T) {
	elsewhere(t)
	in := new(inbox)
	server := httptest.NewServer(in)
	defer server.Close()
	s := store.New(storetest.SQLite(t)(), zap.NewNop())
	t.Cleanup(func() {
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	})
	p := newProcess(t, s, server.URL, Credential{Gateway: "directory", Name: "entra", Expires: noon})
	p.Look(t.Context(), noon.Add(-7*day))
	if got := in.take(); got != nil {
		t.Errorf("without a store came %q", got)
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Look(t.Context(), noon.Add(-7*day))
	if diff := cmp.Diff([]string{"entra 7"}, in.take()); diff != "" {
		t.Error(diff)
	}
}

// Started, it looks at once; stopped, it ends at once, also while it sends.
func TestStartAndStop(t *testing.T) {
	elsewhere(t)
	asked, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer server.Close()
	defer close(release)
	s := storetest.Open(t, storetest.SQLite(t)())
	p := newProcess(t, s, server.URL, Credential{Gateway: "directory", Name: "entra", Expires: time.Now().Add(day)})
	p.Start(nil)
	p.Start(nil)
	<-asked
	p.Stop()
	p.Stop()
	if n := p.logs.FilterMessageSnippet("could not be sent").Len(); n > 0 {
		t.Error("that it was stopped is told as a fault")
	}
}

func TestMetric(t *testing.T) {
	elsewhere(t)
	s := storetest.Open(t, storetest.SQLite(t)())
	if err := s.AddToken(t.Context(), store.Token{ID: "okta0001", Gateway: "directory", Name: "okta", Expires: noon}); err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, s, "http://127.0.0.1", Credential{Gateway: "directory", Name: "entra", Expires: noon}, Credential{Gateway: "directory", Name: "never"})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p.Notice)
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, m := range gathered[0].GetMetric() {
		name := gathered[0].GetName()
		for _, label := range m.GetLabel() {
			name += " " + label.GetValue()
		}
		got[name] = m.GetGauge().GetValue()
	}
	want := map[string]float64{
		"caddy_scim_token_expires_seconds directory  entra":        float64(noon.Unix()),
		"caddy_scim_token_expires_seconds directory okta0001 okta": float64(noon.Unix()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTestMessage(t *testing.T) {
	in := new(inbox)
	hooks := httptest.NewServer(in)
	defer hooks.Close()
	mails := (&mailServer{mode: TLSNone}).start(t)
	n := &Notice{
		SMTP:     &SMTP{Server: mails.address, TLS: TLSNone, From: "a@example.com", To: []string{"b@example.com"}},
		Webhooks: []*Webhook{{URL: hooks.URL}},
	}
	if err := n.Provision(nil, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	results, err := n.Test(t.Context(), "grace@host")
	if err != nil || len(results) != 2 || len(mails.got()) != 1 || len(in.take()) != 1 {
		t.Errorf("it ended as %v, %v", results, err)
	}
	if !strings.Contains(mails.got()[0].text, "grace@host") {
		t.Errorf("the mail is %s", mails.got()[0].text)
	}
	in.answers(500)
	if results, err = n.Test(t.Context(), "grace@host"); err == nil || results[0].Error != "" || !strings.Contains(results[1].Error, "500") {
		t.Errorf("it ended as %v, %v", results, err)
	}
	if _, err := new(Notice).Test(context.Background(), ""); !errors.Is(err, ErrNoWay) {
		t.Errorf("with no way: %v", err)
	}
}

func TestInWords(t *testing.T) {
	for left, want := range map[time.Duration]string{
		30 * day: "30 days", 30*day - time.Minute: "30 days", 7 * day: "7 days", day: "1 day", day - time.Second: "1 day",
		5 * time.Hour: "5 hours", time.Hour: "1 hour", 20 * time.Minute: "20 minutes", time.Second: "1 minute",
	} {
		if got := inWords(left); got != want {
			t.Errorf("%s is %q, want %q", left, got, want)
		}
	}
}

func TestProvisionRefuses(t *testing.T) {
	smtp := func(change func(*SMTP)) *Notice {
		s := &SMTP{Server: "mail.example.com", From: "a@example.com", To: []string{"b@example.com"}}
		change(s)
		return &Notice{SMTP: s}
	}
	for want, n := range map[string]*Notice{
		"no time before":               {Before: []caddy.Duration{-1}},
		"is none of starttls":          smtp(func(s *SMTP) { s.TLS = "ssl" }),
		"is no host and port":          smtp(func(s *SMTP) { s.Server = "mail:0" }),
		"it takes from":                smtp(func(s *SMTP) { s.To = nil }),
		"is no e-mail address":         smtp(func(s *SMTP) { s.From = "a@example.com\r\nBcc: c@example.com" }),
		"go together":                  smtp(func(s *SMTP) { s.User = "x" }),
		"could be read on the way":     smtp(func(s *SMTP) { s.User, s.Password, s.TLS = "x", "y", TLSNone }),
		"the address is no URL":        {Webhooks: []*Webhook{{URL: "hooks.example.com"}}},
		"is no name of a header":       {Webhooks: []*Webhook{{URL: "https://hooks.example.com", Header: map[string]string{"X Key": "a"}}}},
		"the header Webhook-Id is not": {Webhooks: []*Webhook{{URL: "https://hooks.example.com", Header: map[string]string{"Webhook-Id": "a"}}}},
	} {
		if err := n.Provision(nil, zap.NewNop()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}
