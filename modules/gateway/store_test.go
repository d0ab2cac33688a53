package gateway

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// store is a translator that keeps people and groups in memory, with versions.
type store struct {
	mu      sync.Mutex
	entries map[string]*stored
	made    int
	writes  []string // the calls that were made, as text
	reads   int

	versionless  bool                        // the type says that there are no versions
	comparing    bool                        // a call compares the version itself
	mute         bool                        // a call tells nothing of the resource
	deletes      translators.DeleteMode      // default: remove
	before       func(in translators.Intent) // is called before a call is made
	enablesFirst bool                        // the type says that an account is enabled before it is changed
	comesLate    bool                        // what is written may come late, and does where
	unanswered   bool                        // nothing is answered, and nothing done
	lag          time.Duration               // until it shows what was written
	proofs       func()                      // is called when a proof was made
}

type stored struct {
	resource *scim.Resource
	members  []string
	version  int
}

// holds returns a store with a user ada.
func holds() *store {
	s := &store{entries: make(map[string]*stored)}
	r := scim.NewResource(users)
	r.ID = userID
	r.Set(users.Attribute("userName"), scim.String("ada"))
	r.Set(users.Attribute("active"), scim.Bool(true))
	s.entries[userID] = &stored{resource: r, version: 1}
	return s
}

func (s *store) Types() []translators.Type {
	deletes := s.deletes
	if deletes == "" {
		deletes = translators.DeleteRemove
	}
	return []translators.Type{
		{ResourceType: users, Delete: deletes, HasVersions: !s.versionless, ComesLate: s.comesLate, EnablesFirst: s.enablesFirst, Lag: s.lag},
		{ResourceType: groups, Delete: translators.DeleteRemove, HasVersions: !s.versionless},
	}
}

func (*store) Lease() (func(), error) { return func() {}, nil }

func (s *store) Search(_ context.Context, q translators.Query) (translators.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found translators.Result
	for _, e := range s.entries {
		if e.resource.Type == q.Type && (q.Filter == nil || scim.Match(q.Filter, e.resource)) {
			found.Entries = append(found.Entries, s.entry(e))
		}
	}
	if len(found.Entries) > q.Limit {
		found.Entries, found.More = found.Entries[:q.Limit], true
	}
	return found, nil
}

func (*store) Scan(context.Context, *scim.ResourceType, scim.Filter) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", errors.New("nobody scans here")) }
}

func (*store) ScanSorted(context.Context, *scim.ResourceType, scim.Filter, scim.Sort) (iter.Seq2[string, error], bool) {
	return nil, false
}

func (s *store) Read(_ context.Context, t *scim.ResourceType, ids []string, _ translators.Selection) ([]*translators.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	var found []*translators.Entry
	for _, id := range ids {
		if e := s.entries[id]; e != nil && e.resource.Type == t {
			found = append(found, s.entry(e))
		}
	}
	return found, nil
}

// entry returns a copy of what is stored.
func (s *store) entry(e *stored) *translators.Entry {
	r := e.resource.Clone()
	r.Meta.Version = strconv.Itoa(e.version)
	members := slices.Clone(e.members)
	return &translators.Entry{Resource: r, Members: func(yield func(scim.Member, error) bool) {
		for _, id := range members {
			if !yield(scim.Member{ID: id}, nil) {
				return
			}
		}
	}}
}

func (s *store) Plan(_ context.Context, in translators.Intent) (*translators.Plan, error) {
	plan := &translators.Plan{Calls: []translators.Call{storing{s, in}}}
	if in.Action == scim.ActionUpdate && in.SetsActive {
		plan.Proves = translators.ProofEnabled
		if active, _ := in.After.IsActive(); !active {
			plan.Proves = translators.ProofDisabled
		}
		if len(in.Changes) == 0 {
			plan.Calls = nil
		}
	}
	return plan, nil
}

