package directory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// ava is one attribute=value of a relative distinguished name.
type ava struct {
	typ         *AttributeType
	value, norm string
}

// rdn is a relative distinguished name in the two spellings that are needed: the one to answer with,
// and the one to compare.
type rdn struct {
	avas         []ava
	pretty, norm string
}

// dn is a distinguished name, leaf first. The empty one is the root.
type dn []rdn

// parseDN reads RFC 4514, checking every value by its type's syntax as slapd does.
func (s *schema) parseDN(text string) (dn, error) {
	parsed, err := ldap.ParseDN(text)
	if err != nil {
		return nil, fmt.Errorf("parsing a distinguished name: %w", err)
	}
	name := make(dn, len(parsed.RDNs))
	for i, part := range parsed.RDNs {
		avas := make([]ava, len(part.Attributes))
		for j, a := range part.Attributes {
			t := s.attribute[strings.ToLower(a.Type)]
			if t == nil {
				return nil, fmt.Errorf("parsing a distinguished name: attribute type %s is not known", a.Type)
			}
			pretty, norm, ok := s.normalise(t, a.Value)
			if !ok {
				return nil, fmt.Errorf("parsing a distinguished name: the value of %s is outside its syntax", t.Name())
			}
			avas[j] = ava{t, pretty, norm}
		}
		if name[i], err = newRDN(avas); err != nil {
			return nil, err
		}
	}
	return name, nil
}

func newRDN(avas []ava) (rdn, error) {
	slices.SortFunc(avas, func(a, b ava) int { return strings.Compare(a.typ.Name(), b.typ.Name()) })
	r := rdn{avas: avas}
	for i, a := range avas {
		if i > 0 {
			if a.typ == avas[i-1].typ {
				return rdn{}, errors.New("parsing a distinguished name: an attribute occurs twice in one RDN")
			}
			r.pretty += "+"
			r.norm += "+"
		}
		r.pretty += a.typ.Name() + "=" + escapeValue(a.value)
		r.norm += strings.ToLower(a.typ.Name()) + "=" + escapeValue(a.norm)
	}
	return r, nil
}

// escapeValue writes a value as slapd does: special characters as two hex digits, everything else as is.
func escapeValue(v string) string {
	if !strings.ContainsAny(v, "\x00\",;+<>=\\") && !strings.HasPrefix(v, "#") && v == strings.Trim(v, " ") {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		c := v[i]
		if strings.IndexByte("\x00\",;+<>=\\", c) >= 0 || c == '#' && i == 0 || c == ' ' && (i == 0 || i == len(v)-1) {
			fmt.Fprintf(&b, "\\%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// String returns the name as it is answered.
func (d dn) String() string { return d.join(func(r rdn) string { return r.pretty }) }

// norm returns the name as it is compared.
func (d dn) norm() string { return d.join(func(r rdn) string { return r.norm }) }

func (d dn) join(spell func(rdn) string) string {
	parts := make([]string, len(d))
	for i, r := range d {
		parts[i] = spell(r)
	}
	return strings.Join(parts, ",")
}

// below reports whether the normalised name is base or under it.
func below(name, base string) bool {
	if base == "" || name == base {
		return true
	}
	return strings.HasSuffix(name, base) && name[len(name)-len(base)-1] == ','
}
