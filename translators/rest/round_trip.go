package rest

import (
	"context"
	"errors"

	"github.com/scimgate/scimgate/translators"
)

// RoundTrip implements [translators.RoundTripper].
func (t *Translator) RoundTrip(_ context.Context, e *translators.Entry) ([]translators.Problem, error) {
	h, is := e.Handle.(*handle)
	if is {
		for _, k := range t.kinds {
			if k.served.ResourceType == e.Resource.Type {
				return k.mapping.roundTrip(h.record, nil), nil
			}
		}
	}
	return nil, errors.New("looking whether a record comes back as it is: it was not read here")
}
