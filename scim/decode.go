package scim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Request is an HTTP request as far as SCIM looks at it.
type Request struct {
	Method string
	// Path is the path below the gateway's base, percent-decoded once, such as
	// /Users/2819c223. Everything behind the endpoint is the id.
	Path string
	// RawQuery is what stands behind the question mark, as it came.
	RawQuery string
	// ContentType and Accept are the headers; several Accept headers are joined
	// by commas.
	ContentType, Accept string
	// IfMatch and IfNoneMatch are the headers; several of one name are joined by
	// commas.
	IfMatch, IfNoneMatch string
	// MethodOverride is the header X-HTTP-Method-Override, of which SCIM 1.1 alone
	// knows (draft-scim-api-01 §3.12).
	MethodOverride string
	// Body is the whole body. It is not kept and may be used again after Decode.
	Body []byte
}

// Decoder turns requests into operations. It can be used by several goroutines
// at a time.
type Decoder struct {
	// Types are the resource types that are served, narrowed to what is mapped.
	Types []*ResourceType
	// Limits bounds requests; see there for the defaults.
	Limits Limits
	// ClearOmitted lets a PUT clear the writable attributes, and the
	// sub-attributes of a complex attribute it names, that it does not name, as
	// RFC 7644 §3.5.1 has it. It never clears active, members, password and what
	// is required or immutable. Without it what is omitted stays, since Okta
	// omits what it does not map.
	ClearOmitted bool
	// Base is the path of the gateway, such as /scim/v2. The paths in a Bulk are
	// below it; one that begins with it is understood. "": none.
	Base string
	// Dialect is the version of SCIM that requests are written in.
	Dialect Dialect
}

// Decode reads a request. This is where every dialect ends: whatever a provider
// writes leaves as one [Operation] in canonical attributes, and PUT and PATCH
// leave as the same thing, a list of changes.
//
// Its errors are [*Error]. An operation that is not nil beside an error is a
// disable: something in the request is wrong, but it also sets active to false,
// and nothing holds that back. The operation holds the disable alone; it is to be
// carried out first, and the error is to be answered afterwards. So is a DELETE
// where that disables; where it deletes, it is not carried out. Only a body that
// cannot be read as a whole holds no disable: one that is no JSON object, names
// something twice, has no Operations, or is beyond a limit on size or depth.
//
// What is not refused for being odd, in short: names, operators and op in any
// case; "True" and "False" for booleans; null, [] and "" for nothing at all;
// keys with dots and URNs in a value without path; extension objects that
// schemas does not declare; one value where a list belongs and a list of one
// where one value does; a bare string for a complex value with the sub-attribute
// value; unknown attributes, which are collected in Ignored; read-only ones in a
// resource (id, meta, groups). But an unknown name that was meant as active, such
// as User.active, with a value that was meant as false is refused: a disable is
// never dropped. Where one value names active twice, differently, neither counts.
func (d *Decoder) Decode(r Request) (*Operation, error) {
	if d.Dialect == V1 {
		var err error
		if r, err = requestV1(r); err != nil {
			return nil, err
		}
	}
	op, err := d.route(r)
	if err != nil {
		return nil, err
	}
	x := &decoding{decoder: d, limits: d.Limits.WithDefaults(), op: op, t: op.Type.in(d.Dialect)}
	if op.Action == ActionBulk {
		// Whatever it accepts as an answer: there may be a disable in it.
		if err := x.bulk(r); err != nil {
			return nil, err
		}
		return op, nil
	}
	// A DELETE that succeeds is answered without a body.
	if _, ok := AnswerType(r.Accept, d.Dialect); !ok && op.Action != ActionDelete {
		x.fail(&Error{Status: http.StatusNotAcceptable, Detail: fmt.Sprintf(
			"answers are %s or %s; the request accepts neither: %s", contentSCIM, contentJSON, shorten(r.Accept))})
	}
	x.condition(r)
	if err := x.query(r); err != nil {
		return nil, err
	}
	if op.Action == ActionCreate || op.Action == ActionUpdate {
		if err := x.body(r); err != nil {
			return nil, err
		}
	}
	return x.finish()
}

// decoding is one run of Decode. It goes on after an error, so that what comes
// behind it, or stood before it, can still disable.
type decoding struct {
	decoder *Decoder
	limits  Limits
	op      *Operation
	t       *ResourceType // with the names of the dialect; op.Type without
	members memberFold
	err     *Error // the first thing that was wrong

	method   string              // of a body: POST, PUT or PATCH
	position int                 // of the operation that is being read, from 1; 0 outside
	named    map[*Attribute]bool // what a PUT names, when that counts
	partial  *partialV1          // what a PATCH of SCIM 1.1 is merged by, else nil
}

// fail keeps the first error.
func (x *decoding) fail(err error) {
	if x.err != nil {
		return
	}
	e := AsError(err)
	if e == nil {
		e = &Error{Status: http.StatusBadRequest, Type: InvalidSyntax, Detail: err.Error()}
	}
	if x.position > 0 {
		located := *e
		located.Detail = fmt.Sprintf("operation %d: %s", x.position, e.Detail)
		e = &located
	}
	x.err = e
}

// finish returns the operation, or what the doc comment of Decode promises
// beside an error.
func (x *decoding) finish() (*Operation, error) {
	if x.err == nil {
		return x.op, nil
	}
	switch x.op.Action {
	case ActionUpdate:
		if disable, _ := x.op.SplitDisable(); disable != nil {
			return disable, x.err
		}
	case ActionDelete:
		return x.op, x.err
	}
	return nil, x.err
}

// ignore notes a path that nothing is mapped for. The list is bounded: it is for
// a log.
func (x *decoding) ignore(path string) {
	const most = 100
	if len(path) > 200 {
		path = strings.ToValidUTF8(path[:200], "") + "…"
	}
	if len(x.op.Ignored) < most && !slices.Contains(x.op.Ignored, path) {
		x.op.Ignored = append(x.op.Ignored, path)
	}
}
