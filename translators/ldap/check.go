package ldap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// Check implements [translators.Translator]. What the directory does not let
// anybody see, such as its indexes, has no finding.
func (t *Translator) Check(ctx context.Context) []translators.Finding {
	c := &checker{t: t}
	root, err := t.pool.RootDSE(ctx)
	if err != nil {
		c.error("the directory can't be used: %v", t.fault("reading the root entry", err))
		return c.findings
	}
	c.ok("%s answers and accepts the account of scimgate", root.Server)
	c.self()
	c.controls(root)
	for _, k := range t.kinds {
		if !c.entries(ctx, k) {
			continue
		}
		c.pages(ctx, k)
		if k == t.users {
			c.locks(ctx)
			c.memberOf(ctx)
		}
	}
	c.apart(ctx)
	c.overlay(ctx, root)
	c.passwordPolicy(ctx)
	return c.findings
}

type checker struct {
	t        *Translator
	findings []translators.Finding
}

func (c *checker) add(level translators.Level, format string, args ...any) {
	c.findings = append(c.findings, translators.Finding{Level: level, Detail: fmt.Sprintf(format, args...)})
}

func (c *checker) ok(format string, args ...any) { c.add(translators.LevelOK, format, args...) }
func (c *checker) warning(format string, args ...any) {
	c.add(translators.LevelWarning, format, args...)
}
func (c *checker) error(format string, args ...any) { c.add(translators.LevelError, format, args...) }

// self looks as whom SASL EXTERNAL signs in: who that is, is protected.
func (c *checker) self() {
	t := c.t
	if !t.BindExternal {
		return
	}
	authzID, own := t.pool.Identity(), t.identity()
	const remedy = "Map the certificate or user to an entry (OpenLDAP: authz-regexp)"
	switch {
	case own == nil && t.bindDN == nil && authzID == "":
		c.warning("bind external: the directory does not say who scimgate is (RFC 4532), so that its own account is not protected: name it by bind external <dn>")
	case own == nil && t.bindDN == nil:
		c.warning("bind external: the directory calls scimgate %s, which is no name of an entry, so that its own account is not protected: name it by bind external <dn>", authzID)
	case own != nil && t.bindDN != nil && own.key != parsedNameKey(t.bindDN):
		c.error("bind external: the directory calls scimgate %s, and the configuration %s. %s, or correct the configuration; until then both are protected", own.dn, t.bindDN, remedy)
	case own != nil && strings.HasSuffix(own.key, ",cn=auth"):
		c.warning("bind external: scimgate is signed in as %s, which is no entry. %s, or see that its access rules are for this name", own.dn, remedy)
	case own != nil:
		c.ok("bind external: scimgate is signed in as %s", own.dn)
	default:
		c.ok("bind external: scimgate is signed in; that it is %s says the configuration alone", t.bindDN)
	}
}

// controls looks for the controls that requests are sent with.
func (c *checker) controls(root *ldapconn.RootDSE) {
	p := c.t.profile
	lacks := func(oid string) bool { return oid != "" && !root.HasControl(oid) }
	if lacks(p.assertionControl) {
		c.warning("the directory does not advertise the assertion control (%s): that a write meets the entry that was read is not guarded by it; the entry is looked for by its id just before", p.assertionControl)
	}
	if lacks(p.postReadControl) {
		c.warning("the directory does not advertise the post-read control (%s): each write is followed by a read", p.postReadControl)
	}
	switch {
	case c.t.PageSize < 0 || !lacks(p.pagingControl):
	case slices.Contains(p.optional, p.pagingControl):
		c.warning("the directory does not advertise the paging control (%s): a list is read at once. Raise the size limit for the account of scimgate above the number of entries", p.pagingControl)
	default:
		c.error("the directory does not advertise the paging control (%s): set page_size -1, and raise the size limit for the account of scimgate above the number of entries", p.pagingControl)
	}
}

