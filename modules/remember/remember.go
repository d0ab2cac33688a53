// Package remember keeps the attributes that a backend has no place for. It stands
// before a translator as a translator: what its mapping remembers comes from the
// store of the gateways and goes there, all else from and to the backend.
//
// The backend is the truth (DESIGN §4 rule 8). A value is the value of a resource
// that the backend has; an id that it has not is nobody, whatever the store holds of
// it. A store that can't be asked is a fault and never absence: who asks for a
// remembered value is answered with an error, who asks for none notices nothing.
package remember

import (
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Translator is a translator whose backend has no place for some attributes.
type Translator struct {
	translators.Translator

	kinds  []*kind
	memory memory
	log    *zap.Logger
}

// kind is a resource type of which something is remembered.
type kind struct {
	translators.Type
	names string // of what is remembered, for people
}

// Wrap returns a translator that remembers for the gateway of that name what t has no
// place for: t itself where that is nothing. Values are kept under the name of the
// gateway, so that one of another name knows none of them. s may be nil; then what is
// remembered can't be asked for.
func Wrap(t translators.Translator, gateway string, s *store.Store, log *zap.Logger) translators.Translator {
	remembering := &Translator{Translator: t, memory: memory{s, gateway}, log: log}
	for _, served := range t.Types() {
		if len(served.Remembered) == 0 {
			continue
		}
		names := make([]string, len(served.Remembered))
		for i, a := range served.Remembered {
			names[i] = a.String()
		}
		remembering.kinds = append(remembering.kinds, &kind{served, strings.Join(names, ", ")})
	}
	if len(remembering.kinds) == 0 {
		return t
	}
	return remembering
}

// Unwrap returns the translator that speaks to the backend.
func (t *Translator) Unwrap() translators.Translator { return t.Translator }

// RoundTrip implements [translators.RoundTripper], for what the backend has. It is
// [errors.ErrUnsupported] where the translator can't tell.
func (t *Translator) RoundTrip(ctx context.Context, e *translators.Entry) ([]translators.Problem, error) {
	if inner, can := t.Translator.(translators.RoundTripper); can {
		return inner.RoundTrip(ctx, unwrap(e))
	}
	return nil, errors.ErrUnsupported
}

// FindDisabled implements [translators.DisabledFinder]. It is [errors.ErrUnsupported]
// where the translator can't tell.
func (t *Translator) FindDisabled(ctx context.Context) (translators.DisabledAccount, error) {
	if inner, can := t.Translator.(translators.DisabledFinder); can {
		return inner.FindDisabled(ctx)
	}
	return translators.DisabledAccount{}, errors.ErrUnsupported
}

// kindOf returns the kind that a resource type is, nil where nothing of it is
// remembered.
func (t *Translator) kindOf(rt *scim.ResourceType) *kind {
	for _, k := range t.kinds {
		if k.ResourceType == rt {
			return k
		}
	}
	return nil
}

// remembered returns the attribute of the kind that a is, in this or in another
// narrowing of the type, or nil.
func (k *kind) remembered(a *scim.Attribute) *scim.Attribute {
	for _, own := range k.Remembered {
		if own == a || a != nil && own.Name == a.Name && own.Schema() == a.Schema() {
			return own
		}
	}
	return nil
}

// Lease implements [translators.Translator]. It keeps the store open as well.
func (t *Translator) Lease() (release func(), err error) {
	backend, err := t.Translator.Lease()
	if err != nil || t.memory.store == nil {
		return backend, err
	}
	t.memory.store.Hold()
	return func() {
		backend()
		if err := t.memory.store.Release(); err != nil {
			t.log.Warn("the store could not be closed", zap.Error(err))
		}
	}, nil
}

// Check implements [translators.Translator].
func (t *Translator) Check(ctx context.Context) []translators.Finding {
	findings := t.Translator.Check(ctx)
	for _, k := range t.kinds {
		if _, err := t.memory.rows(ctx, k, []string{""}); err != nil {
			findings = append(findings, translators.Finding{Level: translators.LevelWarning, Detail: k.names + " of " + k.Name +
				" is remembered in the store, which does not answer: requests that need it are answered with 503 until it does, and a provider that reads accounts before it disables them waits too"})
		}
	}
	return findings
}

// Interface guards
var (
	_ translators.Translator     = (*Translator)(nil)
	_ translators.RoundTripper   = (*Translator)(nil)
	_ translators.DisabledFinder = (*Translator)(nil)
)
