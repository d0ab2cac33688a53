package scim

import "strings"

// Bulk is a list of operations that came in one request (RFC 7644 §3.7).
type Bulk struct {
	// FailOnErrors is the number of failures after which the rest is not begun;
	// 0: all are carried out.
	FailOnErrors int
	Operations   []BulkOperation
}

// BulkOperation is one of the requests of a [Bulk]. It is decoded when its turn
// has come, by then with the ids in place of what stands for them in its Path
// and Data (see [BulkOperation.Resolve]).
type BulkOperation struct {
	Method  string // POST, PUT, PATCH or DELETE
	Path    string // below the base and percent-decoded, such as /Users/2819c223
	BulkID  string // by which others of the same Bulk refer to what this one creates
	Version string // the version that the resource must have, as in If-Match; "" for any
	// Data is the body, a copy that may be kept; nil for DELETE.
	Data []byte
	// Err is why the operation cannot be carried out; nil when it can. It is what
	// is to be answered for it, while the others are carried out. Method, Path and
	// BulkID are then what could be read of them.
	Err *Error
}

// Request returns the request that an operation would be if it had come alone.
func (o BulkOperation) Request() Request {
	return Request{Method: o.Method, Path: o.Path, IfMatch: o.Version, Body: o.Data}
}

// String writes method and path, the bulkId and the version, or why it is refused.
// The data, in which there may be a password, is left out.
func (o BulkOperation) String() string {
	words := []string{plainOrQuoted(o.Method), plainOrQuoted(o.Path)}
	if o.BulkID != "" {
		words = append(words, "as", plainOrQuoted(o.BulkID))
	}
	if o.Version != "" {
		words = append(words, "if match", plainOrQuoted(o.Version))
	}
	if o.Err != nil {
		words = append(words, "error", o.Err.Error())
	}
	return strings.Join(words, " ")
}
