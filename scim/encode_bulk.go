package scim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// BulkResult is what became of one operation of a [Bulk] (RFC 7644 §3.7.3).
type BulkResult struct {
	Method string
	BulkID string // as the operation had it; "" is left out
	// Location is the address of the resource; "" where there is none, as after a
	// POST that failed.
	Location string
	ETag     string // the version of the resource as an entity tag, W/"…"; "" is left out
	Status   int    // as the operation would have been answered alone; 0 means 500
	// Response is the body that the operation would have been answered with alone,
	// one JSON document such as [AppendError] makes. RFC 7644 demands it where
	// the operation failed; nil is left out.
	Response []byte
}

// BulkEncoder appends the answer to a [Bulk], one result after the other, in the
// order in which the operations came.
//
//	bulk := scim.NewBulkEncoder(dst)
//	for … { err := bulk.Add(result) }
//	body := bulk.Finish()
type BulkEncoder struct {
	e     encoder
	count int
}

// NewBulkEncoder begins an answer.
func NewBulkEncoder(dst []byte) *BulkEncoder {
	return &BulkEncoder{e: encoder{dst: append(dst, `{"schemas":["`+MessageBulkResponse+`"],"Operations":[`...)}}
}

// Add appends a result. It fails, with the answer as it was before, when the
// Response is no JSON object.
func (b *BulkEncoder) Add(r BulkResult) error {
	var response jsonValue
	if r.Response != nil {
		var err *Error
		if response, err = scanJSON(r.Response, maxDepth); err != nil {
			return fmt.Errorf("encoding the result of a bulk operation: reading its response: %w", err)
		}
		if response.kind() != jsonObject {
			return errors.New("encoding the result of a bulk operation: its response is " + response.kind().String())
		}
	}
	if b.count > 0 {
		b.e.dst = append(b.e.dst, ',')
	}
	b.count++
	b.e.dst = append(b.e.dst, '{')
	for _, member := range []struct{ name, text string }{
		{"method", r.Method}, {"bulkId", r.BulkID}, {"location", r.Location}, {"version", r.ETag},
	} {
		if member.text != "" {
			b.e.text(member.name, member.text)
		}
	}
	status := r.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	b.e.text("status", strconv.Itoa(status))
	if response != nil {
		b.e.key("response")
		b.e.dst = append(b.e.dst, response...)
	}
	b.e.dst = append(b.e.dst, '}')
	return nil
}

// Finish ends the answer and returns dst with all of it.
func (b *BulkEncoder) Finish() []byte { return append(b.e.dst, "]}"...) }
