package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/directory"
)

// Reset makes people and groups what they were when the demo was started, their
// ids included.
func (d *Demo) Reset() error {
	conn, err := ldap.DialURL(d.LDAPURL)
	if err != nil {
		return fmt.Errorf("resetting the directory: %w", err)
	}
	defer func() { _ = conn.Close() }()
	conn.SetTimeout(10 * time.Second)
	if err := conn.Bind(BindDN, d.Password); err != nil {
		return fmt.Errorf("resetting the directory: %w", err)
	}
	for _, base := range slices.Backward(containers) {
		result, err := conn.Search(ldap.NewSearchRequest(base, ldap.ScopeSingleLevel, ldap.NeverDerefAliases,
			0, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
		if err != nil {
			return fmt.Errorf("resetting the directory: searching %s: %w", base, err)
		}
		for _, e := range result.Entries {
			if err := conn.Del(ldap.NewDelRequest(e.DN, nil)); err != nil {
				return fmt.Errorf("resetting the directory: deleting %s: %w", e.DN, err)
			}
		}
	}
	if err := d.server.Load(strings.NewReader(d.initial)); err != nil {
		return fmt.Errorf("resetting the directory: %w", err)
	}
	return nil
}

// containers hold what the gateway can change: people, and then the groups that
// they are in.
var containers = []string{"ou=people," + Suffix, "ou=groups," + Suffix}

// dumpContents returns what is in the containers as LDIF, operational attributes
// included.
func dumpContents(server *directory.Server) (string, error) {
	var text strings.Builder
	if err := server.Dump(&text); err != nil {
		return "", err
	}
	var kept strings.Builder
	for _, base := range containers {
		for record := range strings.SplitSeq(text.String(), "\n\n") {
			dn, _, _ := strings.Cut(record, "\n")
			if strings.HasPrefix(dn, "dn: ") && strings.HasSuffix(dn, ","+base) {
				kept.WriteString(record + "\n\n")
			}
		}
	}
	return kept.String(), nil
}
