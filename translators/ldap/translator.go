package ldap

import (
	"errors"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func init() { caddy.RegisterModule(Translator{}) }

// CaddyModule returns the module's information.
func (Translator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "scim.translators.ldap",
		New: func() caddy.Module { return new(Translator) },
	}
}

// The defaults of [Translator].
const (
	defaultCandidates = 1000
	defaultPageSize   = 500
)

// Provision checks and compiles the configuration. It reads files that the
// configuration names, and sends nothing to the directory: a gateway starts, and
// reloads, while its directory is down.
func (t *Translator) Provision(ctx caddy.Context) error {
	t.logger = ctx.Logger()
	t.names, t.places, t.unsorted, t.rules = newNameCache(), newCache[string](), newCache[struct{}](), new(rules)
	t.defined, t.telling, t.self = new(sync.Map), new(sync.Map), new(identities)
	t.holdersAtMost = defaultHoldersAtMost
	if t.Candidates == 0 {
		t.Candidates = defaultCandidates
	}
	if t.PageSize == 0 {
		t.PageSize = defaultPageSize
	}
	var err error
	if t.profile, err = findProfile(t.Directory, t.Generic); err != nil {
		return err
	}
	if err := t.provisionKinds(); err != nil {
		return err
	}
	return t.provisionBackend(ctx)
}

// provisionKinds compiles what is served.
func (t *Translator) provisionKinds() error {
	if t.Users == nil && t.Groups == nil && len(t.Resources) == 0 {
		return errors.New("nothing is served: configure users, groups or both")
	}
	full, err := t.FullTypes()
	if err != nil {
		return err
	}
	if err := t.compileKinds(full, func(block string, err error) error { return fmt.Errorf("%s: %w", block, err) }, t.checkMapped); err != nil {
		return err
	}
	for _, name := range translators.Unmapped(full, t.Types(), t.Schemas) {
		t.logger.Warn("an attribute is defined and not mapped: it is not served", zap.String("attribute", name))
	}
	return nil
}

// compileKinds compiles what is served. at gives an error the place of the block
// that it is about; checkMapped is called when there is no other mistake.
func (t *Translator) compileKinds(full translators.FullTypes, at func(block string, err error) error, checkMapped func([]translators.Type) error) error {
	var mistakes []error
	mistake := func(block string, err error) { mistakes = append(mistakes, at(block, err)) }
	add := func(c *ResourceConfig, block, typeName string, compile func(*ResourceConfig, *profile, *scim.ResourceType) (*kind, error)) *kind {
		if c == nil {
			return nil
		}
		k, err := compile(c, t.profile, full.Named(typeName))
		if err != nil {
			mistake(block, err)
			return nil
		}
		t.kinds = append(t.kinds, k)
		return k
	}
	t.users = add(t.Users, "users", "User", func(c *ResourceConfig, p *profile, full *scim.ResourceType) (*kind, error) {
		return newUsers(c, p, full, t.Groups != nil && t.Groups.Nested == NestedFlatten)
	})
	t.groups = add(t.Groups, "groups", "Group", newGroups)
	for i := range t.Resources {
		c := &t.Resources[i]
		add(&c.ResourceConfig, "resource "+c.Name, c.Name, newResources)
	}
	if t.users != nil && t.users.groups != nil && t.Groups == nil {
		mistake("users", errors.New("map groups: groups are not served, and their ids not known: configure groups too"))
	}
	if t.groups != nil && t.groups.members != nil && !t.groups.memberIsDN && t.Users == nil {
		mistake("groups", fmt.Errorf("map members %s: it holds login names, and users are not served: configure users too", t.groups.memberField))
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	types := t.Types()
	for _, k := range t.kinds {
		for _, err := range []error{k.mapping.CheckReferences(types), t.checkPrivate(k)} {
			if err != nil {
				mistake(t.blockOf(k), err)
			}
		}
	}
	return errors.Join(append(mistakes, checkMapped(types))...)
}

// blockOf names the block of a kind in the configuration.
func (t *Translator) blockOf(k *kind) string {
	switch k {
	case t.users:
		return "users"
	case t.groups:
		return "groups"
	}
	return "resource " + k.served.Name
}

// FullTypes implements [translators.Defining].
func (t *Translator) FullTypes() (translators.FullTypes, error) {
	configs := make([]translators.ResourceTypeConfig, len(t.Resources))
	for i, c := range t.Resources {
		configs[i] = c.ResourceTypeConfig
	}
	return translators.NewFullTypes(t.Schemas, configs)
}

// checkMapped refuses extensions of which nothing is mapped.
func (t *Translator) checkMapped(served []translators.Type) error {
	return translators.CheckExtensions(t.Schemas, served)
}

// Validate checks what [Translator.Provision] made of the configuration.
func (t *Translator) Validate() error {
	switch {
	case t.Candidates < 0:
		return fmt.Errorf("candidates is %d: it is a number of entries, 1 or more", t.Candidates)
	case t.PageSize < -1:
		return fmt.Errorf("page_size is %d: it is a number of entries, or -1 for a directory without the paging control", t.PageSize)
	}
	if t.PasswordPolicy != "" && t.profile.isGeneric {
		return errors.New("password_policy: it is for directory openldap; how a generic one tells that an account is locked says lock_tells")
	}
	if t.PasswordPolicy != "" {
		if _, err := goldap.ParseDN(t.PasswordPolicy); err != nil {
			return fmt.Errorf("password_policy %q is not a DN: %w", t.PasswordPolicy, err)
		}
	}
	return nil
}

// Cleanup gives the connections back. They serve the requests that are under way
// until those end.
func (t *Translator) Cleanup() error {
	if !t.holds {
		return nil // Provision failed before it took the reference
	}
	t.holds = false
	_, err := backends.Delete(t.key)
	return err
}

// Types implements [translators.Translator].
func (t *Translator) Types() []translators.Type {
	types := make([]translators.Type, len(t.kinds))
	for i, k := range t.kinds {
		types[i] = k.served
	}
	return types
}

// Interface guards
var (
	_ caddy.Module          = (*Translator)(nil)
	_ caddy.Provisioner     = (*Translator)(nil)
	_ caddy.Validator       = (*Translator)(nil)
	_ caddy.CleanerUpper    = (*Translator)(nil)
	_ caddyfile.Unmarshaler = (*Translator)(nil)

	_ translators.Translator = (*Translator)(nil)
	_ translators.Observed   = (*Translator)(nil)
	_ translators.Defining   = (*Translator)(nil)
)
