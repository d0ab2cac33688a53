// Package gateway is the Caddy handler http.handlers.scim_gateway: it takes a
// SCIM request through the stages access, decode, read, policy, plan, journal,
// execute, prove and encode.
package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/scimgate/scimgate/internal/quiet"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/modules/remember"
	memory "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler is a SCIM 2.0 gateway (RFC 7644) in front of one backend. It answers
// requests below its base path and hands all others on to the next handler.
type Handler struct {
	// Name names the gateway in commands, logs, metrics and the journal:
	// letters, digits, hyphens and underscores.
	Name string `json:"name"`

	// Base is the path below which the gateway answers, such as /scim/v2. The
	// tenant URL at the provider ends in it.
	Base string `json:"base"`

	// BaseV1 is a second path, such as /scim/v1, below which the gateway speaks
	// SCIM 1.1 (draft-scim-core-schema-01, draft-scim-api-01): for the same
	// callers, by the same rules, to the same backend. Default: it does not.
	BaseV1 string `json:"base_v1,omitempty"`

	// ExternalURL is the tenant URL as the provider knows it, for the locations
	// in answers. Default: scheme and host of the request, as a trusted proxy
	// tells them, and Base. Of what is below BaseV1 it is the same URL with
	// BaseV1 in the place of Base or, where it does not end in Base, behind the
	// host.
	ExternalURL string `json:"external_url,omitempty"`

	// Access says who may call.
	Access access.Access `json:"access"`

	// Policy says what is out of reach.
	Policy policy.Policy `json:"policy"`

	// TranslatorRaw is the backend that serves the resources.
	TranslatorRaw json.RawMessage `json:"translator" caddy:"namespace=scim.translators inline_key=type"`

	// Limits bounds what one request may ask for.
	Limits Limits `json:"limits"`

	// Timeout bounds one request, from its body to its answer. Default: 30s.
	// Okta waits 60 seconds.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// BulkTimeout bounds how long operations of a Bulk are begun; each of them has
	// Timeout for itself. Default: 5m.
	BulkTimeout caddy.Duration `json:"bulk_timeout,omitempty"`

	// ClearOmitted makes a PUT clear writable attributes that it does not name,
	// but never active, members and password. Default: what PUT does not name
	// stays as it is.
	ClearOmitted bool `json:"clear_omitted,omitempty"`

	// DryRun logs the plan of every write and answers it with 503; nothing is
	// written.
	DryRun bool `json:"dry_run,omitempty"`

	// Journal says what the journal keeps of this gateway. Default: every write.
	Journal Journaling `json:"journal,omitzero"`

	// While a Caddyfile is read: where protect stands, and what types there can be.
	protectLines []caddyfile.Dispenser
	fullTypes    translators.FullTypes

	backend    string // the translator's name, for logs and metrics
	translator translators.Translator
	types      []translators.Type
	resource   []*scim.ResourceType
	hasPrivate bool             // whether a type has attributes that are shown in answers alone
	decoders   [2]*scim.Decoder // by dialect
	discovery  *scim.Discovery
	limits     scim.Limits
	walks      *walks
	wide       *semaphore.Weighted // for requests that show members
	names      *activity
	journal    *heldJournal // nil: off
	entries    journal.Log
	sharer     sharer // nil: no other gateway can be there
	inFlight   atomic.Int64
	checker    checker
	resolver   resolver
	control    func() *memory.Control // tokens and switches, as they are known; nil: there are none
	left       sync.Once              // the activities
	log        *zap.Logger

	unjournaled error // why no command is recorded
}

