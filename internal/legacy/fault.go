package legacy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// FaultKind is how a request goes wrong.
type FaultKind string

// The faults. What comes after is done, whatever the answer is.
const (
	Slow          FaultKind = "slow"           // done and answered after Fault.For, if the client is still there
	SlowAfter     FaultKind = "slow after"     // done, and answered after Fault.For
	TooMany       FaultKind = "too many"       // 429, Retry-After of Fault.For in seconds
	ErrorBefore   FaultKind = "500 before"     // not done
	ErrorAfter    FaultKind = "500 after"      // done
	CutBefore     FaultKind = "cut before"     // the connection ends without an answer; not done
	CutAfter      FaultKind = "cut after"      // done
	Late          FaultKind = "late"           // cut without an answer, and done when App.CarryOutLate is called
	Half          FaultKind = "half"           // done, and cut in the middle of the answer
	Broken        FaultKind = "broken"         // done, and answered with what is no JSON
	HTML          FaultKind = "html"           // not done; an HTML page with Fault.Status
	LoginPage     FaultKind = "login page"     // not done; an HTML page with 200
	Huge          FaultKind = "huge"           // done, and answered with 50 MB
	Redirect      FaultKind = "redirect"       // not done; 302, or Fault.Status, to Fault.Location
	RepeatedPage  FaultKind = "repeated page"  // whatever page is asked for, the first
	LyingTotal    FaultKind = "lying total"    // more than there is
	NextElsewhere FaultKind = "next elsewhere" // the next page is said to be at Fault.Location
	Denied        FaultKind = "denied"         // not done; 403
	Echo          FaultKind = "echo"           // not done; 422, and all that was sent as the error
	NoAnswer      FaultKind = "empty 200"      // done, and answered with 200 and nothing
)

// Fault makes requests go wrong.
type Fault struct {
	Kind FaultKind
	// Op is the call that goes wrong, as Request.Op has it. Default: any.
	Op string
	// Skip is how many requests go well before, and Times how many go wrong then.
	// Default: all.
	Skip, Times int

	For      time.Duration
	Status   int
	Location string

	met int
}

// Fail makes requests go wrong from now on. Of several faults that apply the first
// counts.
func (a *App) Fail(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &f)
}

// Mend ends all faults.
func (a *App) Mend() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// CarryOutLate does what met the fault [Late], as an application does that has been slow.
func (a *App) CarryOutLate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, do := range a.late {
		do()
	}
	a.late = nil
}

// Met is how many requests have met the faults that there are.
func (a *App) Met() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	met := 0
	for _, f := range a.faults {
		met += f.met
	}
	return met
}

// faultFor returns the fault that a request meets, or nil.
func (a *App) faultFor(r *request, h *http.Request) *Fault {
	for _, f := range a.faults {
		if f.Op != "" && f.Op != r.op {
			continue
		}
		f.met++
		if f.met > f.Skip && (f.Times == 0 || f.met <= f.Skip+f.Times) {
			return f
		}
	}
	return nil
}

func (f *Fault) kind() FaultKind {
	if f == nil {
		return ""
	}
	return f.Kind
}

func (f *Fault) is(kind FaultKind) bool { return f.kind() == kind }

// hang waits, and reports whether the one who asks is still there.
func (a *App) hang(h *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.Context().Done():
	case <-a.closed:
	}
	return false
}

// instead is what is answered without anything being done, or nil.
func (f *Fault) instead(h *http.Request, body []byte) *answer {
	html := func(status int, text string) *answer {
		return &answer{status, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, []byte("<!DOCTYPE html>\n<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n")}
	}
	switch f.kind() {
	case TooMany:
		out := html(http.StatusTooManyRequests, "Too many requests")
		if f.For > 0 {
			out.header.Set("Retry-After", strconv.Itoa(int(f.For.Seconds())))
		}
		return out
	case ErrorBefore:
		return html(http.StatusInternalServerError, "Something went wrong")
	case CutBefore:
		return &answer{status: 0}
	case HTML:
		return html(f.Status, "An error page")
	case LoginPage:
		return html(http.StatusOK, "Please sign in")
	case Redirect:
		out := html(http.StatusFound, "Moved")
		if f.Status != 0 {
			out.status = f.Status
		}
		out.header.Set("Location", f.Location)
		return out
	case Echo:
		var sent bytes.Buffer
		_ = h.Header.Write(&sent)
		text, err := json.Marshal(map[string]string{"error": h.URL.RequestURI() + "\n" + sent.String() + string(body)})
		if err != nil {
			panic(err) // texts can always be written
		}
		return &answer{http.StatusUnprocessableEntity, http.Header{"Content-Type": {"application/json"}}, text}
	case Denied:
		return &answer{http.StatusForbidden, http.Header{"Content-Type": {"application/json"}}, []byte(`{"error":"you may not do this"}`)}
	}
	return nil
}

// Request is one that was made.
type Request struct {
	Op, ID      string // users.create …, "" for what is no call
	Method, URL string
	Header      http.Header
	Body        string
	Status      int // 0: none
	Fault       FaultKind
}

// Requests are all since the last call of Forget.
func (a *App) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Request(nil), a.requests...)
}

// Writes are those of them that are no list, read or session.
func (a *App) Writes() []Request {
	var writes []Request
	for _, r := range a.Requests() {
		switch r.Op {
		case "users.list", "users.read", "groups.list", "groups.read", "groups.members", "staff.list", "session", "":
		default:
			writes = append(writes, r)
		}
	}
	return writes
}

// Forget forgets the requests.
func (a *App) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = nil
}

func lengthOf(n int) string { return strconv.Itoa(n) }
