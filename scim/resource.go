package scim

import (
	"slices"
	"time"
)

// Resource is a user, a group or another resource (RFC 7643 §3): an ordered
// tree of typed values keyed by the attributes of its type. Members of a group
// do not stand in it (see [Member]): there may be a hundred thousand.
type Resource struct {
	Type *ResourceType
	ID   string
	Meta Meta

	fields []Field
}

// Meta is what the gateway knows about a resource as such (RFC 7643 §3.1).
// Zero values are left out of answers; the location follows from type and id.
type Meta struct {
	Created      time.Time
	LastModified time.Time
	Version      string // an opaque version without quotes or W/; "" when unknown
}

// Member is one element of a group's members (RFC 7643 §4.2).
type Member struct {
	ID      string // the value: the id of a user or group
	Display string
	Type    string // "User" or "Group"; "" when unknown
}

// NewResource returns an empty resource of type t.
func NewResource(t *ResourceType) *Resource { return &Resource{Type: t} }

// Get returns the value of a top-level attribute, id and meta included, or an
// absent value.
func (r *Resource) Get(a *Attribute) Value {
	switch a {
	case AttributeID:
		if r.ID == "" {
			return Value{}
		}
		return String(r.ID)
	case AttributeMeta:
		return r.Meta.value(r.Type)
	case AttributeSchemas:
		return r.schemas()
	}
	for i := range r.fields {
		if r.fields[i].Attribute == a {
			return r.fields[i].Value
		}
	}
	return Value{}
}

// Set gives a top-level attribute a value; an absent value removes it. The
// common attributes are set by the fields ID and Meta instead.
func (r *Resource) Set(a *Attribute, v Value) {
	i := slices.IndexFunc(r.fields, func(f Field) bool { return f.Attribute == a })
	switch {
	case i >= 0 && v.IsAbsent():
		r.fields = slices.Delete(r.fields, i, i+1)
	case i >= 0:
		r.fields[i].Value = v
	case !v.IsAbsent():
		r.fields = append(r.fields, Field{a, v})
	}
}

// Fields returns the attributes that have a value, without id and meta, in the
// order in which they were set. The slice must not be changed.
func (r *Resource) Fields() []Field { return r.fields }

// Clone returns a copy that can be changed without changing r.
func (r *Resource) Clone() *Resource {
	c := *r
	c.fields = slices.Clone(r.fields)
	return &c
}

// IsActive returns the value of the attribute active and whether it has one.
func (r *Resource) IsActive() (active, known bool) {
	a := r.Type.Attribute("active")
	if a == nil {
		return false, false
	}
	v := r.Get(a)
	return v.IsTrue(), v.Kind() == KindBool
}

// schemas returns the URNs of the base schema and of the extensions that have a
// value (RFC 7643 §3).
func (r *Resource) schemas() Value {
	urns := []Value{String(r.Type.Schema.ID)}
	for _, e := range r.Type.Extensions {
		if slices.ContainsFunc(r.fields, func(f Field) bool { return f.Attribute.schema == e.ID }) {
			urns = append(urns, String(e.ID))
		}
	}
	return List(urns...)
}

// DateTimeFormat is how dateTime values are written (RFC 7643 §2.3.5).
const DateTimeFormat = "2006-01-02T15:04:05.000Z"

func (m Meta) value(t *ResourceType) Value {
	sub := AttributeMeta.Sub
	fields := []Field{{sub("resourceType"), String(t.Name)}}
	if !m.Created.IsZero() {
		fields = append(fields, Field{sub("created"), String(m.Created.UTC().Format(DateTimeFormat))})
	}
	if !m.LastModified.IsZero() {
		fields = append(fields, Field{sub("lastModified"), String(m.LastModified.UTC().Format(DateTimeFormat))})
	}
	if m.Version != "" {
		fields = append(fields, Field{sub("version"), String(m.ETag())})
	}
	return Complex(fields...)
}

// ETag returns the version as a weak entity tag, W/"…", or "" when unknown
// (RFC 7644 §3.14).
func (m Meta) ETag() string {
	if m.Version == "" {
		return ""
	}
	return `W/"` + m.Version + `"`
}
