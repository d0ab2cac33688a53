package rest

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
)

// taken says more of a conflict when something is created: whether it is the name that is
// taken, and by whom. A name that the application calls taken and no search finds would
// have somebody who exists, and whom providers do not find, stay as they are for ever.
func (c *call) taken(ctx context.Context, with *scope, err error) error {
	known, is := errors.AsType[*translators.Error](err)
	name := c.k.name
	if !is || known.Kind != translators.Conflict || !c.creates() || name == nil || known.Path != "" && known.Path != name.Name || !c.canBeNamed(with) {
		return err
	}
	others, fault := c.t.namesakes(ctx, c.k, with.resource.Get(name), "", true)
	if fault != nil {
		return err // the conflict is what was answered
	}
	e := *known
	if len(others) == 0 {
		c.t.logger.Warn("the application says that a value is taken, and no search of the configuration finds who has this name: does the search leave out who is disabled?",
			zap.String("call", c.step.String()), zap.String("attribute", name.Name))
		hint := fmt.Sprintf("No search of the configuration finds who has this %s: does the search leave out who is disabled?", name)
		if e.Path == "" {
			hint = fmt.Sprintf("If it is the %s that is taken: no search of the configuration finds who has it. Does the search leave out who is disabled?", name)
		}
		e.Detail += " " + hint
		return &e
	}
	if e.Path == "" {
		e.Path, e.Detail = name.Name, name.Name+": "+lowerFirst(e.Detail)
	}
	for _, h := range others {
		e.IDs = append(e.IDs, h.id)
	}
	return c.inTheWay(ctx, &e)
}

// lowerFirst is a sentence as it goes on behind a colon.
func lowerFirst(sentence string) string {
	if sentence == "" || sentence[0] < 'A' || sentence[0] > 'Z' {
		return sentence
	}
	return string(sentence[0]+'a'-'A') + sentence[1:]
}
