// Package policy is what the operator allows: which accounts are out of reach,
// how many may be disabled in a while, and what the mapping's rules demand of
// values. It is pure but for the brake's memory: values in, verdict out.
package policy

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/scimgate/scimgate/scim"
)

// ErrHeldBack is the cause of every refusal that the operator's own configuration
// asks for: protection, the brake, a dry run.
var ErrHeldBack = errors.New("held back by the configuration of the gateway")

// Policy is what one gateway allows.
type Policy struct {
	// Protect are SCIM filters. What satisfies one of them is not created,
	// changed, disabled, removed, or added to or taken from a group by SCIM. A
	// filter may speak of users or of groups.
	Protect []string `json:"protect,omitempty"`

	// Brake bounds how many accounts are disabled or deleted in a while.
	// Default: no bound.
	Brake *Brake `json:"brake,omitempty"`

	protected map[*scim.ResourceType][]protection
}

type protection struct {
	text   string
	filter scim.Filter
}

// Provision compiles the filters for the types that they can be read for. A
// filter that fits no type is an error: it would protect nobody. So is one about
// the members of groups, which policy never sees.
func (p *Policy) Provision(types []*scim.ResourceType) error {
	p.protected = make(map[*scim.ResourceType][]protection)
	for _, text := range p.Protect {
		var reason error
		fits := false
		for _, t := range types {
			filter, err := scim.ParseFilter(t, text, scim.DefaultFilterLimits)
			if err != nil {
				if reason == nil {
					reason = err
				}
				continue
			}
			for _, target := range scim.Targets(filter) {
				if target.Attribute.IsReferenceSet() {
					return fmt.Errorf("protect `%s`: %s can't be asked for: a group may have very many. Name the group by its displayName", text, target.Attribute.Name)
				}
			}
			fits = true
			p.protected[t] = append(p.protected[t], protection{text, filter})
		}
		if !fits {
			return fmt.Errorf("protect `%s`: %s", text, scim.AsError(reason).Detail)
		}
	}
	if p.Brake != nil {
		return p.Brake.provision()
	}
	return nil
}

// Needs returns the attributes of t that must be read for [Policy.Protects];
// nil when nothing of that type is protected.
func (p *Policy) Needs(t *scim.ResourceType) []*scim.Attribute {
	var needed []*scim.Attribute
	for _, protection := range p.protected[t] {
		for _, target := range scim.Targets(protection.filter) {
			needed = append(needed, target.Attribute)
		}
	}
	return needed
}

// Guards reports whether anything of that type is protected.
func (p *Policy) Guards(t *scim.ResourceType) bool { return len(p.protected[t]) > 0 }

// Protects returns a 403 that names the rule when r is protected, else nil. What a
// directory takes for the same text is the same here.
func (p *Policy) Protects(r *scim.Resource) error {
	if !p.Guards(r.Type) {
		return nil
	}
	alike := likeness(r)
	for _, protection := range p.protected[r.Type] {
		if scim.Match(protection.filter, r) || alike != nil && scim.Match(protection.filter, alike) {
			return &scim.Error{
				Status: http.StatusForbidden,
				Err:    ErrHeldBack,
				Detail: fmt.Sprintf("This %s is protected by the gateway's rule: protect %s. It is managed by hand, not by provisioning; take it out of the provider's scope.",
					lower(r.Type.Name), protection.text),
			}
		}
	}
	return nil
}

func lower(name string) string {
	if name == "User" {
		return "user"
	}
	if name == "Group" {
		return "group"
	}
	return name
}

func accounts(n int) string {
	if n == 1 {
		return "1 account was"
	}
	return fmt.Sprintf("%d accounts were", n)
}

// Brakes returns a reservation for disabling or deleting one account, or a 503
// with the time to wait. The reservation is given back when nothing was done
// after all.
func (p *Policy) Brakes() (giveBack func(), err error) {
	if p.Brake == nil {
		return func() {}, nil
	}
	stamp, wait := p.Brake.take()
	if wait > 0 {
		return nil, &scim.Error{
			Status:     http.StatusServiceUnavailable,
			RetryAfter: wait,
			Err:        ErrHeldBack,
			Detail: fmt.Sprintf("The gateway's brake holds: more than %s to be disabled or deleted within %s. Nothing was changed. If this is intended, the operator releases the brake by scimgate reload --force; otherwise it opens by itself.",
				accounts(p.Brake.Disable), time.Duration(p.Brake.Per)),
		}
	}
	return func() { p.Brake.giveBack(stamp) }, nil
}
