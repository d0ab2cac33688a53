package ldap

import (
	"context"
	"iter"
	"slices"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
)

// membersOf yields the members in a group's entry as ids, in the order of the
// directory. They are looked up in batches, a few of them ahead of the reader,
// so that no more than those are in memory beside the entry. What is not a served
// resource (a service account, a deleted person, the placeholder) is left out.
func (t *Translator) membersOf(ctx context.Context, k *kind, e *goldap.Entry) iter.Seq2[scim.Member, error] {
	return func(yield func(scim.Member, error) bool) {
		values := attributeValues(e, k.memberField)
		lookUp := t.membersByName
		if !k.memberIsDN {
			lookUp = t.membersByLogin
		}
		served := 0
		for batch, err := range ahead(ctx, values, func(ctx context.Context, batch []string) ([]scim.Member, error) {
			return lookUp(ctx, k, batch)
		}) {
			if err != nil {
				yield(scim.Member{}, err)
				return
			}
			for _, m := range batch {
				if !yield(m, nil) {
					return
				}
			}
			served += len(batch)
		}
		if c := t.logger.Check(zap.DebugLevel, "read the members of a group"); c != nil && served < len(values) {
			c.Write(zap.Int("members", served), zap.Int("left_out", len(values)-served))
		}
	}
}

// membersByName looks up members by their distinguished names.
func (t *Translator) membersByName(ctx context.Context, k *kind, values []string) ([]scim.Member, error) {
	names := make([]name, 0, len(values))
	for _, value := range values {
		if n := newName(withoutUID(value)); n.key != k.placeholder {
			names = append(names, n)
		}
	}
	found, err := t.lookUp(ctx, names, false)
	if err != nil {
		return nil, err
	}
	members := make([]scim.Member, 0, len(names))
	for _, n := range names {
		if ref := found[n.key]; ref.kind != nil {
			members = append(members, scim.Member{ID: ref.id, Type: ref.kind.served.Name})
		}
	}
	return members, nil
}

// membersByLogin looks up members by their login names, whose case counts in a
// posixGroup (RFC 2307 §5.4).
func (t *Translator) membersByLogin(ctx context.Context, _ *kind, values []string) ([]scim.Member, error) {
	filters := make([]string, len(values))
	for i, login := range values {
		filters[i] = "(" + fieldUID + "=" + goldap.EscapeFilter(login) + ")"
	}
	entries, err := t.search(ctx, t.users.request(anyOf(filters), []string{t.profile.id, fieldUID}, 0))
	if err != nil {
		return nil, t.batchFault("looking up members by login name", err)
	}
	ids := make(map[string]string, len(entries))
	for _, e := range entries {
		id, ok := t.profile.readID(e)
		if !ok {
			return nil, t.hiddenID()
		}
		for _, login := range attributeValues(e, fieldUID) {
			ids[login] = id
		}
	}
	members := make([]scim.Member, 0, len(values))
	for _, login := range values {
		if id := ids[login]; id != "" {
			members = append(members, scim.Member{ID: id, Type: t.users.served.Name})
		}
	}
	return members, nil
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
