package gateway

import (
	"testing"

	"github.com/scimgate/scimgate/scim"
)

func TestNamesOf(t *testing.T) {
	own := func(attributes ...*scim.Attribute) *scim.ResourceType {
		of, err := scim.NewResourceType("Device", "/Devices", "", &scim.Schema{ID: "urn:example:device", Attributes: attributes},
			&scim.Schema{ID: "urn:example:more", Attributes: []*scim.Attribute{{Name: "displayName"}, {Name: "tag", Uniqueness: scim.UniqueServer}}})
		if err != nil {
			t.Fatal(err)
		}
		return of
	}
	for _, tt := range []struct {
		name string
		t    *scim.ResourceType
		want string // the first of them
	}{
		{"users", scim.UserType(), "userName"},
		{"groups", scim.GroupType(), "displayName"},
		{"what is unique", own(&scim.Attribute{Name: "model"}, &scim.Attribute{Name: "serial", Uniqueness: scim.UniqueServer}), "serial"},
		{"displayName before what is unique", own(&scim.Attribute{Name: "serial", Uniqueness: scim.UniqueServer}, &scim.Attribute{Name: "displayName"}), "displayName"},
		{"what is never shown has no place in a journal", own(&scim.Attribute{Name: "serial", Uniqueness: scim.UniqueServer, Returned: scim.ReturnedNever}), ""},
		{"nothing of an extension", own(&scim.Attribute{Name: "model"}), ""},
	} {
		got := ""
		if names := namesOf(tt.t); len(names) > 0 {
			got = names[0].Name
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
