package legacy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// record is an object as the application shows and takes it: texts, json.Number,
// booleans, nil, lists and records.
type record = map[string]any

// kind is what a field holds.
type kind int

const (
	text kind = iota
	number
	flag
	object
	list // of records
	names
	numbers
)

// field is one of a record.
type field struct {
	name     string
	kind     kind
	fields   []field // of an object, or of the records in a list
	oneOf    []any
	initial  any  // of a new record; nil otherwise
	required bool // not empty
	readOnly bool // what is sent is passed over
}

// userFields are those of a user.
func (o *Options) userFields() []field {
	fields := []field{
		{name: "id", readOnly: true}, {name: "created_on", readOnly: true}, {name: "updated_on", readOnly: true},
		{name: "login", kind: text, required: true},
		{name: "title", kind: text},
		// These are for the application alone.
		{name: "theme", kind: text, initial: "light"},
		{name: "notices", kind: flag, initial: true},
	}
	first, last := field{name: "first_name", kind: text}, field{name: "last_name", kind: text}
	switch {
	case o.JoinedNames:
		fields = append(fields, field{name: "full_name", kind: text})
	case o.Nested:
		first.name, last.name = "first", "last"
		fields = append(fields, field{name: "name", kind: object, fields: []field{first, last}})
	default:
		fields = append(fields, first, last)
	}
	switch {
	case o.Mails:
		fields = append(fields, field{name: "mails", kind: list, initial: []any{}, fields: []field{
			{name: "kind", kind: text, oneOf: []any{"work", "home", "other"}, required: true},
			{name: "address", kind: text, required: true},
			{name: "verified", kind: flag, initial: false},
		}})
	case o.Nested:
		fields = append(fields, field{name: "contact", kind: object, fields: []field{{name: "mail", kind: text}, {name: "phone", kind: text}}})
	default:
		fields = append(fields, field{name: "mail", kind: text})
	}
	if o.TextNumbers {
		fields = append(fields, field{name: "personnel_no", kind: text})
	} else {
		fields = append(fields, field{name: "personnel_no", kind: number})
	}
	switch o.Status {
	case Word:
		fields = append(fields, field{name: "status", kind: text, initial: "active", oneOf: []any{"active", "locked"}})
	case ByCall:
		fields = append(fields, field{name: "status", initial: "active", readOnly: true})
	case Number:
		fields = append(fields, field{name: "status", kind: number, initial: json.Number("1"), oneOf: []any{json.Number("1"), json.Number("3")}})
	case Inverted:
		fields = append(fields, field{name: "locked", kind: flag, initial: false})
	case YesNo:
		fields = append(fields, field{name: "enabled", kind: text, initial: "Y", oneOf: []any{"Y", "N"}})
	}
	switch {
	case o.Groups == Roles:
		fields = append(fields, field{name: "role", kind: text, initial: "none", oneOf: []any{"none", "agent", "supervisor", "admin"}})
	case o.InSteps:
		fields = append(fields, field{name: "role", initial: "none", readOnly: true})
	}
	switch o.Groups {
	case OnUsers:
		fields = append(fields, field{name: "groups", kind: names, initial: []any{}})
	case OnUsersByID:
		fields = append(fields, field{name: "group_ids", kind: numbers, initial: []any{}})
	case OnUsersAsObjects:
		fields = append(fields, field{name: "memberships", kind: list, initial: []any{}, fields: []field{
			{name: "id", kind: number, required: true}, {name: "since", kind: text, initial: "today"}}})
	}
	if o.Retires {
		fields = append(fields, field{name: "state", initial: "EMPLOYED", readOnly: true})
	}
	if o.Update == PutVersion {
		fields = append(fields, field{name: "version", readOnly: true})
	}
	return fields
}

// isLocked says what the record says.
func isLocked(r record) bool {
	return r["status"] == "locked" || r["status"] == json.Number("3") || r["locked"] == true || r["enabled"] == "N"
}

// setLocked is for the calls lock and unlock.
func setLocked(r record, locked bool) {
	r["status"] = map[bool]string{true: "locked", false: "active"}[locked]
}

// initial returns a record that holds nothing but what a new one does.
func initial(fields []field) record {
	r := record{}
	for _, f := range fields {
		switch {
		case f.kind == object:
			r[f.name] = initial(f.fields)
		default:
			r[f.name] = f.initial
		}
	}
	return r
}

