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
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return parsedNameKey(parsed)
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
