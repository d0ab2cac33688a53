package access

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/oauth"
	"github.com/scimgate/scimgate/modules/store/storetest"
	"github.com/scimgate/scimgate/scim"
)

// A client of the configuration gets an access token for its own id and secret, and
// never one that may do more than was asked for.
func TestGiveToken(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	const odd = "a+secret/with=signs%41"
	a := &Access{TokenEndpoint: &TokenEndpoint{}, Credentials: []*Credential{
		{Name: "whole", Secret: secret},
		{Name: "twin", Secret: secret, Scope: Scopes{"users"}},
		{Name: "odd", Secret: odd},
		{Name: "okta", Scheme: SchemeBasic, User: "okta-user", Secret: odd},
	}}
	a.Issue("directory", storetest.Open(t, storetest.SQLite(t)()))
	door(t, a)
	a.now = time.Now
	if err := a.CheckScopes([]*scim.ResourceType{{Endpoint: "/Users"}, {Endpoint: "/Devices"}}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		asked  oauth.Request
		caller string // "": it gets none
		scopes []string
	}{
		"everything":                 {oauth.Request{ClientID: "whole", Secret: secret}, "whole", nil},
		"what is no scope":           {oauth.Request{ClientID: "whole", Secret: secret, Scopes: []string{"scim", ".default"}}, "whole", nil},
		"narrower":                   {oauth.Request{ClientID: "whole", Secret: secret, Scopes: []string{"Read"}}, "whole", []string{"read"}},
		"narrower, a type's own":     {oauth.Request{ClientID: "whole", Secret: secret, Scopes: []string{"devices"}}, "whole", []string{"devices"}},
		"the same secret":            {oauth.Request{ClientID: "twin", Secret: secret}, "twin", []string{"users"}},
		"more than it has":           {oauth.Request{ClientID: "twin", Secret: secret, Scopes: []string{"devices"}}, "", nil},
		"encoded":                    {oauth.Request{ClientID: "odd", Secret: odd}, "odd", nil},
		"not encoded":                {oauth.Request{ClientID: "odd", Secret: "a secret/with=signsA", Verbatim: &oauth.Pair{ClientID: "odd", Secret: odd}}, "odd", nil},
		"by user":                    {oauth.Request{ClientID: "okta-user", Secret: odd}, "okta", nil},
		"by the name, not the user":  {oauth.Request{ClientID: "okta", Secret: odd}, "", nil},
		"another's secret":           {oauth.Request{ClientID: "odd", Secret: secret}, "", nil},
		"no secret":                  {oauth.Request{ClientID: "odd"}, "", nil},
		"an id in another case":      {oauth.Request{ClientID: "Whole", Secret: secret}, "", nil},
		"a JWT where none are known": {oauth.Request{Assertion: "eyJ.e30.x"}, "", nil},
	} {
		given, caller, refusal, err := a.GiveToken(request("192.0.2.1", ""), test.asked)
		if test.caller == "" {
			if refusal == nil && err == nil {
				t.Errorf("%s: it gets a token as %s", name, caller.Name)
			}
			continue
		}
		if refusal != nil || err != nil || caller.Name != test.caller {
			t.Errorf("%s: %+v, %v, %v", name, refusal, err, caller)
			continue
		}
		who, refusal := a.Admit(request("192.0.2.1", "Bearer "+given.AccessToken))
		if refusal != nil || who.Name != test.caller || !slices.Equal(who.Scopes, test.scopes) {
			t.Errorf("%s: the access token is let in as %+v, %+v", name, who, refusal)
		}
	}
}
