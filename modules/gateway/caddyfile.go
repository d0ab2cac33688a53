package gateway

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"

	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func init() {
	httpcaddyfile.RegisterDirective("scim_gateway", parse)
	httpcaddyfile.RegisterDirectiveOrder("scim_gateway", httpcaddyfile.Before, "respond")
}

// parse makes a route of the directive whose matcher is the base, so that of
// several gateways on one site the one with the longest base is asked first.
func parse(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	if err := claim(h, handler); err != nil {
		return nil, err
	}
	base := caddy.ModuleMap{"path": caddyconfig.JSON(caddyhttp.MatchPath{handler.commonBase() + "*"}, nil)}
	return h.NewRoute(base, handler), nil
}

// place is where a gateway's directive stands, and on which site.
type place struct {
	site, base, text string
	handler          *Handler
}

// claim refuses a gateway whose name another one has, in the whole Caddyfile, or
// whose base another one has in the same block of the same site: it would never be
// asked.
func claim(h httpcaddyfile.Helper, handler *Handler) error {
	const named, based = "scim_gateway names", "scim_gateway bases"
	h.Reset() // an error names the line of the directive
	h.Next()
	here := place{siteOf(h), handler.Base, fmt.Sprintf("%s:%d", h.File(), h.Line()), handler}
	names, _ := h.State[named].(map[string]place)
	if names == nil {
		names = make(map[string]place)
		h.State[named] = names
	}
	if other, is := names[handler.Name]; is {
		return h.Errf("the name %s is taken by the scim_gateway at %s: each needs a name of its own, for logs, metrics and the journal", handler.Name, other.text)
	}
	names[handler.Name] = here
	bases, _ := h.BlockState[based].([]place)
	for _, other := range bases {
		if other.site != here.site {
			continue
		}
		if strings.EqualFold(other.base, here.base) {
			return h.Errf("the base %s is taken by the scim_gateway at %s, which would answer for this one: each needs a base of its own on its site", handler.Base, other.text)
		}
		if mine, theirs, is := here.hides(other); is {
			return h.Errf("%s of the scim_gateway at %s lies within %s of this one, which would answer for it: move one of them", theirs, other.text, mine)
		}
		if theirs, mine, is := other.hides(here); is {
			return h.Errf("%s lies within %s of the scim_gateway at %s, which would answer for this one: move one of them", mine, theirs, other.text)
		}
	}
	// A copy: blocks within this one inherit the list, and beside each other must
	// not share it.
	h.BlockState[based] = append(slices.Clone(bases), here)
	return nil
}

// siteOf tells sites apart. At the top of a site Caddy's BlockState is that of the
// whole Caddyfile, and nothing that is exported says which site it is.
func siteOf(h httpcaddyfile.Helper) string {
	keys := reflect.ValueOf(h).FieldByName("parentBlock").FieldByName("Keys")
	if !keys.IsValid() || keys.Len() == 0 {
		return ""
	}
	first := keys.Index(0)
	return fmt.Sprintf("%s:%d %s", first.FieldByName("File"), first.FieldByName("Line").Int(), first.FieldByName("Text"))
}

// UnmarshalCaddyfile reads the directive:
//
//	scim_gateway <name> {
//		base          <path>
//		base_v1       <path>
//		external_url  <url>
//		allow         <address|cidr>...
//		token         <name> [<secret>] { secret | sha256 | expires | allow | scope | me }
//		basic         <name> [<password>] { user | secret | sha256 | expires | allow | scope | me }
//		jwt           <name> { issuer | audience | subject | claim | jwks | leeway | expires | allow | scope | me }
//		token_endpoint { lifetime }
//		protect       <filter>
//		brake         disable <number> per <duration>
//		journal       off
//		timeout       <duration>
//		bulk_timeout  <duration>
//		clear_omitted
//		dry_run
//		limit {
//			body         <size>
//			depth        <number>
//			operations   <number>
//			members      <number>
//			page_max     <number>
//			page_default <number>
//			walk         <number>
//			sort         <number>
//			bulk_operations <number>
//		}
//		translator    <name> ...
//	}
//
// base and translator are required. allow, token, basic and
// protect may be repeated. A filter stands in backticks:
//
//	protect `userName eq "root" or userName sw "svc-"`
//
// limit may also be written on one line: limit body 32MiB.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&h.Name) {
		return d.Errf("write scim_gateway <name> { ... }: the name stands in logs, metrics and commands")
	}
	if !gatewayName.MatchString(h.Name) {
		return d.Errf("the name %q must be letters, digits, hyphens and underscores", h.Name)
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		switch known, err := h.Access.UnmarshalLine(d); {
		case err != nil:
			return err
		case known:
			continue
		}
		if seen[word] && word != "protect" && word != "limit" {
			return d.Errf("%s is given twice", word)
		}
		seen[word] = true
		if err := h.unmarshalLine(d, word); err != nil {
			return err
		}
	}
	switch {
	case h.Base == "":
		return d.Errf("scim_gateway %s has no base: write base /scim/v2", h.Name)
	case len(h.TranslatorRaw) == 0:
		return d.Errf("scim_gateway %s has no translator: write translator ldap ldaps://directory.example.com { ... }", h.Name)
	}
	return h.checkFilters()
}

