// Package rehearse plays a provider before the provider does: it sends to any
// SCIM 2.0 server what Microsoft Entra ID and Okta are known to send, on
// throw-away users and groups, and judges each answer by what the provider needs,
// whoever made the server. It knows SCIM as it looks on the wire, and neither a
// gateway nor a directory.
//
// It writes only what it has created itself: see [belongings]. However it ends,
// it removes that again.
package rehearse

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Provider is who is played.
type Provider string

// The providers there are.
const (
	Entra Provider = "entra"
	Okta  Provider = "okta"
)

// Providers are all there are, in the order in which they are rehearsed.
var Providers = []Provider{Entra, Okta}

// Name is how the provider is called.
func (p Provider) Name() string {
	switch p {
	case Entra:
		return "Microsoft Entra ID"
	case Okta:
		return "Okta"
	}
	return string(p)
}

// patience is how long the provider waits for an answer: Okta closes the
// connection after 60 seconds; Microsoft documents nothing, and no provider is
// known to wait longer.
const patience = 60 * time.Second

// Options say what is rehearsed, against whom.
type Options struct {
	// Providers are played one after the other. Default: all.
	Providers []Provider
	// URL is the tenant URL, as it is pasted into the provider.
	URL string
	// Credential is what the provider shows.
	Credential Credential
	// CAFile names a file of certificates, as PEM, that are trusted besides the
	// system's. Insecure trusts every certificate.
	CAFile   string
	Insecure bool
	// Match is the userName of somebody who is there already and is to be found.
	// Nothing about that person is written. Default: nobody.
	Match string
	// Prefix is how the names of all throw-away users and groups begin; a dash
	// and random characters follow. Default: scimgate-rehearsal.
	Prefix string
	// Domain stands behind the @ of their userNames. Default: example.com.
	Domain string
	// NoGroups leaves groups out.
	NoGroups bool
	// Timeout is how long an answer may take. Default: 60 seconds, after which
	// Okta closes the connection. A twelfth of it is called slow.
	Timeout time.Duration
	// Pace is the pause before each check.
	Pace time.Duration
	// Keep leaves what was created where it is.
	Keep bool
	// CleanUp is how long clean-up may take. Default: a minute.
	CleanUp time.Duration
	// Abort ends the clean-up too, when it is closed.
	Abort <-chan struct{}

	// Load makes a load run of it, in place of the checks. Default: none.
	Load *Load
	// Remove makes it the removal of what an earlier run has left: it is the
	// prefix of that run, with its random characters. Default: none.
	Remove string
	// Owned confirms that a host which is not this machine may be loaded.
	Owned bool

	// Report is told what happens. Default: nobody is.
	Report Reporter
	// Explain tells what a request will become behind the server, before it is
	// sent; "" when nothing is known. Default: nobody knows.
	Explain func(ctx context.Context, r *http.Request) string
	// Witness looks behind the server. Default: nobody does.
	Witness Witness
}

// Witness knows more about a throw-away user than SCIM tells.
type Witness interface {
	// Saw is called when a user was read back. It returns what there is to
	// say, and an error if that is not as it should be.
	Saw(ctx context.Context, userName string, isActive bool) (remark string, err error)
}

// How a rehearsal can end besides well.
var (
	// ErrMissing says that something a provider needs is missing.
	ErrMissing = errors.New("something that the provider needs is missing")
	// ErrLeft says that something that was created could not be removed.
	ErrLeft = errors.New("not everything could be removed")
	// ErrInterrupted says that it was ended before its time.
	ErrInterrupted = errors.New("interrupted")
	// ErrUnreachable says that nothing could be rehearsed: the server does not
	// answer, or refuses the credential.
	ErrUnreachable = errors.New("nothing could be rehearsed")
	// ErrHeld says that the server asked to wait longer than anybody watches.
	ErrHeld = errors.New("held back")
	// ErrVersion says that the server speaks another version of SCIM.
	ErrVersion = errors.New("another version of SCIM")
)

// prefixes are those that no server should have to escape or refuse.
var prefixes = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{2,39}$`)

// domains is what may stand behind an @.
var domains = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$`)

