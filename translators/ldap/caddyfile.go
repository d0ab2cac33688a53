package ldap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
	"github.com/scimgate/scimgate/translators/mapfile"
)

// UnmarshalCaddyfile reads the configuration from a Caddyfile:
//
//	translator ldap <url>... {
//		directory       openldap
//		directory       generic {
//			id          <attribute> [text|uuid|guid|binary]
//			created     <attribute>|off
//			modified    <attribute>|off
//			version     <attribute>
//			lock        <attribute> <locked> [<unlocked>]
//			lock_tells  [<result code>] [<part of the message>]
//			assertion   on|off
//			post_read   on|off
//			paging      on|off
//			server_sort on|off
//		}
//		bind            <dn> <password>
//		bind            external [<dn>]
//		starttls
//		tls_certificate <certificate file> <key file>
//		tls_ca          <file>...
//		tls_server_name <name>
//		tls_insecure_skip_verify
//		connections {
//			shared          <number>
//			in_flight       <number>
//			exclusive       <number>
//			dial_timeout    <duration>
//			request_timeout <duration>
//			max_age         <duration>
//		}
//		password_policy <dn>
//		candidates      <number>
//		page_size       <number>|-1
//		users {
//			base         <dn>
//			scope        sub|one
//			filter       <LDAP filter>
//			create_in    <dn>
//			object_class <class>...
//			rdn          <attribute>
//			constant     <attribute> <value>...
//			disable      password_policy
//			disable      lock
//			disable      attribute <attribute> <disabled> [<enabled>]
//			disable      move <dn>
//			delete       remove|disable|refuse
//			map          <path> <attribute>... { … }
//			map          groups memberOf
//			remember     <path>...
//		}
//		groups {
//			base         <dn>
//			scope        sub|one
//			filter       <LDAP filter>
//			create_in    <dn>
//			object_class <class>...
//			rdn          <attribute>
//			constant     <attribute> <value>...
//			placeholder  <dn>
//			nested       show|flatten
//			delete       remove|refuse
//			map          <path> <attribute>... { … }
//			map          members member|uniqueMember|memberUid
//			remember     <path>...
//		}
//		schema <urn> { … }
//		schema file <path> [<urn>...] { … }
//		resource <name> {
//			endpoint     /<name>
//			schema       <urn>
//			description  <text>
//			base         <dn>
//			scope        sub|one
//			filter       <LDAP filter>
//			create_in    <dn>
//			object_class <class>...
//			rdn          <attribute>
//			constant     <attribute> <value>...
//			delete       remove|refuse
//			map          <path> <attribute>... { … }
//			remember     <path>...
//		}
//	}
//
// users and groups may each be left out, and both where there is a resource. Of
// users base, object_class, rdn, delete and a map of userName are required; of
// groups base, object_class and a map of displayName; of a resource endpoint,
// schema, base, object_class and rdn. The options of map, and what stands in
// schema, are those of package mapfile. disable may stand several times: an
// account is disabled when all are in place. map, remember, constant, schema and
// resource may stand several times too. Every other line stands at most once. What the
// lines mean, and their defaults, is said at the fields of [Translator].
func (t *Translator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the name of the module
	t.Servers = d.RemainingArgs()
	if len(t.Servers) == 0 {
		return d.Errf("ldap needs the address of the directory: translator ldap ldaps://directory.example.com")
	}
	types, err := mapfile.ParseTypes(d)
	if err != nil {
		return err
	}
	t.Schemas = types.Schemas
	b := &mapfile.Block{Dispenser: d, Name: "ldap", Repeatable: []string{"schema", "resource"}}
	places := mapfile.Places{"": *d} // the head of this block
	err = b.Each(func(word string) error {
		switch word {
		case "directory":
			if err := b.Text(&t.Directory, "directory <name>"); err != nil {
				return err
			}
			head := *d
			switch {
			case t.Directory == genericName:
				t.Generic = new(GenericConfig)
				if err := t.Generic.unmarshalCaddyfile(d); err != nil {
					return err
				}
			default:
				if _, err := findProfile(t.Directory, nil); err != nil {
					return head.WrapErr(err)
				}
				if d.NextBlock(d.Nesting()) {
					return head.Errf("directory %s has no settings: remove the block; directory generic has one", t.Directory)
				}
				return nil
			}
			if _, err := findProfile(t.Directory, t.Generic); err != nil {
				return head.WrapErr(err)
			}
			return nil
		case "bind":
			return t.bind(b)
		case "starttls":
			return b.Flag(&t.tlsConfig().StartTLS)
		case "tls_certificate", "tls_ca", "tls_server_name", "tls_insecure_skip_verify":
			_, err := t.tlsConfig().UnmarshalLine(b, word)
			return err
		case "connections":
			t.Connections = new(ConnectionsConfig)
			return t.Connections.unmarshalCaddyfile(d)
		case "password_policy":
			return b.Text(&t.PasswordPolicy, "password_policy <dn>")
		case "candidates":
			return b.Number(&t.Candidates, 1, "candidates <number>")
		case "page_size":
			return b.Number(&t.PageSize, -1, "page_size <number>, or -1 for a directory without the paging control")
		case "users":
			t.Users, places["users"] = new(ResourceConfig), *d
			return t.Users.unmarshalCaddyfile(d, ofUsers, types.Full.Named("User"), places)
		case "groups":
			t.Groups, places["groups"] = new(ResourceConfig), *d
			return t.Groups.unmarshalCaddyfile(d, ofGroups, types.Full.Named("Group"), places)
		case "schema":
			d.NextSegment() // see ParseTypes
			return nil
		case "resource":
			config := TypeConfig{ResourceTypeConfig: types.Resources[len(t.Resources)]}
			places["resource "+config.Name] = *d
			d.NextArg()
			err := config.unmarshalCaddyfile(d, ofResources, types.Full.Named(config.Name), places)
			t.Resources = append(t.Resources, config)
			return err
		}
		return b.Unknown("directory", "bind", "starttls", "tls_certificate", "tls_ca", "tls_server_name", "tls_insecure_skip_verify",
			"connections", "password_policy", "candidates", "page_size", "users", "groups", "schema", "resource")
	})
	if err != nil {
		return err
	}
	if t.Users == nil && t.Groups == nil && len(t.Resources) == 0 {
		return d.Errf("ldap: nothing is served: add users { … }, groups { … } or both")
	}
	return t.checkBlocks(places, types)
}

