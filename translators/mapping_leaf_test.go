package translators_test

import (
	"slices"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func TestLeavesForFilters(t *testing.T) {
	m := compile(t, append(people(),
		translators.MapConfig{Path: "ims.value", Fields: []string{"im"}},
		translators.MapConfig{Path: "ims.type", Fields: []string{"imType"}}), "active", "groups")
	target := func(name string) scim.Target {
		target, ok := scim.ParseTarget(scim.UserType(), name)
		if !ok {
			t.Fatalf("no attribute %s", name)
		}
		return target
	}
	terms := func(selector string) []scim.Field {
		path, err := scim.ParsePath(scim.UserType(), selector)
		if err != nil {
			t.Fatal(err)
		}
		found, ok := scim.EqualTerms(path.Selector)
		if !ok {
			t.Fatalf("%s has no terms", selector)
		}
		return found
	}
	tests := []struct {
		target, selector string
		want             string // the first field; "constant"; "" for none
	}{
		{"userName", "", "uid"},
		{"name.familyName", "", "sn"},
		{"nickName", "", ""},
		{"active", "", ""},
		{enterprise + "manager.value", "", "manager"},
		{"emails.value", "", "mail"},
		{"emails.value", `emails[type eq "Work"]`, "mail"},
		{"emails.value", `emails[type eq "home"]`, ""},
		{"emails.value", `emails[type eq "work" and primary eq true]`, "mail"},
		{"emails.value", `emails[primary eq false]`, ""},
		{"emails.primary", `emails[type eq "work"]`, "constant"},
		{"emails.display", "", ""},
		{"phoneNumbers.value", "", ""}, // two of them
		{"phoneNumbers.value", `phoneNumbers[type eq "mobile"]`, "mobile"},
		{"phoneNumbers.value", `phoneNumbers[type eq "work"]`, ""},
		{"addresses.formatted", `addresses[type eq "work"]`, "postalAddress"},
		{"addresses.postalCode", "", "postalCode"},
		{"ims.value", `ims[type eq "x"]`, ""}, // the backend alone knows which
		{"roles.value", "", "roleInfo"},
		{"roles.value", `roles[primary eq true]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.target+" "+tt.selector, func(t *testing.T) {
			var constants []scim.Field
			if tt.selector != "" {
				constants = terms(tt.selector)
			}
			got := ""
			if l := m.LeafFor(target(tt.target), constants); l != nil && l.IsConstant() {
				got = "constant"
			} else if l != nil {
				got = l.Fields[0]
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	var all []string
	for _, l := range m.LeavesFor(target("phoneNumbers.value")) {
		all = append(all, l.Fields[0])
	}
	if !slices.Equal(all, []string{"telephoneNumber", "mobile"}) {
		t.Errorf("leaves %v", all)
	}
}

func TestLeafOfField(t *testing.T) {
	m := compile(t, []translators.MapConfig{
		{Path: "nickName", Fields: []string{"uid"}, ReadOnly: true},
		{Path: "userName", Fields: []string{"uid", "login"}},
	})
	for field, want := range map[string]string{"UID": "userName", "login": "userName"} {
		if l := m.LeafOf(field); l == nil || l.Path.String() != want {
			t.Errorf("%s: got %v", field, l)
		}
	}
	if l := m.LeafOf("cn"); l != nil {
		t.Errorf("cn belongs to %s", l.Path)
	}
}
