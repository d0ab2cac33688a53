package gateway

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/app"
	memory "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// remembering returns the store of the configuration that ctx belongs to, nil where
// there is none around.
func remembering(ctx caddy.Context) (*memory.Store, error) {
	a, err := app.Of(ctx)
	if a == nil || err != nil {
		return nil, err
	}
	return a.Store(), nil
}

// checkRemembered refuses protection that would be lost with the store.
func (h *Handler) checkRemembered() error {
	for _, t := range h.types {
		for _, a := range h.Policy.Needs(t.ResourceType) {
			if slices.Contains(t.Remembered, a) {
				return fmt.Errorf("protect looks at %s, which is remembered in the store: a %s must not lose its protection with that. Protect by what the backend has, such as userName", a, t.Name)
			}
		}
	}
	return nil
}

// Remembers reports whether there is anything that the backend has no place for.
func (h *Handler) Remembers() bool {
	return slices.ContainsFunc(h.types, func(t translators.Type) bool { return len(t.Remembered) > 0 })
}

// isRemembered reports whether a value is in the store and not in the backend.
func (h *Handler) isRemembered(t *scim.ResourceType, a *scim.Attribute) bool {
	return slices.Contains(h.typeOf(t).Remembered, a)
}

// known returns those of the attributes that the backend has itself, so that reading
// them doesn't depend on the store.
func (h *Handler) known(t *scim.ResourceType, attributes []*scim.Attribute) []*scim.Attribute {
	return slices.DeleteFunc(attributes, func(a *scim.Attribute) bool { return h.isRemembered(t, a) })
}

// isForgetful reports whether an error is that of a store that can't be asked for what
// it remembers.
func isForgetful(err error) bool { return errors.Is(err, memory.ErrUnavailable) }