// bind reads as whom scimgate signs in.
func (t *Translator) bind(b *mapfile.Block) error {
	const usage = "bind <dn> <password>, or bind external [<dn>] for SASL EXTERNAL"
	args := b.RemainingArgs()
	t.BindExternal = len(args) > 0 && args[0] == "external"
	switch {
	case slices.Contains(args, ""), !t.BindExternal && len(args) != 2, len(args) > 2:
		return b.Errf("bind is not understood: write %s", usage)
	case !t.BindExternal:
		t.BindDN, t.BindPassword = args[0], args[1]
	case len(args) == 2:
		t.BindDN = args[1]
	}
	return nil
}

// checkBlocks finds what is wrong between the lines of a block, and between
// blocks, while their places in the file are still known.
func (t *Translator) checkBlocks(places mapfile.Places, types *mapfile.Types) (err error) {
	for _, server := range t.Servers {
		if strings.Contains(server, "{") {
			continue // a placeholder, which has a value when it is provisioned
		}
		if err := ldapconn.CheckServer(server); err != nil {
			return places.At("", fmt.Errorf("ldap: %w", err))
		}
	}
	trial := *t
	if trial.profile, err = findProfile(t.Directory, t.Generic); err != nil {
		return err
	}
	return trial.compileKinds(types.Full, places.OfMistakes, types.CheckMapped)
}

func (t *Translator) tlsConfig() *TLSConfig {
	if t.TLS == nil {
		t.TLS = new(TLSConfig)
	}
	return t.TLS
}

func (c *ConnectionsConfig) unmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() > 0 {
		return d.Errf("connections has its settings in a block: connections { shared 2 }")
	}
	b := &mapfile.Block{Dispenser: d, Name: "connections"}
	return b.Each(func(word string) error {
		switch word {
		case "shared":
			return b.Number(&c.Shared, 1, "shared <number>")
		case "in_flight":
			return b.Number(&c.InFlight, 1, "in_flight <number>")
		case "exclusive":
			return b.Number(&c.Exclusive, 1, "exclusive <number>")
		case "dial_timeout":
			return b.Duration(&c.DialTimeout)
		case "request_timeout":
			return b.Duration(&c.RequestTimeout)
		case "max_age":
			return b.Duration(&c.MaxAge)
		}
		return b.Unknown("shared", "in_flight", "exclusive", "dial_timeout", "request_timeout", "max_age")
	})
}

