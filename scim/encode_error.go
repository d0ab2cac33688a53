package scim

import (
	"net/http"
	"strconv"
)

// AppendError appends e as the body of an answer (RFC 7644 §3.12): the status
// as a JSON string, scimType when there is one, and the detail. In SCIM 1.1 it is
// the status and the detail, or what the status means where there is none
// (draft-scim-api-01 §3.9). e.Err is not written, and a Status of 0 is 500.
func AppendError(dst []byte, e *Error, d Dialect) []byte {
	status := e.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if d == V1 {
		return appendErrorV1(dst, e, status)
	}
	dst = append(dst, `{"schemas":["`+MessageError+`"],"status":"`...)
	dst = append(strconv.AppendInt(dst, int64(status), 10), '"')
	if e.Type != "" {
		dst = appendString(append(dst, `,"scimType":`...), string(e.Type))
	}
	if e.Detail != "" {
		dst = appendString(append(dst, `,"detail":`...), e.Detail)
	}
	return append(dst, '}')
}
