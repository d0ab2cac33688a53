package rehearse

import (
	"encoding/json"
	"io"
	"time"
)

// NewJSON returns a reporter that writes JSON lines: one object with event begin,
// one with event step for each check, and one with event end. A load run has only
// the first and the last. What is there now stays; members may be added.
func NewJSON(out io.Writer) Reporter { return &jsonReport{out: out} }

// jsonVersion is that of the format. It changes when something is removed or
// means something else.
const jsonVersion = 1

type jsonReport struct {
	nobody
	out io.Writer
}

func (p *jsonReport) Begin(o Opening) {
	p.write(struct {
		Event   string `json:"event"`
		Version int    `json:"version"`
		Opening
	}{"begin", jsonVersion, o})
}

func (p *jsonReport) Step(r Result) {
	p.write(struct {
		Event string `json:"event"`
		Result
	}{"step", r})
}

func (p *jsonReport) Waiting(d time.Duration) {
	p.write(struct {
		Event   string  `json:"event"`
		Seconds float64 `json:"seconds"`
	}{"waiting", d.Seconds()})
}

func (p *jsonReport) End(s Summary) {
	p.write(struct {
		Event string `json:"event"`
		Summary
	}{"end", s})
}

// write writes a line. Who reads has gone when that fails, and the rehearsal goes
// on to its end and cleans up.
func (p *jsonReport) write(v any) {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

// Interface guards
var (
	_ Reporter = (*jsonReport)(nil)
	_ Reporter = (*textReport)(nil)
)
