package postgres

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads
//
//	postgres [<dsn>] {
//		dsn             <dsn>
//		password        <placeholder>
//		max_connections <n>
//	}
func (e *Engine) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		e.DSN = d.Val()
		if d.NextArg() {
			return d.Errf("postgres takes one dsn: put one of several words into quotes")
		}
	}
	seen := map[string]bool{"dsn": e.DSN != ""}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if seen[word] {
			return d.Errf("%s is given twice", word)
		}
		seen[word] = true
		var value string
		if !d.AllArgs(&value) {
			return d.Errf("%s takes one value: put one of several words into quotes", word)
		}
		switch word {
		case "dsn":
			e.DSN = value
		case "password":
			e.Password = value
		case "max_connections":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return d.Errf("max_connections %s: write a number from 1 on", value)
			}
			e.MaxConnections = n
		default:
			return d.Errf("%q is no option of postgres: dsn, password and max_connections are", word)
		}
	}
	if err := e.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Engine)(nil)
