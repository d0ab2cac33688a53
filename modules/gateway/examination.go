package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Examination is what was seen of a gateway's backend when it was tried out.
type Examination struct {
	Gateway string     `json:"gateway"`
	Backend string     `json:"backend"` // the translator
	Steps   []Examined `json:"steps"`
}

// Examined is what one step of an [Examination] has seen, and how long it took. A step
// may have seen several things.
type Examined struct {
	Step   string            `json:"step"`
	Level  translators.Level `json:"level"`
	Detail string            `json:"detail"`
	Took   Milliseconds      `json:"took_ms,omitempty"`
}

// Milliseconds is a duration that is told in milliseconds.
type Milliseconds time.Duration

// MarshalJSON implements json.Marshaler.
func (m Milliseconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.1f", float64(m)/float64(time.Millisecond)), nil
}

// IsUsable reports whether nothing is wrong that keeps the gateway from working.
func (e *Examination) IsUsable() bool {
	for _, step := range e.Steps {
		if step.Level == translators.LevelError {
			return false
		}
	}
	return true
}

// mostCounted is how many members an examination counts.
const mostCounted = 10_000

// Examine tries the backend out by reading, and writes nothing: whether it can do what
// the configuration asks of it, whether somebody whom it does not have is found to be
// absent, whether a user, somebody who is disabled and a group can be found and read, and
// what no provider can do through this gateway. The user is the one with that userName or id; "" is any.
// begin is told what is done next.
func (h *Handler) Examine(ctx context.Context, user string, begin func(step string)) *Examination {
	e := &examiner{Handler: h, begin: begin, seen: &Examination{Gateway: h.Name, Backend: h.backend}}
	release, err := h.translator.Lease()
	if err != nil {
		e.step(ctx, "backend", func(context.Context) error { return err })
		return e.seen
	}
	defer release()
	if e.step(ctx, "backend", e.backend); e.seen.IsUsable() {
		if e.users() != nil {
			e.step(ctx, "absent user", e.absent)
			e.step(ctx, "user", func(ctx context.Context) error { return e.user(ctx, user) })
			if finder, can := e.translator.(translators.DisabledFinder); can && activeOf(e.users()) != nil {
				e.step(ctx, "disabled", func(ctx context.Context) error { return e.disabled(ctx, finder) })
			}
		}
		if e.groups() != nil {
			e.step(ctx, "group", e.group)
		}
	}
	e.step(ctx, "operations", e.operations)
	return e.seen
}

// examiner makes an [Examination].
type examiner struct {
	*Handler
	begin func(step string)
	seen  *Examination
	doing string
	since time.Time // when what is noted next was begun; zero: that is not worth telling
}

// step makes one step. What it returns is what keeps it from being made.
func (e *examiner) step(ctx context.Context, name string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(e.Timeout))
	defer cancel()
	e.begin(name)
	e.doing, e.since = name, time.Now()
	if err := do(ctx); err != nil {
		e.failed("%s", e.newCommand("", Operator{}).told(err))
	}
}

func (e *examiner) note(level translators.Level, format string, arguments ...any) {
	one := Examined{Step: e.doing, Level: level, Detail: fmt.Sprintf(format, arguments...)}
	if !e.since.IsZero() {
		one.Took = Milliseconds(time.Since(e.since))
		e.since = time.Now()
	}
	e.seen.Steps = append(e.seen.Steps, one)
}

func (e *examiner) fine(format string, arguments ...any) {
	e.note(translators.LevelOK, format, arguments...)
}

func (e *examiner) warned(format string, arguments ...any) {
	e.note(translators.LevelWarning, format, arguments...)
}

func (e *examiner) failed(format string, arguments ...any) {
	e.note(translators.LevelError, format, arguments...)
}

// backend asks the translator what it thinks of its backend.
func (e *examiner) backend(ctx context.Context) error {
	for _, finding := range e.findings(ctx) {
		e.note(finding.Level, "%s", finding.Detail)
		e.since = time.Time{}
	}
	return nil
}

