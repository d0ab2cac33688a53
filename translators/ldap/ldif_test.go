package ldap

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// readLDIF reads a record as RFC 2849 has it: names and values in order.
func readLDIF(text string) ([][2]string, error) {
	var lines [][2]string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if encoded, is := strings.CutPrefix(value, ":"); is {
			decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
			if err != nil {
				return nil, err
			}
			value = string(decoded)
		} else {
			value = strings.TrimLeft(value, " ")
		}
		lines = append(lines, [2]string{name, value})
	}
	return lines, nil
}

// FuzzLDIF checks that no value can get out of its line, and that each reads back.
func FuzzLDIF(f *testing.F) {
	for _, s := range append(slices.Clone(odd), "", " ", "\n", "x\ndn: cn=admin", "a ", ":x", "<file:///etc/passwd", "\x00", "\xff", "a\r", "-", "# comment") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := newRecord("cn="+value, "(cn="+value+")", "modify", veil{secrets: []string{"userPassword"}})
		r.changes([]goldap.Change{replacement("title", value, value), modification(goldap.DeleteAttribute, "userPassword", []string{value})})
		r.attributes([]goldap.Attribute{{Type: "sn", Vals: []string{value}}})
		got, err := readLDIF(r.String())
		if err != nil {
			t.Fatal(err)
		}
		want := [][2]string{{"dn", "cn=" + value}, {"changetype", "modify"}, {"replace", "title"}, {"title", value}, {"title", value}, {"-", ""},
			{"delete", "userPassword"}, {"userPassword", masked}, {"-", ""}, {"sn", value}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q does not read back (-want +got):\n%s", value, diff)
		}
	})
}

// FuzzNames checks that any value can name an entry, and that the name says the
// value again.
func FuzzNames(f *testing.F) {
	for _, s := range append(slices.Clone(odd), " ", "\x00", " a ", "#", "a\\", ",", "+") {
		f.Add(s)
	}
	parent, err := goldap.ParseDN("ou=people,dc=example,dc=com")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if value == "" {
			return // no entry is named by nothing
		}
		text := child(parent, newRDN("uid", value)).String()
		dn, err := goldap.ParseDN(text)
		if err != nil {
			t.Fatalf("%q makes the name %q: %v", value, text, err)
		}
		if len(dn.RDNs) != 4 || len(dn.RDNs[0].Attributes) != 1 || dn.RDNs[0].Attributes[0].Value != value {
			t.Errorf("%q makes the name %q of %d parts", value, text, len(dn.RDNs))
		}
		if !parentOf(dn).EqualFold(parent) {
			t.Errorf("%q makes a name below %s", value, parentOf(dn))
		}
	})
}

// FuzzAssertion checks that values in a condition stay values.
func FuzzAssertion(f *testing.F) {
	for _, s := range odd {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		filter := equality("uid", value, true)
		packet, err := goldap.CompileFilter(filter)
		if err != nil {
			t.Fatalf("%q makes %s: %v", value, filter, err)
		}
		if packet.Tag != goldap.FilterEqualityMatch || len(packet.Children) != 2 || packet.Children[1].Data.String() != value {
			t.Errorf("%q makes %s", value, filter)
		}
	})
}

// FuzzDecodeEntry feeds what a broken server may send after a modification.
func FuzzDecodeEntry(f *testing.F) {
	f.Add([]byte("d\x16\x04\x04cn=a0\x0e0\x0c\x04\x02cn1\x06\x04\x04abcd"))
	f.Add([]byte("d\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := decodeEntry(string(raw))
		if (e == nil) == (err == nil) {
			t.Errorf("decoding gives %v and %v", e, err)
		}
	})
}

func TestRecordSayings(t *testing.T) {
	for value, want := range map[string]string{
		"plain":  "sn: plain\n",
		"":       "sn:\n",
		"é":      "# sn: é\nsn:: w6k=\n",
		"a\nb":   "sn:: YQpi\n",
		"\u202e": "sn:: 4oCu\n",
	} {
		t.Run(fmt.Sprintf("%q", value), func(t *testing.T) {
			var r record
			if r.line("sn", value); r.String() != want {
				t.Errorf("it is printed as %q, want %q", r.String(), want)
			}
		})
	}
}