// complete fills in defaults and refuses what can't be meant.
func (o *Options) complete() error {
	if len(o.Providers) == 0 {
		o.Providers = Providers
	}
	for _, p := range o.Providers {
		if !slices.Contains(Providers, p) {
			return fmt.Errorf("there is no provider %q: there are entra, okta and all", p)
		}
	}
	if o.Prefix == "" {
		o.Prefix = "scimgate-rehearsal"
	}
	if !prefixes.MatchString(o.Prefix) {
		return fmt.Errorf("the prefix %q is none: 3 to 40 letters, digits, dots and dashes are, such as scimgate-rehearsal", o.Prefix)
	}
	if o.Domain == "" {
		o.Domain = "example.com"
	}
	if !domains.MatchString(o.Domain) {
		return fmt.Errorf("the domain %q is none: write one such as example.com", o.Domain)
	}
	if o.Timeout < 0 || o.Pace < 0 || o.CleanUp < 0 {
		return errors.New("a time below zero is none")
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	if o.Remove != "" && !fullPrefixes.MatchString(o.Remove) {
		return fmt.Errorf("%q is no prefix of a run: it ends in eight random characters, such as scimgate-rehearsal-abcdefgh", o.Remove)
	}
	if o.Remove != "" && (o.Load != nil || o.Keep) {
		return errors.New("to remove what an earlier run has left is all that is done then: no load run, and nothing is kept")
	}
	if o.CleanUp == 0 && o.Remove != "" {
		o.CleanUp = removing
	}
	if o.CleanUp == 0 {
		o.CleanUp = time.Minute
	}
	if o.Report == nil {
		o.Report = nobody{}
	}
	if o.Load != nil {
		return o.Load.complete()
	}
	return nil
}

// Check reports what is wrong with options, before anything is sent.
func (o Options) Check() error {
	if err := o.complete(); err != nil {
		return err
	}
	_, err := newClient(o, newBelongings(o.Prefix))
	if err != nil {
		return err
	}
	return o.mayLoad()
}

// Run rehearses. When ctx ends it stops, and removes what was created. It
// returns nil if nothing that a provider needs is missing; else one of the errors
// above, wrapped, or what is wrong with the options.
func Run(ctx context.Context, o Options) error {
	if err := o.Check(); err != nil {
		return err
	}
	if err := o.complete(); err != nil {
		return err
	}
	own := newBelongings(cmp.Or(o.Remove, o.Prefix+"-"+randomWord()))
	c, err := newClient(o, own)
	if err != nil {
		return err
	}
	defer c.http.CloseIdleConnections()
	r := &run{Options: o, client: c, own: own, started: time.Now()}
	opening := Opening{
		URL: c.shown(), Providers: o.Providers, Prefix: own.prefix, Match: o.Match, Checks: r.total(), Keep: o.Keep, Load: o.Load, Remove: o.Remove != "",
	}
	opening.Disables, opening.Deletions = r.braked()
	o.Report.Begin(opening)
	return r.run(ctx)
}

// run is one rehearsal.
type run struct {
	Options
	client  *client
	own     *belongings
	started time.Time
	counts  map[Verdict]int
	number  int // of the check, over all providers
}

func (r *run) run(ctx context.Context) (err error) {
	r.counts = make(map[Verdict]int)
	var load *LoadResult
	defer func() {
		panicked := recover()
		removed, left := r.cleanUp(ctx)
		summary := Summary{
			Passed: r.counts[Passed], Failed: r.counts[Failed], Warnings: r.counts[Warning],
			Unsupported: r.counts[Unsupported], Skipped: r.counts[Skipped],
			Removed: removed, Left: left, Load: load, Latency: r.client.stats.latencies(), Milliseconds: milliseconds(time.Since(r.started)),
		}
		switch {
		case err != nil && !errors.Is(err, ErrMissing):
			summary.Error = err.Error()
		case ctx.Err() != nil:
			err = ErrInterrupted
			summary.Error = err.Error()
		}
		if err == nil && slices.ContainsFunc(left, func(l Left) bool { return !l.OnPurpose }) {
			err = ErrLeft
		}
		r.Report.End(summary)
		if panicked != nil {
			panic(panicked)
		}
	}()
	switch {
	case r.Remove != "":
		return r.earlier(ctx)
	case r.Load != nil:
		load, err = r.load(ctx)
		return err
	}
	for _, p := range r.Providers {
		if err := r.provider(ctx, p); err != nil {
			return err
		}
	}
	if r.counts[Failed] > 0 {
		return ErrMissing
	}
	return nil
}

// total is how many checks there will be.
func (r *run) total() int {
	if r.Load != nil || r.Remove != "" {
		return 0
	}
	n := 0
	for _, p := range r.Providers {
		n += len(r.checks(p))
	}
	return n
}

// braked is how many accounts are disabled and how many deleted, as a brake
// counts them, when everything is there.
func (r *run) braked() (disables, deletions int) {
	switch {
	case r.Remove != "":
		return 0, 0
	case r.Load != nil:
		return r.Load.Users, r.Load.Users
	}
	for _, p := range r.Providers {
		switch p {
		case Entra:
			disables, deletions = disables+3, deletions+3
		case Okta:
			disables, deletions = disables+2, deletions+2
		}
	}
	return disables, deletions
}

// provider goes through the checks of one.
func (r *run) provider(ctx context.Context, p Provider) error {
	checks := r.checks(p)
	s := newScene(r, p)
	r.Report.Provider(p, len(checks))
	for _, c := range checks {
		r.number++
		r.Report.Starting(r.number, r.total(), c.Title)
		if err := pause(ctx, r.Pace); err != nil {
			return nil // it is interrupted, and the end says so
		}
		result, err := s.play(ctx, c)
		if ctx.Err() != nil {
			return nil // what was cut off says nothing about the server
		}
		result.Step, result.Steps, result.Provider = r.number, r.total(), p
		r.counts[result.Verdict]++
		r.Report.Step(result)
		if err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// randomWord is what makes names of one run unlike those of another.
func randomWord() string { return strings.ToLower(rand.Text()[:8]) }

// randomID is an identifier as Entra makes them.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
