package access

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/addresses"
	"github.com/scimgate/scimgate/modules/oauth"
	"github.com/scimgate/scimgate/scim"
)

// UnmarshalLine reads one subdirective of a gateway that concerns access, and
// reports whether it was one:
//
//	allow <address|cidr>...
//	allow file <path>
//	allow service_tag <tag>... <path>
//	allow source <module> ...
//	token <name> [<secret>] {
//		secret  <secret>
//		sha256  <hex>
//		expires <day|time>
//		allow   <address|cidr>...
//		scope   <scope>...
//		me      <filter>
//	}
//	jwt <name> {
//		issuer   <issuer>
//		audience <audience>...
//		subject  <subject>...
//		claim    <name> <value>...
//		jwks     <url>
//		leeway   <duration>
//		expires  <day|time>
//		allow    <address|cidr>...
//		scope    <scope>...
//		me       <filter>
//	}
//	token_endpoint [{
//		lifetime <duration>
//	}]
//	basic <name> [<password>] {
//		user    <user>
//		secret  <password>
//		sha256  <hex>
//		expires <day|time>
//		allow   <address|cidr>...
//		scope   <scope>...
//		me      <filter>
//	}
//
// allow may be repeated, its addresses add up; in a credential it reads the same. A filter stands in backticks:
//
//	me `userName eq "ada.lovelace"`
func (a *Access) UnmarshalLine(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "allow":
		return true, unmarshalAllow(d, &a.Allow, &a.AllowSources)
	case "token":
		return true, a.unmarshalCredential(d, SchemeBearer)
	case "basic":
		return true, a.unmarshalCredential(d, SchemeBasic)
	case "jwt":
		return true, a.unmarshalCredential(d, SchemeJWT)
	case "token_endpoint":
		return true, a.unmarshalTokenEndpoint(d)
	}
	return false, nil
}

// unmarshalAllow reads an allow line, and adds to addresses and to sources.
func unmarshalAllow(d *caddyfile.Dispenser, texts *[]string, guests *[]json.RawMessage) error {
	if !d.NextArg() {
		return d.Errf("write allow <address|cidr>..., allow file <path>, allow service_tag <tag>... <path> or allow source <module> ...")
	}
	switch word := d.Val(); word {
	case "file":
		file := new(addresses.File)
		if !d.AllArgs(&file.Path) {
			return d.Errf("write allow file <path>, such as allow file /etc/scimgate/office.txt")
		}
		*guests = append(*guests, caddyconfig.JSONModuleObject(file, "source", "file", nil))
		return nil
	case "service_tag":
		args := d.RemainingArgs()
		if len(args) < 2 {
			return d.Errf("write allow service_tag <tag>... <path>, such as allow service_tag AzureActiveDirectory /etc/scimgate/ServiceTags_Public.json")
		}
		tags := &addresses.ServiceTags{Path: args[len(args)-1]}
		if err := tags.SetTags(args[:len(args)-1]); err != nil {
			return d.WrapErr(err)
		}
		*guests = append(*guests, caddyconfig.JSONModuleObject(tags, "source", "azure_service_tags", nil))
		return nil
	case "source":
		if !d.NextArg() {
			return d.Errf("write allow source <module> ..., with a module of %s such as file", sources)
		}
		name := d.Val()
		guest, err := caddyfile.UnmarshalModule(d, sources+"."+name)
		if err != nil {
			return err
		}
		if _, is := guest.(caddyhttp.IPRangeSource); !is {
			return d.Errf("module %s.%s is no source of addresses", sources, name)
		}
		*guests = append(*guests, caddyconfig.JSONModuleObject(guest, "source", name, nil))
		return nil
	}
	for _, text := range append([]string{d.Val()}, d.RemainingArgs()...) {
		if _, err := parsePrefix(text); err != nil {
			return d.WrapErr(err)
		}
		*texts = append(*texts, text)
	}
	return nil
}

func (a *Access) unmarshalCredential(d *caddyfile.Dispenser, scheme string) error {
	c := &Credential{Scheme: scheme}
	word := d.Val()
	switch args := d.RemainingArgs(); {
	case len(args) == 2 && scheme != SchemeJWT:
		c.Name, c.Secret = args[0], args[1]
	case len(args) == 1:
		c.Name = args[0]
	case scheme == SchemeJWT:
		return d.Errf("write jwt <name> { issuer <issuer> ... }")
	default:
		return d.Errf("write %s <name> { secret <secret> }", word)
	}
	for _, other := range a.Credentials {
		if other.Name == c.Name {
			return d.Errf("credential %q is given twice: each needs a name of its own", c.Name)
		}
	}
	single := map[string]*string{"expires": &c.Expires, "me": &c.Me}
	options := "secret, sha256, expires, allow, scope, me and, with basic, user are"
	if scheme == SchemeJWT {
		c.JWT = new(oauth.Issuer)
		options = "issuer, audience, subject, claim, jwks, leeway, expires, allow, scope and me are"
	} else {
		single["secret"], single["sha256"] = &c.Secret, &c.SHA256
	}
	if scheme == SchemeBasic {
		single["user"] = &c.User
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if option == "allow" {
			if err := unmarshalAllow(d, &c.Allow, &c.AllowSources); err != nil {
				return err
			}
			continue
		}
		if option == "scope" {
			if len(c.Scope) > 0 {
				return d.Errf("scope is given twice: name all scopes on one line")
			}
			scopes, err := ParseScopes(strings.Join(d.RemainingArgs(), ","))
			if err != nil {
				return d.WrapErr(err)
			}
			c.Scope = scopes
			continue
		}
		if c.JWT != nil {
			known, err := unmarshalIssuer(d, c.JWT)
			if err != nil {
				return err
			}
			if known {
				continue
			}
		}
		field := single[option]
		if field == nil {
			return d.Errf("%q is no option of a credential: %s", option, options)
		}
		if *field != "" {
			return d.Errf("%s is given twice", option)
		}
		if !d.AllArgs(field) {
			if option == "me" {
				return d.Errf("write the filter as one argument in backticks: me `userName eq \"ada.lovelace\"`")
			}
			return d.ArgErr()
		}
		if option == "expires" {
			if _, err := parseExpiry(c.Expires); err != nil {
				return d.WrapErr(err)
			}
		}
		if option == "me" {
			c.meLine = *d
		}
	}
	if c.JWT != nil {
		check := *c.JWT
		if err := check.Provision(); err != nil {
			return d.Errf("credential %q: %s", c.Name, err)
		}
	} else if (c.Secret == "") == (c.SHA256 == "") {
		return d.Errf("credential %q needs either a secret or its sha256", c.Name)
	}
	a.Credentials = append(a.Credentials, c)
	return nil
}

// CheckMe finds what is wrong with the filters of me whatever is mapped, for the
// full type of users, while their lines are still known.
func (a *Access) CheckMe(users *scim.ResourceType) error {
	for _, c := range a.Credentials {
		if c.Me == "" {
			continue
		}
		if _, err := scim.ParseFilter(users, c.Me, scim.DefaultFilterLimits); err != nil {
			return c.meLine.Errf("me: %s", scim.AsError(err).Detail)
		}
	}
	return nil
}
