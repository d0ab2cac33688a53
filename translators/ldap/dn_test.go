package ldap

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

func TestNameKey(t *testing.T) {
	for _, same := range [][]string{
		{"uid=ada,ou=people,dc=example,dc=com", "UID=Ada, OU=People , DC=example,dc=COM", "uid=\\61da,ou=people,dc=example,dc=com"},
		{"cn=Ada  King,dc=x", "cn=ada king,dc=x", "CN=\\20Ada King\\20,dc=x"},
		{"cn=a+uid=b,dc=x", "uid=B+cn=A,dc=x"},
		{`cn=a\,b,dc=x`, `cn=a\2cb,dc=x`, `cn=A\2Cb,dc=x`},
		{"cn=Zoë,dc=x", `CN=ZO\c3\8b,dc=x`},
		{"", " "},
	} {
		for _, other := range same[1:] {
			if nameKey(same[0]) != nameKey(other) {
				t.Errorf("%q and %q have the keys %q and %q", same[0], other, nameKey(same[0]), nameKey(other))
			}
		}
	}
	different := []string{"", "uid=ada", "uid=ad a", "cn=ada", "uid=ada,dc=x", `uid=ada\,dc=x`, "uid=ada+dc=x", `uid=ada\+dc=x`, "not a name"}
	for i, a := range different {
		for _, b := range different[:i] {
			if nameKey(a) == nameKey(b) {
				t.Errorf("%q and %q have one key", a, b)
			}
		}
	}
}

func TestWithoutUID(t *testing.T) {
	for value, want := range map[string]string{
		"uid=ada,dc=x":            "uid=ada,dc=x",
		"uid=ada,dc=x#'0101'B":    "uid=ada,dc=x",
		"uid=ada,dc=x#''B":        "uid=ada,dc=x",
		"uid=ada#'1'B,dc=x":       "uid=ada#'1'B,dc=x",
		"uid=ada,dc=x#'12'B":      "uid=ada,dc=x#'12'B",
		"uid=ada,dc='B":           "uid=ada,dc='B",
		"uid=a#'1'B,dc=x#'0110'B": "uid=a#'1'B,dc=x",
	} {
		if got := withoutUID(value); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
}

// The quick way to a key and the long one end at the same.
func TestPlainNames(t *testing.T) {
	for text, want := range map[string]bool{
		"uid=ada,ou=people,dc=example,dc=com": true,
		"UID=Ada King,ou=people":              true,
		"mail=a_b@example.com,dc=x":           true,
		"2.5.4.3=x,dc=y":                      true,
		"cn=":                                 false,
		"cn=,dc=x":                            false,
		"cn":                                  false,
		"cn,dc=x":                             false,
		"":                                    false,
		",":                                   false,
		"=x":                                  false,
		"cn=a,":                               false,
		"cn=a, dc=x":                          false,
		"cn=a ,dc=x":                          false,
		"cn= a,dc=x":                          false,
		"cn=a ":                               false,
		"cn=a  b":                             false,
		"cn=a=b":                              false,
		"cn=a+uid=b":                          false,
		`cn=a\,b`:                             false,
		"cn=Zoë":                              false,
		"-c=x":                                false,
		"cn=a-b.c":                            true,
		"c n=x":                               false,
		"cn=#00":                              false,
	} {
		if got := isPlain(text); got != want {
			t.Errorf("%q: plain %t, want %t", text, got, want)
		}
		dn, err := goldap.ParseDN(text)
		if err != nil || len(dn.RDNs) == 0 {
			continue
		}
		n := newName(text)
		if long := parsedNameKey(dn); n.key != long {
			t.Errorf("%q has the keys %q and %q", text, n.key, long)
		}
		if want {
			if first := dn.RDNs[0].Attributes[0]; n.rdn != "("+text[:len(first.Type)]+"="+goldap.EscapeFilter(first.Value)+")" {
				t.Errorf("%q is looked for by %s", text, n.rdn)
			}
		}
	}
}

func TestIsBelow(t *testing.T) {
	const base = "OU=People,dc=x"
	for text, want := range map[string]bool{
		"uid=ada,ou=people,dc=x":       true,
		"uid=ada,ou=a,ou=people, DC=X": true,
		"ou=people,dc=x":               false,
		"uid=ada,ou=groups,dc=x":       false,
		`uid=ada\,ou=people,dc=x`:      false,
		`uid=ada\\,ou=people,dc=x`:     true,
		`uid=ada\\\,ou=people,dc=x`:    false,
		"uid=ada,x-ou=people,dc=x":     false,
		"dc=x":                         false,
	} {
		if got := isBelowKey(nameKey(text), nameKey(base)); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
		dn, err := goldap.ParseDN(text)
		above, err2 := goldap.ParseDN(base)
		if err != nil || err2 != nil || above.AncestorOfFold(dn) != want {
			t.Errorf("%s: go-ldap does not agree, %v", text, err)
		}
	}
}

// FuzzReadName holds that the quick way of reading a name is the long one, and that
// the filter by which a name is looked for asks for just its first part.
func FuzzReadName(f *testing.F) {
	for _, text := range []string{"uid=ada,ou=people,dc=x", `cn=a\,b+uid=*)(x=\00,dc=x`, "CN=#04024869,dc=y", "2.5.4.3=a  b, dc=z", `u\29id=a,dc=x`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := newName(text)
		dn, err := goldap.ParseDN(text)
		if err != nil || len(dn.RDNs) == 0 {
			if n.rdn != "" {
				t.Fatalf("%q is no name and looked for by %s", text, n.rdn)
			}
			return
		}
		if long := parsedNameKey(dn); n.key != long {
			t.Fatalf("%q has the keys %q and %q", text, n.key, long)
		}
		if n.rdn == "" {
			if isSearchable(dn.RDNs[0]) {
				t.Fatalf("%q can't be looked for", text)
			}
			return
		}
		packet, err := goldap.CompileFilter(n.rdn)
		if err != nil {
			t.Fatalf("%q is looked for by %s: %v", text, n.rdn, err)
		}
		parts := []*ber.Packet{packet}
		if packet.Tag == goldap.FilterAnd {
			parts = packet.Children
		}
		for i, a := range dn.RDNs[0].Attributes {
			if len(parts) != len(dn.RDNs[0].Attributes) || parts[i].Tag != goldap.FilterEqualityMatch ||
				parts[i].Children[0].Data.String() != a.Type || parts[i].Children[1].Data.String() != a.Value {
				t.Fatalf("%q is looked for by %s", text, n.rdn)
			}
		}
	})
}
