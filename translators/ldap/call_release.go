package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// releaseCall takes the name of an entry that was removed out of the entries that
// still hold it, as a member of a group or as a reference, or makes them hold the
// name that it has now. Where the directory does that itself nothing is left to do,
// but for groups whose only member was removed: slapd's overlay refint leaves those
// as they are.
//
// It comes after the removal: a person who must go is gone first, whatever
// becomes of what names them.
type releaseCall struct {
	t       *Translator
	at      holding
	value   string   // what names the entry
	renamed string   // what is to name it; "" when it was removed
	holders []holder // that named it when the plan was made
	// isUnseen is set where the plan was made without looking for the holders.
	isUnseen bool
	// isFinal is set where the call is not taken back, as it follows one that is not.
	isFinal bool
	behind  []*releaseCall // the further ones of the plan
}

// inTurn tells each of the calls which releases are behind it.
func inTurn(calls []translators.Call) {
	var behind []*releaseCall
	for _, call := range slices.Backward(calls) {
		if c, is := call.(*releaseCall); is {
			c.behind = behind
			behind = append([]*releaseCall{c}, behind...)
		}
	}
}

// String implements [translators.Call].
func (c *releaseCall) String() string {
	if c.isUnseen {
		return c.record(holder{"{dn of each entry that names it}", c.at.fields})
	}
	records := make([]string, len(c.holders))
	for i, h := range c.holders {
		records[i] = c.record(h)
	}
	return strings.Join(records, "\n")
}

// record is what happens to one holder.
func (c *releaseCall) record(h holder) string {
	r := newRecord(h.dn, "", "modify", c.t.veilOf(c.at.kind))
	for _, field := range h.fields {
		r.changes(c.delta().changes(field))
	}
	return r.String()
}

// delta is what happens to one attribute.
func (c *releaseCall) delta() *memberDelta {
	d := &memberDelta{remove: []string{c.value}}
	if c.renamed != "" {
		d.add = []string{c.renamed}
	}
	return d
}

// Purpose implements [translators.Call].
func (c *releaseCall) Purpose() string {
	switch {
	case c.at.isMembership && c.renamed != "":
		return "keep it in its groups"
	case c.at.isMembership:
		return "take it out of its groups"
	case c.renamed != "":
		return "keep references to it"
	}
	return "take away references to it"
}

// Do implements [translators.Call]. Of a call that is not taken back, and of those
// behind it, all is done that can be, also when the caller has gone: it will not be
// asked for again.
func (c *releaseCall) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	if c.Undo() != nil {
		return result(c.do(ctx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), translators.SettleTimeout)
	defer cancel()
	err := c.do(ctx)
	if err != nil { // the plan ends here
		for _, next := range c.behind {
			err = errors.Join(err, next.do(ctx))
		}
	}
	return result(err)
}

func (c *releaseCall) do(ctx context.Context) error {
	canUndo := c.Undo() != nil
	holders, isAll, err := c.t.holdersOf(ctx, c.at, c.value)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", c.Purpose(), err)
	case !isAll && canUndo:
		return c.tooMany()
	}
	var failure error
	for i, h := range holders {
		err := c.change(ctx, h)
		if err == nil {
			continue
		}
		failure = cmp.Or(failure, err)
		if canUndo {
			c.takeBack(ctx, holders[:i+1])
			break
		}
		if resultCode(err) == goldap.LDAPResultSuccess {
			break // no answer; that one was refused is no reason to leave the others
		}
	}
	switch {
	case failure != nil:
		return c.t.writeFault(c.Purpose(), failure)
	case !isAll:
		return c.tooMany()
	}
	return nil
}

// tooMany is what it means that not all holders are changed.
func (c *releaseCall) tooMany() error {
	return &translators.Error{Kind: translators.TooMany, Err: fmt.Errorf("%s: there are more than %d", c.Purpose(), c.t.holdersAtMost),
		Detail: fmt.Sprintf("More than %d entries of the directory name the resource; no more are changed with it. Change them in the directory first.", c.t.holdersAtMost)}
}

// takeBack undoes, as far as that is possible, what was done to some holders: when
// the others can't be changed the rename is taken back as well.
func (c *releaseCall) takeBack(ctx context.Context, holders []holder) {
	back, ok := c.Undo().(*releaseCall)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), translators.SettleTimeout)
	defer cancel()
	for _, h := range slices.Backward(holders) {
		if back.change(ctx, h) != nil {
			return // the failure before it is the one to report
		}
	}
}

// change makes one entry name the other as it is to be named. When there is no
// answer it tries once more, which does no harm: of somebody removed nobody will
// come back, as the provider hears next that there is no such person.
func (c *releaseCall) change(ctx context.Context, h holder) error {
	for _, field := range h.fields {
		err := c.changeField(ctx, h.dn, field)
		if err != nil && resultCode(err) == goldap.LDAPResultSuccess && ctx.Err() == nil {
			err = c.changeField(ctx, h.dn, field)
		}
		if err != nil {
			return fmt.Errorf("%s in %s: %w", field, c.t.veilOf(c.at.kind).name(h.dn), err)
		}
	}
	return nil
}

// changeField is change of one attribute. An entry that does not hold the name any
// more is as it should be: the directory was quicker.
func (c *releaseCall) changeField(ctx context.Context, dn, field string) error {
	delta := c.delta()
	for n := 1; ; n++ {
		request := goldap.NewModifyRequest(dn, nil)
		request.Changes = delta.leaving(field)
		_, err := c.t.pool.Modify(ctx, request)
		switch code := resultCode(err); {
		case code == goldap.LDAPResultNoSuchAttribute, code == goldap.LDAPResultNoSuchObject:
			return nil
		case code == goldap.LDAPResultObjectClassViolation && c.at.isMembership && c.at.kind.needsMember && delta.hold(c.at.kind.config.Placeholder):
		case code == goldap.LDAPResultObjectClassViolation && !c.at.isMembership:
			return demanded(field, err)
		case code == goldap.LDAPResultAttributeOrValueExists && len(delta.add) > 0:
			delta.add = nil
		default:
			return err
		}
		if n == attempts {
			return err
		}
	}
}

// demanded is the refusal to leave an entry without a reference that its object
// class demands. There is nothing that could stand in its place.
func demanded(field string, err error) error {
	return &translators.Error{Kind: translators.Refused, Err: err,
		Detail: "The object class of an entry demands its reference to the resource (" + field + "), so that it was left there. Give it another in the directory; until then whoever gets the same name has it."}
}

// Settle implements [translators.Call].
func (c *releaseCall) Settle(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	holders, _, err := c.t.holdersOf(ctx, c.at, c.value)
	switch {
	case err != nil:
		return stillUnknown(err)
	case len(holders) > 0:
		return notApplied(c.Purpose())
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// Undo implements [translators.Call]. An entry that was removed can't be named
// again.
func (c *releaseCall) Undo() translators.Call {
	if c.renamed == "" || c.isFinal {
		return nil
	}
	return &releaseCall{t: c.t, at: c.at, value: c.renamed, renamed: c.value, holders: c.holders}
}

// Interface guard
var _ translators.Call = (*releaseCall)(nil)
