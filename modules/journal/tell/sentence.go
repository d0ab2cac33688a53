package tell

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
)

// Actor says who did it. Where a person is expected and a provider did it, that is
// the SCIM system user, with its credential; a command names who gave it.
func Actor(e journal.Entry) string {
	if e.Address == "" {
		who := plain(e.Caller) + " (by command"
		if e.Why != "" {
			who += ", because \"" + plain(e.Why) + "\""
		}
		return who + ")"
	}
	token := plain(e.Caller)
	if e.Token != "" {
		token += " " + plain(e.Token) // after a rotation several have the name
	}
	return "SCIM system user (token " + token + ", from " + plain(e.Address) + ")"
}

// Sentence tells an entry in words, as a part of what happened to one person: of a
// group it tells what became of the person in it. ids are the person's at the
// gateway, name is what the person is called where the entry does not say it.
func Sentence(e journal.Entry, zone *time.Location, ids []string, name string) string {
	if e.Name != "" && e.Type == "User" {
		name = e.Name
	}
	verb, done, rest := deed(e, ids, plain(name))
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s ", moment(e.Time, zone), Actor(e))
	switch e.Result {
	case journal.Applied:
		b.WriteString(done)
	case journal.NotApplied:
		b.WriteString("tried to " + verb)
	case journal.Unknown:
		b.WriteString("tried to " + verb)
	default:
		b.WriteString("began to " + verb)
	}
	b.WriteString(" through " + plain(e.Gateway) + ending(e))
	if rest != "" {
		b.WriteString(" " + rest)
	}
	if e.Duration > 0 {
		b.WriteString(" It took " + duration(e.Duration) + ".")
	}
	if e.Note != "" {
		b.WriteString(" Closed: " + plain(e.Note) + ".")
	}
	return b.String()
}

// ending says what came of it, up to the full stop.
func ending(e journal.Entry) string {
	because := ""
	if e.Error != "" {
		because = " (" + plain(e.Error) + ")"
	}
	switch {
	case e.Result == journal.Unresolved:
		return ". WHAT CAME OF IT IS NOT KNOWN: the entry is open."
	case e.Result == journal.Unknown:
		return ". WHAT CAME OF IT IS NOT KNOWN: look in the backend" + because + "."
	case e.Result == journal.NotApplied:
		return ", and nothing was changed" + because + "."
	case e.Proof == "proven":
		return "; proven" + because + "."
	case e.Proof == "refuted":
		return "; it is NOT IN FORCE: reading it back refuted it" + because + "."
	case e.Proof == "failed":
		return "; NOT PROVEN: reading it back failed" + because + "."
	case e.Proof == "unprovable":
		return "; not proven: the backend can't tell whether it is in force" + because + "."
	}
	return because + "."
}

// deed says what was to be done, as the infinitive and as the past, and what stands
// in sentences of its own.
func deed(e journal.Entry, ids []string, name string) (verb, done, rest string) {
	both := func(present, past, object string) (string, string) {
		return present + " " + object, past + " " + object
	}
	if e.Type != "User" {
		verb, done = membership(e, ids, name)
		return verb, done, ""
	}
	if name == "" {
		name = plain(e.Resource)
	}
	rest = changed(e.Changes)
	switch e.Operation {
	case "create":
		verb, done = both("create", "created", name)
	case "delete":
		verb, done = both("delete", "deleted", name)
	case "disable":
		verb, done = both("disable", "disabled", name)
	case "enable":
		verb, done = both("enable", "enabled", name)
	default:
		verb, done = both("change", "changed", name)
	}
	return verb, done, rest
}

// membership says what becomes of a person in a group.
func membership(e journal.Entry, ids []string, name string) (verb, done string) {
	group := strings.ToLower(plain(e.Type)) + " " + plain(e.Name)
	if e.Name == "" {
		group = strings.ToLower(plain(e.Type)) + " " + plain(e.Resource)
	}
	isAmong := func(all []string) bool {
		return slices.ContainsFunc(all, func(id string) bool { return slices.Contains(ids, id) })
	}
	m := e.Members
	switch {
	case m == nil:
		return e.Operation + " " + group, e.Operation + "d " + group
	case isAmong(m.Removed):
		return "remove " + name + " from " + group, "removed " + name + " from " + group
	case m.ReplaceAll:
		return "make " + name + " one of all members of " + group, "made " + name + " one of all members of " + group
	case isAmong(m.Added):
		return "add " + name + " to " + group, "added " + name + " to " + group
	}
	return "change the members of " + group + ", " + name + " among them,", "changed the members of " + group + ", " + name + " among them,"
}

// changed tells changes in a sentence.
func changed(changes []journal.Change) string {
	var parts []string
	for _, c := range changes {
		if c.Attribute == "active" && c.To != nil {
			continue // that is what the sentence is about
		}
		attribute := plain(c.Attribute)
		switch {
		case c.Secret:
			parts = append(parts, attribute+" (a secret, which is not kept)")
		case c.Private:
			parts = append(parts, attribute+" (private)")
		case c.Omitted > 0:
			parts = append(parts, fmt.Sprintf("%s (%d bytes, too long to be kept)", attribute, c.Omitted))
		case len(c.To) == 0:
			parts = append(parts, attribute+" removed, which was "+side(c.From))
		case len(c.From) == 0:
			parts = append(parts, attribute+" "+side(c.To))
		default:
			parts = append(parts, attribute+" from "+side(c.From)+" to "+side(c.To))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "The changes: " + strings.Join(parts, "; ") + "."
}

// isFalse reports whether a change makes active false.
func isFalse(changes []journal.Change) bool {
	return slices.ContainsFunc(changes, func(c journal.Change) bool {
		var active bool
		return c.Attribute == "active" && json.Unmarshal(c.To, &active) == nil && !active
	})
}
