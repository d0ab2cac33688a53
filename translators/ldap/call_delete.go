package ldap

import (
	"context"
	"fmt"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// deleteCall is a Delete request (RFC 4511 §4.8). Without an id it takes back
// the call that has created the entry, whose result tells the id.
type deleteCall struct{ entryCall }

// String implements [translators.Call].
func (c *deleteCall) String() string {
	condition := c.identity(c.versioned(aim{}, ""))
	if c.id == "" {
		condition = "(" + c.t.profile.id + "={1.id})"
	}
	return newRecord(c.dn, condition, "delete", c.t.veilOf(c.k)).String()
}

// Do implements [translators.Call].
func (c *deleteCall) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	c = c.identified(prior)
	if c.id == "" {
		return result(fmt.Errorf("%s: its id is not known", c.purpose))
	}
	err := c.reach(ctx, []string{c.t.profile.id}, func(a aim) error {
		if a.stubborn > 0 && !c.insists() {
			a.unguarded = true
		}
		controls, err := c.controls(a, c.versioned(a, ""))
		if err != nil {
			return err
		}
		return c.t.pool.Delete(ctx, goldap.NewDelRequest(a.dn, controls))
	})
	c.t.forget(c.dn)
	return result(err)
}

// Settle implements [translators.Call].
func (c *deleteCall) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	c = c.identified(prior)
	e, err := c.t.readByID(ctx, c.k, c.id, c.t.targetAttributes(c.k))
	switch {
	case err != nil:
		return stillUnknown(err)
	case e != nil:
		return c.unmade(e)
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// identified is the call with the id that it is about.
func (c *deleteCall) identified(prior []translators.CallResult) *deleteCall {
	if c.id != "" {
		return c
	}
	copied := *c
	for _, r := range prior {
		if r.ID != "" {
			copied.id = r.ID
			break
		}
	}
	return &copied
}

// Undo implements [translators.Call]. What was removed is gone.
func (c *deleteCall) Undo() translators.Call { return nil }

// Interface guard
var _ translators.Call = (*deleteCall)(nil)
