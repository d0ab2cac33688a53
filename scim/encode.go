package scim

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// AppendResource appends r as the JSON of RFC 7643 §3, without line breaks:
// schemas and id first, the attributes in the order of the type, each
// extension's under its URN, meta last.
//
// p chooses what is written, on top of what each attribute's Returned allows:
// never is never written, whoever asks for it. A $ref is written where the type
// has it and is made from the value beside it.
//
// members are the members of a group; nil means that there are none to write.
// They are read only if p wants them, one after the other, so that a group of
// 100,000 needs no more memory than its JSON. An error that members yields is
// returned.
//
// When AppendResource fails it returns dst as it was: half a resource is not an
// answer. It fails too when a value does not fit its attribute, which is a
// fault of the backend's translation.
func AppendResource(dst []byte, r *Resource, p Projection, out Output, members iter.Seq2[Member, error]) ([]byte, error) {
	e := encoder{dst: dst, base: strings.TrimSuffix(out.Base, "/"), dialect: out.Dialect, projection: p}
	if err := e.resource(r, members); err != nil {
		return dst, fmt.Errorf("encoding %s %s: %w", r.Type.Name, r.ID, err)
	}
	return e.dst, nil
}

// urn returns what a schema is called in the dialect.
func (e *encoder) urn(s *Schema) string {
	if e.dialect == V1 {
		return urnV1(s.ID)
	}
	return s.ID
}

// Location returns the address of r (RFC 7644 §3.3): the base, the type's
// endpoint and the id as one path segment.
func Location(base string, r *Resource) string {
	dst := make([]byte, 0, len(base)+len(r.Type.Endpoint)+1+len(r.ID))
	dst = append(dst, strings.TrimSuffix(base, "/")...)
	dst = append(append(dst, r.Type.Endpoint...), '/')
	return string(appendSegment(dst, r.ID))
}

func (e *encoder) resource(r *Resource, members iter.Seq2[Member, error]) error {
	e.references = r.Type.References
	e.dst = append(e.dst, '{')
	e.schemas(r)
	if r.ID != "" {
		e.text("id", r.ID)
	}
	for _, a := range r.Type.Schema.Attributes {
		if !e.projection.Wants(a) {
			continue
		}
		var err error
		if members != nil && a.IsReferenceSet() {
			err = e.members(a, members)
		} else {
			err = e.attribute(a, r.Get(a))
		}
		if err != nil {
			return err
		}
	}
	for _, extension := range r.Type.Extensions {
		if err := e.extension(r, extension); err != nil {
			return err
		}
	}
	e.meta(r)
	e.dst = append(e.dst, '}')
	return nil
}

// schemas lists the schemas of what is written, not of what the resource has
// besides (RFC 7643 §3: "present in the current JSON structure").
func (e *encoder) schemas(r *Resource) {
	e.dst = append(e.dst, `"schemas":[`...)
	e.dst = appendString(e.dst, e.urn(r.Type.Schema))
	for _, extension := range r.Type.Extensions {
		for _, a := range extension.Attributes {
			if e.isVisible(a, r.Get(a)) {
				e.dst = appendString(append(e.dst, ','), e.urn(extension))
				break
			}
		}
	}
	e.dst = append(e.dst, ']')
}

func (e *encoder) extension(r *Resource, s *Schema) error {
	mark := len(e.dst)
	e.key(e.urn(s))
	e.dst = append(e.dst, '{')
	empty := len(e.dst)
	for _, a := range s.Attributes {
		if !e.projection.Wants(a) {
			continue
		}
		if err := e.attribute(a, r.Get(a)); err != nil {
			return err
		}
	}
	if len(e.dst) == empty {
		e.dst = e.dst[:mark]
		return nil
	}
	e.dst = append(e.dst, '}')
	return nil
}

var (
	metaResourceType = AttributeMeta.Sub("resourceType")
	metaCreated      = AttributeMeta.Sub("created")
	metaLastModified = AttributeMeta.Sub("lastModified")
	metaLocation     = AttributeMeta.Sub("location")
	metaVersion      = AttributeMeta.Sub("version")
)

func (e *encoder) meta(r *Resource) {
	if e.dialect == V1 {
		e.metaV1(r)
		return
	}
	if !e.projection.Wants(AttributeMeta) {
		return
	}
	wants := func(s *Attribute) bool { return e.projection.WantsSub(AttributeMeta, s) }
	mark := len(e.dst)
	e.key(AttributeMeta.Name)
	e.dst = append(e.dst, '{')
	empty := len(e.dst)
	if wants(metaResourceType) {
		e.text(metaResourceType.Name, r.Type.Name)
	}
	if wants(metaCreated) {
		e.time(metaCreated.Name, r.Meta.Created)
	}
	if wants(metaLastModified) {
		e.time(metaLastModified.Name, r.Meta.LastModified)
	}
	if wants(metaLocation) && r.ID != "" {
		e.link(metaLocation.Name, r.Type.Endpoint, r.ID)
	}
	if wants(metaVersion) && r.Meta.Version != "" {
		e.text(metaVersion.Name, r.Meta.ETag())
	}
	if len(e.dst) == empty {
		e.dst = e.dst[:mark]
		return
	}
	e.dst = append(e.dst, '}')
}

func (e *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	e.key(name)
	e.dst = append(e.dst, '"')
	e.dst = append(t.UTC().AppendFormat(e.dst, DateTimeFormat), '"')
}

// members writes the elements of a, taking them one by one.
func (e *encoder) members(a *Attribute, members iter.Seq2[Member, error]) error {
	wants := func(name string) bool {
		s := a.Sub(name)
		return s != nil && e.projection.WantsSub(a, s)
	}
	value, ref, display, kind := wants("value"), wants("$ref") && e.dialect != V1, wants("display"), wants("type")
	if !value && !ref && !display && !kind {
		return nil
	}
	mark := len(e.dst)
	e.key(a.Name)
	e.dst = append(e.dst, '[')
	empty := len(e.dst)
	for m, err := range members {
		if err != nil {
			return fmt.Errorf("reading members: %w", err)
		}
		if m.ID == "" {
			return errors.New("reading members: a member has no id")
		}
		item := len(e.dst)
		if item > empty {
			e.dst = append(e.dst, ',')
		}
		e.dst = append(e.dst, '{')
		open := len(e.dst)
		if value {
			e.text("value", m.ID)
		}
		if endpoint := endpointOf(m.Type); ref && endpoint != "" {
			e.link("$ref", endpoint, m.ID)
		}
		if display && m.Display != "" {
			e.text("display", m.Display)
		}
		if kind && m.Type != "" {
			e.text("type", m.Type)
		}
		if len(e.dst) == open {
			e.dst = e.dst[:item]
			continue
		}
		e.dst = append(e.dst, '}')
	}
	if len(e.dst) == empty {
		e.dst = e.dst[:mark]
		return nil
	}
	e.dst = append(e.dst, ']')
	return nil
}
