package ldap

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
)

// record prints one LDIF change record (RFC 2849). Lines are not folded: the
// RFC allows it and an operator can search them. Text that is not ASCII stands in
// base64, as the RFC demands, below a comment that can be read.
type record struct {
	text strings.Builder
	veil veil
}

// newRecord begins a record with its target and what must hold for it to be
// applied ("" for nothing).
func newRecord(dn, condition, changeType string, v veil) *record {
	r := &record{veil: v}
	if condition != "" {
		r.comment("only if " + condition)
	}
	r.line("dn", dn)
	r.line("changetype", changeType)
	return r
}

// comment writes a comment; what is not printable is left out.
func (r *record) comment(text string) {
	if isReadable(text) {
		r.text.WriteString("# " + text + "\n")
	}
}

// line writes an attribute with one value.
func (r *record) line(name, value string) {
	if shown := r.veil.of(name); shown != "" {
		r.text.WriteString(name + ": " + shown + "\n")
		return
	}
	value = r.veil.name(value)
	switch {
	case value == "":
		r.text.WriteString(name + ":\n")
	case isSafe(value):
		r.text.WriteString(name + ": " + value + "\n")
	default:
		r.comment(name + ": " + value)
		r.text.WriteString(name + ":: " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n")
	}
}

// attributes writes the content of an entry that is added.
func (r *record) attributes(attributes []goldap.Attribute) {
	for _, a := range attributes {
		for _, v := range a.Vals {
			r.line(a.Type, v)
		}
	}
}

// changes writes the modifications of a modify record.
func (r *record) changes(changes []goldap.Change) {
	for _, c := range changes {
		verb := "replace"
		switch c.Operation {
		case goldap.AddAttribute:
			verb = "add"
		case goldap.DeleteAttribute:
			verb = "delete"
		}
		r.text.WriteString(verb + ": " + c.Modification.Type + "\n")
		for _, v := range c.Modification.Vals {
			r.line(c.Modification.Type, v)
		}
		r.text.WriteString("-\n")
	}
}

// String returns the record, which ends in a line feed.
func (r *record) String() string { return r.text.String() }

// isSafe reports whether a value can stand as it is (RFC 2849, SAFE-STRING). One
// that ends in a space could, but should not.
func isSafe(value string) bool {
	switch value[0] {
	case ' ', ':', '<':
		return false
	}
	for i := range len(value) {
		if c := value[i]; c == 0 || c == '\n' || c == '\r' || c >= utf8.RuneSelf {
			return false
		}
	}
	return value[len(value)-1] != ' '
}

// isReadable reports whether text fits on the line of a comment.
func isReadable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
