package access

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/modules/oauth"
)

// unmarshalTokenEndpoint reads where access tokens are given.
func (a *Access) unmarshalTokenEndpoint(d *caddyfile.Dispenser) error {
	if a.TokenEndpoint != nil {
		return d.Errf("token_endpoint is given twice")
	}
	if d.CountRemainingArgs() > 0 {
		return d.Errf("token_endpoint takes no argument: it is at %s below the base", TokenEndpointPath)
	}
	a.TokenEndpoint = new(TokenEndpoint)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "lifetime":
			if a.TokenEndpoint.Lifetime != 0 {
				return d.Errf("lifetime is given twice")
			}
			if err := unmarshalDuration(d, &a.TokenEndpoint.Lifetime); err != nil {
				return err
			}
			if err := a.TokenEndpoint.provision(); err != nil {
				return d.WrapErr(err)
			}
		default:
			return d.Errf("%q is no option of token_endpoint: lifetime is", d.Val())
		}
	}
	return nil
}

func unmarshalDuration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	var text string
	if !d.AllArgs(&text) {
		return d.ArgErr()
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil {
		return d.WrapErr(err)
	}
	*to = caddy.Duration(duration)
	return nil
}

// unmarshalIssuer reads an option of a jwt credential that is about its issuer, and
// reports whether it was one.
func unmarshalIssuer(d *caddyfile.Dispenser, i *oauth.Issuer) (bool, error) {
	list := func(to *[]string) (bool, error) {
		values := d.RemainingArgs()
		if len(values) == 0 {
			return true, d.ArgErr()
		}
		*to = append(*to, values...)
		return true, nil
	}
	single := func(to *string) (bool, error) {
		if *to != "" {
			return true, d.Errf("%s is given twice", d.Val())
		}
		if !d.AllArgs(to) {
			return true, d.ArgErr()
		}
		return true, nil
	}
	switch d.Val() {
	case "issuer":
		return single(&i.Issuer)
	case "jwks":
		return single(&i.KeysURL)
	case "audience":
		return list(&i.Audience)
	case "subject":
		return list(&i.Subject)
	case "leeway":
		return true, unmarshalDuration(d, &i.Leeway)
	case "claim":
		args := d.RemainingArgs()
		if len(args) < 2 {
			return true, d.Errf("write claim <name> <value>..., such as claim tid 72f988bf-0000-0000-0000-2d7cd011db47")
		}
		if i.Claims == nil {
			i.Claims = make(map[string][]string)
		}
		i.Claims[args[0]] = append(i.Claims[args[0]], args[1:]...)
		return true, nil
	}
	return false, nil
}
