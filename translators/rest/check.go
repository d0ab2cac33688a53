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

	"github.com/tidwall/gjson"

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
	detail, advice := err.Error(), "; compare with what curl shows of this call"
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
			c.say(translators.LevelWarning, "nothing answers the filter %s eq, by which providers look people up: add a search call, such as search GET /%s?name={%[1]s}, or a list call and filter_list where there are few", k.name, k.block)
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
		c.say(translators.LevelError, "the application has a record for an id that nobody should have: %s does not ask for one id; put {id} where the application expects it", k.steps[OpRead][0])
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
		c.say(translators.LevelError, "the first row of the list can't be read by its id: what it has at id %s is not what %s needs, or the record that comes has another id there; say with id <path> in %s which value read needs", k.id, c.reading(), k.block)
		return
	}
	r := c.t.resourceOf(k, h, translators.Selection{All: true})
	if k.name != nil && r.Get(k.name).IsAbsent() {
		c.say(translators.LevelError, "a record has no value at %s, which %s is mapped to: %s; correct map %[2]s <path>, or item, where the record is in the answer", k.fieldsOf(k.name), k.name, c.shape(h))
		return
	}
	if k.active != nil && k.readsActive {
		if _, isKnown := r.IsActive(); !isKnown {
			c.say(translators.LevelError, "whether an account is active can't be read at %s: %s, so that no disable could be proven; correct the map of active, or add a call of status that brings it", k.activeField(), c.whyNotActive(h))
		}
	}
	c.lookUpOtherwise(ctx, r)
	if k == c.t.users {
		line := "map groups"
		if m := membershipOf(c.t.groups); m != nil && m.inUser != nil {
			line = "of_users"
		}
		c.namesNone(k.groupRefs, h, line)
	}
	if m := membershipOf(k); m != nil && m.inGroup != nil && !k.has(OpMembers) {
		c.namesNone(m.inGroup, h, "map members")
	}
	c.followGroups(ctx, h)
}

// reading is the call that reads a record by its id.
func (c *checker) reading() string {
	if steps := c.k.steps[OpRead]; len(steps) > 0 {
		return steps[0].config.Method + " " + steps[0].config.URL
	}
	return "a look into the list"
}

// shape says what a record is: the names of its members, and no value. A name may be
// anything, so that what was sent as a secret is taken out.
func (c *checker) shape(h *handle) string { return c.scrubbed(h, shape(h.record)) }

func (c *checker) scrubbed(h *handle, text string) string {
	for _, op := range []Operation{OpRead, OpList} {
		for _, s := range c.k.steps[op] {
			return (&lookup{t: c.t, s: s, with: &scope{kind: c.k, id: h.id}}).scrub(text)
		}
	}
	return "" // there is no other call that brings records
}

// fieldsOf are the fields that an attribute is mapped to.
func (k *kind) fieldsOf(a *scim.Attribute) string {
	return strings.Join(k.mapping.paths(translators.Selection{Attributes: []*scim.Attribute{a}}), ", ")
}

// whyNotActive says why a record does not tell whether the account is active.
func (c *checker) whyNotActive(h *handle) string {
	for _, field := range c.k.mapping.paths(translators.Selection{Attributes: []*scim.Attribute{c.k.active}}) {
		path := c.k.mapping.compiled[field]
		if path == nil {
			continue
		}
		if v := path.Value(h.record); v.Exists() {
			return "what stands there, " + typeOf(v, false) + ", is none of the values that the map has for true and for false"
		}
	}
	return c.shape(h)
}

// membershipOf is that of groups; nil where there are none, or no members.
func membershipOf(k *kind) *membership {
	if k == nil {
		return nil
	}
	return k.membership
}

// namesNone warns of references that are there and can't be read as ids or names.
func (c *checker) namesNone(refs *references, h *handle, line string) {
	if refs == nil || len(refs.in(h.record)) > 0 {
		return
	}
	v := refs.whole.Value(h.record)
	if name, inner, isDeeper := strings.Cut(refs.text, "."); isDeeper && !v.Exists() && !strings.HasPrefix(inner, "#") {
		if list := memberOf(h.record, name); list.IsArray() && len(list.Array()) > 0 {
			c.say(translators.LevelWarning, "nothing is at %s, which %s names: what is at %s is a list, %s; write %[2]s %[3]s.#.%[5]s, for each of them",
				refs.text, line, name, strings.TrimPrefix(c.scrubbed(h, shape(list)), "there is "), inner)
			return
		}
	}
	isEmpty := v.IsArray() && len(v.Array()) == 0 || v.IsObject() && v.Raw == "{}" || v.Type == gjson.String && v.Str == "" || v.Raw == refs.without
	if !v.Exists() || v.Type == gjson.Null || isEmpty {
		return
	}
	c.say(translators.LevelWarning, "nothing at %s, which %s names, is an id or a name: %s; name the id in each of them, such as %[2]s %[4]s.#.id",
		refs.text, line, c.scrubbed(h, shape(v)), refs.whole)
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
			c.say(translators.LevelWarning, "several records have the same %s, those with the ids %s and %s: neither can be provisioned until one of them has another", k.name, found[0].id, found[1].id)
			return
		case len(found) == 0 && asked == name:
			c.say(translators.LevelError, "somebody who is in the list is not found by %s eq: the search call (%s) does not look at %s, which it is mapped to, or leaves somebody out, such as the locked", k.name, strings.Join(k.searches(), ", "), k.fieldsOf(k.name))
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
