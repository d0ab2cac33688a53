package rest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// Check implements [translators.Translator]. It makes calls that read and nothing else:
// a lookup of a name that nobody has, a read of an id that nobody has, the first row of
// a list, and one record.
func (t *Translator) Check(ctx context.Context) []translators.Finding {
	var findings []translators.Finding
	for _, k := range t.kinds {
		c := &checker{t: t, k: k}
		for _, look := range []func(context.Context){c.lookUpNobody, c.firstRow, c.readNobody, c.readSomebody, c.lookAtAbsent} {
			if look(ctx); c.isAway {
				return append(findings, c.findings...)
			}
		}
		if len(c.findings) == 0 {
			c.say(translators.LevelOK, "the application answers as it is configured.")
		}
		findings = append(findings, c.findings...)
	}
	return findings
}

// checker looks at one resource type.
type checker struct {
	t        *Translator
	k        *kind
	findings []translators.Finding
	isAway   bool   // there is no use in asking on
	id       string // of a record that is there
}

func (c *checker) say(level translators.Level, format string, args ...any) {
	c.findings = append(c.findings, translators.Finding{Level: level, Detail: c.k.block + ": " + fmt.Sprintf(format, args...)})
}

// fails reports what a call came to: in the words of our log, because they name what was
// looked for and what came.
func (c *checker) fails(what string, err error) {
	detail, advice := err.Error(), "; compare item, items, id, page and not_found with what curl shows of this call"
	if e, is := errors.AsType[*translators.Error](err); is && e.Err != nil {
		detail = e.Err.Error()
		cause, isUnanswered := errors.AsType[*web.Error](e.Err)
		switch {
		case errors.Is(err, errUntold):
			advice = "; say what a record without that means, such as record.?state.orValue(\"\") == \"RETIRED\""
		case e.Detail == notSignedIn, e.Kind == translators.Refused:
			detail, advice = e.Detail+" ("+detail+")", ""
			c.isAway = e.Detail == notSignedIn
		case isUnanswered && cause.Reason == "too_large":
			detail, advice = e.Detail, ""
		case isUnanswered, e.RetryAfter > 0:
			advice = "; nothing else is tried: look whether the application runs at the address of the line translator, and whether this machine may connect to it"
			c.isAway = true
		}
	}
	c.t.logger.Sugar().Errorw("the check of the application fails", "doing", what, "error", err)
	c.say(translators.LevelError, "%s fails: %s%s", what, detail, advice)
}

// lookUpNobody searches for a name that nobody has.
func (c *checker) lookUpNobody(ctx context.Context) {
	k := c.k
	if k.name == nil {
		return
	}
	filter := scim.Compare{Target: scim.Target{Attribute: k.name}, Operator: scim.Equal, Value: scim.String("scimgate-check-" + strings.ToLower(rand.Text()))}
	if _, ok := k.questions(filter); !ok && !(k.has(OpList) && k.config.FilterList) {
		if len(k.config.Fixed) == 0 {
			c.say(translators.LevelWarning, "nothing answers the filter %s eq, by which providers look people up: add a search call for it, or filter_list", k.name)
		}
		return
	}
	_, _, err := c.t.gather(ctx, k, filter, translators.Selection{}, 1)
	if err != nil {
		c.fails("looking up a "+k.name.Name+" that nobody has", err)
	}
}

