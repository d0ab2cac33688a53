package notice

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads
//
//	expiry_warning [<duration>...|off] {
//		smtp <host>[:<port>] {
//			from     <address>
//			to       <address>...
//			user     <user>
//			password <password>
//			tls      starttls|implicit|none
//			ca       <file>
//		}
//		webhook <url> {
//			header <name> <value>
//			secret <secret>
//			ca     <file>
//		}
//	}
//
// webhook, to and header may be repeated.
func (n *Notice) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	for _, text := range d.RemainingArgs() {
		if text == "off" {
			n.Off = true
			continue
		}
		before, err := caddy.ParseDuration(text)
		if err != nil || before <= 0 {
			return d.Errf("%q is no time before the expiry, such as 30d", text)
		}
		n.Before = append(n.Before, caddy.Duration(before))
	}
	if n.Off && len(n.Before) > 0 {
		return d.Errf("expiry_warning is either off or a list of times")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "smtp":
			if n.SMTP != nil {
				return d.Errf("smtp is given twice: to takes several addresses")
			}
			n.SMTP = new(SMTP)
			if err := n.SMTP.unmarshal(d); err != nil {
				return err
			}
		case "webhook":
			w := new(Webhook)
			if err := w.unmarshal(d); err != nil {
				return err
			}
			n.Webhooks = append(n.Webhooks, w)
		default:
			return d.Errf("%q is no option of expiry_warning: smtp and webhook are", d.Val())
		}
	}
	if n.Off && (n.SMTP != nil || len(n.Webhooks) > 0) {
		return d.Errf("expiry_warning is off, and says how to warn: one of them")
	}
	return nil
}

func (s *SMTP) unmarshal(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&s.Server) {
		return d.Errf("write smtp <host>:<port> { from <address>; to <address> }")
	}
	single := map[string]*string{"from": &s.From, "user": &s.User, "password": &s.Password, "tls": &s.TLS, "ca": &s.CA}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if option == "to" {
			to := d.RemainingArgs()
			if len(to) == 0 {
				return d.ArgErr()
			}
			s.To = append(s.To, to...)
			continue
		}
		field := single[option]
		if field == nil {
			return d.Errf("%q is no option of smtp: from, to, user, password, tls and ca are", option)
		}
		if *field != "" {
			return d.Errf("%s is given twice", option)
		}
		if !d.AllArgs(field) {
			return d.ArgErr()
		}
	}
	if err := s.check(); err != nil {
		return d.Errf("smtp: %v", err)
	}
	return nil
}

func (w *Webhook) unmarshal(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&w.URL) {
		return d.Errf("write webhook <url>")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch option := d.Val(); option {
		case "header":
			var name, value string
			if !d.AllArgs(&name, &value) {
				return d.Errf("write header <name> <value>")
			}
			if w.Header == nil {
				w.Header = make(map[string]string)
			}
			w.Header[name] = value
		case "secret", "ca":
			field := map[string]*string{"secret": &w.Secret, "ca": &w.CA}[option]
			if *field != "" {
				return d.Errf("%s is given twice", option)
			}
			if !d.AllArgs(field) {
				return d.ArgErr()
			}
		default:
			return d.Errf("%q is no option of webhook: header, secret and ca are", option)
		}
	}
	if err := w.check(); err != nil {
		return d.Errf("webhook: %v", err)
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Notice)(nil)
