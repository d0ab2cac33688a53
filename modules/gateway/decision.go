package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/access"
	memory "github.com/scimgate/scimgate/modules/store"
)

// Decision is whether somebody may call, step by step.
type Decision struct {
	Gateway string        `json:"gateway"`
	From    string        `json:"from"`
	Steps   []access.Step `json:"steps"`
	// Caller is the name of the credential of who is let in.
	Caller string `json:"caller,omitempty"`
	// Status is what the caller is answered with; 0: as the request deserves.
	Status int `json:"status,omitempty"`
	// Reason is why, as the log has it.
	Reason string `json:"reason,omitempty"`
	// IsUnfinished says that no credential was shown, so that only the address was
	// looked at.
	IsUnfinished bool `json:"unfinished,omitempty"`
}

// IsLetIn reports whether the caller is let in, as far as was asked.
func (d Decision) IsLetIn() bool { return d.Status == 0 }

// Decide tells who may call, as it is decided for a request from that address with
// that Authorization header; "" is none. Nothing comes of it: it counts neither as a
// use nor as a wrong credential.
func (h *Handler) Decide(ctx context.Context, from netip.Addr, authorization string) Decision {
	vars := map[string]any{caddyhttp.ClientIPVarKey: from.String()}
	r := (&http.Request{Method: http.MethodGet, Header: http.Header{}}).WithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, vars))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	steps, caller, refusal := h.Access.Explain(r)
	d := Decision{Gateway: h.Name, From: from.String(), Steps: steps, Caller: caller.Name}
	switch {
	case refusal == nil:
	case refusal.Kind == access.KindNoCredential && authorization == "":
		d.IsUnfinished = true
		d.Steps = d.Steps[:len(d.Steps)-1]
		return d
	default:
		d.Status, d.Reason = refusal.Status, refusal.Reason
		return d
	}
	if len(caller.Scopes) > 0 {
		d.step("scope", true, "it may do no more than its scope: "+caller.Scopes.String())
	}
	if w := h.switched(memory.Disabled); w != nil {
		d.step("gateway", false, "disabled by "+inWords(w))
		d.Status, d.Reason = http.StatusForbidden, "the gateway is disabled"
		return d
	}
	if w := h.switched(memory.Frozen); w != nil {
		d.step("gateway", true, "frozen by "+inWords(w)+": it can be read, and every write is answered with 503")
	}
	return d
}

func (d *Decision) step(check string, passed bool, detail string) {
	d.Steps = append(d.Steps, access.Step{Check: check, Passed: passed, Detail: detail})
}

func inWords(w *memory.Switch) string {
	text := fmt.Sprintf("%s since %s", w.Who, w.Since.UTC().Format(time.RFC3339))
	if w.Why != "" {
		text += " (" + w.Why + ")"
	}
	return text
}
