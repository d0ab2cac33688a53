package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/gateway"
	"github.com/scimgate/scimgate/translators"
)

// breakGlass disables one person in several gateways, side by side. What fails in
// one does not hold up the others.
type breakGlass struct {
	by       gateway.Operator
	gateways []*atGateway
	ends     []func()

	withoutStore string // why the store can't be used
}

// The results at a gateway.
const (
	resultNotFound   = "not found"
	resultAmbiguous  = "several match"
	resultPlanned    = "planned"
	resultDisabled   = "disabled"
	resultWasOff     = "already disabled"
	resultUnprovable = "unprovable"
	resultRefuted    = "refuted"
	resultProtected  = "protected"
	resultFailed     = "failed"
)

// atGateway is what became of the person at one gateway.
type atGateway struct {
	Gateway    string            `json:"gateway"`
	Result     string            `json:"result"`
	Accounts   []gateway.Account `json:"accounts,omitempty"`
	Detail     string            `json:"detail,omitempty"`
	Plan       string            `json:"plan,omitempty"`
	Unrecorded string            `json:"unrecorded,omitempty"` // why the journal does not have it

	handler *gateway.Handler
}

// newBreakGlass provisions gateways.
func newBreakGlass(ctx context.Context, c *configuration, chosen []*configuredGateway, by gateway.Operator) *breakGlass {
	b := &breakGlass{by: by}
	storeCtx, end := bare(ctx)
	b.ends = append(b.ends, end)
	a, unable := b.openStore(storeCtx, c)
	if unable != nil {
		b.withoutStore = unable.Error()
	}
	for _, g := range chosen {
		one := &atGateway{Gateway: g.Name}
		b.gateways = append(b.gateways, one)
		parent := ctx
		if a != nil {
			parent = app.With(ctx, a)
		}
		gatewayCtx, end := bare(parent)
		b.ends = append(b.ends, end)
		if err := one.provision(gatewayCtx, g); err != nil {
			one.Result, one.Detail = resultFailed, err.Error()+". Run the command as the user of the service, with its environment"
		} else if unable != nil {
			one.handler.Unjournaled(unable)
		}
	}
	return b
}

// openStore opens the store, for which it waits no longer than the journal is worth while
// somebody has to go.
func (b *breakGlass) openStore(ctx caddy.Context, c *configuration) (*app.App, error) {
	a, err := c.app(ctx)
	if err != nil {
		return nil, err
	}
	b.ends = append(b.ends, func() { _ = a.Cleanup() })
	return a, openStore(ctx, a, storeTimeout)
}

// provision sets the gateway up.
func (g *atGateway) provision(ctx caddy.Context, of *configuredGateway) (err error) {
	if g.handler, err = of.withoutDoor(ctx); err != nil {
		return err
	}
	g.handler.Silence()
	return nil
}

// close ends the gateways, and the store last.
func (b *breakGlass) close() {
	for i := len(b.ends) - 1; i >= 0; i-- {
		b.ends[i]()
	}
}

// each works on gateways side by side.
func each(gateways []*atGateway, do func(*atGateway)) {
	var all sync.WaitGroup
	for _, one := range gateways {
		all.Go(func() { do(one) })
	}
	all.Wait()
}

// find looks for the person.
func (b *breakGlass) find(ctx context.Context, person gateway.Person) {
	each(b.gateways, func(g *atGateway) {
		if g.handler == nil {
			return
		}
		accounts, err := g.handler.Find(ctx, person)
		g.Accounts = accounts
		switch {
		case errors.Is(err, gateway.ErrNoUsers):
			g.Result, g.Detail = resultNotFound, err.Error()
		case err != nil:
			g.Result, g.Detail = resultFailed, "looking for the person: "+err.Error()
		case len(accounts) == 0:
			g.Result = resultNotFound
		case len(accounts) > 1:
			g.Result, g.Detail = resultAmbiguous, "nothing was done: name one of them by its id"
		}
	})
}

