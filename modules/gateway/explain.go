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
func (h *Handler) StopChecking() { h.checker.stop() }

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
		h.checker.stop() // it would connect
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
	text := comment(op.String())
	intents, err := x.intents(ctx)
	for i, intent := range intents {
		if i > 0 {
			text += "\n# Then, planned on the present state, in which the account is not disabled yet:\n"
		}
		plan, err := h.translator.Plan(ctx, intent)
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
