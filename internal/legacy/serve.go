package legacy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// mostBody bounds what is read of a request.
const mostBody = 16 << 20

// ServeHTTP answers a request.
func (a *App) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, h.Body, mostBody))
	if err != nil {
		return
	}
	if h.URL.Path == "/login" {
		a.serveLogin(w, body)
		return
	}
	out, fault := a.handle(w, h, body)
	if fault.is(SlowAfter) {
		a.hang(h, fault.For)
	}
	a.send(w, h, out, fault)
}

// answer is a reply as it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// handle reads, checks and does a request.
func (a *App) handle(w http.ResponseWriter, h *http.Request, body []byte) (*answer, *Fault) {
	wire := a.wire()
	r := &request{http: h, params: h.URL.Query()}
	parsed := wire.parse(a, r, body)
	a.mu.Lock()
	fault := a.faultFor(r, h)
	a.mu.Unlock()
	if fault.is(Slow) && !a.hang(h, fault.For) {
		return &answer{status: 0}, &Fault{Kind: CutBefore}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if fault.is(Late) {
		a.late = append(a.late, func() { _, _ = a.answerTo(r, h, body, parsed) })
		return &answer{status: 0}, &Fault{Kind: CutBefore}
	}
	r.fault = fault
	out, err := a.answerTo(r, h, body, parsed)
	if err != nil && out == nil {
		f := &failure{status: 500, code: "internal", text: err.Error()}
		errors.As(err, &f)
		out = wire.fail(a, r, f)
	}
	if !a.options.NoAudit {
		a.requests = append(a.requests, Request{
			Op: r.op, ID: r.id, Method: h.Method, URL: h.URL.RequestURI(), Header: h.Header.Clone(), Body: string(body), Status: out.status, Fault: fault.kind(),
		})
	}
	return out, fault
}

// answerTo signs in, and does what is asked for unless a fault comes before.
func (a *App) answerTo(r *request, h *http.Request, body []byte, parsed error) (*answer, error) {
	if h.URL.Path == "/oauth/token" && a.options.SignIn == ByOAuth {
		return a.grant(h, body), nil
	}
	if r.op != "session" {
		if out, err := a.signedIn(r, h, body); out != nil || err != nil {
			return out, err
		}
	}
	if out := r.fault.instead(h, body); out != nil {
		return out, nil
	}
	if parsed != nil {
		return nil, parsed
	}
	out, err := a.perform(r)
	if err != nil {
		return nil, err
	}
	return a.wire().print(a, r, out), nil
}

// serveLogin is the application's own login page.
func (a *App) serveLogin(w http.ResponseWriter, body []byte) {
	given, err := decodeJSON(body)
	login, _ := given["login"].(string)
	password, _ := given["password"].(string)
	if err == nil {
		err = a.SignInAs(login, password)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// send sends an answer, or what a fault makes of it.
func (a *App) send(w http.ResponseWriter, h *http.Request, out *answer, fault *Fault) {
	for name, values := range out.header {
		w.Header()[name] = values
	}
	switch fault.kind() {
	case CutBefore, CutAfter:
		panic(http.ErrAbortHandler)
	case Half:
		half := out.body[:len(out.body)/2]
		w.Header().Set("Content-Length", lengthOf(max(len(out.body), 2)))
		w.WriteHeader(out.status)
		_, _ = w.Write(half)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case ErrorAfter:
		out = (&Fault{Kind: ErrorBefore}).instead(h, nil)
		w.Header().Set("Content-Type", out.header.Get("Content-Type"))
	case NoAnswer:
		out = &answer{status: http.StatusOK}
	case Broken:
		out.body = bytes.Replace(out.body, []byte(":"), []byte("="), 1)
	case Huge:
		w.WriteHeader(out.status)
		a.sendHuge(w)
		return
	}
	w.WriteHeader(out.status)
	if h.Method != http.MethodHead && out.status != http.StatusNoContent {
		_, _ = w.Write(out.body)
	}
}

// sendHuge sends 50 MB of what could be an answer.
func (a *App) sendHuge(w io.Writer) {
	const size = 50 << 20
	_, _ = io.WriteString(w, `{"users":[`)
	row := []byte(strings.Repeat(`{"id":1,"login":"huge","title":"`+strings.Repeat("x", 950)+`"},`, 16))
	for sent := 0; sent < size; sent += len(row) {
		if _, err := w.Write(row); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, `{}],"total":0}`)
}
