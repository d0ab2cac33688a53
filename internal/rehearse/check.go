package rehearse

import (
	"context"
	"fmt"
	"time"
)

// Check is one thing that a provider does, and what it needs there.
type Check struct {
	ID    string
	Title string
	// Severity is that of what is missing, unless a finding says otherwise.
	Severity Severity
	// Otherwise is what the provider does where this fails, and Remedy what is
	// to be changed.
	Otherwise, Remedy string

	needs need
	do    func(*step)
}

// need reports why a check makes no sense at the moment; "" when it does.
type need func(*scene) string

// scene is what the checks of one provider share.
type scene struct {
	*run
	provider Provider

	ada, bob *person // who is changed, and who is manager and another member
	group    *party

	noGroups   string // why there are none, if there are none
	hasAnswers bool   // of somebody who lets the rehearsal in
	slow       []slowAnswer

	emptyIsNotFound bool // a list without anything is answered 404
}

// person is a throw-away user.
type person struct {
	userName, externalID string
	id                   string // "" until it is created
	resource             map[string]any
	state                attributes // as it was read last
	isGone               bool
	isDisabledByDelete   bool
}

// party is a throw-away group.
type party struct {
	displayName, externalID string
	id                      string
	state                   attributes
	isGone                  bool
}

type slowAnswer struct {
	what string
	took time.Duration
}

func newScene(r *run, p Provider) *scene {
	name := func(n int) string { return fmt.Sprintf("%s-%s-%d", r.own.prefix, p, n) }
	return &scene{
		run: r, provider: p,
		ada:   &person{userName: name(1) + "@" + r.Domain, externalID: randomID()},
		bob:   &person{userName: name(2) + "@" + r.Domain, externalID: randomID()},
		group: &party{displayName: name(0) + " group", externalID: randomID()},
	}
}

// step is a check that is being made.
type step struct {
	*scene
	ctx         context.Context
	check       Check
	exchanges   []exchange
	findings    []Finding
	changes     []string
	notes       []string
	unsupported string // what the server says about not doing this
	held        error  // that the server asks to wait too long
}

// play makes one check. The error ends everything.
func (s *scene) play(ctx context.Context, c Check) (Result, error) {
	result := Result{ID: c.ID, Title: c.Title, Severity: c.Severity, Findings: []Finding{}, Requests: []Exchange{}}
	if c.needs != nil {
		if reason := c.needs(s); reason != "" {
			result.Verdict, result.Notes = Skipped, []string{reason}
			return result, nil
		}
	}
	started := time.Now()
	st := &step{scene: s, ctx: ctx, check: c}
	c.do(st)
	result.Milliseconds = milliseconds(time.Since(started))
	result.Changes, result.Notes = st.changes, st.notes
	for _, x := range st.exchanges {
		result.Requests = append(result.Requests, x.shown())
		if x.waited > 0 {
			st.findAs(consequence{"A provider waits so, too, and takes longer.", "Allow more requests: 25 a second are usual."}, Recommended, "the server asked to wait %s before it answered %s", x.waited, what(x))
		}
		if x.took >= s.Timeout/12 && x.status != 0 {
			s.slow = append(s.slow, slowAnswer{x.method + " " + x.target(), x.took})
		}
	}
	result.Findings = append(result.Findings, st.findings...)
	result.Verdict = st.verdict()
	if worst := st.worst(); worst != nil {
		result.Otherwise, result.Remedy = worst.Otherwise, worst.Remedy
	}
	if st.unsupported != "" {
		result.Notes = append(result.Notes, st.unsupported)
	}
	if st.held != nil {
		return result, st.held
	}
	return result, s.hopeless(st)
}

// worst is the first of the most severe findings, or nil.
func (s *step) worst() *Finding {
	for i, f := range s.findings {
		if f.Severity == Required {
			return &s.findings[i]
		}
	}
	if len(s.findings) > 0 {
		return &s.findings[0]
	}
	return nil
}

func (s *step) verdict() Verdict {
	if s.held != nil {
		return Held
	}
	verdict := Passed
	for _, f := range s.findings {
		if f.Severity == Required {
			return Failed
		}
		verdict = Warning
	}
	if s.unsupported != "" {
		return Unsupported
	}
	return verdict
}

// hopeless returns an error when nothing can be learnt from going on.
func (s *scene) hopeless(st *step) error {
	if len(st.exchanges) == 0 || s.hasAnswers {
		return nil
	}
	x := st.exchanges[len(st.exchanges)-1]
	if x.bare && x.err == nil {
		return nil
	}
	if err := s.speaks(st.ctx, x); err != nil {
		return err
	}
	s.hasAnswers = x.status != 0
	return nil
}

// fail notes that something is not as it should be, as severe as the check is.
func (s *step) fail(format string, args ...any) { s.find(s.check.Severity, format, args...) }

// warn notes that something is not as it should be that providers can do without.
func (s *step) warn(format string, args ...any) { s.findAs(s.mild(), Recommended, format, args...) }

// find notes that something is not as it should be. What a provider can do without
// has not the consequence that the check tells of.
func (s *step) find(severity Severity, format string, args ...any) {
	meaning := s.check.its()
	if severity == Recommended && s.check.Severity == Required {
		meaning = s.mild()
	}
	s.findAs(meaning, severity, format, args...)
}

// findAs is find for what has a consequence of its own.
func (s *step) findAs(c consequence, severity Severity, format string, args ...any) {
	f := Finding{Severity: severity, Text: fmt.Sprintf(format, args...), Otherwise: c.otherwise, Remedy: c.remedy}
	for _, known := range s.findings {
		if known == f {
			return
		}
	}
	s.findings = append(s.findings, f)
}

func (s *step) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// The needs of checks.

func needsAda(s *scene) string { return s.ada.missing("create-user") }

func needsBoth(s *scene) string {
	if reason := s.ada.missing("create-user"); reason != "" {
		return reason
	}
	return s.bob.missing("create-second-user")
}

func (p *person) missing(check string) string {
	if p.id == "" {
		return "skipped: " + check + " created nobody"
	}
	return ""
}

func needsGroups(s *scene) string {
	if s.NoGroups {
		return "skipped: --no-groups"
	}
	if s.noGroups != "" {
		return "skipped: " + s.noGroups
	}
	return ""
}

func needsGroup(s *scene) string {
	if reason := needsGroups(s); reason != "" {
		return reason
	}
	if s.group.id == "" {
		return "skipped: create-group created none"
	}
	return ""
}

func needsMembers(s *scene) string {
	if reason := needsGroup(s); reason != "" {
		return reason
	}
	return needsBoth(s)
}
