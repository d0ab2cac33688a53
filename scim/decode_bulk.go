package scim

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// bulk reads the body of a POST to /Bulk (RFC 7644 §3.7). Its error means that
// nothing in the body can be relied on. What is wrong with one operation is that
// operation's Err: the others, one of which may disable, are not held back.
func (x *decoding) bulk(r Request) error {
	if int64(len(r.Body)) > x.limits.Body {
		return BulkTooLarge(x.limits)
	}
	root, err := x.object(r, x.limits.Depth+bulkDepth)
	if err != nil {
		return err
	}
	b := &Bulk{}
	var operations jsonValue
	isThere := false
	for name, v := range root.members() {
		switch {
		case name.is("operations"):
			operations, isThere = v, true
		case name.is("failonerrors"):
			if b.FailOnErrors, err = failOnErrors(v); err != nil {
				return err
			}
		}
	}
	switch {
	case !isThere:
		return Invalid(InvalidSyntax, "the body has no Operations; a bulk request carries a list of them")
	case operations.kind() != jsonArray:
		return Invalid(InvalidSyntax, "Operations is %s; an array is needed", operations.kind())
	case operations.isEmpty():
		return Invalid(InvalidSyntax, "Operations is empty; a bulk request carries one or more")
	}
	for o := range operations.elements() {
		if len(b.Operations) == x.limits.BulkOperations {
			return BulkTooLarge(x.limits)
		}
		b.Operations = append(b.Operations, x.bulkOperation(o))
	}
	refuseDuplicates(b.Operations)
	x.op.Bulk = b
	return nil
}

// bulkDepth is how deep the data of an operation stands within a Bulk: the limit
// on depth is that of the data, as if it had come alone.
const bulkDepth = 3

// BulkTooLarge returns the 413 for a Bulk with too many operations or too many
// bytes. It names both limits (RFC 7644 §3.7.4).
func BulkTooLarge(l Limits) *Error {
	l = l.WithDefaults()
	return &Error{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf(
		"a bulk request may have at most %d operations (maxOperations) and %d bytes (maxPayloadSize); send several, or raise %q and %q in the gateway's configuration",
		l.BulkOperations, l.Body, limitBulkOperations, limitBody)}
}

// failOnErrors reads the number of failures after which a client wants the rest
// left alone. None and less than one mean that all operations are wanted.
func failOnErrors(v jsonValue) (int, error) {
	if v.kind() == jsonNull {
		return 0, nil
	}
	text := string(v)
	if v.kind() == jsonString {
		text, _ = v.text()
		text = strings.TrimSpace(text)
	}
	n, ok := wholeNumber(text)
	if !ok {
		return 0, Invalid(InvalidSyntax, "failOnErrors is %s; a whole number is needed", shorten(text))
	}
	return max(n, 0), nil
}

// bulkOperation reads one operation.
func (x *decoding) bulkOperation(v jsonValue) BulkOperation {
	var o BulkOperation
	if v.kind() != jsonObject {
		o.fail("expected an object, found %s", v.kind())
		return o
	}
	var path, data jsonValue
	for name, member := range v.members() {
		switch {
		case name.is("method"):
			o.Method = strings.ToUpper(strings.TrimSpace(plainText(member)))
		case name.is("path"):
			path = member
		case name.is("bulkid"):
			o.BulkID = plainText(member)
		case name.is("version"):
			o.Version = plainText(member)
			if k := member.kind(); k == jsonObject || k == jsonArray {
				o.Version = string(member) // no entity tag: it is refused as such
			}
		case name.is("data"):
			data = member
		}
	}
	o.setPath(path)
	o.Path = x.decoder.belowBase(o.Path)
	switch o.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		switch data.kind() {
		case jsonObject:
			o.Data = bytes.Clone(data)
		case jsonNull:
			o.fail("there is no data; %s needs an object", o.Method)
		default:
			o.fail("data is %s; an object is needed", data.kind())
		}
	case http.MethodDelete:
	case "":
		o.fail("there is no method; expected POST, PUT, PATCH or DELETE")
	default:
		o.fail("method is %s; expected POST, PUT, PATCH or DELETE", shorten(o.Method))
	}
	if o.Method == http.MethodPost && o.BulkID == "" {
		o.fail("there is no bulkId; a POST needs one (RFC 7644 §3.7)")
	}
	if o.Err == nil {
		o.Err = x.decoder.bulkRoute(o)
	}
	return o
}