// targets are the gateways where it is known whose account to disable.
func (b *breakGlass) targets() []*atGateway {
	var targets []*atGateway
	for _, one := range b.gateways {
		if one.Result == "" && len(one.Accounts) == 1 {
			targets = append(targets, one)
		}
	}
	return targets
}

// plan finds out what would be sent.
func (b *breakGlass) plan(ctx context.Context) {
	each(b.targets(), func(g *atGateway) {
		plan, err := g.handler.PlanDisable(ctx, g.Accounts[0].ID)
		if err != nil {
			g.Result, g.Detail = resultFailed, err.Error()
			return
		}
		g.Result, g.Plan = resultPlanned, plan
	})
}

// disable does it.
func (b *breakGlass) disable(ctx context.Context) {
	each(b.targets(), func(g *atGateway) {
		done := g.handler.Disable(ctx, g.Accounts[0].ID, b.by)
		if done.Unrecorded != nil {
			g.Unrecorded = done.Unrecorded.Error()
		}
		switch {
		case done.Held:
			g.Result = resultProtected
		case done.Proof == translators.Refuted:
			g.Result = resultRefuted
		case done.Err != nil:
			g.Result = resultFailed
		case done.Proof != translators.Proven:
			g.Result, g.Detail = resultUnprovable, done.Reason
		case done.Written:
			g.Result = resultDisabled
		default:
			g.Result = resultWasOff
		}
		if done.Err != nil {
			g.Detail = done.Err.Error()
		}
	})
}

// verdict is nil only if the person is somewhere, and proven to be off wherever that
// is. Of a plan it is nil if there is one for each account.
func (b *breakGlass) verdict(person gateway.Person, isPlan bool) error {
	var bad []string
	found := false
	for _, one := range b.gateways {
		switch one.Result {
		case resultNotFound:
		case resultDisabled, resultWasOff, resultPlanned:
			found = true
		default:
			found = true
			bad = append(bad, one.Gateway)
		}
	}
	switch {
	case len(bad) > 0 && isPlan:
		return fmt.Errorf("there is no plan for %s", strings.Join(bad, ", "))
	case len(bad) > 0:
		return fmt.Errorf("%s is NOT proven to be off in %s", terminal.OneLine(person.Name+person.Filter), strings.Join(bad, ", "))
	case !found && person.Filter != "":
		return fmt.Errorf("nobody satisfies %s", terminal.OneLine(person.Filter))
	case !found:
		return fmt.Errorf("nobody is called %s: give the userName as the directory has it, the id, or a --filter such as 'emails.value eq \"ada@example.com\"'", terminal.OneLine(person.Name))
	}
	return nil
}

// String says it in a line, or a few.
func (g *atGateway) String() string {
	var s strings.Builder
	s.WriteString(g.Gateway + ": ")
	if len(g.Accounts) == 1 {
		fmt.Fprintf(&s, "%s (%s): ", terminal.OneLine(g.Accounts[0].UserName), g.Accounts[0].ID)
	}
	switch g.Result {
	case "":
		s.WriteString("found, nothing done")
	case resultDisabled:
		s.WriteString("disabled, proven")
	case resultWasOff:
		s.WriteString("was disabled already, proven")
	case resultUnprovable:
		s.WriteString("disabled, and it can't be proven")
	case resultRefuted, resultFailed:
		s.WriteString("NOT DISABLED, or not known to be")
	case resultProtected:
		s.WriteString("NOT DISABLED: protected")
	default:
		s.WriteString(g.Result)
	}
	if g.Detail != "" {
		s.WriteString(": " + g.Detail)
	}
	if len(g.Accounts) > 1 {
		for _, account := range g.Accounts {
			fmt.Fprintf(&s, "\n\t%s\t%s", account.ID, terminal.OneLine(account.UserName))
		}
	}
	if g.Plan != "" {
		s.WriteString("\n\n" + strings.TrimRight(g.Plan, "\n") + "\n")
	}
	return s.String()
}
