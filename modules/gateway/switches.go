package gateway

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/notice"
	"github.com/scimgate/scimgate/modules/policy"
	memory "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
)

// provisionSwitches finds out where the operator's switches are known, and has the
// credentials of the Caddyfile watched for their expiry. Without a configuration
// around it a gateway has no switches.
func (h *Handler) provisionSwitches(ctx caddy.Context) error {
	a, err := app.Of(ctx)
	if err != nil || a == nil {
		return err
	}
	h.control = a.Store().Control
	var credentials []notice.Credential
	for _, c := range h.Access.Credentials {
		if expires, does := c.Expiry(); does {
			credentials = append(credentials, notice.Credential{Gateway: h.Name, Name: c.Name, Expires: expires})
		}
	}
	a.Notices().Watch(h.Name, credentials)
	switchboard.enter(h)
	return nil
}

// switched returns a switch that is pulled for the gateway, as far as is known: that
// costs no question to the store, and what was known last holds while it is away.
func (h *Handler) switched(kind memory.SwitchKind) *memory.Switch {
	if h.control == nil {
		return nil
	}
	known := h.control()
	if known == nil {
		return nil
	}
	return known.Switch(h.Name, kind)
}

// isDisabled answers a caller who was let in with 403 where the operator has switched
// the gateway off, and reports whether it did. It is no 401, which providers take for
// a bad credential and quarantine the job for. What was asked is read all the same: a
// disable that does not happen is counted.
func (x *exchange) isDisabled() bool {
	w := x.h.switched(memory.Disabled)
	if w == nil {
		return false
	}
	op, _ := x.decode()
	if op == nil {
		x.guess()
	} else {
		x.note(op)
	}
	x.heldBack(w)
	x.fail(switchedOff(w))
	return true
}

func switchedOff(w *memory.Switch) error {
	return &scim.Error{
		Status: http.StatusForbidden, Err: switchedBy(w),
		Detail: "This gateway is switched off by its operator: nothing is read or written. The credential is right, and nothing is to be changed at the provider.",
	}
}

// ended returns why an operation is not begun whose caller was let in: the operator has
// switched the gateway off since, or revoked the token. A Bulk goes on for minutes.
// Whoever acts on the machine itself passes.
func (x *exchange) ended(*scim.Operation) error {
	if x.operator != nil {
		return nil
	}
	if w := x.h.switched(memory.Disabled); w != nil {
		x.heldBack(w)
		return switchedOff(w)
	}
	if x.h.Access.IsEnded(x.caller) {
		return &scim.Error{Status: http.StatusUnauthorized, Detail: "The credential is not accepted any more.",
			Err: fmt.Errorf("the token %s was revoked or has expired since the request came", x.caller.Token)}
	}
	return nil
}

// retryFrozen is when it makes sense to repeat a write to a gateway that is frozen.
const retryFrozen = 5 * time.Minute

// frozen returns why a write is not carried out, where the operator has frozen the
// gateway. Whoever acts on the machine itself passes.
func (x *exchange) frozen(op *scim.Operation) error {
	switch op.Action {
	case scim.ActionCreate, scim.ActionUpdate, scim.ActionDelete:
	default:
		return nil
	}
	w := x.h.switched(memory.Frozen)
	if w == nil || x.operator != nil {
		return nil
	}
	x.heldBack(w)
	return &scim.Error{
		Status: http.StatusServiceUnavailable, RetryAfter: retryFrozen, Err: switchedBy(w),
		Detail: "This gateway is frozen by its operator: it can be read, and nothing is written until it is released. Nothing was changed. Send the request again later.",
	}
}

func switchedBy(w *memory.Switch) error {
	return fmt.Errorf("%s by %s since %s: %w", w.Kind, w.Who, w.Since.UTC().Format(time.RFC3339), policy.ErrHeldBack)
}

// heldBack says in the log that a disable does not happen: it is a brake that was
// pulled by hand, and holds people who are to go (DESIGN §4 rule 3).
func (x *exchange) heldBack(w *memory.Switch) {
	held := 0
	if x.disables {
		held = 1
	}
	if x.op != nil && x.op.Bulk != nil {
		b := &bulk{whole: x}
		for _, op := range x.op.Bulk.Operations {
			if op.Err == nil && b.disables(op) {
				held++
				metrics.disabled(x.h.Name, x.h.backend, disableHeldBack)
			}
		}
	}
	if held == 0 {
		return
	}
	x.h.log.Error("the gateway is "+string(w.Kind)+": a disable is held back", zap.String("request_id", x.id), zap.String("caller", x.caller.Name),
		zap.String("resource_id", x.resource), zap.Int("disables", held), zap.String("by", w.Who), zap.Time("since", w.Since), zap.String("why", w.Why))
}

// switchboard tells of all gateways of this process how they are switched. During a
// reload a gateway is there twice, and is told once.
var switchboard = &switchTable{gateways: make(map[*Handler]bool)}

type switchTable struct {
	mu       sync.Mutex
	gateways map[*Handler]bool
}

func (t *switchTable) enter(h *Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gateways[h] = true
}

// leave is the reverse of enter. It may be called again.
func (t *switchTable) leave(h *Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.gateways, h)
}

var (
	gatewayDisabled = prometheus.NewDesc("caddy_scim_gateway_disabled",
		"Whether the operator has switched the gateway off: 1, or 0.", []string{"gateway"}, nil)
	gatewayFrozen = prometheus.NewDesc("caddy_scim_gateway_frozen",
		"Whether the operator has frozen the gateway, so that nothing is written: 1, or 0.", []string{"gateway"}, nil)
)

// Describe implements prometheus.Collector.
func (t *switchTable) Describe(ch chan<- *prometheus.Desc) {
	ch <- gatewayDisabled
	ch <- gatewayFrozen
}

// Collect implements prometheus.Collector.
func (t *switchTable) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	told := make(map[string]bool)
	for h := range t.gateways {
		if told[h.Name] {
			continue
		}
		told[h.Name] = true
		for desc, kind := range map[*prometheus.Desc]memory.SwitchKind{gatewayDisabled: memory.Disabled, gatewayFrozen: memory.Frozen} {
			value := 0.0
			if h.switched(kind) != nil {
				value = 1
			}
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, h.Name)
		}
	}
}

// Interface guards
var _ prometheus.Collector = (*switchTable)(nil)
