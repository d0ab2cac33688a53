package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// nameKey returns a text that two writings of one distinguished name share:
// attribute types and values without case, runs of spaces as one, the parts of
// a multi-valued RDN in order. What knows no schema can't do more: two writings
// that differ otherwise (an OID for a type) have two keys, and only the
// directory can tell that they are one.
func nameKey(dn string) string {
	if isPlain(dn) {
		return strings.ToLower(dn)
	}
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return parsedNameKey(parsed)
}

// isPlain reports whether nothing but case can differ between writings of the
// name: letters, digits and a few signs that are never escaped, single spaces
// within values, one attribute in each RDN. Most names are so, and a large group
// has a hundred thousand of them.
func isPlain(dn string) bool {
	inType := true
	before := byte(',')
	for i := range len(dn) {
		c := dn[i]
		switch {
		case isLetter(c) || isDigit(c):
		case (c == '-' || c == '.') && before != ',', (c == '_' || c == '@') && !inType:
		case c == ' ' && !inType && before != ' ' && before != '=':
		case c == '=' && inType && before != ',':
			inType = false
		case c == ',' && !inType && before != ' ' && before != '=':
			inType = true
		default:
			return false
		}
		before = c
	}
	return !inType && before != ' ' && before != '='
}

// name is a distinguished name as it was read from the directory.
type name struct {
	text string
	key  string // nameKey(text)
	rdn  string // the filter of what has the name's first part; "" when none can be made
}

// newName prepares a name for being looked up.
func newName(text string) name {
	if isPlain(text) {
		first, _, _ := strings.Cut(text, ",")
		return name{text, strings.ToLower(text), "(" + first + ")"}
	}
	n := name{text: text, key: nameKey(text)}
	if dn, err := goldap.ParseDN(text); err == nil && len(dn.RDNs) > 0 && isSearchable(dn.RDNs[0]) {
		n.rdn = rdnFilter(dn.RDNs[0])
	}
	return n
}

// isBelowKey reports whether the name of that key lies below base, another key.
func isBelowKey(key, base string) bool {
	if base == "" {
		return key != ""
	}
	above, ok := strings.CutSuffix(key, base)
	if !ok {
		return false
	}
	above, ok = strings.CutSuffix(above, ",")
	// A comma within a value stands behind a backslash, and a backslash itself
	// behind another one.
	escapes := len(above) - len(strings.TrimRight(above, `\`))
	return ok && above != "" && escapes%2 == 0
}

// isSearchable reports whether a filter can be made of the RDN. A name is data,
// and its types may be anything.
func isSearchable(rdn *goldap.RelativeDN) bool {
	return !slices.ContainsFunc(rdn.Attributes, func(a *goldap.AttributeTypeAndValue) bool { return !isAttributeName(a.Type) })
}

// rdnFilter is the filter of the entries with these values.
func rdnFilter(rdn *goldap.RelativeDN) string {
	var f strings.Builder
	for _, a := range rdn.Attributes {
		f.WriteString("(" + a.Type + "=" + goldap.EscapeFilter(a.Value) + ")")
	}
	if len(rdn.Attributes) > 1 {
		return "(&" + f.String() + ")"
	}
	return f.String()
}

// parsedNameKey is nameKey for a parsed name.
func parsedNameKey(dn *goldap.DN) string {
	var key strings.Builder
	for i, rdn := range dn.RDNs {
		if i > 0 {
			key.WriteByte(',')
		}
		parts := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			folded := goldap.AttributeTypeAndValue{Type: strings.ToLower(a.Type), Value: foldValue(a.Value)}
			parts[j] = folded.String()
		}
		slices.Sort(parts)
		key.WriteString(strings.Join(parts, "+"))
	}
	return key.String()
}

// foldValue prepares a value as caseIgnoreMatch does for the characters that
// names are made of (RFC 4518): no case, no space at the ends, single spaces.
func foldValue(value string) string {
	if strings.Contains(value, "  ") || strings.HasPrefix(value, " ") || strings.HasSuffix(value, " ") {
		value = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == ' ' }), " ")
	}
	return strings.ToLower(value)
}

// withoutUID takes the optional UID off a value of the syntax Name And Optional
// UID, which uniqueMember has (RFC 4517 §3.3.21): cn=Ada,dc=example#'0101'B.
func withoutUID(value string) string {
	body, ok := strings.CutSuffix(value, "'B")
	if !ok {
		return value
	}
	at := strings.LastIndex(body, "#'")
	if at < 0 || strings.Trim(body[at+2:], "01") != "" {
		return value
	}
	return body[:at]
}
