package translators

import (
	"context"

	"github.com/scimgate/scimgate/scim"
)

type lateKey struct{}

// WithLate returns a context in which [MayComeLate] calls note.
func WithLate(ctx context.Context, note func(t *scim.ResourceType, id string)) context.Context {
	return context.WithValue(ctx, lateKey{}, note)
}

// MayComeLate tells the host that a request which may make an account active was sent to
// the backend and given up without an answer, whatever a later one has come to: it may be
// carried out yet, and then takes back what was done meanwhile. A disable behind it is not
// called proven for a while ([Type.ComesLate]).
func MayComeLate(ctx context.Context, t *scim.ResourceType, id string) {
	if note, is := ctx.Value(lateKey{}).(func(*scim.ResourceType, string)); is && id != "" {
		note(t, id)
	}
}
