package scim

// Bulk is a list of operations that came in one request (RFC 7644 §3.7).
type Bulk struct {
	// FailOnErrors is the number of failures after which the rest is not begun;
	// 0: all are carried out.
	FailOnErrors int
	Operations   []BulkOperation
}

// BulkOperation is one of the requests of a [Bulk]. It is decoded when its turn
// has come, by then with the ids in place of what stands for them in its Path
// and Data.
type BulkOperation struct {
	Method  string // POST, PUT, PATCH or DELETE
	Path    string // below the base, such as /Users/2819c223
	BulkID  string // by which others of the same Bulk refer to what this one creates
	Version string // the version that the resource must have, as in If-Match; "" for any
	// Data is the body, a copy that may be kept.
	Data []byte
}
