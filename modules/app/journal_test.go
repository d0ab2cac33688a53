package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestJournalOptions(t *testing.T) {
	for text, want := range map[string]string{
		"scim {\n journal {\n keep 400d\n log_values\n }\n}": `{"keep":34560000000000000,"log_values":true}`,
		"scim {\n journal {\n keep forever\n }\n}":           `{"keep":-1}`,
		"scim {\n journal {\n keep 1d\n }\n}":                `{"keep":86400000000000}`,
		"scim {\n journal\n}":                                `{}`,
	} {
		a := new(App)
		if err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := json.Marshal(a.History)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
}

// Left out it is the default, and what would delete too much is refused in JSON too.
func TestJournalKeep(t *testing.T) {
	o := new(JournalOptions)
	if err := o.provision(); err != nil || o.Keep != caddy.Duration(400*24*time.Hour) {
		t.Errorf("kept for %v by default, %v", time.Duration(o.Keep), err)
	}
	o = &JournalOptions{Keep: caddy.Duration(time.Hour)}
	if err := o.provision(); err == nil || !strings.Contains(err.Error(), "less than a day") {
		t.Errorf("an hour: %v", err)
	}
}
