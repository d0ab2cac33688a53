package translators_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// names are references by name.
type names map[string]string

func (n names) Name(_ *translators.Leaf, id string) (string, bool) { return "another name", id != "" }
func (n names) ID(_ *translators.Leaf, name string) (string, bool) { id, ok := n[name]; return id, ok }

func TestRoundTrip(t *testing.T) {
	m, err := translators.Compile(scim.UserType(), []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "displayName", Fields: []string{"cn", "displayName"}},
		{Path: "password", Fields: []string{"userPassword"}},
		{Path: "active", Fields: []string{"enabled"}},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}},
		{Path: `addresses[type eq "work"].formatted`, Fields: []string{"postalAddress"}, Codec: translators.CodecPostalAddress},
		{Path: "nickName", Fields: []string{"seeAlso"}, ReadOnly: true},
		{Path: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", Fields: []string{"manager"}, Codec: translators.CodecReference},
	})
	if err != nil {
		t.Fatal(err)
	}
	sound := map[string][]string{"uid": {"ada"}, "cn": {"Ada"}, "displayName": {"Ada"}, "userPassword": {"x"}, "enabled": {"TRUE"},
		"mail": {"a", "b"}, "postalAddress": {"a$b"}, "seeAlso": {"x"}, "manager": {"uid=eve"}}
	for _, test := range []struct {
		name  string
		field string
		has   []string
		want  []string
	}{
		{"nothing to say", "uid", []string{"ada"}, nil},
		{"empty values are none", "mail", []string{"", "a"}, nil},
		{"the second field has another value", "displayName", []string{"Countess"}, []string{"displayName (displayName): writing what was read would write it in another form"}},
		{"the second field has none", "displayName", nil, []string{"displayName (displayName): writing what was read would add 1 to its 0 values"}},
		{"further values", "uid", []string{"ada", "lovelace"}, []string{"userName (uid): it has 2 values and only the first is served", "userName (uid): writing what was read would remove 1 of its 2 values"}},
		{"in another case", "enabled", []string{"true"}, []string{"active (enabled): writing what was read would write it in another form"}},
		{"not to be read", "enabled", []string{"maybe"}, []string{`active (enabled): it cannot be read: it is neither "TRUE" nor "FALSE"`, "active (enabled): writing what was read would remove 1 of its 1 values"}},
		{"a reference to nobody", "manager", []string{"uid=gone"}, []string{"it refers to something that is not served here", "would remove 1 of its 1 values"}},
		{"the hash of a password", "userPassword", []string{"{SSHA}x"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			get := func(field string) []string {
				if field == test.field {
					return test.has
				}
				return sound[field]
			}
			var got []string
			for _, p := range m.RoundTrip(get, names{"uid=eve": "7"}) {
				got = append(got, p.String())
			}
			if len(got) != len(test.want) {
				t.Fatal(cmp.Diff(test.want, got))
			}
			for i := range got {
				if !strings.Contains(got[i], test.want[i]) {
					t.Error(cmp.Diff(test.want, got))
				}
			}
		})
	}
}
