package notice

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestUnmarshalCaddyfile(t *testing.T) {
	n := new(Notice)
	if err := n.UnmarshalCaddyfile(caddyfile.NewTestDispenser(`expiry_warning 14d 2d {
		smtp mail.example.com:587 {
			from scimgate@example.com
			to ops@example.com night@example.com
			user scimgate
			password {env.SMTP_PASSWORD}
			tls implicit
			ca /etc/ca.pem
		}
		webhook https://hooks.example.com/in {
			header X-Key {env.HOOK_KEY}
			secret {env.HOOK_SECRET}
		}
		webhook {env.HOOK_URL}
	}`)); err != nil {
		t.Fatal(err)
	}
	want := &Notice{
		Before: []caddy.Duration{caddy.Duration(14 * 24 * time.Hour), caddy.Duration(48 * time.Hour)},
		SMTP: &SMTP{Server: "mail.example.com:587", From: "scimgate@example.com", To: []string{"ops@example.com", "night@example.com"},
			User: "scimgate", Password: "{env.SMTP_PASSWORD}", TLS: TLSImplicit, CA: "/etc/ca.pem"},
		Webhooks: []*Webhook{
			{URL: "https://hooks.example.com/in", Header: map[string]string{"X-Key": "{env.HOOK_KEY}"}, Secret: "{env.HOOK_SECRET}"},
			{URL: "{env.HOOK_URL}"},
		},
	}
	if diff := cmp.Diff(want, n, cmpopts.IgnoreUnexported(Notice{}, SMTP{}, Webhook{})); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"expiry_warning soon":                                `"soon" is no time`,
		"expiry_warning off 3d":                              "either off or",
		"expiry_warning off {\nwebhook https://a.example\n}": "is off, and says how",
		"expiry_warning {\npager x\n}":                       "smtp and webhook are",
		"expiry_warning {\nsmtp\n}":                          "write smtp",
		"expiry_warning {\nsmtp a {\nfrom a@example.com\nfrom b@example.com\n}\n}": "from is given twice",
		"expiry_warning {\nsmtp a {\nsubject x\n}\n}":                              "from, to, user",
		"expiry_warning {\nsmtp a {\nfrom a@example.com\n}\n}":                     "it takes from",
		"expiry_warning {\nwebhook https://a.example {\nheader X\n}\n}":            "write header",
		"expiry_warning {\nwebhook https://a.example {\nbody x\n}\n}":              "header, secret and ca are",
		"expiry_warning {\nwebhook ftp://a.example\n}":                             "no URL",
	} {
		if err := new(Notice).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
