package translators_test

import (
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// What is remembered is in the type, and no business of the mapping's.
func TestRememberedIsNoBusinessOfTheBackend(t *testing.T) {
	m, err := translators.Compile(scim.UserType(), []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "externalId", Remember: true},
		{Path: "displayName", Fields: []string{"cn"}, DefaultFrom: []string{"externalId", "userName"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	externalID := m.Type.Attribute("externalId")
	if externalID == nil || len(m.Remembered) != 1 || m.Remembered[0] != externalID {
		t.Fatalf("remembered is %v, of the type %v", m.Remembered, externalID)
	}
	if externalID.Mutability != scim.ReadWrite || externalID.Required {
		t.Errorf("its schema says %s, required %t", externalID.Mutability, externalID.Required)
	}
	if len(m.Leaves) != 2 {
		t.Errorf("there are %d leaves", len(m.Leaves))
	}
	all := translators.Selection{All: true, Attributes: []*scim.Attribute{externalID}}
	if fields := m.Fields(all); len(fields) != 2 {
		t.Errorf("the backend is asked for %q", fields)
	}
	if leaves := m.LeavesFor(scim.Target{Attribute: externalID}); len(leaves) != 0 {
		t.Errorf("a filter is pushed down to %v", leaves[0].Fields)
	}
	r := scim.NewResource(m.Type)
	r.Set(externalID, scim.String("x"))
	values, dropped, err := m.Encode(r, nil, nil)
	if err != nil || len(dropped) > 0 {
		t.Errorf("encoding: dropped %q, %v", dropped, err)
	}
	for _, v := range values {
		if len(v.Values) > 0 {
			t.Errorf("%s is to hold %q", v.Field, v.Values)
		}
	}
	back := scim.NewResource(m.Type)
	if problems := m.Decode(back, all, func(string) []string { return []string{"y"} }, nil); len(problems) > 0 || !back.Get(externalID).IsAbsent() {
		t.Errorf("decoding: %v, %v", back.Get(externalID).Text(), problems)
	}
}
