package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// exchange is one request and its answer.
type exchange struct {
	h      *Handler
	edge   edge
	conn   connection // the edge of what came over HTTP
	head   head       // of the answer
	method string
	path   string // below the base

	dialect scim.Dialect // of request and answer

	offline  bool      // nothing is read: a plan for looking at
	isListed bool      // in the answer to a Bulk: what went well is answered without a body
	operator *Operator // who gave a command on the machine itself; nil: it is a request

	id      string // names this request in log, journal and error details
	started time.Time
	caller  access.Caller
	op      *scim.Operation
	step    int            // of the journal's entries within this request
	changed error          // the condition that did not hold of an account that was disabled all the same
	left    *scim.Resource // as the latest write left it, where that is known; not all of it

	// What the log line and the metrics will say.
	operation string
	resource  string // id
	status    int
	err       error
	isSummed  bool // the log tells of this request together with others
	proof     translators.ProofStatus
	reason    string        // behind the proof
	kind      string        // of resource
	disables  bool          // whether a disable was asked for
	disabled  string        // how it ended, as the metric has it; "" when it was not tried
	calls     int           // backend calls of plans
	executing time.Duration // spent on them
	isBeside  bool          // a disable that goes on beside another write about the same person
	isAgain   bool          // a disable that is proven again: it has no doubts
	owes      *owed         // the proof of the disable that was carried out; nil: none
	listed    int           // operations in the answer to a Bulk
	failed    int           // of these

	unrecorded error // why the journal does not have a command
}

func (h *Handler) newExchange(w http.ResponseWriter, r *http.Request, path string) *exchange {
	var id [8]byte
	_, _ = rand.Read(id[:])
	x := &exchange{
		h: h, method: r.Method, path: path,
		conn: connection{h: h, w: w, r: r, hasBody: r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0},
		id:   hex.EncodeToString(id[:]), started: time.Now(), operation: "none",
	}
	x.edge = &x.conn
	return x
}

// serve takes the request through the stages.
func (x *exchange) serve() {
	caller, refusal := x.h.Access.Admit(x.conn.r)
	if refusal != nil {
		x.refuse(refusal)
		return
	}
	x.caller = caller
	caller.Accepted(x.started)
	if x.isDisabled() {
		return
	}

	// A write that was begun is finished when the caller has gone: an
	// off-boarding must not depend on the provider's patience.
	parent := x.conn.r.Context()
	if !isRead(x.method) {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithTimeout(parent, time.Duration(x.h.Timeout))
	defer cancel()

	op, err := x.decode()
	if op != nil && op.Action == scim.ActionBulk {
		x.bulk(parent, op)
		return
	}
	x.perform(ctx, op, err)
}

// perform carries out what was decoded, or answers why it can't be. An operation
// beside an error is a disable that is carried out before the error is answered.
func (x *exchange) perform(ctx context.Context, op *scim.Operation, err error) {
	if op == nil {
		x.guess()
		x.disables = x.disables || errors.Is(err, scim.ErrCannotDisable)
		x.fail(err)
		return
	}
	x.note(op)
	for _, mayNot := range []func(*scim.Operation) error{x.ended, x.permit, x.frozen} {
		if err := mayNot(op); err != nil {
			x.fail(err)
			return
		}
	}
	switch op.Action {
	case scim.ActionSearchAll:
		x.operation = string(scim.ActionSearch)
	case scim.ActionDiscover:
		x.discover()
		return
	case scim.ActionSearchNone:
		x.searchNone()
		return
	}
	release, leaseErr := x.h.translator.Lease()
	if leaseErr != nil {
		x.fail(leaseErr)
		return
	}
	defer release()
	if op.IsMe {
		if err := x.identify(ctx); err != nil {
			x.fail(err)
			return
		}
	}
	if showsMembers(op) {
		if err := x.h.wide.Acquire(ctx, 1); err != nil {
			x.fail(err)
			return
		}
		defer x.h.wide.Release(1)
	}
	switch op.Action {
	case scim.ActionRead:
		x.read(ctx)
	case scim.ActionSearch, scim.ActionSearchAll:
		x.search(ctx)
	case scim.ActionCreate:
		x.create(ctx, err)
	case scim.ActionUpdate:
		x.update(ctx, err)
	case scim.ActionDelete:
		x.remove(ctx, err)
	default:
		x.fail(fmt.Errorf("decoding: no stage takes the action %q", op.Action))
	}
}

// note keeps what is asked for, for the stages and for the log line.
func (x *exchange) note(op *scim.Operation) {
	x.op, x.operation, x.resource, x.disables = op, string(op.Action), op.ID, x.h.asksToDisable(op)
	if op.Type != nil {
		x.kind = op.Type.Name
	}
}

// guess tells from method and path what a request that could not be read was
// about, for the log line and the metrics.
func (x *exchange) guess() {
	operation := map[string]scim.Action{
		http.MethodPost: scim.ActionCreate, http.MethodPut: scim.ActionUpdate, http.MethodPatch: scim.ActionUpdate,
		http.MethodDelete: scim.ActionDelete, http.MethodGet: scim.ActionRead, http.MethodHead: scim.ActionRead,
	}[x.method]
	endpoint, id, hasID := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(x.path, "/"), "/"), "/")
	if operation == scim.ActionRead && !hasID || operation == scim.ActionCreate && (id == ".search" || endpoint == ".search") {
		operation, id = scim.ActionSearch, ""
		if endpoint == "" || endpoint == ".search" { // over all types
			x.operation = string(operation)
		}
	}
	i := slices.IndexFunc(x.h.resource, func(t *scim.ResourceType) bool { return strings.EqualFold(t.Endpoint, "/"+endpoint) })
	if operation == "" || i < 0 {
		return
	}
	const longest = 128
	x.operation, x.kind, x.resource = string(operation), x.h.resource[i].Name, id[:min(len(id), longest)]
	x.disables = operation == scim.ActionDelete && hasID && x.h.typeOf(x.h.resource[i]).Delete == translators.DeleteDisable
}

// asksToDisable reports whether an operation is to end with an account that is
// off: by active=false, also of a new account, or by a DELETE that disables.
func (h *Handler) asksToDisable(op *scim.Operation) bool {
	switch op.Action {
	case scim.ActionCreate, scim.ActionUpdate:
		return disables(op)
	case scim.ActionDelete:
		return h.typeOf(op.Type).Delete == translators.DeleteDisable
	}
	return false
}

// decode reads the body and turns the request into an operation. An operation
// beside an error is a disable that is carried out before the error is answered
// (see [scim.Decoder.Decode]).
func (x *exchange) decode() (*scim.Operation, error) {
	request, err := x.conn.request(x.path, x.started.Add(time.Duration(x.h.Timeout)))
	if err != nil {
		return nil, err
	}
	return x.h.decoders[x.dialect].Decode(request)
}

// discover answers the discovery endpoints (RFC 7644 §4).
func (x *exchange) discover() {
	var filter scim.Filter
	if x.op.Query != nil {
		filter = x.op.Query.Filter
	}
	body, err := x.h.discovery.Answer(x.op.ID, filter, x.output())
	if err != nil {
		x.fail(err)
		return
	}
	x.answer(http.StatusOK, body)
}

// finish writes the log line and counts. A panic becomes a 500 and a stack in
// the log.
func (x *exchange) finish() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		working.leaveAll(x.id, time.Now().Add(translators.SettleTimeout))
		x.h.log.Error("scim request panicked", zap.String("request_id", x.id), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		if x.status == 0 {
			x.fail(errors.New("a fault in the gateway"))
		}
	}
	x.record()
}
