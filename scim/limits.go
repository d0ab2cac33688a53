package scim

import (
	"fmt"
	"net/http"
)

// Limits bounds what one request may ask for. A field that is 0 means its
// default; a negative one means no limit.
type Limits struct {
	// Body is the longest request body, in bytes. Beyond it: 413. Default 16 MiB.
	Body int64
	// Depth is how deep objects and arrays of a body may be nested. Beyond it:
	// 400 invalidSyntax. Default 32, never more than 1,000.
	Depth int
	// Operations is the largest number of operations in one PATCH. Beyond it:
	// 400 invalidValue. Default 10,000: a group's first load carries thousands of
	// members, and some providers send an operation for each.
	Operations int
	// BulkOperations is the largest number of operations in one Bulk, whose body
	// is bounded by Body. Beyond it: 413. Default 1,000.
	BulkOperations int
	// Members is the largest number of different members that one request may
	// name. Beyond it: 400 invalidValue. By default there is no limit but that of
	// Body.
	Members int
	// Filter bounds the filter of a search. Beyond it: 400 invalidFilter.
	// Default: [DefaultFilterLimits].
	Filter FilterLimits
	// PageMax is the largest page. A larger count is lowered to it silently
	// (RFC 7644 §3.4.2.4). Default 1,000.
	PageMax int
	// PageDefault is the size of a page when count is not given. It is for who
	// answers a search: Decode leaves [NoCount] in the query. Default 100.
	PageDefault int
}

// The subdirectives by which an operator raises a limit, as they are named in
// error details.
const (
	limitBody       = "limit body"
	limitDepth      = "limit depth"
	limitOperations = "limit operations"
	limitMembers    = "limit members"

	limitBulkOperations = "limit bulk_operations"
)

// maxDepth is how deep JSON may be nested whatever the limit: it is walked down
// recursively.
const maxDepth = 1_000

const unlimited = int(^uint(0) >> 1)

// WithDefaults returns l with each 0 replaced by its default and each negative
// value by the largest number there is.
func (l Limits) WithDefaults() Limits {
	fill := func(n *int, standard int) {
		switch {
		case *n == 0:
			*n = standard
		case *n < 0:
			*n = unlimited
		}
	}
	body := int(l.Body)
	fill(&body, 16<<20)
	l.Body = int64(body)
	fill(&l.Depth, 32)
	l.Depth = min(l.Depth, maxDepth)
	fill(&l.Operations, 10_000)
	fill(&l.BulkOperations, 1_000)
	fill(&l.Members, unlimited)
	fill(&l.PageMax, 1_000)
	fill(&l.PageDefault, 100)
	l.PageDefault = min(l.PageDefault, l.PageMax)
	return l
}

// BodyTooLarge returns the 413 for a body of more than limit bytes
// (RFC 7644 §3.12). Who reads the body should read no more than one byte beyond
// the limit.
func BodyTooLarge(limit int64) *Error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf(
		"the request body is larger than %d bytes; raise %q in the gateway's configuration to allow more", limit, limitBody)}
}
