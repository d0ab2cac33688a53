package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// addCall is an Add request (RFC 4511 §4.7).
type addCall struct {
	t          *Translator
	k          *kind
	dn         string
	attributes []goldap.Attribute
	secrets    []string
}

// String implements [translators.Call].
func (c *addCall) String() string {
	r := newRecord(c.dn, "", "add", c.t.veilOf(c.k))
	r.attributes(c.attributes)
	return r.String()
}

// Purpose implements [translators.Call].
func (c *addCall) Purpose() string { return "create the entry" }

// Do implements [translators.Call]. The id is the directory's to give, and is
// read right after.
func (c *addCall) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	err := c.t.pool.Add(ctx, &goldap.AddRequest{DN: c.dn, Attributes: c.attributes})
	c.t.forget(c.dn)
	if err != nil {
		return result(c.t.explain(ctx, c.k, "", c.values(), c.t.writeFault(c.Purpose(), err)))
	}
	r := c.read(ctx)
	if r.Outcome == translators.NotApplied {
		// It was there: somebody has removed or renamed it since, or our account
		// can't see what it creates.
		return stillUnknown(&translators.Error{Kind: translators.Indefinite, Err: r.Err,
			Detail: "The directory has created the entry, but it can't be read. Check that base and filter cover what create_in, object_class and the access rules of scimgate's account give."})
	}
	return r
}

// read reads the entry by its name.
func (c *addCall) read(ctx context.Context) translators.CallResult {
	e, err := c.t.readName(ctx, c.k, c.dn, append(c.t.wholeAttributes(c.k), creatorsName))
	if err != nil {
		return stillUnknown(err)
	}
	if e == nil {
		return c.k.unmade(c.Purpose(), c.values())
	}
	id, ok := c.t.profile.readID(e)
	if !ok {
		return stillUnknown(c.t.hiddenID())
	}
	r := translators.CallResult{Outcome: translators.Applied, ID: id}
	if entry, err := c.t.entryOf(ctx, c.k, e, whole); err == nil {
		r.Entry = entry
	}
	return r
}

// creatorsName tells who has added an entry (RFC 4512 §3.4.2).
const creatorsName = "creatorsName"

// Settle implements [translators.Call]. What stands under the name is ours only
// if it holds what we sent and nobody else is said to have created it: an account
// that was there before must not be taken for a new one.
func (c *addCall) Settle(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	r := c.read(ctx)
	if r.Outcome != translators.Applied {
		return r
	}
	names := []string{c.t.profile.id, creatorsName}
	for _, a := range c.attributes {
		names = append(names, a.Type)
	}
	e, err := c.t.readName(ctx, c.k, c.dn, names)
	switch {
	case err != nil:
		return stillUnknown(err)
	case e == nil:
		return notApplied(c.Purpose())
	}
	creator := e.GetEqualFoldAttributeValue(creatorsName)
	isOurs := creator == "" || !c.t.knowsItself() || c.t.isOwnName(creator)
	if isOurs && c.holds(e) {
		return r
	}
	return translators.CallResult{Outcome: translators.NotApplied, Err: c.t.conflict(c.k.rdn,
		fmt.Errorf("%s: the directory did not answer; read back, there is another entry of that name", c.Purpose()))}
}

// holds reports whether the entry has what the call gives it.
func (c *addCall) holds(e *goldap.Entry) bool {
	for _, a := range c.attributes {
		if slices.ContainsFunc(c.secrets, func(s string) bool { return strings.EqualFold(s, a.Type) }) || strings.EqualFold(a.Type, "objectClass") {
			continue
		}
		key := func(v string) string { return v }
		if l := c.k.mapping.LeafOf(a.Type); l != nil && l.IsReference() {
			key = nameKey
		} else if strings.EqualFold(a.Type, c.k.memberField) {
			key = c.k.memberKey
		}
		there := make(map[string]bool)
		for _, v := range attributeValues(e, a.Type) {
			there[key(v)] = true
		}
		if len(there) != len(a.Vals) || slices.ContainsFunc(a.Vals, func(v string) bool { return !there[key(v)] }) {
			return false
		}
	}
	return true
}

// values are what the call sets, in the form in which [Translator.explain] has it.
func (c *addCall) values() []goldap.Change {
	changes := make([]goldap.Change, len(c.attributes))
	for i, a := range c.attributes {
		changes[i] = modification(goldap.AddAttribute, a.Type, a.Vals)
	}
	return changes
}

// Undo implements [translators.Call].
func (c *addCall) Undo() translators.Call {
	return &deleteCall{entryCall: entryCall{t: c.t, k: c.k, dn: c.dn, purpose: "take back: " + c.Purpose()}}
}

// Interface guard
var _ translators.Call = (*addCall)(nil)