// entries looks whether the entries of a kind, their ids and all mapped
// attributes can be searched. It reports whether there is any use in looking
// further.
func (c *checker) entries(ctx context.Context, k *kind) (isReadable bool) {
	t, name := c.t, k.served.Name
	base := k.request("", t.withID(nil), 0)
	base.BaseDN, base.Scope, base.Filter = k.config.Base, goldap.ScopeBaseObject, "(objectClass=*)"
	found, err := t.search(ctx, base)
	switch {
	case resultCode(err) == goldap.LDAPResultNoSuchObject, err == nil && len(found) == 0:
		c.error("%s: the base %s does not exist, or the account of scimgate can't see it", name, k.config.Base)
		return false
	case err != nil:
		c.error("%s: the base can't be read: %v", name, t.fault("reading the base", err))
		return false
	case nameKey(found[0].DN) != k.baseKey:
		// Members and managers are known by what their names end in.
		c.error("%s: the directory writes the base %s as %s: write it so too, or nobody is recognised as a member or manager", name, k.config.Base, found[0].DN)
		return false
	}
	some, err := c.first(ctx, k)
	switch {
	case err != nil:
		c.error("%s: entries can't be read: %v", name, err)
		return false
	case some == nil:
		c.ok("%s: the base can be read; no entry there satisfies %s yet, so that nothing else can be checked", name, k.filter)
		return true
	}
	if _, ok := t.profile.readID(some); !ok {
		c.error("%s: the account of scimgate can't see %s, which is the id", name, t.profile.id)
		return false
	}
	if broken := c.unsearchable(ctx, k); len(broken) > 0 {
		c.warning("%s: the directory can't search %s: its schema does not define it, or the account of scimgate may not see it", name, strings.Join(broken, ", "))
		return true
	}
	c.ok("%s: entries, ids and mapped attributes can be searched", name)
	return true
}

// apart looks for entries that are resources of two types. By the one type
// somebody could be changed and removed whom a rule about the other protects.
func (c *checker) apart(ctx context.Context) {
	for i, a := range c.t.kinds {
		for _, b := range c.t.kinds[i+1:] {
			lower, upper := a, b
			if lower.base.AncestorOfFold(upper.base) || lower.base.EqualFold(upper.base) && upper.scope == goldap.ScopeSingleLevel {
				lower, upper = b, a
			}
			isOne := upper.base.EqualFold(lower.base)
			if !isOne && (upper.scope == goldap.ScopeSingleLevel || !upper.base.AncestorOfFold(lower.base)) {
				continue
			}
			some, _, err := c.t.searchUpTo(ctx, lower, clause(upper.filter), []string{noAttributes}, 1)
			switch {
			case err != nil:
				c.error("whether something is both a %s and a %s is not known: %v", a.served.Name, b.served.Name, err)
			case len(some) > 0:
				c.warning("%s is both a %s and a %s: what the policy says of one of the types does not hold for whoever comes by the other. Give one of them another base, or a filter that leaves out the other's entries", some[0].DN, a.served.Name, b.served.Name)
			}
		}
	}
}

// pages looks whether a list can begin: the directory may limit the size of a page.
func (c *checker) pages(ctx context.Context, k *kind) {
	t, name := c.t, k.served.Name
	if t.pageSize(ctx) == 0 {
		return
	}
	err := t.walk(ctx, k, everything, []string{noAttributes}, 0, func(*goldap.Entry) error { return errEnough })
	switch size := t.pageSize(ctx); {
	case isTooLarge(err):
		c.error("%s: the directory does not return its entries to the account of scimgate in pages of %d, nor in smaller ones: no list can be made. Raise its limits for the account (OpenLDAP: olcLimits with size.pr and size.prtotal=unlimited)", name, t.PageSize)
	case err != nil && !errors.Is(err, errEnough):
		c.error("%s: no list can be made: %v", name, t.wholeFault("reading the first page", err))
	case size < t.PageSize:
		c.warning("%s: the directory does not return pages of %d entries to the account of scimgate: pages of %d are used. Set page_size %d, or raise the limit (OpenLDAP: size.pr in olcLimits)", name, t.PageSize, size, size)
	}
}

// first returns any one entry of the kind, with its id alone; nil when there is
// none.
func (c *checker) first(ctx context.Context, k *kind) (some *goldap.Entry, err error) {
	entries, _, err := c.t.searchUpTo(ctx, k, everything, []string{c.t.profile.id}, 1)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return entries[0], nil
}

