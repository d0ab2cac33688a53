package ldap

import (
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// clause is an LDAP filter (RFC 4515) that was built by the functions of this
// file. Attribute names in it come from the configuration, values are escaped.
type clause string

// The filters that all entries satisfy, and none (RFC 4526). They never reach a
// directory: what is built of them is simplified.
const (
	everything clause = "(&)"
	nothing    clause = "(|)"
)

func equals(field, value string) clause {
	return clause("(" + field + "=" + goldap.EscapeFilter(value) + ")")
}

func atLeast(field, value string) clause {
	return clause("(" + field + ">=" + goldap.EscapeFilter(value) + ")")
}

func atMost(field, value string) clause {
	return clause("(" + field + "<=" + goldap.EscapeFilter(value) + ")")
}

func present(field string) clause { return clause("(" + field + "=*)") }

// contains asserts a part of a value: the beginning, the end or any.
func contains(field, part string, isStart, isEnd bool) clause {
	text := goldap.EscapeFilter(part)
	if !isStart {
		text = "*" + text
	}
	if !isEnd {
		text += "*"
	}
	return clause("(" + field + "=" + text + ")")
}

func allOf(terms ...clause) clause { return join("(&", everything, nothing, terms) }

func oneOf(terms ...clause) clause { return join("(|", nothing, everything, terms) }

// join leaves out the neutral terms; a dominant one decides alone.
func join(operator string, neutral, dominant clause, terms []clause) clause {
	var kept []string
	for _, t := range terms {
		switch t {
		case neutral:
		case dominant:
			return dominant
		default:
			kept = append(kept, string(t))
		}
	}
	switch len(kept) {
	case 0:
		return neutral
	case 1:
		return clause(kept[0])
	}
	return clause(operator + strings.Join(kept, "") + ")")
}

func noneOf(term clause) clause {
	switch term {
	case everything:
		return nothing
	case nothing:
		return everything
	}
	return "(!" + term + ")"
}

// parts returns the attribute and the sort of comparison of a clause that is
// no combination of others: "=", ">=", "<=", "=*" or "*" for parts of a value.
func (a clause) parts() (field, comparison string) {
	text := strings.TrimSuffix(strings.TrimPrefix(string(a), "("), ")")
	at := strings.IndexAny(text, "=<>")
	field, value := text[:at], text[at:]
	switch {
	case value[0] != '=':
		return field, value[:2]
	case value == "=*":
		return field, value
	case strings.Contains(value, "*"):
		return field, "*"
	}
	return field, "="
}
