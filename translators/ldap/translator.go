package ldap

import (
	"errors"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	goldap "github.com/go-ldap/ldap/v3"

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
	t.names, t.places = newNameCache(), newCache[string]()
	t.defined, t.telling, t.self = new(sync.Map), new(sync.Map), new(identities)
	if t.Candidates == 0 {
		t.Candidates = defaultCandidates
	}
	if t.PageSize == 0 {
		t.PageSize = defaultPageSize
	}
	var err error
	if t.profile, err = findProfile(t.Directory); err != nil {
		return err
	}
	if err := t.provisionKinds(); err != nil {
		return err
	}
	return t.provisionBackend(ctx)
}

// provisionKinds compiles what is served.
func (t *Translator) provisionKinds() error {
	if t.Users == nil && t.Groups == nil {
		return errors.New("nothing is served: configure users, groups or both")
	}
	var mistakes []error
	add := func(c *ResourceConfig, name string, compile func(*ResourceConfig, *profile) (*kind, error)) *kind {
		if c == nil {
			return nil
		}
		k, err := compile(c, t.profile)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", name, err))
			return nil
		}
		t.kinds = append(t.kinds, k)
		return k
	}
	t.users = add(t.Users, "users", newUsers)
	t.groups = add(t.Groups, "groups", newGroups)
	if t.users != nil && t.users.groups != nil && t.Groups == nil {
		mistakes = append(mistakes, errors.New("users: map groups: groups are not served, and their ids not known: configure groups too"))
	}
	if t.groups != nil && t.groups.members != nil && !t.groups.memberIsDN && t.Users == nil {
		mistakes = append(mistakes, fmt.Errorf("groups: map members %s: it holds login names, and users are not served: configure users too", t.groups.memberField))
	}
	return errors.Join(mistakes...)
}

// Validate checks what [Translator.Provision] made of the configuration.
func (t *Translator) Validate() error {
	switch {
	case t.Candidates < 0:
		return fmt.Errorf("candidates is %d: it is a number of entries, 1 or more", t.Candidates)
	case t.PageSize < -1:
		return fmt.Errorf("page_size is %d: it is a number of entries, or -1 for a directory without the paging control", t.PageSize)
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
)