// unsearchable returns the attributes of the mapping that no filter can be made of.
func (c *checker) unsearchable(ctx context.Context, k *kind) []string {
	fields := k.mapping.Fields(translators.Selection{All: true})
	if k.members != nil {
		fields = append(fields, k.memberField)
	}
	var broken []string
	for _, field := range append(fields, c.t.profile.id) {
		if is, err := c.t.isDefined(ctx, k, present(field), field+"=*"); err == nil && !is {
			broken = append(broken, field)
		}
	}
	return broken
}

// locks looks whether the locks of accounts can be seen. A lock that an access
// rule hides makes every account look active.
func (c *checker) locks(ctx context.Context) {
	t, k := c.t, c.t.users
	for _, l := range k.locks {
		for _, name := range l.attributes() {
			is, err := t.isDefined(ctx, k, present(name), name+"=*")
			switch {
			case err != nil:
				c.error("disable: whether %s can be seen is not known: %v", name, err)
			case !is:
				c.error("disable: the account of scimgate can't see %s, or the directory does not define it: every account looks active, and no disable can be proven. Give the account the right to read and search it, or load the overlay that defines it", name)
			default:
				c.ok("disable: %s can be searched; that a lock can be read as well shows with the first account that is disabled", name)
			}
		}
		if container := l.parent(true); container != nil {
			c.container(ctx, container.String())
		}
	}
}

// container looks whether disabled accounts can be moved to where they should be.
func (c *checker) container(ctx context.Context, dn string) {
	request := goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil)
	if found, err := c.t.search(ctx, request); err != nil || len(found) == 0 {
		c.error("disable move: the container %s can't be seen: %v", dn, err)
	}
}

// passwordPolicy looks whether the directory enforces the lock of the password
// policy (directories.md §4.1).
func (c *checker) passwordPolicy(ctx context.Context) {
	t := c.t
	uses := t.users != nil && t.users.hasDirectoryLock()
	switch {
	case t.profile.isGeneric:
		return
	case t.PasswordPolicy == "" && uses:
		c.warning("disable password_policy: whether the directory enforces the lock is not known beforehand: name its default policy by password_policy")
		return
	case t.PasswordPolicy == "":
		return
	}
	request := goldap.NewSearchRequest(t.PasswordPolicy, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"pwdLockout"}, nil)
	found, err := t.search(ctx, request)
	switch {
	case resultCode(err) == goldap.LDAPResultNoSuchObject, err == nil && len(found) == 0:
		c.error("password_policy: %s does not exist, or the account of scimgate can't see it: a lock is then enforced by nobody", t.PasswordPolicy)
	case err != nil:
		c.error("password_policy: it can't be read: %v", t.fault("reading the password policy", err))
	case !strings.EqualFold(found[0].GetEqualFoldAttributeValue("pwdLockout"), "TRUE"):
		c.error("password_policy: pwdLockout of %s is not TRUE, or hidden from the account of scimgate: a disabled account can still sign in. Set it to TRUE", t.PasswordPolicy)
	default:
		c.ok("password_policy: pwdLockout is TRUE: a lock is enforced for accounts to which this policy applies")
	}
}

// overlay looks whether a password policy has a part in signing in to the
// database of the users. The module that defines the attribute of the lock can be
// loaded without the overlay that looks at it. The question goes with the
// service account's own, right password, which harms nothing; where that can't
// tell, with a wrong one of an account that is locked anyway.
func (c *checker) overlay(ctx context.Context, root *ldapconn.RootDSE) {
	t := c.t
	if t.users == nil || !t.users.hasDirectoryLock() {
		return
	}
	const ok = "disable %s: a password policy has a part in signing in"
	method := DisableByPasswordPolicy
	if t.profile.isGeneric {
		method = DisableByLock
	}
	// SASL EXTERNAL passes by password policies.
	isSame := t.bindDN != nil && !t.BindExternal && inOneDatabase(root.NamingContexts, t.bindDN, t.users.base)
	if isSame && t.profile.tells == nil {
		answer, err := t.pool.TestOwnBind(ctx)
		switch {
		case errors.Is(err, ldapconn.ErrBindRefused):
			c.error("bind: the directory refuses the password of scimgate's account. Connections that are signed in go on working for a while; correct the password before they end")
			return
		case err != nil:
			c.error("disable %s: whether a password policy has a part in signing in is not known: %v", method, t.fault("signing in", err))
			return
		case answer.Governed:
			c.ok(ok, method)
			return
		}
	}
	if t.profile.isGeneric {
		c.told(ctx)
		return
	}
	// The rootdn is above all policies, and hardly has an entry of its own.
	answer, isKnown := c.lockedBind(ctx)
	switch {
	case isKnown && answer.Governed:
		c.ok(ok, method)
	case isKnown:
		c.error("disable password_policy: a disabled account can still sign in. %s", notGoverned)
	case isSame:
		c.error("disable password_policy: a disabled account could still sign in. %s (If the account of scimgate is the rootdn of the database, to which no policy applies, this can't be told before an account is disabled: use a limited account.)", notGoverned)
	}
}