// Limits bounds what one request may ask for. A value of 0 is the default, a
// negative one no limit.
type Limits struct {
	// Body is the longest body in bytes. Default: 16 MiB.
	Body int64 `json:"body,omitempty"`
	// Depth is how deep a body may be nested. Default: 32.
	Depth int `json:"depth,omitempty"`
	// Operations is the most operations in a PATCH. Default: 10,000.
	Operations int `json:"operations,omitempty"`
	// Members is the most members that a request may name. Default: what fits
	// in the body.
	Members int `json:"members,omitempty"`
	// PageMax is the largest page of a list. Default: 1,000.
	PageMax int `json:"page_max,omitempty"`
	// PageDefault is the size of a page when none is asked for. Default: 100.
	PageDefault int `json:"page_default,omitempty"`
	// BulkOperations is the most operations in a Bulk. Default: 1,000.
	BulkOperations int `json:"bulk_operations,omitempty"`
	// Walk is the most resources that a list may have altogether. Default:
	// 1,000,000, for which 16 MB of memory are held while a list is paged
	// through.
	Walk int `json:"walk,omitempty"`
	// Sort is the most resources that a list may have which the gateway sorts,
	// because the backend does not. Default: 100,000, for which up to 40 MB of
	// memory are used while they are sorted.
	Sort int `json:"sort,omitempty"`
}

// CaddyModule implements caddy.Module.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.scim_gateway",
		New: func() caddy.Module { return new(Handler) },
	}
}

// defaultTimeout bounds a request, and defaultBulkTimeout the operations of a
// Bulk, when the operator does not.
const (
	defaultTimeout     = 30 * time.Second
	defaultBulkTimeout = 5 * time.Minute
)

var gatewayName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// Provision sets the gateway up. It opens no connection: a backend that is
// down keeps no configuration from being loaded.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.log = quiet.Logger(ctx).With(zap.String("gateway", h.Name))
	if err := h.checkPlace(); err != nil {
		return err
	}
	if err := running.enter(ctx.GetMetricsRegistry(), h); err != nil {
		return err
	}
	if h.Timeout < 0 || h.BulkTimeout < 0 {
		return fmt.Errorf("scim_gateway %s: timeout and bulk_timeout must not be negative", h.Name)
	}
	if h.Timeout == 0 {
		h.Timeout = caddy.Duration(defaultTimeout)
	}
	if h.BulkTimeout == 0 {
		h.BulkTimeout = caddy.Duration(defaultBulkTimeout)
	}
	failed := func(what string, err error) error { return fmt.Errorf("scim_gateway %s: %s: %w", h.Name, what, err) }
	shared, err := app.Of(ctx)
	if err != nil {
		return failed("the app scim", err)
	}
	if shared != nil {
		h.Access.Issue(h.Name, shared.Store())
	}
	if err := h.Access.Provision(ctx, h.log); err != nil {
		return failed("access", err)
	}
	if err := h.provisionTranslator(ctx); err != nil {
		return failed("translator", err)
	}
	if err := errors.Join(h.Access.ProvisionMe(h.users()), h.Access.CheckScopes(h.resource)); err != nil {
		return failed("access", err)
	}
	if err := h.Policy.Provision(h.resource); err != nil {
		return failed("policy", err)
	}
	if err := h.checkRemembered(); err != nil {
		return failed("policy", err)
	}
	h.provisionDecoder()
	h.provisionReads()
	if err := metrics.register(ctx.GetMetricsRegistry()); err != nil {
		return failed("metrics", err)
	}
	metrics.begin(h.Name, h.backend)
	h.names = activities.enter(h.Name, &h.Access)
	if err := h.provisionJournal(ctx); err != nil {
		return failed("journal", err)
	}
	if err := h.provisionSwitches(ctx); err != nil {
		return failed("the store", err)
	}
	if err := h.provisionLocks(ctx); err != nil {
		return failed("the store", err)
	}
	h.warn()
	h.checker.start(h)
	h.resolver.start(h)
	running.ready(h)
	return nil
}

// expirySoon is how long before its end an operator is told that a credential
// expires.
const expirySoon = 30 * 24 * time.Hour

