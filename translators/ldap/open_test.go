package ldap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// The blocks that tests are configured with. They can be replaced one by one.
const (
	usersBlock = `
	users {
		base ou=people,dc=example,dc=com
		object_class inetOrgPerson
		rdn uid
		disable password_policy
		delete disable
		map userName uid
		map name.familyName sn
		map name.givenName givenName
		map name.formatted cn
		map displayName displayName
		map title title
		map externalId employeeNumber
		map ` + "`emails[type eq \"work\"].value`" + ` mail
		map ` + "`emails[type eq \"work\"].primary`" + ` {
			constant true
		}
		map ` + "`phoneNumbers[type eq \"mobile\"].value`" + ` mobile
		map ` + "`addresses[type eq \"work\"].streetAddress`" + ` street
		map ` + "`addresses[type eq \"work\"].locality`" + ` l
		map userType employeeType
		map password userPassword
		map urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value manager {
			reference
		}
		map groups memberOf
	}`
	groupsBlock = `
	groups {
		base ou=groups,dc=example,dc=com
		object_class groupOfNames
		delete remove
		map displayName cn
		map externalId description
		map members member
	}`
)

// configure returns a translator that was read from a Caddyfile, provisioned and
// validated. It serves addresses nobody listens on unless url is given.
func configure(t testing.TB, url, bind string, blocks ...string) *Translator {
	t.Helper()
	text := fmt.Sprintf("ldap %s {\n%s\npage_size 100\n%s\n}", cmp.Or(url, "ldap://127.0.0.1:1"), bind, strings.Join(blocks, "\n"))
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		t.Fatalf("reading the Caddyfile: %v", err)
	}
	if err := provision(t, tr); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	return tr
}

// provision provisions and validates, and closes with the test.
func provision(t testing.TB, tr *Translator) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	t.Cleanup(func() {
		if err := tr.Cleanup(); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
		if tr.pool != nil {
			_ = tr.pool.Close()
		}
	})
	if err := tr.Provision(ctx); err != nil {
		return err
	}
	tr.logger = zap.NewNop()
	return tr.Validate()
}

// serve returns a translator in front of a slapd of its own.
func serve(t testing.TB, options slapd.Options, blocks ...string) (*Translator, *slapd.Server) {
	t.Helper()
	server := slapd.Start(t, options)
	if len(blocks) == 0 {
		blocks = []string{usersBlock, groupsBlock}
	}
	return configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, blocks...), server
}

// parse reads a filter on users, or on groups when onGroups is set.
func parse(t testing.TB, k *kind, text string) scim.Filter {
	t.Helper()
	if text == "" {
		return nil
	}
	f, err := scim.ParseFilter(k.served.ResourceType, text, scim.FilterLimits{})
	if err != nil {
		t.Fatalf("parsing %s: %v", text, err)
	}
	return f
}

// find searches with everything selected.
func find(t testing.TB, tr *Translator, k *kind, filter string) translators.Result {
	t.Helper()
	result, err := tr.Search(t.Context(), translators.Query{
		Type: k.served.ResourceType, Filter: parse(t, k, filter), Selection: translators.Selection{All: true}, Limit: 100})
	if err != nil {
		t.Fatalf("searching %s: %v", filter, err)
	}
	return result
}

// names returns the userName or displayName of entries, sorted.
func names(k *kind, entries []*translators.Entry) []string {
	attribute := k.served.Attribute("userName")
	if attribute == nil {
		attribute = k.served.Attribute("displayName")
	}
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Resource.Get(attribute).Text())
	}
	slices.Sort(all)
	return all
}

// idOf returns the id of the one resource that satisfies the filter.
func idOf(t testing.TB, tr *Translator, k *kind, filter string) string {
	t.Helper()
	entries := find(t, tr, k, filter).Entries
	if len(entries) != 1 {
		t.Fatalf("searching %s: found %d entries, want one", filter, len(entries))
	}
	return entries[0].Resource.ID
}

// show writes a value for comparing.
func show(v scim.Value) string {
	var parts []string
	switch v.Kind() {
	case scim.KindList:
		for _, item := range v.Items() {
			parts = append(parts, show(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case scim.KindComplex:
		for _, f := range v.Fields() {
			parts = append(parts, f.Attribute.Name+" "+show(f.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case scim.KindBool:
		return fmt.Sprint(v.IsTrue())
	}
	return v.Text()
}

// sorted returns the lines of a text in order.
func sorted(text string) []string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return lines
}