// firstRow takes the first row of the list.
func (c *checker) firstRow(ctx context.Context) {
	if !c.k.has(OpList) {
		return
	}
	reads := 0
	err := c.t.eachRow(ctx, c.k, inquiry{list: true}, 0, func(h *handle) error {
		if h.isUnsure {
			reads++
			if there, err := c.t.record(ctx, c.k, h.id, look{}); err != nil || there == nil && reads < mostAbsentRead {
				return err // or the next
			} else if there == nil {
				return errEnough
			}
		}
		c.id = h.id
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		c.fails("listing", err)
	}
}

// readNobody reads an id that nobody has, of the form that ids have here.
func (c *checker) readNobody(ctx context.Context) {
	k := c.k
	if !k.has(OpRead) {
		return
	}
	id := strings.ToLower(rand.Text())
	isNumber := k.config.IDIsNumber || c.id != "" && !strings.ContainsFunc(c.id, func(r rune) bool { return !unicode.IsDigit(r) })
	if isNumber {
		id = strconv.Itoa(1_900_000_000 + int(time.Now().UnixNano()%100_000_000))
	}
	h, err := c.t.record(ctx, k, id, look{})
	switch {
	case err != nil:
		isFirst := len(c.findings) == 0
		c.fails("reading an id that nobody has", err)
		if isFirst && !c.isAway {
			c.say(translators.LevelError, "the application's answer for an id that nobody has is not understood as \"there is none\": say what it is, such as not_found 400 or not_found 200 \"unknown user\" in the call of read")
		}
	case h != nil:
		c.say(translators.LevelError, "the application has a record for an id that nobody should have: read does not ask for one id; name {id} in its URL")
	}
}

// readSomebody reads the record of the first row.
func (c *checker) readSomebody(ctx context.Context) {
	k := c.k
	if c.id == "" {
		return
	}
	h, err := c.t.record(ctx, k, c.id, k.everything())
	switch {
	case err != nil:
		c.fails("reading a record", err)
		return
	case h == nil:
		c.say(translators.LevelError, "the first row of the list can't be read by its id: id names another value than read needs, or the record has it elsewhere")
		return
	}
	r := c.t.resourceOf(k, h, translators.Selection{All: true})
	if k.name != nil && r.Get(k.name).IsAbsent() {
		c.say(translators.LevelError, "a record has no value at what %s is mapped to: correct the map, or item, where the record is in the answer", k.name)
		return
	}
	if k.active != nil && k.readsActive {
		if _, isKnown := r.IsActive(); !isKnown {
			c.say(translators.LevelError, "whether an account is active can't be read at %s: no disable could be proven; correct the map of active, or add a call of status that brings it", k.activeField())
		}
	}
	c.lookUpOtherwise(ctx, r)
	c.followGroups(ctx, h)
}

// followGroups looks whether the groups that a user names are there.
func (c *checker) followGroups(ctx context.Context, h *handle) {
	g := c.t.groups
	if c.k != c.t.users || g == nil || g.membership == nil || g.membership.inUser == nil || g.membership.byDisplayName {
		return
	}
	for _, id := range g.membership.inUser.in(h.record) {
		there, err := c.t.record(ctx, g, id, look{})
		switch {
		case err != nil:
			c.fails("reading a group of a user", err)
			return
		case there == nil:
			c.say(translators.LevelWarning, "a user is in the group %q, at %s, and there is no such group", id, g.membership.inUser.text)
		}
	}
}

// lookUpOtherwise looks whether somebody is found by a name in other letters: SCIM
// compares names without case, and a provider that does not find a person creates
// another one.
func (c *checker) lookUpOtherwise(ctx context.Context, r *scim.Resource) {
	k := c.k
	if k.name == nil || k.name.CaseExact {
		return
	}
	name := r.Get(k.name).Text()
	other := strings.ToUpper(name)
	if other == name {
		other = strings.ToLower(name)
	}
	for _, asked := range []string{name, other} {
		filter := scim.Compare{Target: scim.Target{Attribute: k.name}, Operator: scim.Equal, Value: scim.String(asked)}
		if _, ok := k.questions(filter); !ok && !(k.has(OpList) && k.config.FilterList) {
			return
		}
		found, _, err := c.t.gather(ctx, k, filter, translators.Selection{}, 2)
		switch {
		case err != nil:
			c.fails("looking somebody up", err)
			return
		case len(found) > 1:
			c.say(translators.LevelWarning, "several records have the same %s: none of them can be provisioned", k.name)
			return
		case len(found) == 0 && asked == name:
			c.say(translators.LevelError, "somebody who is in the list is not found by %s eq: the search call does not look at what it is mapped to, or leaves somebody out, such as the locked", k.name)
			return
		case len(found) == 0:
			c.say(translators.LevelWarning, "the application's search tells capital letters from small ones, and SCIM does not: one who is looked up in other letters is not found; if all names are in small letters, search for {%s|lower}", k.name)
			return
		}
	}
}

// Interface guards
var (
	_ translators.Translator = (*Translator)(nil)
	_ translators.Observed   = (*Translator)(nil)
)