func (h *Handler) unmarshalLine(d *caddyfile.Dispenser, word string) error {
	switch word {
	case "base":
		if !d.AllArgs(&h.Base) {
			return d.ArgErr()
		}
		if err := h.checkPlace(); err != nil {
			return d.WrapErr(err)
		}
	case "base_v1":
		if !d.AllArgs(&h.BaseV1) {
			return d.ArgErr()
		}
		if err := h.checkBaseV1(); err != nil {
			return d.WrapErr(err)
		}
	case "external_url":
		if !d.AllArgs(&h.ExternalURL) {
			return d.ArgErr()
		}
	case "protect":
		var filter string
		if !d.AllArgs(&filter) {
			return d.Errf("write the filter as one argument in backticks: protect `userName eq \"root\"`")
		}
		h.Policy.Protect = append(h.Policy.Protect, filter)
		h.protectLines = append(h.protectLines, *d)
	case "brake":
		return h.unmarshalBrake(d)
	case "journal":
		return h.unmarshalJournal(d)
	case "timeout":
		return unmarshalDuration(d, &h.Timeout)
	case "bulk_timeout":
		return unmarshalDuration(d, &h.BulkTimeout)
	case "clear_omitted":
		h.ClearOmitted = true
		return noArguments(d)
	case "dry_run":
		h.DryRun = true
		return noArguments(d)
	case "limit":
		return h.unmarshalLimit(d)
	case "translator":
		return h.unmarshalTranslator(d)
	default:
		return d.Errf("%q is no subdirective of scim_gateway: base, base_v1, external_url, allow, token, basic, jwt, token_endpoint, protect, brake, journal, timeout, bulk_timeout, clear_omitted, dry_run, limit and translator are", word)
	}
	return nil
}

func (h *Handler) unmarshalJournal(d *caddyfile.Dispenser) error {
	var word string
	if !d.AllArgs(&word) {
		return d.Errf("write journal off, or leave the line out: every write is recorded")
	}
	if word != "off" {
		return d.Errf("journal %s: the journal is in the store, and no longer in a file of its own. Leave this line out; "+
			"the global option scim { store sqlite <file> } says where the store is", word)
	}
	h.Journal.Off = true
	return nil
}

func unmarshalDuration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	var text string
	if !d.AllArgs(&text) {
		return d.ArgErr()
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil || duration <= 0 {
		return d.Errf("%q is no duration such as 30s", text)
	}
	*to = caddy.Duration(duration)
	return nil
}

// checkFilters finds what is wrong with the filters of protect and me whatever is
// mapped, while their lines are still known. A translator may define schemas and types that
// they speak of.
func (h *Handler) checkFilters() error {
	for i, text := range h.Policy.Protect {
		var first error
		fits := slices.ContainsFunc(h.fullTypes, func(t *scim.ResourceType) bool {
			_, err := scim.ParseFilter(t, text, scim.DefaultFilterLimits)
			if first == nil {
				first = err
			}
			return err == nil
		})
		if !fits {
			return h.protectLines[i].Errf("protect: %s", scim.AsError(first).Detail)
		}
	}
	return h.Access.CheckMe(h.fullTypes.Named("User"))
}

func noArguments(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

func (h *Handler) unmarshalBrake(d *caddyfile.Dispenser) error {
	var what, number, per, span string
	if !d.AllArgs(&what, &number, &per, &span) || what != "disable" || per != "per" {
		return d.Errf("write brake disable <number> per <duration>, such as brake disable 20 per 10m")
	}
	count, err := strconv.Atoi(number)
	if err != nil || count < 1 {
		return d.Errf("brake: %q is no number of accounts, 1 or more", number)
	}
	length, err := caddy.ParseDuration(span)
	if err != nil || length <= 0 {
		return d.Errf("brake: %q is no duration such as 10m", span)
	}
	h.Policy.Brake = &policy.Brake{Disable: count, Per: caddy.Duration(length)}
	return nil
}

func (h *Handler) unmarshalLimit(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() > 0 {
		d.NextArg()
		return h.unmarshalOneLimit(d)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := h.unmarshalOneLimit(d); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) unmarshalOneLimit(d *caddyfile.Dispenser) error {
	name := d.Val()
	var text string
	if !d.AllArgs(&text) {
		return d.Errf("write limit %s <number>", name)
	}
	if name == "body" {
		size, err := humanize.ParseBytes(text)
		if err != nil || size == 0 || size > 1<<40 {
			return d.Errf("limit body: %q is no size such as 16MiB", text)
		}
		h.Limits.Body = int64(size)
		return nil
	}
	field := map[string]*int{
		"depth": &h.Limits.Depth, "operations": &h.Limits.Operations, "members": &h.Limits.Members,
		"page_max": &h.Limits.PageMax, "page_default": &h.Limits.PageDefault, "walk": &h.Limits.Walk,
		"sort": &h.Limits.Sort, "bulk_operations": &h.Limits.BulkOperations,
	}[name]
	if field == nil {
		return d.Errf("%q is no limit: body, depth, operations, members, page_max, page_default, walk, sort and bulk_operations are", name)
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return d.Errf("limit %s: %q is no number, 1 or more", name, text)
	}
	*field = number
	return nil
}

func (h *Handler) unmarshalTranslator(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("write translator <name> ..., such as translator ldap ldaps://directory.example.com { ... }")
	}
	name := d.Val()
	unmarshaler, err := caddyfile.UnmarshalModule(d, "scim.translators."+name)
	if err != nil {
		return err
	}
	h.TranslatorRaw = caddyconfig.JSONModuleObject(unmarshaler, "type", name, nil)
	h.fullTypes = translators.FullTypes{scim.UserType(), scim.GroupType()}
	if defining, is := unmarshaler.(translators.Defining); is {
		if h.fullTypes, err = defining.FullTypes(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
