// Package dialogues holds what provisioning services say to a SCIM service, and
// what must follow. README.md describes the files.
package dialogues

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/scimgate/scimgate/internal/dialogue"
)

//go:embed *.txt
var files embed.FS

//go:embed entitlements/*.txt
var entitlements embed.FS

// Fixture are the entries whose ids are known when a dialogue begins, by the
// names under which they are known. They stand in demo/seed.ldif.
var Fixture = map[string]string{
	"ada":         "uid=Ada.Lovelace,ou=people,dc=example,dc=com",
	"grace":       "uid=Grace.Hopper,ou=people,dc=example,dc=com",
	"alan":        "uid=Alan.Turing,ou=people,dc=example,dc=com",
	"engineering": "cn=Engineering,ou=groups,dc=example,dc=com",
	"operators":   "cn=Operators,ou=groups,dc=example,dc=com",
}

// All returns the dialogues in the order of their names.
func All() ([]*dialogue.Dialogue, error) {
	all, err := dialogue.ReadAll(files)
	if err == nil && len(all) == 0 {
		return nil, errors.New("there are no dialogues")
	}
	return all, err
}

// Entitlements returns the dialogue with a gateway that serves entitlements and
// roles, as testdata/okta-entitlements.caddyfile does. It is not among All, whose
// gateway is that of the demo.
func Entitlements() (*dialogue.Dialogue, error) {
	below, err := fs.Sub(entitlements, "entitlements")
	if err != nil {
		return nil, err
	}
	all, err := dialogue.ReadAll(below)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("there are %d dialogues about entitlements", len(all))
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
