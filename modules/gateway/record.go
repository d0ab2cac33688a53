package gateway

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// record writes the one log line of a request and counts it. The line names
// what was asked of whom, and holds no attribute value and no secret: details
// of errors that quote the request are left to the debug level.
func (x *exchange) record() {
	took := time.Since(x.started)
	metrics.observeRequest(x.h.Name, x.operation, x.kind, x.status, took)
	x.countDisable()
	if x.isSummed {
		return
	}
	entry := x.h.log.Check(x.level(), "scim request")
	if entry == nil {
		return
	}
	fields := append(make([]zap.Field, 0, 20),
		zap.String("request_id", x.id),
		zap.String("operation", x.operation),
		zap.String("resource_type", x.kind),
		zap.String("resource_id", x.resource),
		zap.String("backend", x.h.backend),
		zap.String("method", x.method),
		zap.Int("status", x.status),
		zap.String("result", x.result()),
		zap.Duration("duration", took),
	)
	if x.dialect == scim.V1 {
		fields = append(fields, zap.String("scim", "1.1"))
	}
	if x.caller.Name != "" {
		fields = append(fields, zap.String("caller", x.caller.Name))
	}
	if x.caller.Token != "" {
		fields = append(fields, zap.String("token", x.caller.Token))
	}
	if x.caller.Address.IsValid() {
		fields = append(fields, zap.String("address", x.caller.Address.String()))
	}
	if x.calls > 0 {
		fields = append(fields, zap.Int("backend_writes", x.calls), zap.Duration("backend_duration", x.executing))
	}
	if x.disables {
		fields = append(fields, zap.String("wanted", string(translators.ProofDisabled)))
	}
	if x.proof != "" {
		fields = append(fields, zap.String("proof", string(x.proof)))
	}
	if x.op != nil && x.op.Action == scim.ActionBulk {
		fields = append(fields, zap.Int("operations", x.listed), zap.Int("failed", x.failed))
	}
	if x.op != nil && len(x.op.Ignored) > 0 {
		fields = append(fields, zap.Int("ignored", len(x.op.Ignored)))
	}
	entry.Write(append(fields, x.errorFields()...)...)
	if x.op != nil && len(x.op.Ignored) > 0 {
		paths := make([]string, len(x.op.Ignored))
		for i, path := range x.op.Ignored {
			paths[i] = x.h.discreet(path)
		}
		x.h.log.Debug("attributes that are not mapped were ignored", zap.String("request_id", x.id), zap.Strings("paths", paths))
	}
	if e := scim.AsError(x.err); e != nil {
		x.h.log.Debug("scim error", zap.String("request_id", x.id), zap.String("detail", x.h.discreet(e.Detail)))
	}
}

// countDisable counts a disable that was asked for, or had to be proven anew,
// once, however the request ended.
func (x *exchange) countDisable() {
	switch {
	case x.disabled != "":
	case !x.disables:
		return
	case errors.Is(x.err, policy.ErrHeldBack):
		x.disabled = disableHeldBack
	default:
		x.disabled = disableFailed
	}
	metrics.disabled(x.h.Name, x.h.backend, x.disabled)
}

// noteDisable keeps how a disable ended; of several proofs in one request the
// worst one.
func (x *exchange) noteDisable(status translators.ProofStatus) {
	result := string(status)
	if !slices.Contains(disableResults, result) {
		result = disableRefuted // what is not answered is taken for it
	}
	if slices.Index(disableResults, result) > slices.Index(disableResults, x.disabled) {
		x.disabled = result
	}
}

func (x *exchange) level() zapcore.Level {
	switch {
	case x.status >= 500:
		return zapcore.ErrorLevel
	case x.status == http.StatusUnauthorized, x.status == http.StatusForbidden, x.status == http.StatusTooManyRequests:
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// result is the outcome in a word.
func (x *exchange) result() string {
	if x.err == nil {
		return "ok"
	}
	return errorKind(x.err)
}

// errorKind names an error's kind without its text.
func errorKind(err error) string {
	if kind := translators.KindOf(err); kind != "" {
		return string(kind)
	}
	if e := scim.AsError(err); e != nil {
		if e.Type != "" {
			return string(e.Type)
		}
		return http.StatusText(e.Status)
	}
	return "failed"
}

// errorFields say why a request failed: what the provider was told where it is
// our own doing, the backend's answer, or why a caller was not let in. What the
// request itself said is not quoted.
func (x *exchange) errorFields() []zap.Field {
	if x.err == nil {
		return nil
	}
	if e, ok := errors.AsType[*translators.Error](x.err); ok {
		fields := []zap.Field{zap.String("error", e.Detail)}
		if e.Err != nil {
			fields = append(fields, zap.NamedError("backend_error", e.Err))
		}
		return fields
	}
	if e := scim.AsError(x.err); e != nil {
		if isOurOwn := e.Status >= 500 && e.Status != http.StatusNotImplemented; isOurOwn {
			reason := e.Detail
			if e.Err != nil && !errors.Is(e.Err, policy.ErrHeldBack) {
				reason += " (" + e.Err.Error() + ")"
			}
			return []zap.Field{zap.String("error", reason)}
		}
		for e.Err != nil {
			inner := scim.AsError(e.Err)
			if inner == nil {
				return []zap.Field{zap.NamedError("error", e.Err)}
			}
			e = inner // its detail may quote the request
		}
		return nil
	}
	return []zap.Field{zap.Error(x.err)}
}
