package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/internal/replay"
)

// TestDialoguesBeforeRedmine replays dialogues with a gateway before Redmine, which holds
// the fixture; its administrator stands for the service account among it. What it holds
// afterwards is asked of Redmine itself.
func TestDialoguesBeforeRedmine(t *testing.T) {
	for _, name := range []string{"entra-rest-users", "entra-rest-groups", "okta-rest-users", "okta-groups"} {
		t.Run(name, func(t *testing.T) { replayBeforeRedmine(t, name) })
	}
}

// remembered is what these dialogues ask for and Redmine has no place for.
const remembered = `
remember externalId displayName nickName title locale
remember urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber
remember urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department
remember urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization
`

// inStore are the attributes of a directory that hold what is remembered. What became of
// them, the answers say.
var inStore = []string{"scimExternalId", "displayName", "title", "employeeNumber", "scimDepartment", "scimOrganization"}

// TestDialoguesThatRemember replays dialogues that ask for more than Redmine has: the
// store has the rest. A mail address that is missing is Redmine's to refuse.
func TestDialoguesThatRemember(t *testing.T) {
	for _, name := range []string{
		"entra-test-connection", "entra-groups", "entra-patch-flag", "okta-aiw-users", "okta-oin-users", oktaSpecTest, "bad-input",
	} {
		t.Run(name, func(t *testing.T) {
			replayBeforeRedmine(t, name,
				"map password password", "map password password"+remembered,
				"map displayName name", "map displayName name\nremember externalId",
				" {\n\t\t\t\t\trequired\n\t\t\t\t}", "")
		})
	}
}

func replayBeforeRedmine(t *testing.T, name string, replace ...string) {
	t.Helper()
	r := startTracker(t, replace...)
	r.fill(t)
	replayAt(t, dialogueNamed(t, name), r.gateway, trackerPlace{t, r})
}

// fill puts the fixture of the dialogues into Redmine.
func (r *tracker) fill(t *testing.T) {
	t.Helper()
	id := make(map[string]int64)
	for _, name := range []string{"Ada.Lovelace", "Grace.Hopper", "Alan.Turing"} {
		given, family, _ := strings.Cut(name, ".")
		id[name] = r.ask(t, 201, "POST", "/users.json", jsonOf(map[string]any{"user": map[string]any{
			"login": name, "firstname": given, "lastname": family, "mail": strings.ToLower(name) + "@example.com", "password": strings.ToLower(given) + "-password",
		}})).Get("user.id").Int()
	}
	for name, members := range map[string][]int64{"Engineering": {id["Ada.Lovelace"], id["Grace.Hopper"]}, "Operators": {}} {
		r.ask(t, 201, "POST", "/groups.json", jsonOf(map[string]any{"group": map[string]any{"name": name, "user_ids": members}}))
	}
}

// trackerPlace is Redmine, looked into through its own API as if it was the directory of
// the dialogues: uid is the login, cn the name of a group, and so on.
type trackerPlace struct {
	t *testing.T
	*tracker
}

const (
	peopleDN = ",ou=people,dc=example,dc=com"
	groupsDN = ",ou=groups,dc=example,dc=com"
)

// find returns the user or the group that a DN means, and what is missing of it.
func (p trackerPlace) find(dn string) (user, group gjson.Result, name string, err error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return user, group, name, err
	}
	name = parsed.RDNs[0].Attributes[0].Value
	switch {
	case strings.HasPrefix(dn, "uid=") && strings.HasSuffix(dn, peopleDN):
		user = p.account(p.t, name)
	case strings.HasPrefix(dn, "cn=") && strings.HasSuffix(dn, groupsDN):
		for _, row := range p.ask(p.t, 200, "GET", "/groups.json", "").Get("groups").Array() {
			if row.Get("name").Str == name {
				group = p.ask(p.t, 200, "GET", "/groups/"+row.Get("id").Raw+".json?include=users", "").Get("group")
			}
		}
	default:
		err = fmt.Errorf("Redmine has nothing like %s", dn)
	}
	return user, group, name, err
}

// IDs returns Redmine's ids of the entries of the fixture.
func (p trackerPlace) IDs(dns map[string]string) (map[string]string, error) {
	ids := make(map[string]string)
	for name, dn := range dns {
		user, group, _, err := p.find(dn)
		if err != nil {
			return nil, err
		}
		if ids[name] = user.Get("id").Raw + group.Get("id").Raw; ids[name] == "" {
			return nil, fmt.Errorf("there is no %s", dn)
		}
	}
	return ids, nil
}

// Check compares a user or a group with what a step says of an entry.
func (p trackerPlace) Check(want dialogue.Entry) error {
	user, group, name, err := p.find(want.DN)
	if err != nil {
		return err
	}
	if exists := user.Exists() || group.Exists(); exists == want.IsGone {
		return fmt.Errorf("%s: it is there: %t", want.DN, exists)
	}
	for _, v := range want.Values {
		if slices.Contains(inStore, v.Attribute) {
			continue
		}
		got, err := p.values(user, group, v.Attribute)
		if err == nil {
			err = replay.CheckValues(v, got)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", want.DN, err)
		}
	}
	for _, b := range want.Bind {
		if p.app.CanSignIn(p.t, name, b.Password) == b.Refused {
			return fmt.Errorf("%s: whether %s is refused should be %t", want.DN, b.Password, b.Refused)
		}
	}
	return nil
}

// values returns what Redmine has where a directory has the attribute.
func (p trackerPlace) values(user, group gjson.Result, attribute string) ([]string, error) {
	field := map[string]string{"uid": "login", "givenName": "firstname", "sn": "lastname", "mail": "mail"}[attribute]
	switch {
	case group.Exists() && attribute == "cn":
		return []string{group.Get("name").Str}, nil
	case group.Exists() && attribute == "member":
		var dns []string
		for _, id := range group.Get("users.#.id").Array() {
			dns = append(dns, "uid="+p.ask(p.t, 200, "GET", "/users/"+id.Raw+".json", "").Get("user.login").Str+peopleDN)
		}
		return dns, nil
	case user.Exists() && attribute == "pwdAccountLockedTime":
		if user.Get("status").Int() == 3 {
			return []string{"000001010000Z"}, nil
		}
		return nil, nil
	case user.Exists() && field != "":
		return []string{user.Get(field).Str}, nil
	}
	return nil, fmt.Errorf("Redmine has no %s", attribute)
}