// absent looks for somebody whom nobody has heard of. A provider that asks so before
// it creates must be told that there is nobody.
func (e *examiner) absent(ctx context.Context) error {
	userName := e.users().Attribute("userName")
	if userName == nil {
		e.warned("userName is not mapped: no provider can find anybody")
		return nil
	}
	name := "scimgate-check-" + strings.ToLower(rand.Text()[:12])
	found, err := e.lookUp(ctx, userName, name)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		e.failed("a search for the userName %s, which nobody has, finds %s: each person would be taken for somebody else", name, ids(found))
		return nil
	}
	e.fine("nobody is found by a userName that nobody has")
	return nil
}

func (e *examiner) lookUp(ctx context.Context, a *scim.Attribute, value string) ([]*translators.Entry, error) {
	filter := scim.Compare{Target: scim.Target{Attribute: a}, Operator: scim.Equal, Value: scim.String(value)}
	result, err := e.translator.Search(ctx, translators.Query{Type: e.users(), Filter: filter, Limit: 2})
	return result.Entries, err
}

// user reads one user, and finds the same one by its userName.
func (e *examiner) user(ctx context.Context, named string) error {
	id, err := e.idOf(ctx, named)
	if err != nil {
		return err
	}
	if id == "" {
		e.warned("there is no user yet: nobody could be read. Create one in the backend and check again; if it has some, what lists them is configured wrongly")
		return nil
	}
	entry, err := e.readOne(ctx, e.users(), id, translators.Selection{All: true})
	if err != nil {
		return err
	}
	state := ""
	if isActive, isSet := entry.Resource.IsActive(); isSet && !isActive {
		state = ", who is disabled"
	}
	name := nameOf(entry.Resource)
	e.fine("read %s (%s)%s; mapped attributes with a value: %d", name, id, state, len(entry.Resource.Fields()))
	e.roundTrip(ctx, entry)
	userName := e.users().Attribute("userName")
	if userName == nil {
		return nil
	}
	value := entry.Resource.Get(userName)
	if value.IsAbsent() {
		e.failed("%s has no userName: no provider can find this account", id)
		return nil
	}
	found, err := e.lookUp(ctx, userName, value.Text())
	switch {
	case err != nil:
		return fmt.Errorf("looking %s up by userName: %w", name, err)
	case len(found) == 0:
		e.failed("a search for the userName %s finds nobody, and it is that of %s%s: a provider would create a second account", name, id, state)
	case len(found) > 1:
		e.failed("a search for the userName %s finds %s: which of them is meant can't be told, and every request about them is refused", name, ids(found))
	case found[0].Resource.ID != id:
		e.failed("a search for the userName %s finds %s, and it is that of %s", name, found[0].Resource.ID, id)
	default:
		e.fine("found %s by userName", name)
	}
	return nil
}

// disabled looks somebody up who is disabled, as a provider would before it creates an
// account.
func (e *examiner) disabled(ctx context.Context, finder translators.DisabledFinder) error {
	account, err := finder.FindDisabled(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return fmt.Errorf("looking for somebody who is disabled: %w", err)
	case account.Entry == nil:
		e.fine("whether a search finds those who are disabled could not be tried: %s", account.Remedy)
		return nil
	}
	r, userName := account.Entry.Resource, e.users().Attribute("userName")
	if userName == nil || r.Get(userName).IsAbsent() {
		return nil // which is told of any user
	}
	name := nameOf(r)
	found, err := e.lookUp(ctx, userName, r.Get(userName).Text())
	switch {
	case err != nil:
		return fmt.Errorf("looking %s up by userName, who is disabled: %w", name, err)
	case !slices.ContainsFunc(found, func(other *translators.Entry) bool { return other.Resource.ID == r.ID }):
		e.failed("the search hides those who are disabled: a search for the userName %s does not find %s, who is disabled, and a provider would create a second account; %s", name, r.ID, account.Remedy)
	default:
		e.fine("found %s, who is disabled, by userName", name)
	}
	return nil
}