// overlay puts what is given into a record. Wires without types give texts alone.
func overlay(r record, fields []field, given record, isTyped bool) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return invalid("%s is no field", name)
		}
		f := fields[i]
		if f.readOnly {
			continue
		}
		if f.kind == object {
			inner, is := given[name].(record)
			if given[name] == nil || given[name] == "" && !isTyped {
				inner, is = initial(f.fields), true
			}
			if !is {
				return invalid("%s is no object", name)
			}
			own := maps.Clone(r[name].(record))
			if err := overlay(own, f.fields, inner, isTyped); err != nil {
				return err
			}
			r[name] = own
			continue
		}
		value, err := f.take(given[name], isTyped)
		if err != nil {
			return err
		}
		r[name] = value
	}
	for _, f := range fields {
		if f.required && (r[f.name] == nil || r[f.name] == "") {
			return invalid("%s cannot be blank", f.name)
		}
	}
	return nil
}

// take returns a value as the field holds it.
func (f field) take(value any, isTyped bool) (any, error) {
	if value == nil {
		return f.initial, nil
	}
	switch f.kind {
	case text:
		s, is := value.(string)
		if !is {
			return nil, invalid("%s is no text", f.name)
		}
		if len(s) > 255 {
			return nil, invalid("%s is too long (maximum is 255 characters)", f.name)
		}
		value = s
	case number:
		n, is := value.(json.Number)
		if s, isText := value.(string); isText && !isTyped {
			if s == "" {
				return f.initial, nil
			}
			n, is = json.Number(s), true
		}
		if _, err := strconv.ParseInt(n.String(), 10, 64); !is || err != nil {
			return nil, invalid("%s is no number", f.name)
		}
		value = n
	case flag:
		b, is := value.(bool)
		if s, isText := value.(string); isText && !isTyped {
			b, is = s == "true" || s == "1", s == "true" || s == "1" || s == "false" || s == "0"
		}
		if !is {
			return nil, invalid("%s is neither true nor false", f.name)
		}
		value = b
	case list:
		var all []any
		for _, one := range asList(value, f.name, isTyped) {
			given, is := one.(record)
			if !is {
				return nil, invalid("%s holds what is no object", f.name)
			}
			element := initial(f.fields)
			if err := overlay(element, f.fields, given, isTyped); err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			all = append(all, element)
		}
		if all == nil {
			all = []any{}
		}
		return all, nil
	case names, numbers:
		element := field{name: f.name, kind: map[kind]kind{names: text, numbers: number}[f.kind]}
		all := []any{}
		for _, one := range asList(value, f.name, isTyped) {
			one, err := element.take(one, isTyped)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
		return all, nil
	}
	if f.oneOf != nil && !slices.Contains(f.oneOf, value) {
		return nil, invalid("%s is not included in the list", f.name)
	}
	return value, nil
}

// asList returns the elements of a list. Wires without types have one element where
// a list has one, an empty text where it has none, and lists within an element of
// their own, or with numbers for names.
func asList(value any, name string, isTyped bool) []any {
	if all, is := value.([]any); is {
		return all
	}
	if isTyped {
		return []any{value}
	}
	if value == "" || value == nil {
		return nil
	}
	if r, is := value.(record); is {
		if inner, has := r[strings.TrimSuffix(name, "s")]; has && len(r) == 1 {
			return asList(inner, name, isTyped)
		}
		if _, has := r["0"]; has {
			var all []any
			for n := range len(r) {
				all = append(all, r[strconv.Itoa(n)])
			}
			return all
		}
	}
	return []any{value}
}

// clone copies a record to its depth.
func clone(r record) record {
	c := make(record, len(r))
	for name, value := range r {
		switch value := value.(type) {
		case record:
			c[name] = clone(value)
		default:
			c[name] = value // lists are replaced and never changed
		}
	}
	return c
}

// texts are all that a search by substring looks at.
func texts(r record) string {
	var b strings.Builder
	for _, name := range []string{"login", "first_name", "last_name", "full_name", "mail"} {
		if s, is := r[name].(string); is {
			b.WriteString(s + "\x00")
		}
	}
	return strings.ToLower(b.String())
}
