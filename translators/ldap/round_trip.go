package ldap

import (
	"context"
	"errors"

	"github.com/scimgate/scimgate/translators"
)

// RoundTrip implements [translators.RoundTripper].
func (t *Translator) RoundTrip(ctx context.Context, e *translators.Entry) ([]translators.Problem, error) {
	k := t.kindOf(e.Resource.Type)
	h, is := e.Handle.(*handle)
	if k == nil || !is {
		return nil, errors.New("looking whether an entry comes back as it is: it was not read here")
	}
	get := k.valuesOf(h.entry)
	refs, err := t.resolve(ctx, k.mapping.Names(translators.Selection{All: true}, get))
	if err != nil {
		return nil, err
	}
	return k.mapping.RoundTrip(get, refs), nil
}

// Interface guard
var _ translators.RoundTripper = (*Translator)(nil)
