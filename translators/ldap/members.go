package ldap

import (
	"context"
	"iter"
	"slices"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// membersOf yields the members of a group: those that its entry names, or all
// people in it where the groups in it are flattened.
func (t *Translator) membersOf(ctx context.Context, k *kind, e *goldap.Entry) iter.Seq2[scim.Member, error] {
	if k.isFlat {
		return t.flatMembersOf(ctx, k, e)
	}
	return t.directMembersOf(ctx, k, e)
}

// directMembersOf yields the members in a group's entry as ids, in the order of the
// directory. They are looked up in batches, a few of them ahead of the reader,
// so that no more than those are in memory beside the entry. What is not a served
// resource (a service account, a deleted person, the placeholder) is left out; but
// who was renamed after the group was read is no stranger, and ends in an error.
func (t *Translator) directMembersOf(ctx context.Context, k *kind, e *goldap.Entry) iter.Seq2[scim.Member, error] {
	return func(yield func(scim.Member, error) bool) {
		values := attributeValues(e, k.memberField)
		lookUp := t.membersByName
		if !k.memberIsDN {
			lookUp = t.membersByLogin
		}
		served := 0
		var strangers []string
		for batch, err := range ahead(ctx, values, func(ctx context.Context, batch []string) (resolved, error) {
			return lookUp(ctx, k, batch)
		}) {
			if err != nil {
				yield(scim.Member{}, err)
				return
			}
			for _, m := range batch.members {
				if !yield(m, nil) {
					return
				}
			}
			served += len(batch.members)
			strangers = append(strangers, batch.strangers...)
		}
		if err := t.stillNames(ctx, k, e, strangers); err != nil {
			yield(scim.Member{}, err)
			return
		}
		if c := t.logger.Check(zap.DebugLevel, "read the members of a group"); c != nil && served < len(values) {
			c.Write(zap.Int("members", served), zap.Int("left_out", len(values)-served))
		}
	}
}

// resolved is what became of a batch of members: who they are, and the values that
// may be resources and are none.
type resolved struct {
	members   []scim.Member
	strangers []string
}

// stillNames returns an error unless the group, which was read a while ago, names
// all of the values now: one that it does not name any more may be somebody whom
// it has under another name since. To leave him out would be to report a member's
// absence.
func (t *Translator) stillNames(ctx context.Context, k *kind, e *goldap.Entry, values []string) error {
	id, ok := t.profile.readID(e)
	if len(values) == 0 || !ok {
		return nil
	}
	present, err := t.readMembers(ctx, k, id)
	if err != nil {
		return err
	}
	named := make(map[string]bool, len(present))
	for _, v := range present {
		named[k.memberKey(v)] = true
	}
	if slices.ContainsFunc(values, func(v string) bool { return !named[k.memberKey(v)] }) {
		return errMembersChanged()
	}
	return nil
}

func errMembersChanged() error {
	return &translators.Error{Kind: translators.Unavailable, Detail: "The members of the group changed while they were read. Try again."}
}

// membersByName looks up members by their distinguished names.
func (t *Translator) membersByName(ctx context.Context, k *kind, values []string) (resolved, error) {
	names := make([]name, 0, len(values))
	for _, value := range values {
		if n := newName(withoutUID(value)); n.key != k.placeholder {
			names = append(names, n)
		}
	}
	found, err := t.lookUp(ctx, names, idAlone)
	if err != nil {
		return resolved{}, err
	}
	r := resolved{members: make([]scim.Member, 0, len(names))}
	for _, n := range names {
		if ref := found[n.key]; ref.kind != nil && t.canBeMember(ref.kind) {
			r.members = append(r.members, scim.Member{ID: ref.id, Type: ref.kind.served.Name})
		} else if slices.ContainsFunc(t.kinds, func(k *kind) bool { return t.canBeMember(k) && isBelowKey(n.key, k.baseKey) }) {
			r.strangers = append(r.strangers, n.text)
		}
	}
	return r, nil
}

// membersByLogin looks up members by their login names, whose case counts in a
// posixGroup (RFC 2307 §5.4).
func (t *Translator) membersByLogin(ctx context.Context, _ *kind, values []string) (resolved, error) {
	filters := make([]string, len(values))
	for i, login := range values {
		filters[i] = "(" + fieldUID + "=" + goldap.EscapeFilter(login) + ")"
	}
	entries, err := t.search(ctx, t.users.request(anyOf(filters), []string{t.profile.id, fieldUID}, 0))
	if err != nil {
		return resolved{}, t.batchFault("looking up members by login name", err)
	}
	ids := make(map[string]string, len(entries))
	for _, e := range entries {
		id, ok := t.profile.readID(e)
		if !ok {
			return resolved{}, t.hiddenID()
		}
		for _, login := range attributeValues(e, fieldUID) {
			ids[login] = id
		}
	}
	r := resolved{members: make([]scim.Member, 0, len(values))}
	for _, login := range values {
		if id := ids[login]; id != "" {
			r.members = append(r.members, scim.Member{ID: id, Type: t.users.served.Name})
		} else {
			r.strangers = append(r.strangers, login)
		}
	}
	return r, nil
}

// ahead yields what do makes of batches of items, in order, while the next few
// batches are under way. After an error nothing more comes. All that it started
// has ended when it returns.
func ahead[T, R any](ctx context.Context, items []T, do func(context.Context, []T) (R, error)) iter.Seq2[R, error] {
	type result struct {
		value R
		err   error
	}
	return func(yield func(R, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		rest := slices.Collect(slices.Chunk(items, batchSize))
		var pending []chan result
		for len(rest) > 0 || len(pending) > 0 {
			for len(rest) > 0 && len(pending) < batchesAhead {
				done, batch := make(chan result, 1), rest[0]
				pending, rest = append(pending, done), rest[1:]
				running.Go(func() {
					value, err := do(ctx, batch)
					done <- result{value, err}
				})
			}
			r := <-pending[0]
			pending = pending[1:]
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
	}
}
