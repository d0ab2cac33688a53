package slapd

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// record is a content record of LDIF (RFC 2849).
type record struct {
	dn         string
	attributes []ldap.Attribute
}

// add appends a value, to the attribute if it is there already.
func (r *record) add(name, value string) {
	for i := range r.attributes {
		if strings.EqualFold(r.attributes[i].Type, name) {
			r.attributes[i].Vals = append(r.attributes[i].Vals, value)
			return
		}
	}
	r.attributes = append(r.attributes, ldap.Attribute{Type: name, Vals: []string{value}})
}

func (r *record) values(name string) []string {
	for _, attribute := range r.attributes {
		if strings.EqualFold(attribute.Type, name) {
			return attribute.Vals
		}
	}
	return nil
}

func (r *record) addRequest() *ldap.AddRequest {
	return &ldap.AddRequest{DN: r.dn, Attributes: r.attributes}
}

// parseLDIF reads content records: comments, folded lines and base64 values,
// no change records, no URLs.
func parseLDIF(text string) ([]*record, error) {
	var records []*record
	var current *record
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\n ", "")
	for number, line := range strings.Split(text, "\n") {
		if line == "" {
			current = nil
			continue
		}
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "version:") {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, fmt.Errorf("logical line %d %q: no colon", number+1, line)
		}
		if encoded, is := strings.CutPrefix(value, ":"); is {
			decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
			if err != nil {
				return nil, fmt.Errorf("logical line %d: value of %s: %w", number+1, name, err)
			}
			value = string(decoded)
		} else {
			value = strings.TrimLeft(value, " ")
		}
		switch {
		case current != nil:
			if strings.EqualFold(name, "changetype") {
				return nil, fmt.Errorf("logical line %d: change records are not supported", number+1)
			}
			current.add(name, value)
		case strings.EqualFold(name, "dn"):
			current = &record{dn: value}
			records = append(records, current)
		default:
			return nil, fmt.Errorf("logical line %d: a record begins with %q, not with dn", number+1, name)
		}
	}
	return records, nil
}

// printLDIF is the reverse of parseLDIF. All values go out as base64: it is
// for slapadd to read.
func printLDIF(records []*record) string {
	var text strings.Builder
	line := func(name, value string) {
		fmt.Fprintf(&text, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
	}
	for _, record := range records {
		line("dn", record.dn)
		for _, attribute := range record.attributes {
			for _, value := range attribute.Vals {
				line(attribute.Type, value)
			}
		}
		text.WriteString("\n")
	}
	return text.String()
}

// seed is what a server holds before its first start.
func seed(options Options) (string, error) {
	records := []*record{{dn: Base, attributes: []ldap.Attribute{
		{Type: "objectClass", Vals: []string{"domain"}}, {Type: "dc", Vals: []string{"example"}},
	}}}
	for _, dn := range []string{People, Disabled, Groups, Services, Policies} {
		name := strings.TrimPrefix(dn[:strings.IndexByte(dn, ',')], "ou=")
		records = append(records, &record{dn: dn, attributes: []ldap.Attribute{
			{Type: "objectClass", Vals: []string{"organizationalUnit"}}, {Type: "ou", Vals: []string{name}},
		}})
	}
	records = append(records, &record{dn: ServiceDN, attributes: []ldap.Attribute{
		{Type: "objectClass", Vals: []string{"organizationalRole", "simpleSecurityObject"}},
		{Type: "cn", Vals: []string{"scimgate"}},
		{Type: "userPassword", Vals: []string{HashPassword(ServicePassword)}},
	}})
	if !options.NoPolicy {
		lockout := "TRUE"
		if options.NoLockout {
			lockout = "FALSE"
		}
		records = append(records, &record{dn: DefaultPolicy, attributes: []ldap.Attribute{
			// pwdPolicy is auxiliary and needs a structural class beside it.
			{Type: "objectClass", Vals: []string{"device", "pwdPolicy"}},
			{Type: "cn", Vals: []string{"default"}},
			{Type: "pwdAttribute", Vals: []string{"userPassword"}},
			{Type: "pwdLockout", Vals: []string{lockout}},
			{Type: "pwdMaxFailure", Vals: []string{"5"}},
			{Type: "pwdLockoutDuration", Vals: []string{"300"}},
			{Type: "pwdMinLength", Vals: []string{"8"}},
			{Type: "pwdCheckQuality", Vals: []string{"1"}},
		}})
	}
	loaded, err := parseLDIF(options.LDIF)
	if err != nil {
		return "", err
	}
	if !options.NoMemberOf {
		addMemberOf(loaded)
	}
	return printLDIF(append(records, loaded...)), nil
}

// addMemberOf does for loaded entries what the overlay does for added ones.
func addMemberOf(records []*record) {
	byDN := make(map[string]*record, len(records))
	for _, record := range records {
		byDN[strings.ToLower(record.dn)] = record
	}
	for _, group := range records {
		for _, member := range slices.Concat(group.values("member"), group.values("uniqueMember")) {
			if record := byDN[strings.ToLower(member)]; record != nil {
				record.add("memberOf", group.dn)
			}
		}
	}
}

// HashPassword returns a userPassword value in the {SSHA} form, for LDIF that
// is loaded in quantity.
func HashPassword(password string) string {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt) // never fails, says crypto/rand
	sum := sha1.Sum(append([]byte(password), salt...))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}