// told looks whether a disable can be proven by how the directory refuses a
// locked account.
func (c *checker) told(ctx context.Context) {
	t := c.t
	if t.profile.tells == nil {
		c.warning("disable lock: how the directory refuses a locked account is not known: where it has no password policy control, no disable can be proven. Say it by lock_tells")
		return
	}
	switch isDistinct, err := t.isDistinct(ctx, t.pool.Server()); {
	case err != nil:
		c.error("lock_tells: whether it tells a locked account is not known: %v", err)
	case !isDistinct:
		c.error("lock_tells: %s", notDistinct)
	default:
		c.ok("lock_tells: somebody who does not exist is refused otherwise")
	}
}

// lockedBind tries a random password of an account that is disabled; false when
// there is none, or no answer.
func (c *checker) lockedBind(ctx context.Context) (answer ldapconn.BindResult, isKnown bool) {
	t := c.t
	locked := clause(equality(t.profile.lock, t.profile.locked, true))
	some, _, err := t.searchUpTo(ctx, t.users, locked, []string{noAttributes}, 1)
	if err != nil || len(some) == 0 {
		return answer, false
	}
	answer, err = t.pool.TestBind(ctx, some[0].DN, rand.Text())
	return answer, err == nil
}

// inOneDatabase reports whether two names lie in one tree of the server.
func inOneDatabase(contexts []string, a, b *goldap.DN) bool {
	in := func(dn *goldap.DN) (name string) {
		for _, context := range contexts {
			parsed, err := goldap.ParseDN(context)
			if err == nil && (parsed.EqualFold(dn) || parsed.AncestorOfFold(dn)) && len(context) > len(name) {
				name = context
			}
		}
		return name
	}
	return in(a) != "" && in(a) == in(b)
}

// memberOf looks whether the directory keeps the attribute behind groups.
func (c *checker) memberOf(ctx context.Context) {
	k := c.t.users
	if k.groups == nil {
		return
	}
	const remedy = "every user looks like a member of no group. Load the overlay that keeps it (memberof), or remove the line"
	is, err := c.t.isDefined(ctx, k, present(k.groupsField), k.groupsField+"=*")
	switch {
	case err != nil:
		c.error("map groups: %v", err)
		return
	case !is:
		c.warning("map groups: the directory does not define %s, or the account of scimgate may not see it: %s", k.groupsField, remedy)
		return
	}
	// The attribute may be defined, and nothing keep it.
	some, _, err := c.t.searchUpTo(ctx, k, present(k.groupsField), []string{"1.1"}, 1)
	switch {
	case err != nil:
		c.error("map groups: %v", err)
	case len(some) == 0 && c.haveMembers(ctx):
		c.warning("map groups: no user has %s although there are groups with members: %s", k.groupsField, remedy)
	}
}

// haveMembers reports whether one of the first groups has a member who is served.
func (c *checker) haveMembers(ctx context.Context) bool {
	t := c.t
	if t.groups.members == nil {
		return false
	}
	const some = 20
	groups, _, err := t.searchUpTo(ctx, t.groups, present(t.groups.memberField), []string{"1.1"}, some)
	if err != nil {
		return false
	}
	for _, group := range groups {
		// One by one: each may be large.
		e, err := t.readName(ctx, t.groups, group.DN, []string{t.groups.memberField})
		if err != nil || e == nil {
			continue
		}
		for m, err := range t.membersOf(ctx, t.groups, e) {
			if err == nil && m.Type == t.users.served.Name {
				return true
			}
			if err != nil {
				break
			}
		}
	}
	return false
}
