package journal

import (
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Log emits entries to Caddy's logging, as the logger scim.journal, once it is known
// what came of them. The zero value emits nothing.
type Log struct {
	logger *zap.Logger
	values bool
}

// NewLog returns the log of a configuration. Of what changed it has the names of the
// attributes; with values also from what to what, as the journal has it: a secret
// never, and what is private as a hash.
func NewLog(ctx caddy.Context, values bool) Log { return logTo(ctx.Logger(logName{}), values) }

func logTo(logger *zap.Logger, values bool) Log {
	// Where it is emitted says nothing.
	return Log{logger.WithOptions(zap.WithCaller(false), zap.AddStacktrace(zapcore.FatalLevel+1)), values}
}

// logName has Caddy find the logger in the configuration, as it does for modules.
type logName struct{}

func (logName) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim.journal", New: func() caddy.Module { return logName{} }}
}

// Emit emits an entry.
func (l Log) Emit(e Entry) {
	if l.logger == nil {
		return
	}
	level := zapcore.InfoLevel
	if e.isAlarming() {
		level = zapcore.ErrorLevel
	}
	checked := l.logger.Check(level, "journal entry")
	if checked == nil {
		return
	}
	result := string(e.Result)
	if e.Result == Unresolved {
		result = "open"
	}
	fields := []zap.Field{
		zap.String("entry", e.ID), zap.Time("begun", e.Time), zap.String("gateway", e.Gateway),
		zap.String("caller", e.Caller), zap.String("request_id", e.Request),
		zap.String("operation", e.Operation), zap.String("resource_type", e.Type), zap.String("result", result),
	}
	for _, field := range []struct{ name, value string }{
		{"token", e.Token}, {"address", e.Address}, {"resource_id", e.Resource}, {"name", e.Name},
		{"why", e.Why}, {"proof", e.Proof}, {"error", e.Error}, {"note", e.Note},
	} {
		if field.value != "" {
			fields = append(fields, zap.String(field.name, field.value))
		}
	}
	if len(e.Changes) > 0 {
		attributes := make([]string, len(e.Changes))
		for i, c := range e.Changes {
			attributes[i] = c.Attribute
		}
		fields = append(fields, zap.Strings("attributes", attributes))
		if l.values {
			fields = append(fields, zap.Reflect("changes", e.Changes))
		}
	}
	if m := e.Members; m != nil {
		fields = append(fields, zap.Int("members_added", len(m.Added)), zap.Int("members_removed", len(m.Removed)))
		if l.values {
			fields = append(fields, zap.Reflect("members", m))
		}
	}
	if e.Duration > 0 {
		fields = append(fields, zap.Duration("duration", e.Duration))
	}
	checked.Write(fields...)
}

// isAlarming reports whether somebody should look: a disable is not in force, or
// nobody knows what was done.
func (e Entry) isAlarming() bool {
	if e.Result == Unresolved || e.Result == Unknown {
		return true
	}
	return e.Operation == "disable" && (e.Result != Applied || e.Proof == "refuted" || e.Proof == "failed")
}

// With returns the entry with its outcome.
func (e Entry) With(o Outcome) Entry {
	e.Result, e.Proof, e.Error, e.Note, e.Ended, e.Duration = Result(o.Result), o.Proof, o.Error, o.Note, o.Ended, o.Duration
	if o.Resource != "" {
		e.Resource = o.Resource
	}
	if o.Name != "" {
		e.Name = o.Name
	}
	return e
}
