package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/go-ldap/ldap/v3"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

func init() {
	caddy.RegisterModule(Bare{})
	httpcaddyfile.RegisterHandlerDirective("bench_bare", parseBare)
	httpcaddyfile.RegisterDirectiveOrder("bench_bare", httpcaddyfile.Before, "respond")
}

// Bare is the bare handler, http.handlers.bench_bare: the least that any gateway
// costs. It checks nobody's token, understands no SCIM, does the one directory
// operation over the same connections as scimgate, and prints an answer that is
// always the same. Where scimgate is given an id it is given a name, so that it
// has nothing to look up.
type Bare struct {
	// URL is that of the directory, BindDN and BindPassword the account.
	URL          string `json:"url"`
	BindDN       string `json:"bind_dn"`
	BindPassword string `json:"bind_password"`

	pool *ldapconn.Pool
}

// CaddyModule implements caddy.Module.
func (Bare) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_bare", New: func() caddy.Module { return new(Bare) }}
}

// Provision sets the connections up. They are made with the first request.
func (b *Bare) Provision(caddy.Context) error {
	password, err := caddy.NewReplacer().ReplaceOrErr(b.BindPassword, true, true)
	if err != nil {
		return err
	}
	b.pool, err = ldapconn.New(ldapconn.Config{
		Servers: []string{b.URL}, BindDN: b.BindDN,
		Password: func(context.Context) (string, error) { return password, nil },
	})
	return err
}

// Cleanup closes the connections.
func (b *Bare) Cleanup() error {
	if b.pool == nil {
		return nil
	}
	return b.pool.Close()
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (b *Bare) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	status, body, err := b.answer(r)
	if err != nil {
		return caddyhttp.Error(http.StatusBadGateway, err)
	}
	w.Header().Set("Content-Type", "application/scim+json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = io.WriteString(w, body)
	return err
}

func (b *Bare) answer(r *http.Request) (status int, body string, err error) {
	resource, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, tenantPath+"/"), "/")
	switch {
	case r.Method == http.MethodGet && name == "":
		return http.StatusOK, fixedList, b.findOne(r.Context(), "(uid="+quoted(r.URL.Query().Get("filter"))+")")
	case r.Method == http.MethodGet:
		return http.StatusOK, fixedUser, b.findOne(r.Context(), idFilter(name))
	case r.Method == http.MethodPatch && resource == "Users":
		_, err := b.pool.Modify(r.Context(), lockRequest("uid="+name+","+slapd.People))
		return http.StatusOK, fixedUser, err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, "", err
	}
	if r.Method == http.MethodPatch {
		member := "uid=" + gjson.GetBytes(text, "Operations.0.value.0.value").String() + "," + slapd.People
		_, err = b.pool.Modify(r.Context(), addMemberRequest("cn="+name+","+slapd.Groups, member))
		return http.StatusOK, fixedUser, err
	}
	request := addRequest(gjson.GetBytes(text, "userName").String())
	if err := b.pool.Add(r.Context(), request); err != nil {
		return 0, "", err
	}
	return http.StatusCreated, fixedUser, b.one(r.Context(), readBack(request.DN))
}

func (b *Bare) findOne(ctx context.Context, filter string) error {
	return b.one(ctx, userSearch(filter, userAttributes))
}

func (b *Bare) one(ctx context.Context, request *ldap.SearchRequest) error {
	result, err := b.pool.Search(ctx, request)
	if err == nil && len(result.Entries) != 1 {
		err = fmt.Errorf("%d entries found", len(result.Entries))
	}
	return err
}

// quoted is what stands between quotes in a filter.
func quoted(filter string) string {
	_, rest, _ := strings.Cut(filter, `"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// fixedUser is as long as what scimgate answers about a user of the fixture.
const fixedUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
	`"id":"2819c223-7f76-453a-919d-413861904646","userName":"user000000","name":{"formatted":"Given user000000 Family user000000",` +
	`"familyName":"Family user000000","givenName":"Given user000000"},"displayName":"Given user000000 Family user000000",` +
	`"title":"Engineer","active":true,"emails":[{"type":"work","value":"user000000@example.com"}],` +
	`"groups":[{"value":"2819c223-7f76-453a-919d-413861904646","display":"Staff North"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"n-user000000"},` +
	`"meta":{"resourceType":"User","created":"2026-11-21T12:00:00Z","lastModified":"2026-11-21T12:00:00Z",` +
	`"location":"http://127.0.0.1:12345/scim/v2/Users/2819c223-7f76-453a-919d-413861904646","version":"W/\"20261121120000.000000Z#000000#000#000000\""}}`

const fixedList = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"itemsPerPage":1,"startIndex":1,"Resources":[` +
	fixedUser + `]}`

func parseBare(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	b := new(Bare)
	return b, b.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads the directive:
//
//	bench_bare <url> <bind DN> <password>
func (b *Bare) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&b.URL, &b.BindDN, &b.BindPassword) {
		return d.ArgErr()
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Bare)(nil)
	_ caddy.CleanerUpper          = (*Bare)(nil)
	_ caddyfile.Unmarshaler       = (*Bare)(nil)
	_ caddyhttp.MiddlewareHandler = (*Bare)(nil)
)
