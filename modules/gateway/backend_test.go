package gateway

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "gateway-test-token"

// backend is a translator whose answers a test chooses. It knows one user.
type backend struct {
	mu     sync.Mutex
	active bool
	plans  []translators.Intent // that were planned

	plan  func(translators.Intent) *translators.Plan // default: one call that is applied, and proves what active demands
	call  translators.CallResult                     // default: applied
	proof translators.Proof                          // default: proven
	scan  iter.Seq2[string, error]
	check func()

	findings []translators.Finding
}

const userID = "7a4f7a5e-0b1c-4a55-9f6e-0d3f7d1c2b3a"

var users = scim.UserType()

func (b *backend) Types() []translators.Type {
	return []translators.Type{{ResourceType: users, Delete: translators.DeleteRemove, ChangesPassword: true}}
}

func (*backend) Lease() (func(), error) { return func() {}, nil }

func (*backend) Search(context.Context, translators.Query) (translators.Result, error) {
	return translators.Result{}, nil
}

func (b *backend) ScanSorted(context.Context, *scim.ResourceType, scim.Filter, scim.Sort) (iter.Seq2[string, error], bool) {
	return nil, false
}

func (b *backend) Scan(context.Context, *scim.ResourceType, scim.Filter) iter.Seq2[string, error] {
	return b.scan
}

func (b *backend) Read(_ context.Context, _ *scim.ResourceType, ids []string, _ translators.Selection) ([]*translators.Entry, error) {
	var found []*translators.Entry
	for _, id := range ids {
		if id == userID {
			b.mu.Lock()
			r := scim.NewResource(users)
			r.ID = userID
			r.Set(users.Attribute("userName"), scim.String("ada"))
			r.Set(users.Attribute("active"), scim.Bool(b.active))
			b.mu.Unlock()
			found = append(found, &translators.Entry{Resource: r})
		}
	}
	return found, nil
}

func (b *backend) Plan(_ context.Context, in translators.Intent) (*translators.Plan, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plans = append(b.plans, in)
	if b.plan != nil {
		return b.plan(in), nil
	}
	plan := &translators.Plan{Calls: []translators.Call{scripted{b.call}}}
	if active := users.Attribute("active"); in.After != nil && in.After.Get(active).Kind() == scim.KindBool && !in.After.Get(active).IsTrue() {
		plan.Proves = translators.ProofDisabled
	}
	return plan, nil
}

func (b *backend) Prove(context.Context, *translators.Plan, translators.Report) translators.Proof {
	return b.proof
}

func (b *backend) Check(context.Context) []translators.Finding {
	if b.check != nil {
		b.check()
	}
	return b.findings
}

// scripted is a call with a result that was chosen before.
type scripted struct{ result translators.CallResult }

func (scripted) String() string  { return "change something" }
func (scripted) Purpose() string { return "change something" }
func (s scripted) Do(context.Context, []translators.CallResult) translators.CallResult {
	return s.result
}
func (s scripted) Settle(context.Context, []translators.CallResult) translators.CallResult {
	return s.result
}
func (scripted) Undo() translators.Call { return nil }

// works is a backend that does what it is asked for.
func works() *backend {
	return &backend{
		active: true, call: translators.CallResult{Outcome: translators.Applied},
		proof: translators.Proof{Status: translators.Proven},
	}
}

// made counts the handlers of the tests.
var made atomic.Int64

// newHandler returns a gateway at /scim/v2 in front of b, and its log.
func newHandler(t *testing.T, b translators.Translator, change func(*Handler)) (*Handler, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	h := &Handler{
		// The counters are the process's: each handler has a name of its own.
		Name: fmt.Sprintf("%s-%d", t.Name(), made.Add(1)),
		Base: "/scim/v2", Timeout: caddy.Duration(10 * time.Second), BulkTimeout: caddy.Duration(time.Minute), log: zap.New(core),
		Access:     access.Access{Credentials: []*access.Credential{{Name: "test", Secret: secret}}},
		translator: b, types: b.Types(), backend: "test",
		Journal: Journaling{Off: true},
	}
	for _, served := range h.types {
		h.resource = append(h.resource, served.ResourceType)
	}
	if change != nil {
		change(h)
	}
	bare, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := h.Access.Provision(bare, h.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Access.Cleanup)
	if err := h.Access.ProvisionMe(h.users()); err != nil {
		t.Fatal(err)
	}
	if err := h.Policy.Provision(h.resource); err != nil {
		t.Fatal(err)
	}
	h.provisionDecoder()
	h.provisionReads()
	h.names = activities.enter(h.Name, &h.Access)
	t.Cleanup(func() {
		if err := h.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return h, logs
}

// server is a site with the gateway and a handler behind it.
type server struct{ h *Handler }

const nobodyElse = "nobody took the request"

func (s server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "192.0.2.1"})
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte(nobodyElse))
		return err
	})
	if err := s.h.ServeHTTP(w, r.WithContext(ctx), next); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// request makes a request with the token.
func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	return r
}

// ask sends a request to h and returns the answer.
func ask(h *Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := request(method, path, body)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	server{h}.ServeHTTP(w, r)
	return w
}

const disableAda = `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`

// Interface guards
var (
	_ translators.Translator = (*backend)(nil)
	_ translators.Call       = scripted{}
	_ http.Handler           = server{}
)
