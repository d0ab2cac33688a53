package scim

import (
	"net/http"
	"strings"
	"testing"
)

// A gateway that maps no more of a member than its value still says that members
// can't be selected otherwise: to ignore it would look like a removal.
func TestMembersSelectedByWhatIsNotMapped(t *testing.T) {
	group, err := NewResourceType("Group", "/Groups", "Group", &Schema{ID: SchemaGroup, Name: "Group", Attributes: []*Attribute{
		{Name: "displayName", Required: true},
		{Name: "members", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{{Name: "value"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d := &Decoder{Types: []*ResourceType{group}}
	for body, want := range map[string]string{
		`{"op": "remove", "path": "members[display eq \"Ada\"]"}`:                                   "members are selected by value eq",
		`{"op": "remove", "path": "members[display eq \"Ada\"].value"}`:                             "members are selected by value eq",
		`{"op": "add", "path": "Members [type eq \"User\"]", "value": {"value": "1"}}`:              "members are selected by value eq",
		`{"op": "remove", "path": "members[value eq \"1\" and display eq \"Ada\"]", "value": null}`: "members are selected by value eq",
		`{"op": "remove", "path": "members[value eq \"1\""}`:                                        "position",
		`{"op": "replace", "path": "members[value eq \"1\"].display", "value": "Ada"}`:              "members are selected by value eq",
		`{"op": "replace", "path": "members[value eq \"1\"].value", "value": "2"}`:                  "cannot be changed",
	} {
		_, err := d.Decode(Request{Method: http.MethodPatch, Path: "/Groups/1", Body: []byte(`{"Operations": [` + body + `]}`)})
		if e := AsError(err); e == nil || e.Status != http.StatusBadRequest || !strings.Contains(e.Detail, want) {
			t.Errorf("%s: %v, want a 400 with %q", body, err, want)
		}
	}
}
