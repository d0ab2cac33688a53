package rehearse_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/internal/rehearse"
)

// gateway is a real one, before the embedded directory. One serves all tests: one
// can run in a process.
var gateway *demo.Demo

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	gateway, err = demo.Start(demo.Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Quiet: true, NoBrake: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := gateway.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// patient is what nothing takes, not even on a machine that has much else to do.
const patient = 10 * time.Minute

// options are those for a server at the URL.
func options(url string, providers ...rehearse.Provider) rehearse.Options {
	return rehearse.Options{
		Providers: providers, URL: url, Credential: rehearse.Credential{Scheme: rehearse.Bearer, Secret: gateway.Token}, Timeout: patient,
	}
}

// record is a reporter that keeps what it is told.
type record struct {
	rehearse.Reporter
	opening  rehearse.Opening
	steps    []rehearse.Result
	summary  rehearse.Summary
	starting func(title string) // called before each check, if set
}

func newRecord() *record { return &record{Reporter: rehearse.NewJSON(io.Discard)} }

func (r *record) Begin(o rehearse.Opening) { r.opening = o }
func (r *record) Step(one rehearse.Result) { r.steps = append(r.steps, one) }
func (r *record) End(s rehearse.Summary)   { r.summary = s }
func (r *record) Starting(_, _ int, t string) {
	if r.starting != nil {
		r.starting(t)
	}
}

// verdicts are those that are not passed, by check.
func (r *record) verdicts() map[string]rehearse.Verdict {
	all := make(map[string]rehearse.Verdict)
	for _, one := range r.steps {
		if one.Verdict != rehearse.Passed && one.ID != "match-existing" {
			all[one.ID] = one.Verdict
		}
	}
	return all
}

func (r *record) step(t *testing.T, id string) rehearse.Result {
	t.Helper()
	for _, one := range r.steps {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("there was no check %s", id)
	return rehearse.Result{}
}

// ask sends a request to the gateway itself.
func ask(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, gateway.TenantURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+gateway.Token)
	r.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var v map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return answer.StatusCode, v
}

// leftovers are the names of throw-away users and groups that are there.
func leftovers(t *testing.T) []string {
	t.Helper()
	var names []string
	for path, attribute := range map[string]string{"/Users": "userName", "/Groups": "displayName"} {
		_, v := ask(t, "GET", path+"?filter="+url.QueryEscape(attribute+` co "scimgate-rehearsal-"`), "")
		found, _ := v["Resources"].([]any)
		for _, one := range found {
			names = append(names, fmt.Sprint(one.(map[string]any)[attribute]))
		}
	}
	return names
}

// nothingIsLeft checks that all throw-away users and groups are gone.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	if left := leftovers(t); len(left) > 0 {
		t.Errorf("left behind: %s", left)
		if err := gateway.Reset(); err != nil {
			t.Fatal(err)
		}
	}
}

// answer is what a server is about to answer.
type answer struct {
	status int
	header http.Header
	body   string
}

// object reads the body.
func (a *answer) object() map[string]any {
	var v map[string]any
	_ = json.Unmarshal([]byte(a.body), &v)
	return v
}

func (a *answer) set(status int, v any) {
	text := ""
	if v != nil {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // the values stand in the tests
		}
		text = string(b)
	}
	a.status, a.body = status, text
}

// refuse makes it an error.
func (a *answer) refuse(status int, scimType, detail string) {
	a.set(status, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": fmt.Sprint(status), "scimType": scimType, "detail": detail,
	})
}

// defect breaks one thing of the server behind it. before may answer itself, by
// returning something, or change the request; after changes the answer.
type defect struct {
	before func(r *http.Request, body string) (*answer, string)
	after  func(r *http.Request, body string, a *answer)
}

// elsewhere counts the addresses from which the gateway is called.
var elsewhere atomic.Int32

// fromElsewhere is a way to the gateway that comes from an address of its own, from
// which no wrong tokens have come before.
func fromElsewhere(t *testing.T) *httputil.ReverseProxy {
	t.Helper()
	behind, err := url.Parse(strings.TrimSuffix(gateway.TenantURL, "/scim/v2"))
	if err != nil {
		t.Fatal(err)
	}
	n := elsewhere.Add(1)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
	way := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(way.CloseIdleConnections)
	proxy := httputil.NewSingleHostReverseProxy(behind)
	proxy.Transport = way
	return proxy
}

// broken is a server with a defect before the gateway. It returns its tenant URL.
func broken(t *testing.T, d defect) string {
	t.Helper()
	proxy := fromElsewhere(t)
	var one sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		body := string(text)
		one.Lock()
		defer one.Unlock()
		var a *answer
		if d.before != nil {
			a, body = d.before(r, body)
		}
		if a == nil {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			recorder := httptest.NewRecorder()
			// What the one who asked has cut off goes on behind, as it does elsewhere.
			proxy.ServeHTTP(recorder, r.WithContext(context.WithoutCancel(r.Context())))
			a = &answer{recorder.Code, recorder.Result().Header, recorder.Body.String()}
		}
		if d.after != nil {
			d.after(r, body, a)
		}
		if a.header == nil {
			a.header = http.Header{"Content-Type": {"application/scim+json"}}
		}
		a.header.Del("Content-Length")
		for name, values := range a.header {
			w.Header()[name] = values
		}
		w.WriteHeader(a.status)
		_, _ = io.Copy(w, bytes.NewReader([]byte(a.body)))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/scim/v2"
}

// cut cuts the connection.
func cut() { panic(http.ErrAbortHandler) }

func isUsers(r *http.Request) bool  { return strings.HasPrefix(r.URL.Path, "/scim/v2/Users") }
func isGroups(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/scim/v2/Groups") }
func isByID(r *http.Request) bool   { return strings.Count(r.URL.Path, "/") > 3 }
func isSearch(r *http.Request) bool { return r.Method == "GET" && r.URL.Query().Has("filter") }
