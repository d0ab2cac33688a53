package ldap

import (
	"context"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"
)

// The bounds of present: how many values one question names, and how many
// questions are asked before it is cheaper to read all members.
const (
	valuesPerQuestion = 200
	questionsAtMost   = 200
)

// present returns which of the values are members of the group, without reading
// the others: by asking whether all are, whether any is, and so on with halves.
// After an unlucky repetition of a long request mostly all are, or those in front.
func (t *Translator) present(ctx context.Context, c *entryCall, dn string, values []string) (map[string]bool, error) {
	q := &question{t: t, call: c, dn: dn, there: make(map[string]bool, len(values))}
	for batch := range slices.Chunk(values, valuesPerQuestion) {
		if err := q.sift(ctx, batch); err != nil {
			return nil, err
		}
	}
	return q.there, nil
}

type question struct {
	t     *Translator
	call  *entryCall
	dn    string
	asked int
	all   map[string]bool // by memberKey, once they were read
	there map[string]bool
}

func (q *question) sift(ctx context.Context, values []string) error {
	if q.asked >= questionsAtMost {
		return q.readAll(ctx, values)
	}
	all, err := q.ask(ctx, "(&", values)
	if err != nil {
		return err
	}
	if all {
		for _, v := range values {
			q.there[v] = true
		}
		return nil
	}
	if len(values) == 1 {
		return nil
	}
	some, err := q.ask(ctx, "(|", values)
	if err != nil || !some {
		return err
	}
	half := len(values) / 2
	if err := q.sift(ctx, values[:half]); err != nil {
		return err
	}
	return q.sift(ctx, values[half:])
}

// ask reports whether the group satisfies all, or any, of the values.
func (q *question) ask(ctx context.Context, operator string, values []string) (bool, error) {
	q.asked++
	field := q.call.k.memberField
	f := operator
	for _, v := range values {
		f += equality(field, v, true)
	}
	request := goldap.NewSearchRequest(q.dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
		"(&"+q.call.identity("")+f+"))", []string{noAttributes}, nil)
	entries, err := q.t.search(ctx, request)
	if err != nil {
		return false, err
	}
	return len(entries) > 0, nil
}

// noAttributes asks for none (RFC 4511 §4.5.1.8).
const noAttributes = "1.1"

func (q *question) readAll(ctx context.Context, values []string) error {
	if q.all == nil {
		present, err := q.t.readMembers(ctx, q.call.k, q.call.id)
		if err != nil {
			return err
		}
		q.all = make(map[string]bool, len(present))
		for _, v := range present {
			q.all[q.call.k.memberKey(v)] = true
		}
	}
	for _, v := range values {
		if q.all[q.call.k.memberKey(v)] {
			q.there[v] = true
		}
	}
	return nil
}