// roundTrip says what of a resource would not be the same if it was written as it was
// read.
func (e *examiner) roundTrip(ctx context.Context, entry *translators.Entry) {
	mapped, can := e.translator.(translators.RoundTripper)
	if !can {
		return
	}
	problems, err := mapped.RoundTrip(ctx, entry)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return
	case err != nil:
		e.failed("%s", e.newCommand("", Operator{}).told(err))
		return
	}
	for _, p := range problems {
		e.warned("%s does not come back as it is: %s", nameOf(entry.Resource), p)
	}
	if len(problems) == 0 {
		e.fine("what was read of %s would be written as it is", nameOf(entry.Resource))
	}
}

// idOf returns the id of the user who is named, or of any; "" where there is none.
func (e *examiner) idOf(ctx context.Context, named string) (string, error) {
	if named == "" {
		return e.any(ctx, e.users())
	}
	accounts, err := e.Find(ctx, Person{Name: named})
	switch {
	case err != nil:
		return "", err
	case len(accounts) == 0:
		return "", fmt.Errorf("nobody is called %s", named)
	case len(accounts) > 1:
		return "", fmt.Errorf("%d accounts are called %s: name one by its id", len(accounts), named)
	}
	return accounts[0].ID, nil
}

// any returns the id of some resource of the type; "" where there is none.
func (e *examiner) any(ctx context.Context, t *scim.ResourceType) (string, error) {
	for id, err := range e.translator.Scan(ctx, t, nil) {
		return id, err
	}
	return "", nil
}

func (e *examiner) readOne(ctx context.Context, t *scim.ResourceType, id string, s translators.Selection) (*translators.Entry, error) {
	entries, err := e.translator.Read(ctx, t, []string{id}, s)
	if err != nil {
		return nil, fmt.Errorf("reading the %s %s: %w", t.Name, id, err)
	}
	if len(entries) != 1 {
		return nil, fmt.Errorf("the %s %s is listed, and can't be read: the backend says that it is not there", t.Name, id)
	}
	return entries[0], nil
}

// group reads one group and counts its members.
func (e *examiner) group(ctx context.Context) error {
	groups := e.groups()
	id, err := e.any(ctx, groups)
	if err != nil {
		return err
	}
	if id == "" {
		e.warned("there is no group yet: none could be read; if the backend has some, what lists them is configured wrongly")
		return nil
	}
	hasMembers := groups.Attribute("members") != nil
	entry, err := e.readOne(ctx, groups, id, translators.Selection{All: true, Members: hasMembers})
	if err != nil {
		return err
	}
	name := nameOf(entry.Resource)
	defer e.roundTrip(ctx, entry)
	if !hasMembers {
		e.fine("read the group %s (%s)", name, id)
		return nil
	}
	count, more := 0, ""
	for _, err := range entry.Members {
		if err != nil {
			return fmt.Errorf("reading the members of %s: %w", name, err)
		}
		if count++; count == mostCounted {
			more = " or more"
			break
		}
	}
	e.fine("read the group %s (%s); members: %d%s", name, id, count, more)
	return nil
}

// operations says what no provider can do through this gateway.
func (e *examiner) operations(context.Context) error {
	e.since = time.Time{}
	said := len(e.seen.Steps)
	users, groups := e.users(), e.groups()
	switch {
	case users == nil:
		e.warned("no users are configured: every request for them but a search is refused")
	case activeOf(users) == nil:
		e.warned("active is not mapped: nobody can be disabled or enabled")
	}
	for _, t := range e.types {
		if t.Delete == translators.DeleteRefuse {
			e.fine("DELETE of a %s is refused, as it is configured", t.Name)
		}
		if t.ResourceType == users && !t.ChangesPassword {
			e.fine("password is not mapped: one that a provider sends is dropped")
		}
	}
	switch {
	case groups == nil:
		e.fine("no groups are configured: a provider that asks for them finds none")
	case groups.Attribute("members") == nil:
		e.warned("members is not mapped: nobody can be added to a group")
	}
	if len(e.seen.Steps) == said {
		e.fine("nothing is missing that providers do")
	}
	return nil
}

// groups returns the type of groups, nil when they are not served.
func (h *Handler) groups() *scim.ResourceType {
	for _, t := range h.resource {
		if t.Name == "Group" {
			return t
		}
	}
	return nil
}

func ids(entries []*translators.Entry) string {
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Resource.ID)
	}
	return strings.Join(all, " and ")
}
