package signin

import (
	"slices"

	"github.com/scimgate/scimgate/translators/mapfile"
)

// Unmarshal reads the line auth and its block; the dispenser stands at the word auth.
// auth may stand several times: each adds a scheme.
//
//	auth header <name> <value>
//	auth query  <name> <value>
//	auth basic  <user> <password>
//	auth bearer <token>
//	auth oauth2 <token url> { … }
//	auth login  <method> <url> { … }
//	auth hmac   <algorithm> <secret> { … }
func (c *Config) Unmarshal(b *mapfile.Block) error {
	const usage = "header <name> <value>, query <name> <value>, basic <user> <password>, bearer <token>, oauth2 <token url> { … }, " +
		"login <method> <url> { … } or hmac <algorithm> <secret> { … }"
	if !b.NextArg() {
		return b.Errf("auth names how to sign in: write auth and %s", usage)
	}
	s := Scheme{Method: b.Val()}
	args := b.RemainingArgs()
	read := func(usage string, targets ...*string) error {
		if len(args) != len(targets) || slices.Contains(args, "") {
			return b.Errf("auth %s is not understood: write auth %s %s", s.Method, s.Method, usage)
		}
		for i, target := range targets {
			*target = args[i]
		}
		return nil
	}
	var err error
	switch s.Method {
	case "header", "query":
		err = read("<name> <value>", &s.Name, &s.Value)
	case "basic":
		err = read("<user> <password>", &s.User, &s.Password)
	case "bearer":
		err = read("<token>", &s.Value)
	default:
		return b.Errf("auth %s is not known: write auth and %s", s.Method, usage)
	}
	if err != nil {
		return err
	}
	c.Schemes = append(c.Schemes, s)
	return nil
}
