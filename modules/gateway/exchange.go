package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// exchange is one request and its answer.
type exchange struct {
	h    *Handler
	w    http.ResponseWriter
	r    *http.Request
	path string // below the base

	dialect scim.Dialect // of request and answer

	hasBody bool // which has not been read to its end
	offline bool // nothing is read: a plan for looking at

	id      string // names this request in log, journal and error details
	started time.Time
	caller  access.Caller
	op      *scim.Operation
	step    int // of the journal's entries within this request

	// What the log line and the metrics will say.
	operation string
	resource  string // id
	status    int
	err       error
	proof     translators.ProofStatus
	kind      string        // of resource
	disables  bool          // whether a disable was asked for
	disabled  string        // how it ended, as the metric has it; "" when it was not tried
	calls     int           // backend calls of plans
	executing time.Duration // spent on them
}

func (h *Handler) newExchange(w http.ResponseWriter, r *http.Request, path string) *exchange {
	var id [8]byte
	_, _ = rand.Read(id[:])
	return &exchange{
		h: h, w: w, r: r, path: path, hasBody: r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0,
		id: hex.EncodeToString(id[:]), started: time.Now(), operation: "none",
	}
}

// serve takes the request through the stages.
func (x *exchange) serve() {
	caller, refusal := x.h.Access.Admit(x.r)
	if refusal != nil {
		x.refuse(refusal)
		return
	}
	x.caller = caller
	x.h.names.accepted(caller.Name, x.started)

	// A write that was begun is finished when the caller has gone: an
	// off-boarding must not depend on the provider's patience.
	parent := x.r.Context()
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithTimeout(parent, time.Duration(x.h.Timeout))
	defer cancel()

	op, err := x.decode()
	if op == nil {
		x.guess()
		x.disables = x.disables || errors.Is(err, scim.ErrCannotDisable)
		x.fail(err)
		return
	}
	x.op, x.operation, x.resource, x.disables = op, string(op.Action), op.ID, x.h.asksToDisable(op)
	if op.Type != nil {
		x.kind = op.Type.Name
	}
	switch op.Action {
	case scim.ActionDiscover:
		x.discover()
		return
	case scim.ActionSearchNone:
		x.list(nil, 0, op.Query.StartIndex)
		return
	}
	release, leaseErr := x.h.translator.Lease()
	if leaseErr != nil {
		x.fail(leaseErr)
		return
	}
	defer release()
	switch op.Action {
	case scim.ActionRead:
		x.read(ctx)
	case scim.ActionSearch:
		x.search(ctx)
	case scim.ActionCreate:
		x.create(ctx, err)
	case scim.ActionUpdate:
		x.update(ctx, err)
	case scim.ActionDelete:
		x.remove(ctx)
	default:
		x.fail(fmt.Errorf("decoding: no stage takes the action %q", op.Action))
	}
}

// guess tells from method and path what a request that could not be read was
// about, for the log line and the metrics.
func (x *exchange) guess() {
	operation := map[string]scim.Action{
		http.MethodPost: scim.ActionCreate, http.MethodPut: scim.ActionUpdate, http.MethodPatch: scim.ActionUpdate,
		http.MethodDelete: scim.ActionDelete, http.MethodGet: scim.ActionRead, http.MethodHead: scim.ActionRead,
	}[x.r.Method]
	endpoint, id, hasID := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(x.path, "/"), "/"), "/")
	if operation == scim.ActionRead && !hasID {
		operation = scim.ActionSearch
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

// decode reads the body, no more of it than is allowed, and turns the request
// into an operation. An operation beside an error is a disable that is carried
// out before the error is answered (see [scim.Decoder.Decode]).
func (x *exchange) decode() (*scim.Operation, error) {
	var body []byte
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		var err error
		if body, err = x.body(); err != nil {
			return nil, err
		}
	}
	return x.h.decoder.Decode(scim.Request{
		Method: x.r.Method, Path: x.path, RawQuery: x.r.URL.RawQuery,
		ContentType: x.r.Header.Get("Content-Type"), Accept: strings.Join(x.r.Header.Values("Accept"), ","),
		Body: body,
	})
}

// body reads the body within the time that the request has.
func (x *exchange) body() ([]byte, error) {
	if !x.hasBody {
		return nil, nil
	}
	limit := x.h.limits.Body
	if x.r.ContentLength > limit {
		return nil, scim.BodyTooLarge(limit)
	}
	if coding := x.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &scim.Error{Status: http.StatusUnsupportedMediaType,
			Detail: "The request body is compressed (Content-Encoding). Send it as it is."}
	}
	x.readUntil(x.started.Add(time.Duration(x.h.Timeout)))
	body, err := readAll(http.MaxBytesReader(x.w, x.r.Body, limit), x.r.ContentLength)
	if err != nil {
		return nil, bodyError(err, limit)
	}
	x.hasBody = false
	x.readUntil(time.Time{})
	return body, nil
}

// readUntil bounds how long is waited for the body; the zero time is no bound.
// Where the connection can't do that, it is the server's business.
func (x *exchange) readUntil(t time.Time) {
	_ = http.NewResponseController(x.w).SetReadDeadline(t)
}

// readAll reads r, whose length is announced as size or unknown (-1).
func readAll(r io.Reader, size int64) ([]byte, error) {
	const trusted = 1 << 20 // what an announcement alone may make us set aside
	buffer := make([]byte, 0, max(512, min(size+1, trusted)))
	for {
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
	}
}

func bodyError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return scim.BodyTooLarge(limit)
	}
	if handled, ok := errors.AsType[caddyhttp.HandlerError](err); ok && handled.StatusCode == http.StatusRequestEntityTooLarge {
		return &scim.Error{Status: http.StatusRequestEntityTooLarge, Err: err,
			Detail: "The request body is larger than the site's request_body directive allows."}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &scim.Error{Status: http.StatusRequestTimeout, Err: err,
			Detail: "The request body did not arrive in time."}
	}
	return &scim.Error{Status: http.StatusBadRequest, Type: scim.InvalidSyntax, Err: err,
		Detail: "The request body could not be read to its end."}
}

// discover answers the discovery endpoints (RFC 7644 §4).
func (x *exchange) discover() {
	body, err := x.h.discovery.Answer(x.op.ID, false, x.baseURL())
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
		x.h.log.Error("scim request panicked", zap.String("request_id", x.id), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		if x.status == 0 {
			x.fail(errors.New("a fault in the gateway"))
		}
	}
	x.record()
}
