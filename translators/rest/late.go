package rest

import (
	"context"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/translators"
)

// noteLate tells the host that a request was sent and not answered, if it could make an
// account active when it is carried out late: a record that is written as it was read, for
// one. That a repetition of it was answered says nothing of the first.
func (l *lookup) noteLate(ctx context.Context) {
	if !l.s.isWrite || l.s.onlyReads() {
		return
	}
	if k, id := l.mayActivate(); k != nil {
		translators.MayComeLate(ctx, k.served.ResourceType, id)
	}
}

// mayActivate returns the account that the request could make active, if there is one.
func (l *lookup) mayActivate() (*kind, string) {
	s, with := l.s, l.with
	users := l.t.users
	switch {
	case users == nil || users.active == nil || with.isDisable:
		return nil, ""
	case s.op == OpAddMember, s.op == OpRemoveMember:
		if m := s.kind.membership; with.member != nil && m != nil && m.writesWhatItReads(s.op) {
			return users, with.member.Resource.ID
		}
		return nil, ""
	case s.kind != users:
		return nil, ""
	}
	switch s.op {
	case OpEnable, OpSecret:
		return users, with.id
	case OpUpdate:
		if s.sendsActive() || with.writesActive() {
			return users, with.id
		}
	}
	return nil, ""
}

// sendsActive reports whether an update sends more of an account than what changes, so
// that whether it is active may be among it.
func (s *step) sendsActive() bool {
	if s.body != nil && s.body.isWhole || len(s.kind.config.Values) > 0 {
		return true
	}
	for name := range s.names {
		head, _, _ := strings.Cut(name, ".")
		if head == "record" || strings.EqualFold(name, "active") {
			return true
		}
	}
	return false
}

// writesActive reports whether the fields that change have one of active.
func (with *scope) writesActive() bool {
	l := with.kind.activeLeaf()
	return l != nil && slices.ContainsFunc(with.fields, func(f fieldValue) bool { return slices.Contains(l.Fields, f.path.String()) })
}
