package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// create answers POST (RFC 7644 §3.3).
func (x *exchange) create(ctx context.Context, invalid error) {
	if invalid != nil {
		x.fail(invalid)
		return
	}
	entry, err := x.createOne(ctx)
	if err != nil {
		x.fail(err)
		return
	}
	x.resourceAnswer(http.StatusCreated, entry)
}

func (x *exchange) createOne(ctx context.Context) (*translators.Entry, error) {
	intent, err := x.createIntent(ctx)
	if err != nil {
		return nil, err
	}
	unlock, err := x.lock(ctx, x.op.Type.Name, "new", nameOf(intent.After))
	if err != nil {
		return nil, err
	}
	defer unlock()
	done, err := x.carryOut(ctx, intent)
	if err != nil {
		return nil, err
	}
	x.resource = done.report.ID()
	entry, err := x.after(ctx, done, x.resource, x.op.Projection)
	if isAbsence(err) {
		// It was created a moment ago: to say that it is not there would be a lie.
		return nil, &scim.Error{Status: http.StatusGatewayTimeout, RetryAfter: retryUnknown, Err: err,
			Detail: "The " + x.op.Type.Name + " was created, and the backend does not show it by the id that it told. Look for it there before it is created again; the configuration may read its id from the wrong place."}
	}
	return entry, err
}

// isAbsence reports whether an error says that there is no such resource.
func isAbsence(err error) bool {
	e, is := errors.AsType[*scim.Error](err)
	return is && e.Status == http.StatusNotFound || translators.KindOf(err) == translators.NotFound
}

// createIntent fills in defaults and asks policy.
func (x *exchange) createIntent(ctx context.Context) (translators.Intent, error) {
	intent := translators.Intent{Action: scim.ActionCreate, Type: x.op.Type, Members: x.op.Members, Offline: x.offline, Lock: x.lockOther}
	rules := x.h.typeOf(x.op.Type).Rules
	var err error
	if intent.After, err = policy.Defaults(rules, x.op.Resource); err != nil {
		return intent, err
	}
	if err := policy.Demand(rules, intent.After, policy.Everything); err != nil {
		return intent, err
	}
	if err := x.h.Policy.Protects(intent.After); err != nil {
		return intent, err
	}
	intent.Changes = scim.Diff(nil, intent.After)
	intent.References, err = x.references(ctx, intent.Members)
	return intent, err
}

// after returns the resource as a write left it: as the backend told, or as it
// is read again.
func (x *exchange) after(ctx context.Context, done carried, id string, p scim.Projection) (*translators.Entry, error) {
	if x.isListed {
		return x.named(done, id), nil
	}
	if entry := done.entry(); entry != nil && (entry.Members != nil || !wantsMembers(x.op.Type, p)) {
		return entry, nil
	}
	return x.readOne(ctx, x.op.Type, id, selectionFor(x.op.Type, p))
}

// named returns what is known of a resource without reading it again: its id at
// least.
func (x *exchange) named(done carried, id string) *translators.Entry {
	if entry := done.entry(); entry != nil {
		return entry
	}
	r := scim.NewResource(x.op.Type)
	r.ID = id
	return &translators.Entry{Resource: r}
}

// nameOf returns the value by which a resource is known to people.
func nameOf(r *scim.Resource) string {
	for _, a := range namesOf(r.Type) {
		if v := r.Get(a); !v.IsAbsent() {
			return v.Text()
		}
	}
	return ""
}

// namesOf returns the attributes by which resources of a type are known to people,
// the best first: userName, displayName, and what is unique.
func namesOf(t *scim.ResourceType) []*scim.Attribute {
	var names []*scim.Attribute
	for _, name := range []string{"userName", "displayName"} {
		if a := t.Attribute(name); a != nil && a.Schema() == t.Schema.ID && !a.IsComplex() {
			names = append(names, a)
		}
	}
	if len(names) > 0 {
		return names
	}
	for _, a := range t.Schema.Attributes {
		if a.Uniqueness != scim.UniqueNone && a.Type == scim.TypeString && !a.MultiValued && a.Returned != scim.ReturnedNever && !a.Private {
			return []*scim.Attribute{a}
		}
	}
	return nil
}
