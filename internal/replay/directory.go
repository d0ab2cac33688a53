package replay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/dialogue"
)

// Directory is a directory that can be looked into.
type Directory struct {
	URL            string // where anybody can bind
	BindDN         string // of an account that sees all that dialogues speak of
	BindPassword   string
	RequestTimeout time.Duration // default: 10 seconds
}

// IDs returns the ids of entries under the names that their DNs are given with.
func (d *Directory) IDs(dns map[string]string) (map[string]string, error) {
	ids := make(map[string]string, len(dns))
	err := d.with(func(conn *ldap.Conn) error {
		for name, dn := range dns {
			entry, err := find(conn, dn)
			if err != nil {
				return err
			}
			if entry == nil {
				return fmt.Errorf("there is no %s", dn)
			}
			if ids[name] = entry.GetAttributeValue("entryUUID"); ids[name] == "" {
				return fmt.Errorf("%s has no entryUUID", dn)
			}
		}
		return nil
	})
	return ids, err
}

// Check compares an entry with what a step says of it.
func (d *Directory) Check(want dialogue.Entry) error {
	err := d.with(func(conn *ldap.Conn) error {
		entry, err := find(conn, want.DN)
		switch {
		case err != nil:
			return err
		case entry != nil && want.IsGone:
			return fmt.Errorf("the entry is there and should be gone")
		case entry == nil && !want.IsGone:
			return fmt.Errorf("there is no such entry")
		}
		for _, v := range want.Values {
			if err := CheckValues(v, entry.GetEqualFoldAttributeValues(v.Attribute)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", want.DN, err)
	}
	for _, b := range want.Bind {
		accepted, err := d.CanBind(want.DN, b.Password)
		switch {
		case err != nil:
			return err
		case accepted && b.Refused:
			return fmt.Errorf("%s: the password %s is accepted and should be refused", want.DN, b.Password)
		case !accepted && !b.Refused:
			return fmt.Errorf("%s: the password %s is refused and should be accepted", want.DN, b.Password)
		}
	}
	return nil
}

// CanBind reports whether a password is accepted. Everything but a refusal of the
// credentials is an error.
func (d *Directory) CanBind(dn, password string) (bool, error) {
	conn, err := d.dial()
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	err = conn.Bind(dn, password)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("binding as %s: %w", dn, err)
	}
	return true, nil
}

func (d *Directory) dial() (*ldap.Conn, error) {
	conn, err := ldap.DialURL(d.URL)
	if err != nil {
		return nil, fmt.Errorf("dialling the directory: %w", err)
	}
	timeout := d.RequestTimeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	conn.SetTimeout(timeout)
	return conn, nil
}

func (d *Directory) with(f func(conn *ldap.Conn) error) error {
	conn, err := d.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(d.BindDN, d.BindPassword); err != nil {
		return fmt.Errorf("binding as %s: %w", d.BindDN, err)
	}
	return f(conn)
}

// find returns an entry with its operational attributes, nil when there is none.
func find(conn *ldap.Conn, dn string) (*ldap.Entry, error) {
	result, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil))
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dn, err)
	}
	if len(result.Entries) != 1 {
		return nil, fmt.Errorf("reading %s: got %d entries", dn, len(result.Entries))
	}
	return result.Entries[0], nil
}

// CheckValues compares the values of an attribute with what a step says of them.
func CheckValues(want dialogue.Values, got []string) error {
	switch want.How {
	case dialogue.Exactly:
		isSame := len(got) == len(want.Values)
		for _, w := range want.Values {
			isSame = isSame && has(got, w)
		}
		if !isSame {
			return fmt.Errorf("%s is %s, want %s", want.Attribute, show(got), show(want.Values))
		}
	case dialogue.Includes:
		for _, w := range want.Values {
			if !has(got, w) {
				return fmt.Errorf("%s is %s, without %s", want.Attribute, show(got), w)
			}
		}
	case dialogue.Excludes:
		for _, w := range want.Values {
			if has(got, w) {
				return fmt.Errorf("%s has the value %s, which it should not", want.Attribute, w)
			}
		}
	default:
		return fmt.Errorf("%s: there is no comparison %q", want.Attribute, want.How)
	}
	return nil
}

// has reports whether one of the values is w: the same text, or the same DN.
func has(values []string, w string) bool {
	wanted, err := ldap.ParseDN(w)
	isDN := err == nil && len(wanted.RDNs) > 0
	return slices.ContainsFunc(values, func(v string) bool {
		if v == w {
			return true
		}
		if !isDN {
			return false
		}
		dn, err := ldap.ParseDN(v)
		return err == nil && dn.EqualFold(wanted)
	})
}

func show(values []string) string {
	if len(values) == 0 {
		return "absent"
	}
	return `"` + strings.Join(values, `", "`) + `"`
}
