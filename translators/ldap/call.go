package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// attempts bounds how often a call goes out again because the directory turned
// out to be otherwise than expected: the entry elsewhere, a value there already.
const attempts = 5

// entryCall is what the calls have in common that change an entry which exists.
type entryCall struct {
	t  *Translator
	k  *kind
	id string
	// dn is where the entry is when the call's turn has come. It is at most a
	// write target: an assertion on the id keeps the call from another entry.
	dn      string
	purpose string
	// brings is set where the result has to bring the entry.
	brings bool
	// version is that of the entry when the call's turn has come, "" when it
	// is not known.
	version string
	// enables is set where the call enables an account. It then goes out only for
	// the version that it was planned for: one that got no answer, and reaches
	// the directory late, must not undo a disable that came after it.
	enables bool
	// demanded is the version that the caller wants the entry to have, "" for
	// any. The call goes out only for that one, and answers Changed when the entry
	// has another.
	demanded string
	// remembered is set where dn is from an earlier request.
	remembered bool
	// offline is set when dn is a symbol, so that the call can't be made.
	offline bool
}

// Purpose implements [translators.Call].
func (c *entryCall) Purpose() string { return c.purpose }

// condition is the assertion under which a write to dn goes out: that the entry has
// the id, and satisfies more ("" for nothing else).
//
// An entry that is no resource of this kind and has not the name satisfies it too.
// slapd's overlay "unique" puts the assertion of a write to the base of its own
// search as well, which makes every write to a unique attribute fail otherwise.
// What has taken the name of the entry since has the value that it is named by.
func (c *entryCall) condition(dn, more string) string {
	return "(|" + c.identity(more) + "(!(|" + c.k.filter + namingFilter(dn) + ")))"
}

// namingFilter is the LDAP filter that every entry of that name satisfies (RFC 4512
// §2.3.1); "" when the name can't be read.
func namingFilter(dn string) string {
	parsed, err := goldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 {
		return ""
	}
	part := parsed.RDNs[0].Attributes[0]
	return equality(part.Type, part.Value, true)
}

// identity is the part of the condition that is about the entry.
func (c *entryCall) identity(more string) string {
	f, ok := c.t.profile.idFilter(c.id)
	switch {
	case !ok:
		return more
	case more == "":
		return f
	}
	return "(&" + f + more + ")"
}

// versioned is the part of the condition that is about the version.
func (c *entryCall) versioned(a aim, former string) string {
	if c.demanded != "" && c.t.profile.version != "" {
		return equality(c.t.profile.version, c.demanded, true)
	}
	if a.seen != nil {
		former = a.seen.GetEqualFoldAttributeValue(c.t.profile.version)
	}
	if !c.enables || former == "" || a.stubborn > 1 {
		return ""
	}
	return equality(c.t.profile.version, former, true)
}

// demand makes the call one for that version of the entry alone.
func (c *entryCall) demand(version string) {
	c.demanded = version
	if c.version == "" {
		c.version = version // of an entry whose name alone is remembered
	}
}

// versionAfter is the version of the entry when the call's turn has come: as it
// was planned, or as the call before it has left the entry.
func (c *entryCall) versionAfter(prior []translators.CallResult) string {
	if c.version != "" || len(prior) == 0 || c.t.profile.version == "" {
		return c.version
	}
	if e := prior[len(prior)-1].Entry; e != nil {
		if h, ok := e.Handle.(*handle); ok {
			return h.entry.GetEqualFoldAttributeValue(c.t.profile.version)
		}
	}
	return ""
}

// aim is where and how an attempt of a call goes out.
type aim struct {
	dn string
	// seen is the entry as it was read after the attempt before; nil first.
	seen *goldap.Entry
	// unguarded is set when assertions don't work here. The entry was then found
	// under that name by its id a moment ago.
	unguarded bool
	// stubborn is how many attempts have failed by their assertion although
	// the entry was where it was expected.
	stubborn int
}

// controls are those of an attempt; more is what must hold besides the id.
func (c *entryCall) controls(a aim, more string) ([]goldap.Control, error) {
	if a.unguarded {
		return nil, nil
	}
	condition := c.condition(a.dn, more)
	if c.remembered && a.seen == nil {
		// Whatever is there now under the name: only the group itself is meant.
		condition = "(&" + c.identity(more) + c.k.filter + ")"
	}
	control, err := assertionControl(c.t.profile.assertionControl, condition)
	if err != nil {
		return nil, err
	}
	return []goldap.Control{control}, nil
}

// reach sends a write to the entry, wherever it is: when it is not where it was
// (32), or another entry is there (122), it is looked for by its id and the write
// repeated. needs are the attributes that send wants to see of it then. The
// error is translated; NotFound means that the directory has said so.
func (c *entryCall) reach(ctx context.Context, needs []string, send func(aim) error) error {
	if c.offline {
		return fmt.Errorf("%s: the plan was made offline, for looking at only", c.purpose)
	}
	a := aim{dn: c.dn, unguarded: c.t.control(ctx, c.t.profile.assertionControl) == ""}
	if a.unguarded {
		if err := c.aimAnew(ctx, &a, 0, needs); err != nil {
			return err
		}
	}
	for n := 1; ; n++ {
		err := send(a)
		code := resultCode(err)
		switch code {
		case goldap.LDAPResultNoSuchObject, goldap.LDAPResultAssertionFailed, goldap.LDAPResultUnavailableCriticalExtension:
		default:
			return c.t.writeFault(c.purpose, err)
		}
		if n == attempts || code == goldap.LDAPResultUnavailableCriticalExtension && a.unguarded {
			return c.t.writeFault(c.purpose, err)
		}
		former := a.dn
		if lookErr := c.aimAnew(ctx, &a, code, needs); lookErr != nil {
			return lookErr
		}
		if code == goldap.LDAPResultNoSuchObject && nameKey(former) == nameKey(a.dn) {
			return c.t.writeFault(c.purpose, err) // something else is missing: the new parent
		}
	}
}