// plainText returns the text of a string, or a number or boolean as it stands;
// else "". A string that cannot be read is as none.
func plainText(v jsonValue) string {
	switch v.kind() {
	case jsonString:
		text, _ := v.text()
		return text
	case jsonNumber, jsonTrue, jsonFalse:
		return string(v)
	}
	return ""
}

// fail keeps the first thing that is wrong with an operation.
func (o *BulkOperation) fail(format string, args ...any) {
	if o.Err == nil {
		o.Err = Invalid(InvalidSyntax, format, args...)
	}
}

// setPath reads the path of an operation, which is relative to the base.
func (o *BulkOperation) setPath(v jsonValue) {
	text, err := "", error(nil)
	if v.kind() == jsonString {
		text, err = v.text()
	}
	text = strings.TrimSpace(text)
	switch {
	case err != nil:
		o.fail("the path cannot be read: %v", err)
	case text == "":
		o.fail("there is no path; expected one below the base, such as /Users")
	case strings.Contains(text, "://"):
		o.fail("the path is %s; send it relative to the base, such as /Users", shorten(text))
	}
	// What stands in front of a query is read all the same: it may disable.
	relative, _, _ := strings.Cut(text, "?")
	relative, _, _ = strings.Cut(relative, "#")
	if relative != text {
		o.fail("the path is %s; nothing may stand behind it, neither ? nor #", shorten(text))
	}
	if path, err := url.PathUnescape(relative); err != nil {
		o.fail("the path is not percent-encoded correctly: %v", err)
	} else if relative != "" && !strings.Contains(relative, "://") {
		o.Path = "/" + strings.TrimLeft(path, "/")
	}
}

// belowBase takes the base off a path that begins with it: whom
// /scim/v2/Users/2819c223 means can be told, and "not found" would be untrue.
func (d *Decoder) belowBase(path string) string {
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if t, _ := d.typeAt("/" + endpoint); t != nil || d.Base == "" || len(path) < len(d.Base) || !strings.EqualFold(path[:len(d.Base)], d.Base) {
		return path
	}
	if rest := path[len(d.Base):]; strings.HasPrefix(rest, "/") {
		return "/" + strings.TrimLeft(rest, "/")
	}
	return path
}

// bulkRoute reports what is wrong with method and path together: a Bulk creates,
// updates and deletes, and nothing else.
func (d *Decoder) bulkRoute(o BulkOperation) *Error {
	op, err := d.route(o.Request())
	if err != nil {
		return AsError(err)
	}
	switch op.Action {
	case ActionCreate, ActionUpdate, ActionDelete:
		return nil
	}
	return Invalid(InvalidSyntax, "%s of %s is not possible in a bulk request: it creates, updates and deletes", o.Method, shorten(o.Path))
}

// refuseDuplicates refuses all creations that have one bulkId: nobody can say
// which of them a reference means.
func refuseDuplicates(operations []BulkOperation) {
	first := make(map[string]int)
	for i := range operations {
		o := &operations[i]
		if o.Method != http.MethodPost || o.BulkID == "" {
			continue
		}
		j, isKnown := first[o.BulkID]
		if !isKnown {
			first[o.BulkID] = i
			continue
		}
		for _, o := range []*BulkOperation{o, &operations[j]} {
			o.fail("the bulkId %s stands at several operations; each POST needs its own", shorten(o.BulkID))
		}
	}
}
