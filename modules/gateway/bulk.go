package gateway

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// bulk answers a list of operations (RFC 7644 §3.7). They are carried out one after
// the other, each through all stages as if it had come alone, with the request id
// of the whole and its own number behind it.
func (x *exchange) bulk(parent context.Context, op *scim.Operation) {
	x.note(op)
	release, err := x.h.translator.Lease() // so that no reload takes the backend away half way
	if err != nil {
		x.fail(err)
		return
	}
	defer release()
	b := &bulk{
		whole: x, base: x.edge.baseURL(), operations: op.Bulk.Operations, failOnErrors: op.Bulk.FailOnErrors,
		until: x.started.Add(time.Duration(x.h.BulkTimeout)), creators: creators(op.Bulk.Operations),
		created: make(map[string]string), results: make([]*scim.BulkResult, len(op.Bulk.Operations)),
	}
	b.run(parent)
	b.answer()
}

// bulk is a Bulk while it is carried out.
type bulk struct {
	whole        *exchange
	base         string // of locations
	operations   []scim.BulkOperation
	failOnErrors int
	failed       int
	until        time.Time // operations are begun

	creators map[string]int     // which operations create what, by bulkId
	created  map[string]string  // ids of what was created, by bulkId
	results  []*scim.BulkResult // nil: was not begun
}

// run carries the operations out, each when what it refers to is there.
func (b *bulk) run(parent context.Context) {
	later := make(map[int]scim.BulkOperation) // what completes operations
	for _, s := range sequence(b.operations) {
		op := b.operations[s.index]
		switch s.part {
		case deferring:
			op, later[s.index], _ = op.Defer(s.deferred)
			b.first(parent, s.index, op, nil)
		case completing:
			b.complete(parent, s.index, later[s.index])
			delete(later, s.index)
		case circular:
			b.first(parent, s.index, op, errCircular)
		default:
			b.first(parent, s.index, op, nil)
		}
		b.operations[s.index].Data = nil // there may be much of it
	}
}

// isOver reports whether as many operations have failed as the caller allows.
func (b *bulk) isOver() bool { return b.failOnErrors > 0 && b.failed >= b.failOnErrors }

// isLate reports whether the time is up in which operations are begun.
func (b *bulk) isLate() bool { return !time.Now().Before(b.until) }

var (
	// errCircular is why operations that need each other can't be carried out.
	errCircular = &scim.Error{Status: http.StatusConflict, Type: scim.InvalidValue,
		Detail: "The operation refers by bulkId to one that refers to it, and can't be carried out without. Create the resources first, and set by a PATCH what refers to others."}
	// errOver is why what stands beside a disable is not carried out.
	errOver = &scim.Error{Status: http.StatusConflict,
		Detail: "As many operations of this Bulk have failed as failOnErrors allows."}
	// errLate is why operations have not been begun.
	errLate = &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryUnavailable,
		Detail: "The time for this Bulk was up before the turn of the operation came. Nothing was done. Send it again, and fewer operations at a time; the operator can raise bulk_timeout."}
)

// first takes the turn of an operation; invalid is why it can't be carried out.
// When as many have failed as the caller allows, it is not begun, unless it
// disables: nothing stops that.
func (b *bulk) first(parent context.Context, index int, op scim.BulkOperation, invalid error) {
	switch {
	case op.Err != nil:
		invalid = op.Err
	case invalid == nil:
		op, invalid = b.resolved(op)
	}
	isLate := b.isLate()
	if !isLate && b.isOver() {
		if !b.disables(op) {
			return
		}
		if invalid == nil {
			invalid = errOver
		}
	}
	x := b.begin(strconv.Itoa(index+1), op)
	b.carry(parent, x, op, invalid)
	b.wait(x)
	if op.Method == http.MethodPost && x.err == nil {
		b.created[op.BulkID] = x.resource
	}
	b.results[index] = b.result(x, op)
	if x.err != nil && !isLate {
		b.failed++
	}
}

// complete sets what an operation refers to and had to be created before.
func (b *bulk) complete(parent context.Context, index int, op scim.BulkOperation) {
	result := b.results[index]
	if result == nil || result.Status >= http.StatusBadRequest {
		return // there is nothing to complete
	}
	op, invalid := b.resolved(op)
	isLate := b.isLate()
	if invalid == nil && b.isOver() {
		invalid = errOver
	}
	x := b.begin(strconv.Itoa(index+1)+".2", op)
	b.carry(parent, x, op, invalid)
	b.wait(x)
	if x.err == nil {
		result.ETag = x.head.etag
		return
	}
	e := *x.errorAnswer(x.err)
	e.Detail = "The resource was created, without what it refers to: " + e.Detail
	result.Status, result.ETag, result.Response = e.Status, "", scim.AppendError(nil, &e, x.dialect)
	if !isLate {
		b.failed++
	}
}

