package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// How much of a write an entry of the journal holds.
const (
	longestCall  = 16 << 10 // bytes of a call's text
	longestCalls = 64 << 10 // of all of them
	mostMembers  = 10_000   // ids of members
)

// operationEnable is the operation of an entry that gives an account its access back.
const operationEnable = "enable"

func (x *exchange) entryID() string { return fmt.Sprintf("%s-%d", x.id, x.step) }

// entry is what the journal is told of an intent.
func (x *exchange) entry(ctx context.Context, intent translators.Intent, plan *translators.Plan) (journal.Entry, error) {
	e := journal.Entry{
		Time: time.Now().UTC(), ID: x.entryID(), Gateway: x.h.Name, Request: x.id,
		Caller: x.caller.Name, Token: x.caller.Token,
		Operation: string(intent.Action), Type: intent.Type.Name, Resource: intent.ID, Name: nameIn(intent),
		Members: membersIn(intent.Members), Calls: callsIn(plan),
	}
	if x.caller.Address.IsValid() {
		e.Address = x.caller.Address.String()
	}
	if x.operator != nil {
		e.Why = x.operator.Why
	}
	switch {
	case intent.Action != scim.ActionUpdate:
	case disablesAccount(intent) || plan.Proves == translators.ProofDisabled && len(plan.Calls) == 0:
		e.Operation = journal.OperationDisable
	case enablesAccount(intent):
		e.Operation = operationEnable
	}
	var err error
	e.Changes, err = x.h.journal.Changes(ctx, placed(intent, plan.Dropped), e.Operation)
	return e, err
}

// placed are the differences of an intent without the values at those paths, which the
// mapping has no place for: they are not written.
func placed(intent translators.Intent, dropped []string) []scim.Difference {
	if len(dropped) == 0 || intent.After == nil {
		return intent.Changes
	}
	after := intent.After
	for _, text := range dropped {
		path, err := scim.ParsePath(intent.Type, text)
		if err != nil || path.Attribute.MultiValued && path.Selector == nil {
			continue // which element was meant is not known
		}
		if left, err := scim.Apply(after, []scim.Change{{Op: scim.Remove, Path: path}}); err == nil {
			after = left
		}
	}
	var differences []scim.Difference
	for _, d := range intent.Changes {
		if now := after.Get(d.Attribute); !now.Equal(intent.After.Get(d.Attribute)) {
			if d.After = now; d.After.Equal(d.Before) {
				continue
			}
		}
		differences = append(differences, d)
	}
	return differences
}

// membersIn is what the journal is told of a change of members.
func membersIn(m *scim.MemberChange) *journal.Members {
	if m.IsEmpty() {
		return nil
	}
	added := m.Add[:min(len(m.Add), mostMembers)]
	removed := m.Remove[:min(len(m.Remove), mostMembers-len(added))]
	return &journal.Members{
		ReplaceAll: m.ReplaceAll, Added: added, Removed: removed,
		Omitted: len(m.Add) + len(m.Remove) - len(added) - len(removed),
	}
}

// callsIn is what the journal is told of a plan's calls.
func callsIn(plan *translators.Plan) []journal.Call {
	calls := make([]journal.Call, len(plan.Calls))
	room := longestCalls
	for i, call := range plan.Calls {
		text := call.String()
		calls[i] = journal.Call{Purpose: call.Purpose(), Text: journal.Cut(text, min(longestCall, room))}
		room = max(0, room-len(text))
	}
	return calls
}

// nameIn returns the name of whom an intent is about, where it is known.
func nameIn(intent translators.Intent) string {
	switch {
	case intent.Before != nil:
		return nameOf(intent.Before.Resource)
	case intent.After != nil:
		return nameOf(intent.After)
	}
	return ""
}
