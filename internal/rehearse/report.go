package rehearse

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scimgate/scimgate/internal/terminal"
)

// Reporter is told what happens, in this order, by one goroutine at a time.
type Reporter interface {
	// Begin comes first.
	Begin(Opening)
	// Provider comes before the checks of one.
	Provider(p Provider, checks int)
	// Starting comes before each check, and Step after it.
	Starting(number, total int, title string)
	Step(Result)
	// Waiting says that the server asked to wait.
	Waiting(time.Duration)
	// Loading tells, a few times a second, how far a load run is.
	Loading(Progress)
	// Cleaning tells how much of what was created is still there.
	Cleaning(left int)
	// End comes last.
	End(Summary)
}

// Opening is what is going to happen.
type Opening struct {
	URL       string     `json:"url"`
	Providers []Provider `json:"providers,omitempty"`
	Prefix    string     `json:"prefix"`          // of the names of all that is written
	Match     string     `json:"match,omitempty"` // who is looked for, and not written
	Checks    int        `json:"checks,omitempty"`
	Keep      bool       `json:"keep,omitempty"` // what is written is not removed
	Load      *Load      `json:"load,omitempty"`
	// Disables and Deletions are how many of a brake's count the run takes.
	Disables  int `json:"disables,omitempty"`
	Deletions int `json:"deletions,omitempty"`
	// Remove says that nothing but the removal of what an earlier run has left,
	// under this prefix, is done.
	Remove bool `json:"remove,omitempty"`
}

// Result is how a check ended.
type Result struct {
	Provider Provider  `json:"provider"`
	Step     int       `json:"step"`
	Steps    int       `json:"steps"`
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Severity Severity  `json:"severity"`
	Verdict  Verdict   `json:"verdict"`
	Findings []Finding `json:"findings"`
	// Otherwise and Remedy are those of the worst finding.
	Otherwise string     `json:"otherwise,omitempty"`
	Remedy    string     `json:"remedy,omitempty"`
	Requests  []Exchange `json:"requests"`
	// Changes are what became of the resource, a line each.
	Changes []string `json:"changes,omitempty"`
	// Notes are what there is to know besides.
	Notes        []string `json:"notes,omitempty"`
	Milliseconds float64  `json:"milliseconds"`
}

// Severity says how much a provider needs something.
type Severity string

// The severities.
const (
	Required    Severity = "required"    // a provider fails without it
	Recommended Severity = "recommended" // a provider can do without it
)

// Verdict is how a check ended.
type Verdict string

// The verdicts.
const (
	Passed      Verdict = "passed"
	Failed      Verdict = "failed"      // something required is missing
	Warning     Verdict = "warning"     // something recommended is missing
	Unsupported Verdict = "unsupported" // the server says itself that it does not do this
	Skipped     Verdict = "skipped"     // what it needs failed before
	Held        Verdict = "held"        // the server asks to wait too long, and the run ends
)

// Finding is something that is not as it should be.
type Finding struct {
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	// Otherwise is what the provider does because of it, and Remedy what to change.
	Otherwise string `json:"otherwise,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
}

// Exchange is a request and its answer.
type Exchange struct {
	Method string `json:"method"`
	Target string `json:"target"` // below the tenant URL, as on the wire
	Body   any    `json:"body,omitempty"`
	// Became is what the server made of it, where that is known.
	Became string `json:"became,omitempty"`
	Status int    `json:"status,omitempty"` // none: there was no answer
	Answer any    `json:"answer,omitempty"` // JSON, or text where it is none
	Error  string `json:"error,omitempty"`  // why there was no answer
	// ReadBack marks what was sent to see what became of another request.
	ReadBack     bool    `json:"read_back,omitempty"`
	Milliseconds float64 `json:"milliseconds"`
}

// shown is the exchange as it is reported.
func (x exchange) shown() Exchange {
	e := Exchange{
		Method: x.method, Target: x.target(), Became: x.became, Status: x.status, ReadBack: x.readBack, Milliseconds: milliseconds(x.took),
	}
	if x.showed != "" {
		e.Body = json.RawMessage(x.showed)
	}
	switch {
	case x.err != nil:
		e.Error = x.err.Error()
	case json.Valid(x.answer):
		e.Answer = json.RawMessage(x.answer)
	case len(x.answer) > 0:
		e.Answer = string(x.answer)
	}
	return e
}

// Left is something that was created and is still there.
type Left struct {
	Kind      Kind   `json:"kind"`
	ID        string `json:"id,omitempty"` // "" when it is not known whether it was created
	Name      string `json:"name"`
	Why       string `json:"why"`
	OnPurpose bool   `json:"on_purpose,omitempty"` // it was to be kept, or DELETE disables
}

// String says what is there, and why.
func (l Left) String() string {
	return terminal.Plain(fmt.Sprintf("left behind: %s %s, id %s: %s", l.Kind, l.Name, cmp.Or(l.ID, "unknown"), l.Why))
}

// Summary is how everything ended.
type Summary struct {
	Passed       int         `json:"passed"`
	Failed       int         `json:"failed"`
	Warnings     int         `json:"warnings"`
	Unsupported  int         `json:"unsupported"`
	Skipped      int         `json:"skipped"`
	Error        string      `json:"error,omitempty"` // why it ended before its time
	Removed      int         `json:"removed"`         // how much of what was created was removed in the end
	Left         []Left      `json:"left"`
	Load         *LoadResult `json:"load,omitempty"`
	Latency      []Latency   `json:"latency"`
	Milliseconds float64     `json:"milliseconds"`
}

// nobody is told nothing.
type nobody struct{}

func (nobody) Begin(Opening)             {}
func (nobody) Provider(Provider, int)    {}
func (nobody) Starting(int, int, string) {}
func (nobody) Step(Result)               {}
func (nobody) Waiting(time.Duration)     {}
func (nobody) Loading(Progress)          {}
func (nobody) Cleaning(int)              {}
func (nobody) End(Summary)               {}

// Interface guard
var _ Reporter = nobody{}