// warn says what an operator has to know of a configuration that is loaded all
// the same.
func (h *Handler) warn() {
	if h.DryRun {
		h.log.Warn("dry_run is on: nothing is written, and every write is answered with 503, disables included")
	}
	now := time.Now()
	for _, c := range h.Access.Credentials {
		expires, does := c.Expiry()
		credential := []zap.Field{zap.String("credential", c.Name), zap.Time("expires", expires)}
		switch {
		case !does || expires.Sub(now) > expirySoon:
		case !now.Before(expires):
			h.log.Warn("the credential has expired: its caller is refused", credential...)
		default:
			h.log.Warn("the credential expires soon: add another one beside it", credential...)
		}
	}
	for _, t := range h.types {
		if t.Name == "User" && t.Attribute("active") == nil {
			h.log.Warn("nobody can be disabled through this gateway: its configuration names no way to")
		}
	}
}

// checkPlace checks name, base and external URL, and cuts slashes off their ends.
func (h *Handler) checkPlace() error {
	if !gatewayName.MatchString(h.Name) {
		return fmt.Errorf("scim_gateway: the name %q must be letters, digits, hyphens and underscores", h.Name)
	}
	if h.Base = strings.TrimRight(h.Base, "/"); !isBase(h.Base) {
		return fmt.Errorf("scim_gateway %s: the base %q must be a path such as /scim/v2", h.Name, h.Base)
	}
	if err := h.checkBaseV1(); err != nil {
		return err
	}
	h.ExternalURL = strings.TrimRight(h.ExternalURL, "/")
	if h.ExternalURL != "" && !strings.HasPrefix(h.ExternalURL, "https://") && !strings.HasPrefix(h.ExternalURL, "http://") {
		return fmt.Errorf("scim_gateway %s: external_url %q must begin with https://", h.Name, h.ExternalURL)
	}
	return nil
}

// isBase reports whether s is a path without what means something else in a URL,
// in a matcher or to who reads a path.
func isBase(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.ContainsAny(s, "?#*%\\ ") && !strings.Contains(s, "//")
}

func (h *Handler) provisionTranslator(ctx caddy.Context) error {
	if len(h.TranslatorRaw) == 0 {
		return errors.New("none is configured")
	}
	var named struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(h.TranslatorRaw, &named); err != nil {
		return err
	}
	h.backend = named.Type
	module, err := ctx.LoadModule(h, "TranslatorRaw")
	if err != nil {
		return err
	}
	translator, ok := module.(translators.Translator)
	if !ok {
		return fmt.Errorf("module scim.translators.%s is not a translator", named.Type)
	}
	memory, err := remembering(ctx)
	if err != nil {
		return err
	}
	h.translator, h.types = remember.Wrap(translator, h.Name, memory, h.log), translator.Types()
	for _, t := range h.types {
		h.resource = append(h.resource, t.ResourceType)
		h.hasPrivate = h.hasPrivate || hasPrivate(t.ResourceType)
	}
	if o, ok := module.(translators.Observed); ok {
		o.Observe(func(call translators.Observation) { metrics.observeBackend(h.Name, h.backend, call) })
	}
	return nil
}

func (h *Handler) provisionDecoder() {
	h.limits = scim.Limits{
		Body: h.Limits.Body, Depth: h.Limits.Depth, Operations: h.Limits.Operations,
		Members: h.Limits.Members, PageMax: h.Limits.PageMax, PageDefault: h.Limits.PageDefault,
		BulkOperations: h.Limits.BulkOperations,
	}
	for _, d := range []scim.Dialect{scim.V2, scim.V1} {
		h.decoders[d] = &scim.Decoder{Types: h.resource, Limits: h.limits, ClearOmitted: h.ClearOmitted, Base: h.Base, Dialect: d}
	}
	h.limits = h.limits.WithDefaults()
	if h.Limits.Walk == 0 {
		h.Limits.Walk = defaultWalk
	}
	if h.Limits.Sort == 0 {
		h.Limits.Sort = defaultSort
	}
	h.discovery = &scim.Discovery{
		Types: h.resource, MaxResults: h.limits.PageMax, DefaultPageSize: h.limits.PageDefault,
		Sort: true, CursorLife: walkLife,
		BulkOperations: h.limits.BulkOperations, BulkPayload: h.limits.Body,
		ETag: !slices.ContainsFunc(h.types, func(t translators.Type) bool { return !t.HasVersions }),
	}
	for _, t := range h.types {
		h.discovery.ChangePassword = h.discovery.ChangePassword || t.ChangesPassword
	}
	if h.Access.HasBearer() {
		h.discovery.AuthenticationSchemes = append(h.discovery.AuthenticationSchemes, scim.BearerToken)
	}
	if h.Access.TokenEndpoint != nil {
		h.discovery.AuthenticationSchemes = append(h.discovery.AuthenticationSchemes, scim.OAuth2)
	}
	if h.Access.HasBasic() {
		h.discovery.AuthenticationSchemes = append(h.discovery.AuthenticationSchemes, scim.HTTPBasic)
	}
	h.discovery.AuthenticationSchemes[0].Primary = true
}

