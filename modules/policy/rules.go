package policy

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Defaults returns r with the defaults of the rules given to the paths that
// have no value. It is for creating; r is not changed.
func Defaults(rules []translators.Rule, r *scim.Resource) (*scim.Resource, error) {
	filled := r
	for _, rule := range rules {
		if (rule.Default == "" && len(rule.From) == 0) || !rule.Path.Value(filled).IsAbsent() {
			continue
		}
		value := defaultOf(rule, filled)
		if value.IsAbsent() {
			continue
		}
		with, err := scim.Apply(filled, []scim.Change{{Op: scim.Add, Path: rule.Path, Value: value}})
		if err != nil {
			return nil, err
		}
		filled = with
	}
	return filled, nil
}

// defaultOf returns the first value that the rule's sources have, or its
// constant.
func defaultOf(rule translators.Rule, r *scim.Resource) scim.Value {
	for _, source := range rule.From {
		if items := source.Value(r).Items(); len(items) > 0 {
			return items[0]
		}
	}
	if rule.Default == "" {
		return scim.Value{}
	}
	value, err := scim.Coerce(rule.Path.Leaf(), scim.String(rule.Default))
	if err != nil {
		return scim.Value{}
	}
	return value
}

// Settle applies the rules that decide about an update: values that are set on
// create only keep what they are, and a required value that is taken away gets
// its default. It returns after as it is to be, and the paths whose change was
// dropped. Another name for somebody whom providers find by it is refused: who is
// told that all is well looks for the new one, finds nobody, and creates a second.
func Settle(rules []translators.Rule, before, after *scim.Resource) (settled *scim.Resource, dropped []string, err error) {
	settled = after
	for _, rule := range rules {
		old, wanted := rule.Path.Value(before), rule.Path.Value(settled)
		if old.Equal(wanted) {
			continue
		}
		value := wanted
		switch {
		case rule.CreateOnly && isAnotherName(rule.Path.Leaf(), old, wanted):
			return nil, nil, scim.Invalid(scim.MutabilityErr, "%s can't be changed: it stays what it was set to when this was created. "+
				"Take it out of what the provider updates, or create the new one and delete the old one.", rule.Path)
		case rule.CreateOnly:
			value = old
			dropped = append(dropped, rule.Path.String())
		case wanted.IsAbsent() && (rule.Default != "" || len(rule.From) > 0):
			value = defaultOf(rule, settled)
		}
		if value.Equal(wanted) {
			continue
		}
		op := scim.Replace
		if value.IsAbsent() {
			op = scim.Remove
		}
		if settled, err = scim.Apply(settled, []scim.Change{{Op: op, Path: rule.Path, Value: plain(rule.Path, value)}}); err != nil {
			return nil, nil, err
		}
	}
	return settled, dropped, nil
}

// isAnotherName reports whether a value that is unique, and so may be what somebody is
// found by, becomes another.
func isAnotherName(a *scim.Attribute, old, wanted scim.Value) bool {
	if a.Uniqueness == scim.UniqueNone || wanted.IsAbsent() {
		return false
	}
	return a.CaseExact || !strings.EqualFold(old.Text(), wanted.Text())
}

// plain returns the only item of a list that a selector found: what stands at
// emails[type eq "work"].value is a value, not a list of one.
func plain(p scim.Path, v scim.Value) scim.Value {
	if p.Selector != nil && len(v.Items()) == 1 {
		return v.Items()[0]
	}
	return v
}

// Demand checks what the rules demand of r: required values are there, and
// values stand in their list. Only rules about the attributes that concern names
// are looked at: a value that is not touched is not complained of.
func Demand(rules []translators.Rule, r *scim.Resource, concerns func(*scim.Attribute) bool) error {
	for _, rule := range rules {
		if !concerns(rule.Path.Attribute) {
			continue
		}
		items := rule.Path.Value(r).Items()
		if rule.Required && len(items) == 0 {
			return scim.Invalid(scim.InvalidValue, "%s is required and has no value. Map it at the provider.", rule.Path)
		}
		for _, item := range items {
			if len(rule.OneOf) > 0 && !slices.Contains(rule.OneOf, item.Text()) {
				return scim.Invalid(scim.InvalidValue, "%s has a value that is not allowed: it must be one of %s, spelt exactly so.",
					rule.Path, strings.Join(rule.OneOf, ", "))
			}
		}
	}
	for _, f := range r.Fields() {
		if f.Attribute.IsComplex() && concerns(f.Attribute) {
			if err := demandParts(f.Attribute, f.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// demandParts checks that each value of a complex attribute has the parts that its
// schema requires. What can only be written was never read, so that nobody knows.
func demandParts(a *scim.Attribute, v scim.Value) error {
	for _, s := range a.SubAttributes {
		if !s.Required || s.Mutability == scim.ReadOnly || s.Mutability == scim.WriteOnly {
			continue
		}
		for _, item := range v.Items() {
			if item.Sub(s).IsAbsent() {
				return scim.Invalid(scim.InvalidValue, "%s is required in each %s and has no value. Map it at the provider.", s, a)
			}
		}
	}
	return nil
}

// Everything is for [Demand] on create: all rules count.
func Everything(*scim.Attribute) bool { return true }

// Changed is for [Demand] on update: the rules about what differs count.
func Changed(differences []scim.Difference) func(*scim.Attribute) bool {
	return func(a *scim.Attribute) bool {
		return slices.ContainsFunc(differences, func(d scim.Difference) bool { return d.Attribute == a })
	}
}
