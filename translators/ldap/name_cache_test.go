package ldap

import (
	"fmt"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

func TestNameCache(t *testing.T) {
	c := newNameCache()
	now := time.Now()
	c.now = func() time.Time { return now }
	c.put("a", reference{id: "1"})
	if ref, known := c.get("a"); !known || ref.id != "1" {
		t.Errorf("got %v, %t", ref, known)
	}
	c.put("a", reference{id: "2"})
	if ref, _ := c.get("a"); ref.id != "2" {
		t.Errorf("got %v", ref)
	}
	now = now.Add(namesFor + time.Second)
	if _, known := c.get("a"); known {
		t.Error("it is known for too long")
	}
	for i := range namesAtMost + 1 {
		c.put(fmt.Sprint(i), reference{})
		c.get("0") // is used, and stays
	}
	if _, known := c.get("1"); known || len(c.entries) != namesAtMost {
		t.Errorf("%d names are known", len(c.entries))
	}
	if _, known := c.get("0"); !known {
		t.Error("what is used is not known any more")
	}
	c.drop("0")
	if _, known := c.get("0"); known || c.recent.Len() != len(c.entries) {
		t.Error("it is known after it was dropped")
	}
}

// What scimgate writes itself shows at once.
func TestForget(t *testing.T) {
	tr, server := servePeople(t)
	groups := tr.users.served.Attribute("groups")
	ada := idOf(t, tr, tr.users, `userName eq "ada"`)
	shown := func() string {
		t.Helper()
		entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{ada}, translators.Selection{Attributes: []*scim.Attribute{groups}})
		if err != nil || len(entries) != 1 || len(entries[0].Resource.Get(groups).Items()) != 1 {
			t.Fatalf("reading: %v, %v", entries, err)
		}
		return entries[0].Resource.Get(groups).Items()[0].SubNamed("display").Text()
	}
	dn := "cn=engineers," + slapd.Groups
	if got := shown(); got != "engineers" {
		t.Fatalf("got %s", got)
	}
	request := goldap.NewModifyRequest(dn, nil)
	request.Add("cn", []string{"builders"})
	if err := server.Admin(t).Modify(request); err != nil {
		t.Fatal(err)
	}
	if err := server.Admin(t).ModifyDN(goldap.NewModifyDNRequest(dn, "cn=Engineers", true, "")); err != nil {
		t.Fatal(err)
	}
	tr.forget(dn)
	if got := shown(); got == "engineers" {
		t.Errorf("got %s after it was forgotten", got)
	}
}
