package rehearse

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// cleanUp removes what was created and returns how much that was and what is left. It has a time of its
// own: that the rehearsal was interrupted does not interrupt it, Abort does.
func (r *run) cleanUp(ctx context.Context) (removed int, left []Left) {
	if r.own.count() == 0 {
		return 0, []Left{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.CleanUp)
	defer cancel()
	if r.Abort != nil {
		go func() {
			select {
			case <-r.Abort:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	late := r.own.unanswered()
	lost := r.resolve(ctx)
	if r.Keep {
		for _, one := range r.own.left() {
			one.Why, one.OnPurpose = "--keep", true
			lost = append(lost, one)
		}
		return 0, lost
	}
	for round := range rounds {
		var now int
		now, left = r.removeAll(ctx)
		removed += now
		if len(late) == 0 || round == rounds-1 || pause(ctx, roundPause) != nil {
			break
		}
		// A creation without an answer may come behind the removal of who had the
		// name before: of a person created twice the second one.
		for _, one := range late {
			_, _ = r.adopt(ctx, one.kind, one.key) // a fault now leaves what is known already
		}
	}
	return removed, append(lost, left...)
}

// removeAll removes what there is and returns how much that was, and what is left.
func (r *run) removeAll(ctx context.Context) (removed int, left []Left) {
	for _, one := range r.own.left() {
		r.Report.Cleaning(r.own.count())
		if r.remove(ctx, &one) {
			r.own.removed(one.Kind, one.ID)
			removed++
			continue
		}
		left = append(left, one)
	}
	r.Report.Cleaning(0)
	return removed, left
}

// rounds is how often what was perhaps created is looked for, with a pause
// before each further time: a creation that was cut off may still be under way.
const (
	rounds     = 4
	roundPause = 500 * time.Millisecond
)

// resolve finds out what became of creations that were not answered, and returns
// those of which that can't be known.
func (r *run) resolve(ctx context.Context) []Left {
	failed := make(map[belonging]error)
	for round := range rounds {
		lost, isOpen := r.own.lost()
		if len(lost) == 0 || round > 0 && (!isOpen || pause(ctx, roundPause) != nil) {
			break
		}
		for _, one := range lost {
			_, failed[one] = r.adopt(ctx, one.kind, one.key)
		}
	}
	left := []Left{}
	lost, _ := r.own.lost()
	for _, one := range lost {
		if failed[one] != nil {
			left = append(left, Left{Kind: one.kind, Name: one.key, Why: "its creation was not answered, and looking for it failed: " + failed[one].Error()})
		}
		r.own.settle(one.kind, one.key)
	}
	return left
}

// adopt looks for resources that were created under a name of ours and takes them
// over, with those that a server has wrongly created beside them.
func (r *run) adopt(ctx context.Context, kind Kind, name string) ([]string, error) {
	query := strings.ReplaceAll("filter="+escape(equals(kind.nameAttribute(), name)), "+", "%20")
	x := r.client.do(ctx, request{operation: "lookup", method: http.MethodGet, kind: kind, query: query, readBack: true})
	if x.err != nil {
		return nil, x.err
	}
	if x.status == http.StatusNotFound || x.status == http.StatusNotImplemented {
		return nil, nil // some answer an empty list so
	}
	v, err := decode(x.answer)
	if x.status != http.StatusOK || err != nil {
		return nil, fmt.Errorf("%s was answered %d", what(x), x.status)
	}
	var ids []string
	found, _ := member(v, "Resources").([]any)
	for _, one := range found {
		if r.own.own(kind, text(one, "id"), text(one, kind.nameAttribute()), name) == nil {
			ids = append(ids, text(one, "id"))
		}
	}
	return ids, nil
}

// confirm takes over what an answer says was created, if reading it by its id
// shows the name that was sent: an answer alone could name anybody's id.
func (r *run) confirm(ctx context.Context, kind Kind, id, name string) error {
	if id == "" {
		return fmt.Errorf("the answer to the creation of %s has no id", name)
	}
	x := r.client.do(ctx, request{operation: "read", method: http.MethodGet, kind: kind, id: id, readBack: true})
	if x.err != nil {
		return fmt.Errorf("reading what was created: %w", x.err)
	}
	v, err := decode(x.answer)
	if x.status != http.StatusOK || err != nil {
		return fmt.Errorf("%s %s was created, and reading it is answered %d", kind, id, x.status)
	}
	return r.own.own(kind, id, text(v, kind.nameAttribute()), name)
}

// remove deletes one resource and reports whether it is gone; if not, it says
// why.
func (r *run) remove(ctx context.Context, one *Left) bool {
	x := r.client.do(ctx, request{operation: "delete", method: http.MethodDelete, kind: one.Kind, id: one.ID})
	isAccepted := x.status == http.StatusNotFound || x.status/100 == 2
	switch {
	case x.err != nil:
		one.Why = x.err.Error()
	case !isAccepted:
		one.Why = strings.TrimSuffix(fmt.Sprintf("DELETE was answered %d: %s", x.status, detail(x)), ": ")
	}
	if ctx.Err() != nil {
		return false
	}
	if isAccepted {
		x = r.client.do(ctx, request{operation: "read", method: http.MethodGet, kind: one.Kind, id: one.ID, readBack: true})
		if x.status == http.StatusNotFound {
			return true
		}
	}
	if one.Kind != User {
		return false
	}
	return r.disableLeft(ctx, one, isAccepted)
}

// disableLeft sees to it that a user who can't be removed is at least disabled.
func (r *run) disableLeft(ctx context.Context, one *Left, wasDeleted bool) bool {
	isDisabled := func() bool {
		x := r.client.do(ctx, request{operation: "read", method: http.MethodGet, kind: User, id: one.ID, readBack: true})
		v, err := decode(x.answer)
		return err == nil && x.status == http.StatusOK && member(v, "active") == false
	}
	if wasDeleted && isDisabled() {
		one.Why, one.OnPurpose = "DELETE disables here: the account is disabled, and stays", true
		return false
	}
	if wasDeleted {
		one.Why = "DELETE was answered as if it had worked, and the user is still there"
	}
	r.client.do(ctx, request{
		operation: "disable", method: http.MethodPatch, kind: User, id: one.ID,
		body: object{"schemas", list{patchURN}, "Operations", list{op("replace", "active", false)}},
	})
	if isDisabled() {
		one.Why += "; it is disabled"
	} else {
		one.Why += "; it is ACTIVE"
	}
	return false
}
