package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// renameCall is a ModifyDN request (RFC 4511 §4.9): it gives an entry another
// name, another parent or both. The former value of the name goes.
type renameCall struct {
	entryCall
	newRDN string
	parent string // the new one; "" when it stays
	// former and wanted are the names before and after; nil in an offline plan.
	former, wanted *goldap.DN
	// values are what the new name sets, for telling which of them is taken.
	values []goldap.Change
	// disables is set when the call takes an account away: it is not undone.
	disables bool
}

// String implements [translators.Call].
func (c *renameCall) String() string {
	r := newRecord(c.dn, c.identity(c.versioned(aim{}, c.version)), "modrdn", c.t.veilOf(c.k))
	r.line("newrdn", c.newRDN)
	r.line("deleteoldrdn", "1")
	if c.parent != "" {
		r.line("newsuperior", c.parent)
	}
	return r.String()
}

// Do implements [translators.Call].
func (c *renameCall) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	former := c.versionAfter(prior)
	err := c.reach(ctx, c.t.targetAttributes(c.k), func(a aim) error { return c.send(ctx, a, c.versioned(a, former)) })
	c.forget()
	r := result(c.t.explain(ctx, c.k, c.id, c.values, err))
	return c.readBack(ctx, r, nil)
}

func (c *renameCall) send(ctx context.Context, a aim, more string) error {
	if a.seen != nil && c.isAt(a.seen.DN) {
		return nil // somebody else has done it
	}
	if !c.insists() && (a.stubborn > 1 || a.stubborn > 0 && more == "") {
		a.unguarded = true
	}
	controls, err := c.controls(a, more)
	if err != nil {
		return err
	}
	return c.t.pool.ModifyDN(ctx, goldap.NewModifyDNWithControlsRequest(a.dn, c.newRDN, true, c.parent, controls))
}

// isAt reports whether dn is where the call puts the entry, the case of its
// name included.
func (c *renameCall) isAt(dn string) bool {
	parsed, err := goldap.ParseDN(dn)
	return err == nil && c.wanted != nil && len(parsed.RDNs) > 0 &&
		parsedNameKey(parsed) == parsedNameKey(c.wanted) && parsed.RDNs[0].String() == c.wanted.RDNs[0].String()
}

// forget drops what is remembered of the names.
func (c *renameCall) forget() {
	c.t.forget(c.dn)
	if c.wanted != nil {
		c.t.forget(c.wanted.String())
	}
}

// Settle implements [translators.Call].
func (c *renameCall) Settle(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	e, err := c.t.readByID(ctx, c.k, c.id, c.t.targetAttributes(c.k))
	switch {
	case err != nil:
		return stillUnknown(err)
	case e == nil:
		return c.gone()
	case c.isAt(e.DN):
		return c.readBack(ctx, translators.CallResult{Outcome: translators.Applied}, nil)
	case c.isOutdated(e):
		return c.entryCall.unmade(e)
	}
	return c.k.unmade(c.purpose, c.values)
}

// Undo implements [translators.Call].
func (c *renameCall) Undo() translators.Call {
	if c.disables || c.former == nil {
		return nil
	}
	back := &renameCall{entryCall: c.entryCall, newRDN: c.former.RDNs[0].String(), former: c.wanted, wanted: c.former}
	back.dn, back.purpose = c.wanted.String(), "take back: "+c.purpose
	back.brings, back.enables, back.version, back.demanded = false, false, "", ""
	if c.parent != "" {
		back.parent = parentOf(c.former).String()
	}
	return back
}

// Interface guard
var _ translators.Call = (*renameCall)(nil)
