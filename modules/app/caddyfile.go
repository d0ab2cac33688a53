package app

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/scimgate/scimgate/modules/notice"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("scim", parse)
}

func parse(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		return nil, d.Errf("the global option scim is given twice")
	}
	a := new(App)
	if err := a.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "scim", Value: caddyconfig.JSON(a, nil)}, nil
}

// UnmarshalCaddyfile reads the global option:
//
//	scim {
//		store <engine> ...
//		spool <file>
//		expiry_warning [<duration>...|off] { ... }
//		journal { ... }
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if seen[word] {
			return d.Errf("%s is given twice", word)
		}
		seen[word] = true
		switch word {
		case "store":
			if err := a.unmarshalStore(d); err != nil {
				return err
			}
		case "spool":
			if !d.AllArgs(&a.Spool) {
				return d.Errf("write spool <file>: where disables are recorded while the store is away")
			}
		case "expiry_warning":
			a.ExpiryWarning = new(notice.Notice)
			if err := a.ExpiryWarning.UnmarshalCaddyfile(d.NewFromNextSegment()); err != nil {
				return err
			}
		case "journal":
			if err := a.History.UnmarshalCaddyfile(d.NewFromNextSegment()); err != nil {
				return err
			}
		default:
			return d.Errf("%q is no option of scim: store, spool, expiry_warning and journal are", word)
		}
	}
	return nil
}

func (a *App) unmarshalStore(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("write store sqlite [<file>] or store postgres { ... }")
	}
	engine := d.Val()
	if _, err := caddy.GetModule("scim.stores." + engine); err != nil {
		return d.Errf("%q is no store: sqlite and postgres are", engine)
	}
	module, err := caddyfile.UnmarshalModule(d, "scim.stores."+engine)
	if err != nil {
		return err
	}
	a.StoreRaw = caddyconfig.JSONModuleObject(module, "engine", engine, nil)
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*App)(nil)