func (s *store) Prove(_ context.Context, _ *translators.Plan, done translators.Report) translators.Proof {
	if s.proofs != nil {
		defer s.proofs()
	}
	return translators.Proof{Status: translators.Proven, Entry: done.Last()}
}

func (*store) Check(context.Context) []translators.Finding { return nil }

// storing is a call that stores what an intent wants.
type storing struct {
	s  *store
	in translators.Intent
}

func (c storing) Purpose() string      { return "store" }
func (storing) Undo() translators.Call { return nil }

func (c storing) String() string {
	text := strings.TrimSpace(fmt.Sprintf("%s %s %s", c.in.Action, c.in.Type.Name, c.in.ID))
	for _, d := range c.in.Changes {
		text += fmt.Sprintf(" %s", d.Attribute)
	}
	if m := c.in.Members; !m.IsEmpty() {
		text += fmt.Sprintf(" add %q remove %q", m.Add, m.Remove)
	}
	if c.in.Version != "" {
		text += " if version " + c.in.Version
	}
	return text
}

func (c storing) Settle(context.Context, []translators.CallResult) translators.CallResult {
	return translators.CallResult{Outcome: translators.NotApplied}
}

func (c storing) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	s, in := c.s, c.in
	if s.before != nil {
		s.before(in)
	}
	refused := func(kind translators.ErrorKind, detail string) translators.CallResult {
		return translators.CallResult{Outcome: translators.NotApplied, Err: &translators.Error{Kind: kind, Detail: detail}}
	}
	if ctx.Err() != nil {
		return translators.CallResult{Outcome: translators.NotApplied, Err: ctx.Err()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, c.String())
	if s.unanswered {
		translators.MayComeLate(ctx, in.Type, in.ID)
		return translators.CallResult{Outcome: translators.Unknown, Err: &translators.Error{Kind: translators.Indefinite}}
	}
	e := s.entries[in.ID]
	switch {
	case in.Action == scim.ActionCreate:
		for _, other := range s.entries {
			if other.resource.Type == in.Type && strings.EqualFold(nameOf(other.resource), nameOf(in.After)) {
				return refused(translators.Conflict, "The name is taken.")
			}
		}
		s.made++
		in.ID = fmt.Sprintf("id-%d", s.made)
		e = &stored{resource: in.After.Clone()}
		e.resource.ID = in.ID
		s.entries[in.ID] = e
	case e == nil:
		return refused(translators.NotFound, "There is no such resource.")
	case s.comparing && in.Version != "" && in.Version != strconv.Itoa(e.version):
		return refused(translators.Changed, "")
	case in.Action == scim.ActionDelete:
		delete(s.entries, in.ID)
		return translators.CallResult{Outcome: translators.Applied}
	case in.After != nil:
		e.resource = in.After.Clone()
	}
	if !in.Members.IsEmpty() {
		for _, id := range in.Members.Add {
			if s.entries[id] == nil {
				return refused(translators.Invalid, "There is no such member.")
			}
		}
		if in.Members.ReplaceAll {
			e.members = nil
		}
		e.members = slices.DeleteFunc(e.members, func(id string) bool { return slices.Contains(in.Members.Remove, id) })
		e.members = append(e.members, in.Members.Add...)
	}
	e.version++
	result := translators.CallResult{Outcome: translators.Applied, Entry: s.entry(e)}
	if in.Action == scim.ActionCreate {
		result.ID = in.ID
	}
	if s.mute {
		result.Entry = nil
	}
	return result
}

// named returns what is stored under a name, or nil.
func (s *store) named(name string) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if nameOf(e.resource) == name {
			return e
		}
	}
	return nil
}

// isActive reports whether the user with that name is active.
func (s *store) isActive(t *testing.T, name string) bool {
	t.Helper()
	e := s.named(name)
	if e == nil {
		t.Fatalf("there is no %s", name)
	}
	active, _ := e.resource.IsActive()
	return active
}

// Interface guards
var (
	_ translators.Translator = (*store)(nil)
	_ translators.Call       = storing{}
)
