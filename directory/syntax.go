package directory

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Rule is a syntax together with its matching rules (RFC 4517): what a value may be, and when two
// values are the same.
type Rule uint8

// The rules of the standard schema.
const (
	CaseIgnore      Rule = iota // Directory String, case and runs of spaces ignored
	CaseExact                   // Directory String, runs of spaces ignored
	IA5Ignore                   // ASCII, case ignored
	IA5Exact                    // ASCII
	Printable                   // Printable String, case ignored
	Country                     // two letters
	DN                          // distinguished name
	NameAndUID                  // distinguished name with an optional #'bits'B
	Telephone                   // spaces and hyphens ignored
	Numeric                     // digits and spaces, spaces ignored
	Boolean                     // TRUE or FALSE
	Integer                     // decimal without leading zeros
	GeneralizedTime             // 20060102150405Z, fractions and offsets allowed
	CSN                         // OpenLDAP's change sequence number
	UUID                        // RFC 4530
	OID                         // name or number of an object class or attribute type
	Octets                      // any bytes
	Opaque                      // any bytes, without an equality rule: replaced as a whole, never compared
)

// rules holds what the subschema says of each Rule, in the order of the constants, and how one value is
// brought into the form in which it is compared; ok is false for a value outside the syntax.
var rules = [...]struct {
	equality, substrings, ordering, syntax string
	normalise                              func(value string) (norm string, ok bool)
}{
	CaseIgnore:      {"caseIgnoreMatch", "caseIgnoreSubstringsMatch", "caseIgnoreOrderingMatch", "1.3.6.1.4.1.1466.115.121.1.15", normaliseText(isText, true)},
	CaseExact:       {"caseExactMatch", "caseExactSubstringsMatch", "caseExactOrderingMatch", "1.3.6.1.4.1.1466.115.121.1.15", normaliseText(isText, false)},
	IA5Ignore:       {"caseIgnoreIA5Match", "caseIgnoreIA5SubstringsMatch", "", "1.3.6.1.4.1.1466.115.121.1.26", normaliseText(isASCII, true)},
	IA5Exact:        {"caseExactIA5Match", "caseExactIA5SubstringsMatch", "", "1.3.6.1.4.1.1466.115.121.1.26", normaliseText(isASCII, false)},
	Printable:       {"caseIgnoreMatch", "caseIgnoreSubstringsMatch", "caseIgnoreOrderingMatch", "1.3.6.1.4.1.1466.115.121.1.44", normaliseText(isPrintable, true)},
	Country:         {"caseIgnoreMatch", "caseIgnoreSubstringsMatch", "", "1.3.6.1.4.1.1466.115.121.1.11", normaliseText(isCountry, true)},
	DN:              {"distinguishedNameMatch", "", "", "1.3.6.1.4.1.1466.115.121.1.12", nil},
	NameAndUID:      {"uniqueMemberMatch", "", "", "1.3.6.1.4.1.1466.115.121.1.34", nil},
	Telephone:       {"telephoneNumberMatch", "telephoneNumberSubstringsMatch", "", "1.3.6.1.4.1.1466.115.121.1.50", normaliseTelephone},
	Numeric:         {"numericStringMatch", "numericStringSubstringsMatch", "", "1.3.6.1.4.1.1466.115.121.1.36", normaliseNumeric},
	Boolean:         {"booleanMatch", "", "", "1.3.6.1.4.1.1466.115.121.1.7", normaliseBoolean},
	Integer:         {"integerMatch", "", "integerOrderingMatch", "1.3.6.1.4.1.1466.115.121.1.27", normaliseInteger},
	GeneralizedTime: {"generalizedTimeMatch", "", "generalizedTimeOrderingMatch", "1.3.6.1.4.1.1466.115.121.1.24", normaliseTime},
	CSN:             {"CSNMatch", "", "CSNOrderingMatch", "1.3.6.1.4.1.4203.666.11.2.1", normaliseCSN},
	UUID:            {"UUIDMatch", "", "UUIDOrderingMatch", "1.3.6.1.1.16.1", normaliseUUID},
	OID:             {"objectIdentifierMatch", "", "", "1.3.6.1.4.1.1466.115.121.1.38", nil},
	Octets:          {"octetStringMatch", "", "", "1.3.6.1.4.1.1466.115.121.1.40", func(v string) (string, bool) { return v, true }},
	Opaque:          {"", "", "", "1.3.6.1.4.1.1466.115.121.1.40", func(v string) (string, bool) { return v, true }},
}

// normalise checks a value of type t. It returns the value as it is kept and answered, and the form in
// which it is compared.
func (s *schema) normalise(t *AttributeType, value string) (pretty, norm string, ok bool) {
	if t.MaxLength > 0 && len(value) > t.MaxLength {
		return "", "", false
	}
	switch t.Rule {
	case DN:
		name, err := s.parseDN(value)
		return name.String(), name.norm(), err == nil
	case NameAndUID:
		bits := ""
		if i := strings.LastIndexByte(value, '#'); i > 0 && value[i-1] != '\\' && isBitString(value[i+1:]) {
			value, bits = value[:i], value[i:]
		}
		name, err := s.parseDN(value)
		return name.String() + bits, name.norm() + bits, err == nil
	case OID:
		return s.normaliseOID(t, value)
	case UUID:
		norm, ok = normaliseUUID(value)
		return norm, norm, ok
	}
	norm, ok = rules[t.Rule].normalise(value)
	return value, norm, ok
}

