package gateway

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
)

// How soon the backend is looked at after a configuration was loaded, and how
// often after that, also while it can't be used. A configuration that is only
// validated is gone by then, so that validating it connects to nothing.
const (
	checkDelay      = 2 * time.Second
	checkEvery      = 5 * time.Minute
	checkEveryFault = 30 * time.Second
	checkTimeout    = 30 * time.Second
)

// checker looks from time to time whether the backend can do what the
// configuration asks of it, and logs what it finds when that has changed: a lock that
// nobody enforces must be known before the first disable.
type checker struct {
	mu     sync.Mutex
	timer  *time.Timer
	ctx    context.Context // ends when checking is stopped
	cancel context.CancelFunc
	last   []translators.Finding
	state  backendState

	looking sync.Mutex // one at a time
}

// start begins to check h.
func (c *checker) start(h *Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx, c.cancel = ctx, cancel
	c.timer = time.AfterFunc(checkDelay, func() { c.run(ctx, h) })
}

// stop ends checking; it may not have begun.
func (c *checker) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
		c.timer.Stop()
	}
}

func (c *checker) run(ctx context.Context, h *Handler) {
	c.look(ctx, h)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case c.state.isUsable:
		c.timer.Reset(checkEvery)
	default:
		c.timer.Reset(checkEveryFault)
	}
}

// look looks at the backend now. It does nothing once checking has been stopped, or
// when somebody else has only just looked.
func (c *checker) look(ctx context.Context, h *Handler) {
	asked := time.Now()
	c.looking.Lock()
	defer c.looking.Unlock()
	if c.present().checked.After(asked) {
		return
	}
	release, err := h.translator.Lease()
	if err != nil {
		return // the configuration is being taken down
	}
	findings := h.findings(ctx)
	release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	c.state.see(findings, time.Now())
	metrics.checked(h.Name, h.backend, c.state.isUsable)
	if !slices.Equal(findings, c.last) {
		c.last = findings
		for _, finding := range findings {
			h.logFinding(finding)
		}
	}
}

// present returns what is known of the backend.
func (c *checker) present() backendState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// backendState is what the latest check has found.
type backendState struct {
	checked  time.Time // zero: not yet
	since    time.Time // when it became usable, or unusable
	isUsable bool
	findings []translators.Finding
}

func (s *backendState) see(findings []translators.Finding, now time.Time) {
	isBad := func(f translators.Finding) bool { return f.Level == translators.LevelError }
	isUsable := !slices.ContainsFunc(findings, isBad)
	if s.checked.IsZero() || isUsable != s.isUsable {
		s.since = now
	}
	s.checked, s.isUsable, s.findings = now, isUsable, findings
}

// findings asks the translator. No request's own goroutine runs here, whose panic
// would be caught.
func (h *Handler) findings(ctx context.Context) (found []translators.Finding) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("checking the backend panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			found = []translators.Finding{{Level: translators.LevelError, Detail: "The check itself failed: the log has the reason."}}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return h.translator.Check(ctx)
}

func (h *Handler) logFinding(finding translators.Finding) {
	field := zap.String("finding", finding.Detail)
	switch finding.Level {
	case translators.LevelError:
		h.log.Error("the backend can't be used", field)
	case translators.LevelWarning:
		h.log.Warn("the backend can't do all that is configured", field)
	default:
		h.log.Info("the backend was checked", field)
	}
}
