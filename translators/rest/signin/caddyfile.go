package signin

import "github.com/scimgate/scimgate/translators/mapfile"

// Unmarshal reads the line auth and its block; the dispenser stands at the word auth.
//
//	auth header <name> <value>
//	auth query  <name> <value>
//	auth basic  <user> <password>
//	auth bearer <token>
//	auth oauth2 <token url> { … }
//	auth login  <method> <url> { … }
//	auth hmac   <algorithm> <secret> { … }
func (c *Config) Unmarshal(b *mapfile.Block) error {
	return b.Errf("auth is not read")
}
