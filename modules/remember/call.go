package remember

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// change is what becomes of one remembered attribute; an empty text is no value.
type change struct {
	attribute     *scim.Attribute
	before, after string
}

// call writes what is remembered of a resource, or only compares it with what a caller
// has seen.
type call struct {
	t       *Translator
	k       *kind
	id      string // "": of the resource that an earlier call creates
	changes []change

	version  string // that the caller demands; "" is any
	expected string // the digest in it
	// isAlone is set when the backend is not written to: then it is asked whether it
	// still has the resource, in the version that it had.
	isAlone        bool
	backendVersion string
}

// CallPrefix begins the text of a call that writes to the store what is remembered.
const CallPrefix = "remember: "

// String implements [translators.Call].
func (c *call) String() string {
	id := c.id
	if id == "" {
		id = "{1.id}"
	}
	var b strings.Builder
	fmt.Fprintf(&b, CallPrefix+"%s %s", c.k.Name, id)
	if c.version != "" {
		fmt.Fprintf(&b, "\n# only if its version is %s", c.version)
	}
	for _, change := range c.changes {
		if change.after == "" {
			fmt.Fprintf(&b, "\ndelete: %s", change.attribute)
		} else {
			fmt.Fprintf(&b, "\n%s: %s", change.attribute, strconv.Quote(change.after))
		}
	}
	return b.String()
}

// Purpose implements [translators.Call].
func (c *call) Purpose() string {
	var kept, gone []string
	for _, change := range c.changes {
		if change.after != "" {
			kept = append(kept, change.attribute.String())
		} else {
			gone = append(gone, change.attribute.String())
		}
	}
	if len(c.changes) == 0 {
		return "compare what is remembered"
	}
	var parts []string
	if len(kept) > 0 {
		parts = append(parts, "remember "+strings.Join(kept, ", "))
	}
	if len(gone) > 0 {
		parts = append(parts, "forget "+strings.Join(gone, ", "))
	}
	return strings.Join(parts, "; ")
}

// Do implements [translators.Call].
func (c *call) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	id, err := c.identified(prior)
	if err != nil {
		return translators.CallResult{Outcome: translators.NotApplied, Err: err}
	}
	var there *translators.Entry
	if c.isAlone {
		if there, err = c.read(ctx, translators.Selection{All: true}); err != nil {
			return translators.CallResult{Outcome: translators.NotApplied, Err: err}
		}
	}
	switch {
	case len(c.changes) > 0:
		err = c.t.memory.write(ctx, c.k, id, c.changes, c.expected)
	case c.expected != "":
		err = c.t.memory.compare(ctx, c.k, id, c.expected)
	}
	switch {
	case err == nil:
		return translators.CallResult{Outcome: translators.Applied, Entry: c.told(ctx, there)}
	case errors.Is(err, errChanged):
		if _, gone := c.read(ctx, translators.Selection{}); translators.KindOf(gone) == translators.NotFound {
			return translators.CallResult{Outcome: translators.NotApplied, Err: gone}
		}
		return translators.CallResult{Outcome: translators.NotApplied, Err: changedSince(id)}
	case len(c.changes) == 0:
		return translators.CallResult{Outcome: translators.NotApplied, Err: err}
	}
	return translators.CallResult{Outcome: translators.Unknown, Err: err}
}

// read returns the backend's entry of the resource, whose absence is an error, and so
// is another version than the one that is demanded.
func (c *call) read(ctx context.Context, s translators.Selection) (*translators.Entry, error) {
	entries, err := c.t.Translator.Read(ctx, c.k.ResourceType, []string{c.id}, s)
	switch {
	case err != nil:
		return nil, err
	case len(entries) == 0:
		return nil, &translators.Error{Kind: translators.NotFound, Detail: "The " + c.k.Name + " is not there any more."}
	case c.version != "" && entries[0].Resource.Meta.Version != c.backendVersion:
		return nil, changedSince(c.id)
	}
	return entries[0], nil
}

// told returns the entry as it is now, nil where that is not known.
func (c *call) told(ctx context.Context, e *translators.Entry) *translators.Entry {
	return (&planned{t: c.t, k: c.k}).told(ctx, e)
}

// Settle implements [translators.Call]. What can't be known of a new resource is not
// applied: the resource itself is taken back.
func (c *call) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	id, err := c.identified(prior)
	var rows map[string]*values
	if err == nil {
		rows, err = c.t.memory.rows(ctx, c.k, []string{id})
	}
	switch {
	case err != nil && c.id == "":
		return translators.CallResult{Outcome: translators.NotApplied}
	case err != nil:
		return translators.CallResult{Outcome: translators.Unknown, Err: err}
	}
	for _, change := range c.changes {
		if rows[id].text(change.attribute) != change.after {
			return translators.CallResult{Outcome: translators.NotApplied}
		}
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// Undo implements [translators.Call].
func (c *call) Undo() translators.Call {
	back := call{t: c.t, k: c.k, id: c.id}
	for _, was := range c.changes {
		back.changes = append(back.changes, change{was.attribute, was.after, was.before})
	}
	return &back
}

// identified returns the id of the resource.
func (c *call) identified(prior []translators.CallResult) (string, error) {
	if c.id != "" {
		return c.id, nil
	}
	for _, result := range prior {
		if result.ID != "" {
			return result.ID, nil
		}
	}
	return "", errors.New("the backend has not told the id of the new resource")
}

// forgetCall removes what is remembered of a resource that is deleted.
type forgetCall struct{ call }

// String implements [translators.Call].
func (c *forgetCall) String() string { return "forget: " + c.k.Name + " " + c.id }

// Purpose implements [translators.Call].
func (c *forgetCall) Purpose() string { return "forget " + c.k.names }

// Do implements [translators.Call]. The resource is gone: what the store still holds of
// it means nobody, and is forgotten in time when it can't be now.
func (c *forgetCall) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	if err := c.t.memory.forget(ctx, c.k, c.id); err != nil {
		c.t.log.Warn("what was remembered of a deleted resource could not be forgotten yet",
			zap.String("type", c.k.Name), zap.String("id", c.id), zap.Error(err))
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// Undo implements [translators.Call]: nothing comes behind it.
func (c *forgetCall) Undo() translators.Call { return nil }

// backendCall is a call to the backend in a plan that has calls to the store as well.
type backendCall struct {
	translators.Call
	plan *planned
}

// Do implements [translators.Call].
func (c *backendCall) Do(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	result := c.Call.Do(ctx, c.plan.results(prior))
	result.Entry = c.plan.told(ctx, result.Entry)
	return result
}

// Settle implements [translators.Call].
func (c *backendCall) Settle(ctx context.Context, prior []translators.CallResult) translators.CallResult {
	result := c.Call.Settle(ctx, c.plan.results(prior))
	result.Entry = c.plan.told(ctx, result.Entry)
	return result
}

// Undo implements [translators.Call].
func (c *backendCall) Undo() translators.Call {
	undo := c.Call.Undo()
	if undo == nil {
		return nil
	}
	return &backendCall{undo, c.plan}
}

// Interface guards
var (
	_ translators.Call = (*call)(nil)
	_ translators.Call = (*forgetCall)(nil)
	_ translators.Call = (*backendCall)(nil)
)
