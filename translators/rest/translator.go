package rest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/internal/quiet"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Translator translates users and groups into the calls of an application's API.
type Translator struct {
	Config

	logger *zap.Logger
	kinds  []*kind // users before groups, others behind
	users  *kind   // nil when users are not served
	groups *kind   // nil when groups are not served

	backend *backend   // kept after Cleanup, for the requests that are under way
	key     backendKey // of backend
	holds   bool       // whether this configuration counts as a user of backend
}

func init() { caddy.RegisterModule(Translator{}) }

// CaddyModule returns the module's information.
func (Translator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "scim.translators.rest",
		New: func() caddy.Module { return new(Translator) },
	}
}

// defaultCandidates is the default of [Config.Candidates].
const defaultCandidates = 1000

// Provision checks and compiles the configuration. It reads files that the
// configuration names, and sends nothing to the application: a gateway starts, and
// reloads, while its application is down.
func (t *Translator) Provision(ctx caddy.Context) error {
	t.logger = quiet.Logger(ctx)
	if t.Candidates == 0 {
		t.Candidates = defaultCandidates
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
	for _, k := range t.kinds {
		for _, gap := range k.gaps() {
			t.logger.Warn("the application has no call for a part of SCIM", zap.String("block", k.block), zap.String("gap", gap))
		}
	}
	t.warnOfPlainHTTP()
	return t.provisionBackend(ctx)
}

// warnOfPlainHTTP warns where what signs in could be read on the way.
func (t *Translator) warnOfPlainHTTP() {
	if u, err := url.Parse(t.printedURL()); err == nil && u.Scheme == "http" && t.SignIn != nil && !isLocal(u.Hostname()) {
		t.logger.Warn("the application is spoken to without TLS: whoever is on the way reads what signs requests in, and passwords; write https://, or let both run on one machine", zap.String("host", u.Hostname()))
	}
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// compileKinds compiles what is served. at gives an error the place of the block
// that it is about; checkMapped is called when there is no other mistake.
func (t *Translator) compileKinds(full translators.FullTypes, at func(block string, err error) error, checkMapped func([]translators.Type) error) error {
	if t.Users == nil && t.Groups == nil && len(t.Resources) == 0 {
		return errors.New("nothing is served: configure users, groups or both")
	}
	var mistakes []error
	t.kinds, t.users, t.groups = nil, nil, nil
	add := func(c *ResourceConfig, block, typeName string) *kind {
		k, err := newKind(t, c, block, full.Named(typeName))
		if err != nil {
			mistakes = append(mistakes, at(block, err))
			return nil
		}
		t.kinds = append(t.kinds, k)
		return k
	}
	if t.Users != nil {
		t.users = add(t.Users, blockUsers, "User")
	}
	if t.Groups != nil {
		t.groups = add(t.Groups, blockGroups, "Group")
	}
	for i := range t.Resources {
		add(&t.Resources[i].ResourceConfig, "resource "+t.Resources[i].Name, t.Resources[i].Name)
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	types := t.Types()
	for _, k := range t.kinds {
		if err := k.mapping.CheckReferences(types); err != nil {
			mistakes = append(mistakes, at(k.block, err))
		}
	}
	if err := t.connect(); err != nil {
		block := blockGroups
		about, isOfMap := errors.AsType[*translators.MapError](err)
		if t.groups == nil || isOfMap && t.users != nil && about.Path == t.users.mapped("groups") {
			block = blockUsers
		}
		mistakes = append(mistakes, at(block, err))
	}
	return errors.Join(append(mistakes, checkMapped(types))...)
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
		return fmt.Errorf("candidates is %d: it is a number of rows, 1 or more", t.Candidates)
	case t.ConsistentWithin < 0:
		return errors.New("consistent_within is a duration, such as 5s")
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

// kindOf returns the kind that a resource type of [Translator.Types] is; nil for
// any other.
func (t *Translator) kindOf(rt *scim.ResourceType) *kind {
	for _, k := range t.kinds {
		if k.served.ResourceType == rt {
			return k
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Module          = (*Translator)(nil)
	_ caddy.Provisioner     = (*Translator)(nil)
	_ caddy.Validator       = (*Translator)(nil)
	_ caddy.CleanerUpper    = (*Translator)(nil)
	_ caddyfile.Unmarshaler = (*Translator)(nil)

	_ translators.Defining = (*Translator)(nil)
)
