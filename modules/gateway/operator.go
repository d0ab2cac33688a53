package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Silence keeps the gateway from logging. It is for commands, which tell by
// themselves what became of what they did.
func (h *Handler) Silence() { h.log = zap.NewNop() }

// Unjournaled says that the journal can't be written, and why: no command waits for it.
func (h *Handler) Unjournaled(why error) { h.unjournaled = why }

// Person is whom an operator means.
type Person struct {
	Name   string // a userName, in any case, or an id; or
	Filter string // a SCIM filter
}

// Account is what a gateway's backend has of a person.
type Account struct {
	ID       string `json:"id"`
	UserName string `json:"userName"`
	Active   bool   `json:"active"`
}

// mostAccounts is how many accounts are told of a person who is not one alone.
const mostAccounts = 20

// ErrNoUsers says that nobody can be found: only other resources are there.
var ErrNoUsers = errors.New("the gateway serves no users")

// Find returns the accounts that the person may be: none, one, or several of which
// nobody but the operator can tell which is meant. A fault is an error, and never
// nobody (DESIGN §4 rule 1).
func (h *Handler) Find(ctx context.Context, person Person) ([]Account, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.Timeout))
	defer cancel()
	users := h.users()
	if users == nil {
		return nil, ErrNoUsers
	}
	release, err := h.translator.Lease()
	if err != nil {
		return nil, err
	}
	defer release()
	wanted := translators.Selection{Attributes: h.known(users, namesOf(users))}
	if active := activeOf(users); active != nil {
		wanted.Attributes = append(wanted.Attributes, active)
	}
	var found []*translators.Entry
	if person.Filter != "" {
		filter, err := scim.ParseFilter(users, person.Filter, scim.DefaultFilterLimits)
		if err != nil {
			return nil, fmt.Errorf("the filter: %s", scim.AsError(err).Detail)
		}
		found, err = h.searchFor(ctx, users, filter, wanted)
		if err != nil {
			return nil, err
		}
	} else if found, err = h.named(ctx, users, person.Name, wanted); err != nil {
		return nil, err
	}
	accounts := make([]Account, 0, len(found))
	for _, entry := range found {
		r := entry.Resource
		isActive, isSet := r.IsActive()
		accounts = append(accounts, Account{ID: r.ID, UserName: nameOf(r), Active: isActive || !isSet})
	}
	return accounts, nil
}

// named finds those who have the name as their userName or their id.
func (h *Handler) named(ctx context.Context, users *scim.ResourceType, name string, wanted translators.Selection) ([]*translators.Entry, error) {
	var found []*translators.Entry
	if userName := users.Attribute("userName"); userName != nil {
		filter := scim.Compare{Target: scim.Target{Attribute: userName}, Operator: scim.Equal, Value: scim.String(name)}
		var err error
		if found, err = h.searchFor(ctx, users, filter, wanted); err != nil {
			return nil, err
		}
	}
	byID, err := h.translator.Read(ctx, users, []string{name}, wanted)
	if err != nil {
		return nil, err
	}
	for _, entry := range byID {
		if len(found) != 1 || found[0].Resource.ID != entry.Resource.ID {
			found = append(found, entry)
		}
	}
	return found, nil
}

func (h *Handler) searchFor(ctx context.Context, users *scim.ResourceType, filter scim.Filter, wanted translators.Selection) ([]*translators.Entry, error) {
	result, err := h.translator.Search(ctx, translators.Query{Type: users, Filter: filter, Selection: wanted, Limit: mostAccounts})
	if err != nil {
		return nil, err
	}
	if result.More {
		return nil, fmt.Errorf("more than %d accounts match: ask more narrowly", mostAccounts)
	}
	return result.Entries, nil
}

func activeOf(users *scim.ResourceType) *scim.Attribute {
	if a := users.Attribute("active"); a != nil && a.Schema() == users.Schema.ID {
		return a
	}
	return nil
}

// Operator is who acts on the machine itself, by a command.
type Operator struct {
	Name string // the user and the host
	Why  string
}

// operatorRecords is how long a command waits for the journal, without which it goes on.
const operatorRecords = 3 * time.Second

