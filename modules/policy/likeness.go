package policy

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/scimgate/scimgate/scim"
)

// likeness returns r with its texts as a directory compares them, or nil when
// they are so already. Directories take " root", "r\u00adoot" and a full-width
// root for root (RFC 4518): who is protected by name must not be matched, nor
// created beside, under a name that only looks another.
func likeness(r *scim.Resource) *scim.Resource {
	var alike *scim.Resource
	for _, f := range r.Fields() {
		v := plainValue(f.Value)
		if v.Equal(f.Value) {
			continue
		}
		if alike == nil {
			alike = r.Clone()
		}
		alike.Set(f.Attribute, v)
	}
	return alike
}

func plainValue(v scim.Value) scim.Value {
	switch v.Kind() {
	case scim.KindString:
		return scim.String(plainText(v.Text()))
	case scim.KindComplex:
		fields := make([]scim.Field, len(v.Fields()))
		for i, f := range v.Fields() {
			fields[i] = scim.Field{Attribute: f.Attribute, Value: plainValue(f.Value)}
		}
		return scim.Complex(fields...)
	case scim.KindList:
		items := make([]scim.Value, len(v.Items()))
		for i, item := range v.Items() {
			items[i] = plainValue(item)
		}
		return scim.List(items...)
	}
	return v
}

// plainText prepares a text for comparison in the manner of RFC 4518 §2: what
// is invisible is dropped, compatible characters become one, and space counts
// only between words and once.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), r == '\u034f':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(norm.NFKC.String(s)), " ")
}