func (c *ResourceConfig) unmarshalCaddyfile(d *caddyfile.Dispenser, of blockSort, full *scim.ResourceType, places mapfile.Places) error {
	name := string(of)
	var handled []string
	switch of {
	case ofUsers:
		handled = []string{"groups"}
	case ofGroups:
		handled = []string{"members"}
	default:
		name += " " + full.Name
	}
	head := *d // what is missing is reported at the first line of the block
	if d.CountRemainingArgs() > 0 {
		return d.Errf("%s has its settings in a block: %s { base … }", name, name)
	}
	b := &mapfile.Block{Dispenser: d, Name: name, Repeatable: []string{"map", "remember", "constant", "disable", "delete"}}
	err := b.Each(func(word string) (err error) {
		switch {
		case word == "base":
			return b.Text(&c.Base, "base <dn>")
		case word == "scope":
			if err := b.Text(&c.Scope, "scope sub|one"); err != nil {
				return err
			}
			if c.Scope != "sub" && c.Scope != "one" {
				return d.Errf("scope %s is not known: it is sub or one", c.Scope)
			}
			return nil
		case word == "filter":
			return b.Text(&c.Filter, "filter <LDAP filter>")
		case word == "create_in":
			return b.Text(&c.CreateIn, "create_in <dn>")
		case word == "object_class":
			return b.List(&c.ObjectClasses, "object_class <class>...")
		case word == "rdn":
			return b.Text(&c.RDN, "rdn <attribute>")
		case word == "delete":
			c.Delete, err = mapfile.ParseDelete(d, c.Delete)
			return err
		case word == "map":
			line := *d
			m, err := mapfile.Parse(d, full, handled...)
			places[name+" map "+m.Path] = line
			c.Maps = append(c.Maps, m)
			return err
		case word == "remember":
			line := *d
			remembered, err := mapfile.ParseRemember(d, full)
			for _, m := range remembered {
				places[name+" map "+m.Path] = line
			}
			c.Maps = append(c.Maps, remembered...)
			return err
		case word == "constant":
			return c.constant(b)
		case word == "disable" && of == ofUsers:
			return c.disable(b)
		case word == "placeholder" && of == ofGroups:
			return b.Text(&c.Placeholder, "placeholder <dn>")
		case word == "nested" && of == ofGroups:
			if err := b.Text(&c.Nested, "nested show|flatten"); err != nil {
				return err
			}
			if c.Nested != NestedShow && c.Nested != NestedFlatten {
				return d.Errf("nested %s is not known: it is %s or %s", c.Nested, NestedShow, NestedFlatten)
			}
			return nil
		case of == ofResources && (word == "endpoint" || word == "schema" || word == "description"):
			d.NextSegment() // see ParseTypes
			return nil
		}
		words := []string{"base", "scope", "filter", "create_in", "object_class", "rdn", "constant", "delete", "map", "remember"}
		switch of {
		case ofUsers:
			words = append(words, "disable")
		case ofGroups:
			words = append(words, "placeholder", "nested")
		default:
			words = append(words, "endpoint", "schema", "description")
		}
		return b.Unknown(words...)
	})
	if err != nil {
		return err
	}
	if err := c.checkRequired(of); err != nil {
		return head.Errf("%s: %w", name, err)
	}
	if of == ofResources {
		return nil
	}
	required := "displayName"
	if of == ofUsers {
		required = "userName"
	}
	if !slices.ContainsFunc(c.Maps, func(m translators.MapConfig) bool { return isPathOf(full, m.Path, required) }) {
		return head.Errf("%s: %s is not mapped, and SCIM requires it: add map %s and the attribute that holds it", name, required, required)
	}
	return nil
}

// isPathOf reports whether a path, which was parsed before, names the attribute.
func isPathOf(full *scim.ResourceType, path, attribute string) bool {
	parsed, err := scim.ParsePath(full, path)
	return err == nil && parsed.Attribute == full.Attribute(attribute)
}

// constant reads an attribute of new entries.
func (c *ResourceConfig) constant(b *mapfile.Block) error {
	args := b.RemainingArgs()
	if len(args) < 2 || slices.Contains(args, "") {
		return b.Errf("constant is not understood: write constant <attribute> <value>...")
	}
	c.Constants = append(c.Constants, ConstantConfig{Attribute: args[0], Values: args[1:]})
	return nil
}

// disable reads one way of disabling.
func (c *ResourceConfig) disable(b *mapfile.Block) error {
	const usage = "disable password_policy, disable lock, disable attribute <attribute> <disabled> [<enabled>] or disable move <dn>"
	args := b.RemainingArgs()
	if len(args) == 0 {
		return b.Errf("disable names a method: %s", usage)
	}
	config := DisableConfig{Method: args[0]}
	switch {
	case (config.Method == DisableByPasswordPolicy || config.Method == DisableByLock) && len(args) == 1:
	case config.Method == DisableByAttribute && (len(args) == 3 || len(args) == 4):
		config.Attribute, config.Disabled = args[1], args[2]
		if len(args) == 4 {
			config.Enabled = args[3]
		}
	case config.Method == DisableByMove && len(args) == 2:
		config.Container = args[1]
	default:
		return b.Errf("disable %s is not understood: write %s", strings.Join(args, " "), usage)
	}
	if slices.Contains(c.Disable, config) {
		return b.Errf("disable %s is given twice: remove one of the two lines", strings.Join(args, " "))
	}
	c.Disable = append(c.Disable, config)
	return nil
}
