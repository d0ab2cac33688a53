package scim

import (
	"slices"
	"strings"
	"unicode"
)

// refuseContradiction looks at what one value, whose changes begin at start, says
// about active. JSON refuses a name that stands twice, but active may also be
// named by its URN; when these contradict each other, nobody can say which one
// counts, and neither does. What the rest of a request says about active stays.
func (x *decoding) refuseContradiction(start int) {
	isTrue, isFalse := false, false
	for _, c := range x.op.Changes[start:] {
		if isActive(c.Path.Attribute) {
			isTrue = isTrue || c.Value.IsTrue()
			isFalse = isFalse || !c.Value.IsTrue()
		}
	}
	if !isTrue || !isFalse {
		return
	}
	kept := slices.DeleteFunc(x.op.Changes[start:], func(c Change) bool { return isActive(c.Path.Attribute) })
	x.op.Changes = x.op.Changes[:start+len(kept)]
	x.err = nil // whatever else is wrong, this has to be said
	x.fail(Invalid(InvalidValue, "active stands there more than once, as true and as false: it is not well-formed, and neither is done; send active once"))
}

// errLostDisable is for a disable that no attribute takes.
func (x *decoding) errLostDisable(path string) *Error {
	err := Invalid(InvalidPath, "%.200q is not an attribute of this gateway, and does not disable; the attribute that does is active, with the value false", path)
	if x.t.Attribute(SchemaUser+":active") == nil {
		err = Invalid(InvalidValue, "active cannot be set to false: this gateway's configuration names no way to disable users")
	}
	err.Err = ErrCannotDisable
	return err
}

// meansDisable reports whether a name that no attribute has, with that value,
// was meant to disable: {"User.active": false}, or {"User": {"active": false}}.
func meansDisable(name string, v jsonValue) bool {
	parts, isURN := nameParts(name)
	if isActiveName(name, parts, isURN) {
		return looksFalse(v)
	}
	// A URN, User, $ and / are what a whole user may stand under.
	if !isURN && len(parts) > 0 && !isUserPart(parts[len(parts)-1]) {
		return false
	}
	for name, member := range v.members() {
		if meansDisable(name.String(), member) {
			return true
		}
	}
	for e := range v.elements() {
		for name, member := range e.members() {
			if meansDisable(name.String(), member) {
				return true
			}
		}
	}
	return false
}

// isActiveName reports whether a name was meant as active, or as a part of it:
// the word stands at its beginning, behind User, or where in a URN the attribute
// stands. In name.active, for one, it is something else.
func isActiveName(name string, parts []string, isURN bool) bool {
	for i, p := range parts {
		if p == "active" && (i == 0 || isUserPart(parts[i-1]) || isURN && isNumberPart(parts[i-1])) {
			return true
		}
	}
	if !isURN {
		return false
	}
	name = strings.TrimRightFunc(name, isSeparator)
	last, _ := nameParts(name[strings.LastIndexByte(name, ':')+1:])
	return len(last) > 0 && last[0] == "active"
}

// nameParts cuts a name at whatever cannot stand in an attribute's name
// (RFC 7643 §2.1) and lowers it: dots, colons, slashes, space, the $ of a JSON
// path, quotes, what cannot be seen.
func nameParts(name string) (parts []string, isURN bool) {
	parts = strings.FieldsFunc(foldASCII(name), isSeparator)
	return parts, len(parts) > 0 && parts[0] == "urn"
}

func isSeparator(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != '_'
}

func isUserPart(part string) bool { return part == "user" || part == "users" }

func isNumberPart(part string) bool { return strings.Trim(part, "0123456789") == "" }

// looksFalse reports whether v was meant as false. It takes more for false than
// can be written to active: it decides what is too dangerous to be dropped.
func looksFalse(v jsonValue) bool {
	switch v.kind() {
	case jsonFalse:
		return true
	case jsonNumber:
		return compareNumbers(string(v), "0") == 0
	case jsonString:
		text, err := v.text()
		if err != nil {
			return false
		}
		switch foldASCII(strings.TrimSpace(text)) {
		case "false", "0", "no", "off", "f", "n", "disabled", "inactive":
			return true
		}
	case jsonArray:
		for e := range v.elements() {
			if looksFalse(e) {
				return true
			}
		}
	case jsonObject:
		for name, member := range v.members() {
			parts, isURN := nameParts(name.String())
			isValue := len(parts) == 1 && parts[0] == "value"
			if (isValue || isActiveName(name.String(), parts, isURN)) && looksFalse(member) {
				return true
			}
		}
	}
	return false
}
