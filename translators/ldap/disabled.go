package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// mostDisabled bounds the entries among which somebody who is disabled is looked for.
const mostDisabled = 20

// FindDisabled implements [translators.DisabledFinder]. It looks where accounts are that
// are disabled, for entries that are locked, whatever the filter of the configuration
// says of locks.
func (t *Translator) FindDisabled(ctx context.Context) (translators.DisabledAccount, error) {
	k := t.users
	there, err := k.whereLocked()
	if err != nil {
		return translators.DisabledAccount{}, err
	}
	s := translators.Selection{Attributes: []*scim.Attribute{k.active}}
	if name := k.served.Attribute("userName"); name != nil {
		s.Attributes = append(s.Attributes, name)
	}
	found, _, err := t.searchUpTo(ctx, there, everything, t.attributesOf(k, s), mostDisabled)
	if err != nil {
		return translators.DisabledAccount{}, err
	}
	for _, e := range found {
		if !areLocked(k.locks, e) {
			continue
		}
		entry, err := t.entryOf(ctx, k, e, s)
		return translators.DisabledAccount{Entry: entry,
			Remedy: fmt.Sprintf("see what in the filter of users, %s, leaves them out, and what the account of scimgate may see", k.filter)}, err
	}
	return translators.DisabledAccount{Remedy: "nobody there is disabled; disable somebody, and check again"}, nil
}

// whereLocked is the kind as it would be if all that is known of an entry were that it is
// locked.
func (k *kind) whereLocked() (*kind, error) {
	filter, err := k.filterOfLocked()
	if err != nil {
		return nil, err
	}
	config, there := *k.config, *k
	terms := []clause{filter}
	for _, l := range k.locks {
		terms = append(terms, clause(l.filter(true)))
		if container := l.parent(true); container != nil {
			config.Base, there.scope = container.String(), goldap.ScopeWholeSubtree
		}
	}
	filter = everything
	for _, term := range terms {
		if term != "" {
			filter = allOf(filter, term)
		}
	}
	there.config, there.filter = &config, string(filter)
	if filter == everything {
		there.filter = "(objectClass=*)"
	}
	return &there, nil
}

// checkFilter refuses a filter that no account satisfies that is disabled.
func (k *kind) checkFilter() error {
	filter, err := k.filterOfLocked()
	if err == nil && filter == nothing && len(k.locks) > 0 {
		return fmt.Errorf("filter %s leaves out who is disabled, so that disabled accounts would not be found, nor enabled again: take %s out of it",
			k.filter, strings.Join(lockAttributes(k.locks), ", "))
	}
	return err
}

// filterOfLocked is what the filter of the configuration says of entries that are locked.
// What it says of the lock and is not known beforehand is taken as it lets most through.
func (k *kind) filterOfLocked() (clause, error) {
	packet, err := goldap.CompileFilter(k.filter)
	if err != nil {
		return "", fmt.Errorf("reading the filter %s: %w", k.filter, err)
	}
	return k.ofLocked(packet, false), nil
}

func (k *kind) ofLocked(p *ber.Packet, isNegated bool) clause {
	switch p.Tag {
	case goldap.FilterAnd, goldap.FilterOr:
		terms := make([]clause, len(p.Children))
		for i, child := range p.Children {
			terms[i] = k.ofLocked(child, isNegated)
		}
		if p.Tag == goldap.FilterAnd {
			return allOf(terms...)
		}
		return oneOf(terms...)
	case goldap.FilterNot:
		return noneOf(k.ofLocked(p.Children[0], !isNegated))
	}
	most := everything // that lets most through
	if isNegated {
		most = nothing
	}
	switch k.holdsOfLocked(p) {
	case holds:
		return everything
	case fails:
		return nothing
	case mayHold:
		return most
	}
	text, err := goldap.DecompileFilter(p)
	if err != nil {
		return most
	}
	return clause(text)
}

// assertion is what is known of an assertion on an entry that is locked.
type assertion int

const (
	isOfOther assertion = iota // it is not about a lock
	mayHold
	holds
	fails
)

// holdsOfLocked says whether an assertion of a filter holds of an entry that is locked.
func (k *kind) holdsOfLocked(p *ber.Packet) assertion {
	attribute, value := asserted(p)
	for _, l := range k.locks {
		locked, enabled := "", ""
		switch l := l.(type) {
		case directoryLock:
			locked, enabled = l.locked, l.enabled
		case attributeLock:
			locked, enabled = l.disabled, l.enabled
		}
		isAbout := slices.ContainsFunc(l.attributes(), func(name string) bool { return strings.EqualFold(name, attribute) })
		switch {
		case !isAbout:
			continue
		case p.Tag == goldap.FilterPresent, p.Tag == goldap.FilterEqualityMatch && strings.EqualFold(value, locked):
			return holds
		case p.Tag == goldap.FilterEqualityMatch && enabled != "" && strings.EqualFold(value, enabled):
			return fails
		}
		return mayHold
	}
	return isOfOther
}

// asserted are the attribute that an assertion is about, without options, and the value
// that it compares with, where it does.
func asserted(p *ber.Packet) (attribute, value string) {
	text := func(p *ber.Packet) string { return ber.DecodeString(p.Data.Bytes()) }
	switch {
	case p.Tag == goldap.FilterPresent:
		attribute = text(p)
	case p.Tag == goldap.FilterExtensibleMatch:
		for _, child := range p.Children {
			if child.Tag == goldap.MatchingRuleAssertionType {
				attribute = text(child)
			}
		}
	case len(p.Children) == 2:
		attribute, value = text(p.Children[0]), text(p.Children[1])
	}
	attribute, _, _ = strings.Cut(attribute, ";")
	return attribute, value
}

// Interface guard
var _ translators.DisabledFinder = (*Translator)(nil)