// provisionReads makes what readers share.
func (h *Handler) provisionReads() {
	h.walks = newWalks()
	h.wide = semaphore.NewWeighted(mostWide)
}

// ResourceTypes returns the types of resources that the gateway serves, once it is
// provisioned.
func (h *Handler) ResourceTypes() []*scim.ResourceType { return h.resource }

// users returns the type of users, or nil where none are served.
func (h *Handler) users() *scim.ResourceType {
	for _, t := range h.resource {
		if t.Schema.ID == scim.SchemaUser {
			return t
		}
	}
	return nil
}

// Cleanup gives back what Provision took. Requests may still be under way: the
// journal is closed behind the last of them.
func (h *Handler) Cleanup() error {
	h.checker.stop()
	h.resolver.stop(h)
	h.Access.Cleanup()
	h.left.Do(func() {
		if activities.leave(h.names) {
			metrics.end(h.Name, h.backend)
		}
		running.leave(h)
		switchboard.leave(h)
	})
	if h.journal != nil {
		h.journal.release(&h.inFlight)
	}
	return nil
}

// below returns the path behind a base, beginning with a slash or empty, the
// dialect that is spoken there, and whether the request is for this gateway. A
// base is known in another case too, and with slashes doubled before or in it, as
// a tenant URL is easily mistyped: Caddy would answer a request that nobody takes
// with an empty 200, and a disable would look done.
func (h *Handler) below(path string) (string, scim.Dialect, bool) {
	for _, p := range [...]string{path, caddyhttp.CleanPath(path, true)} {
		rest, ok := behind(h.Base, p)
		if h.BaseV1 != "" && (!ok || len(h.BaseV1) > len(h.Base)) {
			if rest, ok := behind(h.BaseV1, p); ok {
				return rest, scim.V1, true
			}
		}
		if ok {
			return rest, scim.V2, true
		}
	}
	return "", scim.V2, false
}

func behind(base, path string) (string, bool) {
	if len(path) < len(base) || !strings.EqualFold(path[:len(base)], base) {
		return "", false
	}
	rest := path[len(base):]
	if strings.HasPrefix(rest, "//") {
		rest = "/" + strings.TrimLeft(rest, "/") // of a tenant URL that ends with a slash
	}
	return rest, rest == "" || rest[0] == '/'
}

// ServeHTTP implements caddyhttp.MiddlewareHandler. It answers everything below
// the base itself, errors included: no error is handed to Caddy, which would
// answer without a SCIM body.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	path, dialect, ok := h.below(r.URL.Path)
	if !ok {
		return next.ServeHTTP(w, r)
	}
	h.inFlight.Add(1)
	defer h.inFlight.Add(-1)
	x := h.newExchange(w, r, path)
	x.speaks(dialect)
	defer x.finish()
	if h.isTokenEndpoint(path) {
		x.giveToken()
		return nil
	}
	x.serve()
	return nil
}

// typeOf returns what the translator said of a resource type.
func (h *Handler) typeOf(t *scim.ResourceType) translators.Type {
	for _, served := range h.types {
		if served.ResourceType == t {
			return served
		}
	}
	return translators.Type{ResourceType: t}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