// Disabling is what became of a disable that an operator has asked for.
type Disabling struct {
	Proof translators.ProofStatus // "" where it was not tried
	// Reason says what is behind a proof other than proven.
	Reason string
	// Written is whether the backend was changed, or may have been. A proven account
	// for which nothing was written had been off before.
	Written bool
	// Held is whether the configuration, by protection, has kept it from being done.
	Held bool
	// Err is why it was not done, or is not proven, for the operator's eyes: with the
	// backend's own words.
	Err error
	// Unrecorded is why the journal does not have it, or not its outcome.
	Unrecorded error
}

// Disable makes an account's active false, and proves it: through protection, plan,
// journal and proof as a request would. It is a deliberate act of somebody who may
// change the configuration, when a person has to go: neither the brake, which is for
// the provider's mistakes, nor dry_run, nor a switch holds it back, and a journal
// that can't be written does not either.
func (h *Handler) Disable(ctx context.Context, id string, by Operator) Disabling {
	x := h.newCommand(id, by)
	x.byOperator(ctx)
	done := Disabling{
		Proof: x.proof, Reason: x.reason, Written: x.calls > 0, Err: x.err, Unrecorded: x.unrecorded,
		Held: errors.Is(x.err, policy.ErrHeldBack),
	}
	if e := scim.AsError(done.Unrecorded); e != nil && e.Err != nil {
		done.Unrecorded = e.Err // the other part says that nothing was done
	}
	if done.Err != nil {
		done.Err = x.told(done.Err)
	} else if done.Proof == "" {
		done.Err = errors.New("the gateway did not answer: see its log") // a panic was caught
	}
	return done
}

// PlanDisable returns the calls by which [Handler.Disable] would disable, and makes
// none of them.
func (h *Handler) PlanDisable(ctx context.Context, id string) (string, error) {
	x := h.newCommand(id, Operator{})
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.Timeout))
	defer cancel()
	op, err := x.disabling()
	if err != nil {
		return "", err
	}
	release, err := h.translator.Lease()
	if err != nil {
		return "", err
	}
	defer release()
	x.op = op
	intent, err := x.updateIntent(ctx, op)
	if err != nil {
		return "", x.told(err)
	}
	plan, err := h.translator.Plan(ctx, intent)
	if err != nil {
		return "", x.told(err)
	}
	return PlanText(plan), nil
}

// newCommand makes an exchange that no request stands behind.
func (h *Handler) newCommand(id string, by Operator) *exchange {
	var request [8]byte
	_, _ = rand.Read(request[:])
	return &exchange{
		h: h, edge: new(bulkEdge), isListed: true, method: http.MethodPatch, path: "/Users/" + id, resource: id,
		id: hex.EncodeToString(request[:]), started: time.Now(), operation: "none",
		caller: access.Caller{Name: by.Name}, operator: &by,
	}
}

// disabling is the operation of a command.
func (x *exchange) disabling() (*scim.Operation, error) {
	users := x.h.users()
	if users == nil {
		return nil, ErrNoUsers
	}
	if activeOf(users) == nil {
		return nil, errors.New("nobody can be disabled through this gateway: its users block has no line disable")
	}
	return disabling(&scim.Operation{Action: scim.ActionUpdate, Type: users, ID: x.resource})
}

// byOperator takes a command through the stages, from read on. It is finished also
// when ctx ends meanwhile.
func (x *exchange) byOperator(ctx context.Context) {
	defer x.finish()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(x.h.Timeout))
	defer cancel()
	op, err := x.disabling()
	if err != nil {
		x.disables = true
		x.fail(err)
		return
	}
	x.perform(ctx, op, nil)
}

// told is what an operator is told of an error: what the provider would be told, and
// the cause, which the provider never learns.
func (x *exchange) told(err error) error {
	answer := x.errorAnswer(err)
	if answer.Status == http.StatusInternalServerError && answer.Err != nil {
		return answer.Err
	}
	if answer.Err != nil && !errors.Is(answer.Err, policy.ErrHeldBack) && scim.AsError(answer.Err) == nil {
		return fmt.Errorf("%s (%w)", answer.Detail, answer.Err)
	}
	return errors.New(answer.Detail)
}
