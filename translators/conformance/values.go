package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Names are unique in the process, and told apart from those of an earlier run
// by their first letters.
var (
	names  atomic.Int64
	prefix = func() string {
		var b [3]byte
		_, _ = rand.Read(b[:])
		return hex.EncodeToString(b[:])
	}()
)

func uniqueName() string { return fmt.Sprintf("n%s%d", prefix, names.Add(1)) }

// nameAttribute is by what people know a resource: userName or displayName.
func nameAttribute(t *translators.Type) *scim.Attribute {
	if a := t.Attribute("userName"); a != nil {
		return a
	}
	return t.Attribute("displayName")
}

// minimal returns a resource with its name and what the rules demand.
func (h *host) minimal(t *translators.Type) *scim.Resource {
	h.Helper()
	r := scim.NewResource(t.ResourceType)
	r.Set(nameAttribute(t), scim.String(uniqueName()))
	for _, rule := range t.Rules {
		if rule.Required && rule.Default == "" && len(rule.From) == 0 && rule.Path.Value(r).IsAbsent() {
			r = h.with(r, rule.Path, h.value(t, rule.Path, 0))
		}
	}
	return r
}

// full returns a resource that has the nth value at every path.
func (h *host) full(t *translators.Type, n int) *scim.Resource {
	h.Helper()
	r := h.minimal(t)
	for _, text := range h.paths(t) {
		path := h.path(t, text)
		if path.Attribute != nameAttribute(t) {
			r = h.with(r, path, h.value(t, path, n))
		}
	}
	return r
}

func (h *host) with(r *scim.Resource, path scim.Path, v scim.Value) *scim.Resource {
	h.Helper()
	r, err := scim.Apply(r, []scim.Change{{Op: scim.Add, Path: path, Value: v}})
	if err != nil {
		h.Fatalf("setting %s: %v", path, err)
	}
	return r
}

// user creates a user with no more than is needed.
func (h *host) user() string {
	h.Helper()
	return h.create(h.minimal(h.users))
}

func (h *host) usersOf(n int) []string {
	h.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = h.user()
	}
	return ids
}

// paths are those at which values are written and read.
func (h *host) paths(t *translators.Type) []string {
	if p := h.Paths[t.Name]; p != nil {
		return p
	}
	var paths []string
	for _, a := range t.Attributes() {
		switch {
		case !isOpen(a) || a.Name == "active" || a.IsReferenceSet():
		case !a.IsComplex():
			paths = append(paths, a.String())
		case !a.MultiValued:
			paths = append(paths, subPaths(a, a.String())...)
		default:
			kinds := []string{a.String()}
			if sub := a.Sub("type"); sub != nil && len(sub.CanonicalValues) > 0 {
				kinds = nil
				for _, v := range sub.CanonicalValues {
					kinds = append(kinds, fmt.Sprintf("%s[type eq %q]", a, v))
				}
			}
			for _, kind := range kinds {
				paths = append(paths, subPaths(a, kind)...)
			}
		}
	}
	return paths
}

func subPaths(a *scim.Attribute, kind string) []string {
	var paths []string
	for _, s := range a.SubAttributes {
		if isOpen(s) && s.Name != "$ref" && (s.Name != "type" || len(s.CanonicalValues) == 0) && s.Name != "primary" {
			paths = append(paths, kind+"."+s.Name)
		}
	}
	return paths
}

// isOpen reports whether what is written can be read again.
func isOpen(a *scim.Attribute) bool {
	return a.Mutability != scim.ReadOnly && a.Mutability != scim.WriteOnly && a.Returned != scim.ReturnedNever
}

// value returns the nth value for a path.
func (h *host) value(t *translators.Type, path scim.Path, n int) scim.Value {
	h.Helper()
	if h.Value != nil {
		if v := h.Value(path.String(), n); !v.IsAbsent() {
			return v
		}
	}
	for _, rule := range t.Rules {
		if rule.Path.String() == path.String() && len(rule.OneOf) > 0 {
			v, err := scim.Coerce(path.Leaf(), scim.String(rule.OneOf[n%len(rule.OneOf)]))
			if err != nil {
				h.Fatalf("one_of at %s: %v", path, err)
			}
			return v
		}
	}
	a := path.Leaf()
	if to := h.target(a); to != nil {
		if h.targets == nil {
			h.targets = make(map[string][]string)
		}
		for len(h.targets[to.Name]) <= n {
			h.targets[to.Name] = append(h.targets[to.Name], h.create(h.minimal(to)))
		}
		return scim.String(h.targets[to.Name][n])
	}
	switch a.Type {
	case scim.TypeBoolean:
		return scim.Bool(n%2 == 0)
	case scim.TypeInteger:
		return scim.Number(fmt.Sprint(40 + n))
	case scim.TypeDecimal:
		return scim.Number(fmt.Sprintf("4%d.250", n))
	case scim.TypeDateTime:
		return scim.String(fmt.Sprintf("20%02d-02-03T04:05:06Z", 10+n))
	case scim.TypeBinary:
		return scim.String(base64.StdEncoding.EncodeToString([]byte{0, 1, 0xfe, 0xff, byte(n)}))
	}
	return scim.String(textFor(path, n))
}

// isReference reports whether a holds the id of another resource.
func isReference(a *scim.Attribute) bool {
	return a.Name == "value" && a.Parent() != nil && a.Parent().Sub("$ref") != nil
}

