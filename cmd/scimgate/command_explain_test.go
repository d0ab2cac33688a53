package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/demo"
)

// A request may be written as it is thought, without escapes, version or base.
func TestReadRequest(t *testing.T) {
	for text, want := range map[string]string{
		`GET /Users?filter=userName eq "x"`:                              `GET /scim/v2/Users?filter=userName%20eq%20%22x%22`,
		`GET /Users?filter=userName eq "Zoë Müller" HTTP/1.1`:            `GET /scim/v2/Users?filter=userName%20eq%20%22Zo%C3%AB%20M%C3%BCller%22`,
		"get /scim/v2/Users?filter=userName+eq+%22x%22&count=1\nHost: y": `GET /scim/v2/Users?filter=userName+eq+%22x%22&count=1`,
		"PATCH /scim/v1/Users/1\n\n{\"active\": false}":                  `PATCH /scim/v1/Users/1`,
		"PATCH /Users/1\r\n\r\n{\"Operations\": []}":                     `PATCH /scim/v2/Users/1`,
	} {
		r, err := readRequest(strings.NewReader(text), []string{"/scim/v2", "/scim/v1"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := r.Method + " " + r.URL.String(); got != want {
			t.Errorf("%s: read as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "GET", "GET \n"} {
		if _, err := readRequest(strings.NewReader(text), []string{"/scim/v2", "/scim/v1"}); err == nil || !strings.Contains(err.Error(), "must begin with a line") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestVersion(t *testing.T) {
	revision := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]*debug.BuildInfo{
		"scimgate v1.2.3, Caddy":                {Main: debug.Module{Version: "v1.2.3"}, Settings: revision},
		"scimgate 0123456789ab+modified, Caddy": {Main: debug.Module{Version: "(devel)"}, Settings: revision},
		"scimgate of an unknown version, Caddy": {},
	} {
		if got := version(info); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A token that is too short is the token's fault, and no address's.
func TestDemoTokenIsChecked(t *testing.T) {
	_, err := demo.Start(demo.Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Token: "short"})
	if err == nil || !strings.Contains(err.Error(), "the secret has 5 bytes") || strings.Contains(err.Error(), "--listen") {
		t.Errorf("the error is %v", err)
	}
}