// begin makes an exchange for an operation.
func (b *bulk) begin(number string, op scim.BulkOperation) *exchange {
	whole := b.whole
	return &exchange{
		h: whole.h, edge: &bulkEdge{base: b.base}, method: op.Method, path: op.Path, dialect: whole.dialect, isListed: true,
		id: whole.id + "." + number, started: time.Now(), caller: whole.caller, operation: "none",
	}
}

// carry takes an operation through the stages. Of one that is invalid only the
// disable is carried out, if it is one. It goes on when the caller has gone.
func (b *bulk) carry(parent context.Context, x *exchange, op scim.BulkOperation, invalid error) {
	defer x.finish()
	decoded, err := x.h.decoders[x.dialect].Decode(op.Request())
	if b.isLate() {
		if decoded != nil {
			x.note(decoded) // if it disables, that has failed
		} else {
			x.guess()
		}
		x.fail(errLate)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), time.Duration(x.h.Timeout))
	defer cancel()
	if invalid != nil {
		decoded, err = x.onlyDisable(decoded, err, invalid)
	}
	x.perform(ctx, decoded, err)
	if x.proof == translators.Unprovable {
		b.whole.proof = x.proof
	}
}

// wait keeps how long to wait until all that was not carried out can be sent
// again: in the list of results there is no place for it.
func (b *bulk) wait(x *exchange) {
	b.whole.head.retryAfter = max(b.whole.head.retryAfter, x.head.retryAfter)
}

// onlyDisable returns what is left of an operation that must not be carried out
// otherwise: the disable in it, of a resource that is known, or nothing.
func (x *exchange) onlyDisable(op *scim.Operation, err, invalid error) (*scim.Operation, error) {
	if op == nil || isReference(op.ID) {
		return nil, invalid
	}
	if op.Action == scim.ActionDelete && x.h.asksToDisable(op) {
		return op, err
	}
	disable, rest := op.SplitDisable()
	switch {
	case disable == nil:
		return nil, invalid
	case rest == nil && err == nil:
		return disable, nil
	}
	return disable, invalid
}

// disables reports whether an operation disables an account that is known.
func (b *bulk) disables(op scim.BulkOperation) bool {
	if op.Method == http.MethodPost {
		return false // whoever is created anew has nothing to lose
	}
	decoded, _ := b.whole.h.decoders[b.whole.dialect].Decode(op.Request())
	return decoded != nil && !isReference(decoded.ID) && b.whole.h.asksToDisable(decoded)
}

// result returns what the answer says of an operation.
func (b *bulk) result(x *exchange, op scim.BulkOperation) *scim.BulkResult {
	result := &scim.BulkResult{
		Method: op.Method, BulkID: op.BulkID, Status: x.status, ETag: x.head.etag, Response: x.edge.(*bulkEdge).body,
	}
	switch {
	case x.op != nil && x.resource != "":
		r := scim.NewResource(x.op.Type)
		r.ID = x.resource
		result.Location = scim.Location(b.base, r)
	case op.Method != http.MethodPost:
		result.Location = b.base + "/" + strings.TrimPrefix(op.Path, "/")
	}
	return result
}

// bulkEdge is the edge of an operation of a Bulk: it keeps what the answer tells of
// errors.
type bulkEdge struct {
	base string
	body []byte
}

func (e *bulkEdge) baseURL() string { return e.base }

func (e *bulkEdge) send(_ *exchange, _ int, body []byte) { e.body = bytes.Clone(body) }

// answer answers with what became of the operations, in the order in which they
// came.
func (b *bulk) answer() {
	x := b.whole
	encoder := scim.NewBulkEncoder(nil)
	for _, result := range b.results {
		if result == nil {
			continue
		}
		if err := encoder.Add(*result); err != nil {
			x.fail(err)
			return
		}
		x.listed++
		if result.Status >= http.StatusBadRequest {
			x.failed++
		}
	}
	x.answer(http.StatusOK, encoder.Finish())
}

// Interface guards
var _ edge = (*bulkEdge)(nil)
