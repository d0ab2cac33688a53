package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// StopChecking keeps the gateway from looking at the backend and the journal from
// time to time. It is for commands that look at a configuration beside the process
// that serves it.
func (h *Handler) StopChecking() {
	h.checker.stop()
	h.resolver.stop(h)
}

// Explain returns the operation that a request is and the backend's calls that
// it would be turned into, and makes none of them. With offline it reads nothing
// either, and what a read would have told stands in braces. The request needs no
// credential; its path is that below the host, the base included.
func (h *Handler) Explain(ctx context.Context, r *http.Request, offline bool) (string, error) {
	path, dialect, ok := h.below(r.URL.Path)
	if !ok {
		return "", fmt.Errorf("the path %s is not below the gateway's base %s", r.URL.Path, strings.Join(h.Bases(), " and "))
	}
	if offline {
		h.StopChecking() // it would connect
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.Timeout))
	defer cancel()
	x := h.newExchange(nil, r, path)
	x.speaks(dialect)
	x.offline = offline
	op, invalid := x.decode()
	if op == nil {
		return "", x.errorAnswer(invalid)
	}
	x.op = op
	release, err := h.translator.Lease()
	if err != nil {
		return "", err
	}
	defer release()
	if op.Action == scim.ActionBulk {
		return x.explainBulk(ctx, op.Bulk.Operations), nil
	}
	return x.explain(ctx, op, invalid)
}

// explain returns an operation and its calls.
func (x *exchange) explain(ctx context.Context, op *scim.Operation, invalid error) (string, error) {
	x.op = op
	text := comment(op.String())
	if op.IsMe {
		return text, &scim.Error{Status: http.StatusNotImplemented,
			Detail: "Whom /Me stands for depends on the caller, and this request has none. Explain it with /Users and the id."}
	}
	if invalid != nil && !x.h.asksToDisable(op) {
		return text, x.errorAnswer(invalid)
	}
	intents, err := x.intents(ctx)
	for i, intent := range intents {
		if i > 0 {
			text += "\n# Then, planned on the present state, in which the account is not disabled yet:\n"
		}
		plan, err := x.h.translator.Plan(ctx, intent)
		if err != nil {
			return "", x.errorAnswer(err)
		}
		text += "\n" + PlanText(plan)
	}
	if err == nil {
		err = invalid
	}
	if err != nil {
		return text, x.errorAnswer(err)
	}
	return text, nil
}

// explainBulk returns the operations of a Bulk in the order in which they would be
// carried out, each with its calls or with why it would be refused. They are
// planned on the present state. What refers to others is planned without reading:
// their ids are not known yet.
func (x *exchange) explainBulk(ctx context.Context, operations []scim.BulkOperation) string {
	var parts []string
	later := make(map[int]scim.BulkOperation)
	b := &bulk{creators: creators(operations)}
	for _, s := range sequence(operations) {
		op, title := operations[s.index], fmt.Sprintf("Operation %d", s.index+1)
		invalid := error(nil)
		switch {
		case op.Err != nil:
			invalid = op.Err
		case s.part == circular:
			invalid = errCircular
		case s.part == deferring:
			op, later[s.index], _ = op.Defer(s.deferred)
			title += ", as far as it refers to nothing that comes later"
		case s.part == completing:
			op = later[s.index]
			title += ", the rest of it"
		}
		for _, bulkID := range op.References() {
			if _, is := b.creators[bulkID]; !is && invalid == nil {
				invalid = b.missing(bulkID)
			}
		}
		if op.BulkID != "" {
			title += ", bulkId:" + shortID(op.BulkID)
		}
		part, err := x.explainListed(ctx, op, invalid)
		text := comment(title+":") + part
		if err != nil {
			text += "\n" + comment("refused: "+x.errorAnswer(err).Error())
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n")
}

// explainListed explains an operation of a Bulk; of one that is invalid, the disable
// in it, as it alone would be carried out.
func (x *exchange) explainListed(ctx context.Context, op scim.BulkOperation, invalid error) (string, error) {
	one := &exchange{
		h: x.h, edge: x.edge, method: op.Method, path: op.Path, dialect: x.dialect, id: x.id,
		offline: x.offline || len(op.References()) > 0,
	}
	decoded, err := x.h.decoders[x.dialect].Decode(op.Request())
	if invalid != nil {
		decoded, err = one.onlyDisable(decoded, err, invalid)
	}
	if decoded == nil {
		return "", err
	}
	return one.explain(ctx, decoded, err)
}

// intents returns what the request wants of the backend, step by step. Those
// that come before an error are carried out all the same.
func (x *exchange) intents(ctx context.Context) ([]translators.Intent, error) {
	switch x.op.Action {
	case scim.ActionCreate:
		intent, err := x.createIntent(ctx)
		return only(intent, err)
	case scim.ActionUpdate:
		return x.updateIntents(ctx, x.op)
	case scim.ActionDelete:
		if x.h.typeOf(x.op.Type).Delete == translators.DeleteDisable {
			disable, err := disabling(x.op)
			if err != nil {
				return nil, err
			}
			return x.updateIntents(ctx, disable)
		}
		intent, err := x.removeIntent(ctx)
		return only(intent, err)
	}
	return nil, nil
}

func (x *exchange) updateIntents(ctx context.Context, op *scim.Operation) ([]translators.Intent, error) {
	var intents []translators.Intent
	disable, rest := op.SplitDisable()
	for _, part := range []*scim.Operation{disable, rest} {
		if part == nil {
			continue
		}
		intent, err := x.updateIntent(ctx, part)
		if err != nil {
			return intents, err
		}
		intents = append(intents, intent)
		if x.changed != nil {
			return intents, x.changed
		}
	}
	return intents, nil
}

func only(intent translators.Intent, err error) ([]translators.Intent, error) {
	if err != nil {
		return nil, err
	}
	return []translators.Intent{intent}, nil
}

// comment makes LDIF comments of lines.
func comment(text string) string {
	return "# " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n# ") + "\n"
}