// aimAnew looks for the entry by its id.
func (c *entryCall) aimAnew(ctx context.Context, a *aim, code uint16, needs []string) error {
	if c.insists() && !slices.Contains(needs, c.t.profile.version) {
		needs = append(slices.Clip(needs), c.t.profile.version)
	}
	e, err := c.t.readByID(ctx, c.k, c.id, needs)
	if err != nil {
		return fmt.Errorf("%s: looking for the entry: %w", c.purpose, err)
	}
	if e == nil {
		c.t.places.drop(c.id)
		return notFound(c.k, c.id)
	}
	c.t.places.put(c.id, e.DN)
	dn, err := goldap.ParseDN(e.DN)
	if err == nil && c.t.isOwnAccount(dn) {
		return errOwnAccount()
	}
	switch {
	case c.isOutdated(e):
		return changed(c.k, c.id)
	case code == goldap.LDAPResultUnavailableCriticalExtension:
		a.unguarded = true
	case code == goldap.LDAPResultAssertionFailed && nameKey(e.DN) == nameKey(a.dn):
		if a.stubborn++; c.demanded != "" && a.stubborn > 1 {
			// Read back it has the version, and asserted it has not: whatever the
			// reason, a write without the assertion might be one too many.
			return c.t.writeFault(c.purpose, goldap.NewError(goldap.LDAPResultAssertionFailed, errStubborn))
		}
	}
	a.dn, a.seen = e.DN, e
	return nil
}

var errStubborn = errors.New("the assertion fails for an entry that satisfies it when it is read")

// isOutdated reports whether an entry that was read has not the version that the
// caller demands. Without a version to be seen nothing is known.
func (c *entryCall) isOutdated(e *goldap.Entry) bool { return c.t.profile.isOutdated(e, c.demanded) }

// insists reports whether the call goes out with its assertion or not at all.
func (c *entryCall) insists() bool { return c.demanded != "" && c.t.profile.version != "" }

// result is what a write came to. An error that leaves open what was done, or
// that slapd may raise half way, is an unknown outcome.
func result(err error) translators.CallResult {
	switch {
	case err == nil:
		return translators.CallResult{Outcome: translators.Applied}
	case isOpen(err):
		return translators.CallResult{Outcome: translators.Unknown, Err: err}
	}
	return translators.CallResult{Outcome: translators.NotApplied, Err: err}
}

// isOpen reports whether a write that ended with err may have been applied.
func isOpen(err error) bool {
	if exchange, ok := errors.AsType[*ldapconn.Error](err); ok && exchange.Outcome == ldapconn.Unknown {
		return translators.KindOf(err) == translators.Indefinite
	}
	switch resultCode(err) {
	case goldap.LDAPResultOperationsError, goldap.LDAPResultOther:
		return true
	}
	return false
}

// notApplied is the result of settling a call that the directory has not made.
func notApplied(purpose string) translators.CallResult {
	return translators.CallResult{Outcome: translators.NotApplied, Err: &translators.Error{
		Kind:   translators.Unavailable,
		Detail: "The directory did not answer, and has not made the change. Try again.",
		Err:    fmt.Errorf("%s: the directory did not answer; read back, the change is not there", purpose),
	}}
}

// unmade is notApplied for an entry as it is now: where that is another version
// than the call is for, to try again would not help.
func (c *entryCall) unmade(e *goldap.Entry) translators.CallResult {
	if c.isOutdated(e) {
		return translators.CallResult{Outcome: translators.NotApplied, Err: changed(c.k, c.id)}
	}
	return notApplied(c.purpose)
}

// stillUnknown is the result of settling that could not find out.
func stillUnknown(err error) translators.CallResult {
	return translators.CallResult{Outcome: translators.Unknown, Err: err}
}

// gone is the result of settling a call whose entry does not exist any more.
func (c *entryCall) gone() translators.CallResult {
	return translators.CallResult{Outcome: translators.NotApplied, Err: notFound(c.k, c.id)}
}

// readBack adds the entry to the result of an applied call. That it can't be read
// does not make the call another: the host reads again.
func (c *entryCall) readBack(ctx context.Context, r translators.CallResult, e *goldap.Entry) translators.CallResult {
	if r.Outcome != translators.Applied || !c.brings {
		return r
	}
	if e == nil {
		var err error
		if e, err = c.t.readByID(ctx, c.k, c.id, c.t.wholeAttributes(c.k)); err != nil || e == nil {
			return r
		}
	}
	if entry, err := c.t.entryOf(ctx, c.k, e, whole); err == nil {
		r.Entry = entry
	}
	return r
}

// whole is what the result of a call brings: everything but a group's members.
var whole = translators.Selection{All: true}

// wholeAttributes are what readBack and [Translator.Prove] must see.
func (t *Translator) wholeAttributes(k *kind) []string {
	names := t.attributesOf(k, whole)
	for _, name := range t.proofAttributes(k) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	return names
}