func (s *schema) normaliseOID(t *AttributeType, value string) (pretty, norm string, ok bool) {
	key := strings.ToLower(value)
	if c := s.class[key]; c != nil {
		return value, strings.ToLower(c.Name), true
	}
	if a := s.attribute[key]; a != nil && t != s.known.objectClass {
		return value, strings.ToLower(a.Name()), true
	}
	return "", "", false
}

// normaliseText gives strings their comparable form: no space at either end, one space for a run of
// them, lower case where case does not count.
func normaliseText(valid func(string) bool, fold bool) func(string) (string, bool) {
	return func(value string) (string, bool) {
		if !valid(value) {
			return "", false
		}
		norm := squeeze(value)
		if norm = strings.Trim(norm, " "); norm == "" && value != "" {
			norm = " "
		}
		if fold {
			norm = strings.ToLower(norm)
		}
		return norm, true
	}
}

// squeeze makes one space of every run of spaces.
func squeeze(value string) string {
	for strings.Contains(value, "  ") {
		value = strings.ReplaceAll(value, "  ", " ")
	}
	return value
}

// normalisePart is normalise for a piece of a substring filter, where a space at an open end counts.
func normalisePart(t *AttributeType, part string) string {
	switch t.Rule {
	case Telephone, Numeric:
		norm, _ := rules[t.Rule].normalise(part)
		return norm
	case CaseExact, IA5Exact:
		return squeeze(part)
	}
	return strings.ToLower(squeeze(part))
}

func isText(v string) bool { return v != "" && utf8.ValidString(v) }

func isASCII(v string) bool {
	return strings.IndexFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func isPrintable(v string) bool {
	return v != "" && strings.IndexFunc(v, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(" '()+,-./:?=", r))
	}) < 0
}

func isCountry(v string) bool { return len(v) == 2 && isPrintable(v) }

func isBitString(v string) bool {
	return len(v) >= 3 && v[0] == '\'' && strings.HasSuffix(v, "'B") && strings.Trim(v[1:len(v)-2], "01") == ""
}

func normaliseTelephone(v string) (string, bool) {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(v)), isPrintable(v)
}

func normaliseNumeric(v string) (string, bool) {
	return strings.ReplaceAll(v, " ", ""), v != "" && strings.Trim(v, "0123456789 ") == ""
}

func normaliseBoolean(v string) (string, bool) { return v, v == "TRUE" || v == "FALSE" }

func normaliseInteger(v string) (string, bool) {
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	return v, v == "0" || digits[0] != '0'
}

func normaliseUUID(v string) (string, bool) {
	id, err := uuid.Parse(v)
	return id.String(), err == nil && len(v) == 36
}

func normaliseCSN(v string) (string, bool) {
	return v, len(v) == len("20060102150405.000000Z#000000#000#000000") && v[21] == 'Z' && v[22] == '#' && v[29] == '#' && v[33] == '#'
}

// normaliseTime brings every spelling of RFC 4517 section 3.3.13 to 20060102150405[.f]Z in UTC. Year
// zero is a value like others: pwdAccountLockedTime uses it for "locked for good".
func normaliseTime(v string) (string, bool) {
	digits := len(v) - len(strings.TrimLeft(v, "0123456789"))
	if digits != 10 && digits != 12 && digits != 14 {
		return "", false
	}
	whole, rest := v[:digits], v[digits:]
	fraction := ""
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		n := 1 + len(rest[1:]) - len(strings.TrimLeft(rest[1:], "0123456789"))
		fraction, rest = strings.TrimRight(rest[1:n], "0"), rest[n:]
		if n == 1 || digits != 14 {
			return "", false
		}
	}
	layout := "20060102150405"[:digits]
	zone := "Z0700"
	if len(rest) == 3 {
		zone = "Z07"
	}
	// The months and days of "000001010000Z" are real, and Go's calendar has a year zero.
	at, err := time.Parse(layout+zone, whole+rest)
	if err != nil {
		return "", false
	}
	norm := at.UTC().Format("20060102150405")
	if fraction != "" {
		norm += "." + fraction
	}
	return norm + "Z", true
}

// compareOrdered sorts two normalised values of an Ordered type.
func compareOrdered(t *AttributeType, a, b string) int {
	if t.Rule != Integer {
		return strings.Compare(a, b)
	}
	negative := strings.HasPrefix(a, "-")
	switch {
	case negative != strings.HasPrefix(b, "-"):
		if negative {
			return -1
		}
		return 1
	case negative:
		a, b = b[1:], a[1:]
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