// target returns the type whose ids the values of a are, nil when they are none.
func (h *host) target(a *scim.Attribute) *translators.Type {
	if !isReference(a) {
		return nil
	}
	for _, name := range a.Parent().Sub("$ref").ReferenceTypes {
		if t := h.typeNamed(name); t != nil {
			return t
		}
	}
	return nil
}

// textFor returns a text of the form that a backend might insist on.
func textFor(path scim.Path, n int) string {
	top, leaf := path.Attribute.Name, path.Leaf().Name
	switch {
	case path.Leaf().Name == "serial":
		return fmt.Sprintf("Serial %d %s", n, hashed(path)) // a PrintableString in many directories
	case path.Leaf().Uniqueness != scim.UniqueNone || top == "externalId":
		return uniqueName()
	case top == "emails" && leaf == "value":
		return "Ada." + uniqueName() + "@example.com"
	case top == "phoneNumbers" && leaf == "value":
		return fmt.Sprintf("+49 30 %d%d", len(path.String()), n)
	case leaf == "country":
		return []string{"DE", "FR", "GR"}[n%3]
	case leaf == "preferredLanguage" || leaf == "locale":
		return []string{"en-GB", "de-DE", "fr-FR"}[n%3]
	case leaf == "postalCode":
		return fmt.Sprintf("1234%d", n)
	case leaf == "profileUrl":
		return fmt.Sprintf("https://example.com/%d?a=b", n)
	case leaf == "formatted" && top == "addresses":
		return fmt.Sprintf("%d Main St\nFloor 2\n12345 Tøwn, %s", n, hashed(path))
	}
	return fmt.Sprintf("Välue %d of %s", n, hashed(path))
}

// hashed is a short text that differs from path to path.
func hashed(path scim.Path) string {
	var sum uint32
	for _, c := range []byte(path.String()) {
		sum = sum*31 + uint32(c)
	}
	return fmt.Sprintf("p%x", sum%0xffff)
}

// withDefaults gives the rules' defaults to what has no value.
func withDefaults(t *translators.Type, r *scim.Resource) (*scim.Resource, error) {
	for _, rule := range t.Rules {
		if !rule.Path.Value(r).IsAbsent() {
			continue
		}
		var v scim.Value
		for _, from := range rule.From {
			if items := from.Value(r).Items(); len(items) > 0 && v.IsAbsent() {
				v = items[0]
			}
		}
		if v.IsAbsent() && rule.Default != "" {
			var err error
			if v, err = scim.Coerce(rule.Path.Leaf(), scim.String(rule.Default)); err != nil {
				return nil, err
			}
		}
		if v.IsAbsent() {
			continue
		}
		var err error
		if r, err = scim.Apply(r, []scim.Change{{Op: scim.Add, Path: rule.Path, Value: v}}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// sameAsSent fails unless what was sent is what is there, but for what only the
// backend sets.
func (h *host) sameAsSent(what string, sent, there *scim.Resource) {
	h.Helper()
	for _, d := range scim.Diff(open(sent), open(there)) {
		h.Errorf("%s: %s was sent as %s and is %s", what, d.Attribute, show(d.Before), show(d.After))
	}
}

// sameAsCreated is sameAsSent for what was created: defaults were filled in, and
// who is not said to be disabled is not.
func (h *host) sameAsCreated(what string, sent, there *scim.Resource) {
	h.Helper()
	want, err := withDefaults(h.typeOf(sent), sent)
	if err != nil {
		h.Fatalf("filling in defaults: %v", err)
	}
	if active := want.Type.Attribute("active"); active != nil && want.Get(active).IsAbsent() {
		want = want.Clone()
		want.Set(active, scim.Bool(true))
	}
	h.sameAsSent(what, want, there)
}

// open returns a copy with nothing but what can be written and read.
func open(r *scim.Resource) *scim.Resource {
	c := scim.NewResource(r.Type)
	for _, f := range r.Fields() {
		a := f.Attribute
		if !isOpen(a) {
			continue
		}
		if !a.IsComplex() {
			c.Set(a, f.Value)
			continue
		}
		var items []scim.Value
		for _, item := range f.Value.Items() {
			fields := slices.DeleteFunc(slices.Clone(item.Fields()), func(s scim.Field) bool {
				return !isOpen(s.Attribute) || s.Attribute.Name == "$ref"
			})
			items = append(items, scim.Complex(fields...))
		}
		if a.MultiValued {
			c.Set(a, scim.List(items...))
		} else {
			c.Set(a, items[0])
		}
	}
	return c
}

// show writes a value for a failure.
func show(v scim.Value) string {
	switch v.Kind() {
	case scim.Absent:
		return "nothing"
	case scim.KindBool:
		return fmt.Sprint(v.IsTrue())
	case scim.KindNumber:
		return v.Text()
	case scim.KindString:
		return fmt.Sprintf("%q", v.Text())
	case scim.KindList:
		var items []string
		for _, i := range v.Items() {
			items = append(items, show(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	var fields []string
	for _, f := range v.Fields() {
		fields = append(fields, f.Attribute.Name+": "+show(f.Value))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// quoted writes a text as it stands in a filter (RFC 7644 §3.4.2.2: as in JSON).
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
