package access

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

const secret = "a-token-that-is-long"

func door(t *testing.T, a *Access) *Access {
	t.Helper()
	a.now = func() time.Time { return time.Date(2027, 5, 31, 23, 59, 59, 0, time.UTC) }
	provision(t, a, zap.NewNop())
	return a
}

func provision(t *testing.T, a *Access, log *zap.Logger) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := a.Provision(ctx, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Cleanup)
}

func request(address, authorization string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/Users", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	vars := map[string]any{caddyhttp.ClientIPVarKey: address}
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
}

func TestAdmit(t *testing.T) {
	sum := sha256.Sum256([]byte("another-long-token"))
	a := door(t, &Access{
		Allow: []string{"192.0.2.0/24", "2001:db8::/32", "198.51.100.7"},
		Credentials: []*Credential{
			{Name: "entra", Secret: secret, Expires: "2027-06-01"},
			{Name: "hashed", SHA256: hex.EncodeToString(sum[:])},
			{Name: "old", Secret: "an-expired-token", Expires: "2027-05-31"},
			{Name: "local", Secret: "a-token-of-one-host", Allow: []string{"192.0.2.9"}},
			{Name: "okta", Scheme: SchemeBasic, User: "okta-user", Secret: "pass:word long"},
		},
	})
	basic := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	tests := []struct {
		name, address, authorization string
		status                       int
		caller, reason               string
	}{
		{"bearer", "192.0.2.1", "Bearer " + secret, 0, "entra", ""},
		{"scheme in another case", "192.0.2.1", "bEARER " + secret, 0, "entra", ""},
		{"bare token", "192.0.2.1", secret, 0, "entra", ""},
		{"by hash", "192.0.2.1", "Bearer another-long-token", 0, "hashed", ""},
		{"basic with a colon in the password", "192.0.2.1", basic("okta-user", "pass:word long"), 0, "okta", ""},
		{"IPv6", "2001:db8::5", "Bearer " + secret, 0, "entra", ""},
		{"IPv6 with a zone", "2001:db8::5%eth0", "Bearer " + secret, 0, "entra", ""},
		{"IPv4-mapped IPv6", "::ffff:192.0.2.1", "Bearer " + secret, 0, "entra", ""},
		{"single address", "198.51.100.7", "Bearer " + secret, 0, "entra", ""},
		{"token from its own host", "192.0.2.9", "Bearer a-token-of-one-host", 0, "local", ""},

		{"no header", "192.0.2.1", "", 401, "", "no usable Authorization header"},
		{"wrong token", "192.0.2.1", "Bearer wrong-but-long-enough", 401, "", "not known"},
		{"token in another case", "192.0.2.1", "Bearer " + strings.ToUpper(secret), 401, "", "not known"},
		{"truncated token", "192.0.2.1", "Bearer " + secret[:len(secret)-1], 401, "", "not known"},
		{"token as a basic password", "192.0.2.1", basic("entra", secret), 401, "", "not known"},
		{"basic password as a token", "192.0.2.1", "Bearer pass:word long", 401, "", "not known"},
		{"basic with another user", "192.0.2.1", basic("okta", "pass:word long"), 401, "", "not known"},
		{"empty bearer", "192.0.2.1", "Bearer ", 401, "", "no usable Authorization header"},
		{"unknown scheme", "192.0.2.1", "Digest " + secret, 401, "", "no usable Authorization header"},
		{"expired", "192.0.2.1", "Bearer an-expired-token", 401, "old", "expired on 2027-05-31"},
		{"address outside", "203.0.113.1", "Bearer " + secret, 403, "", "not on the gateway's allow-list"},
		{"address outside of the token's", "192.0.2.1", "Bearer a-token-of-one-host", 403, "local", "not on the credential's allow-list"},
		{"no address", "", "Bearer " + secret, 403, "", "can't be told"},
		{"unix socket", "@", "Bearer " + secret, 403, "", "can't be told"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			caller, refusal := a.Admit(request(test.address, test.authorization))
			if test.status == 0 {
				if refusal != nil {
					t.Fatalf("refused: %+v", refusal)
				}
				if caller.Name != test.caller {
					t.Errorf("caller is %q, want %q", caller.Name, test.caller)
				}
				return
			}
			if refusal == nil {
				t.Fatalf("admitted as %+v", caller)
			}
			if refusal.Status != test.status || refusal.Credential != test.caller || !strings.Contains(refusal.Reason, test.reason) {
				t.Errorf("refusal %+v, want %d, credential %q and reason %q", refusal, test.status, test.caller, test.reason)
			}
		})
	}
}

func TestAdmitRefusesEarlyDataAndTwoHeaders(t *testing.T) {
	a := door(t, &Access{Credentials: []*Credential{{Name: "entra", Secret: secret}}})
	early := request("192.0.2.1", "Bearer "+secret)
	early.TLS = &tls.ConnectionState{HandshakeComplete: false}
	if _, refusal := a.Admit(early); refusal == nil || refusal.Status != http.StatusTooEarly {
		t.Errorf("early data: %+v", refusal)
	}
	two := request("192.0.2.1", "Bearer "+secret)
	two.Header.Add("Authorization", "Bearer "+secret)
	if _, refusal := a.Admit(two); refusal == nil || refusal.Status != http.StatusUnauthorized {
		t.Errorf("two headers: %+v", refusal)
	}
}

func TestProvisionRefuses(t *testing.T) {
	t.Setenv("SCIMGATE_EMPTY", "")
	tests := map[string]struct {
		a    Access
		want string
	}{
		"short":            {Access{Credentials: []*Credential{{Name: "a", Secret: "short"}}}, "has 5 bytes; it needs 12"},
		"empty variable":   {Access{Credentials: []*Credential{{Name: "a", Secret: "{env.SCIMGATE_EMPTY}"}}}, "evaluated placeholder {env.SCIMGATE_EMPTY} is empty"},
		"missing variable": {Access{Credentials: []*Credential{{Name: "a", Secret: "{env.SCIMGATE_NO_SUCH}"}}}, "is empty"},
		"missing file":     {Access{Credentials: []*Credential{{Name: "a", Secret: "{file./no/such/file}"}}}, "the secret"},
		"both":             {Access{Credentials: []*Credential{{Name: "a", Secret: secret, SHA256: strings.Repeat("0", 64)}}}, "either a secret or its sha256"},
		"bad hash":         {Access{Credentials: []*Credential{{Name: "a", SHA256: "abc"}}}, "64 hexadecimal digits"},
		"blank in token":   {Access{Credentials: []*Credential{{Name: "a", Secret: "a token with blanks"}}}, "no HTTP header carries"},
		"twice":            {Access{Credentials: []*Credential{{Name: "a", Secret: secret}, {Name: "a", Secret: secret}}}, "given twice"},
		"no day":           {Access{Credentials: []*Credential{{Name: "a", Secret: secret, Expires: "01.06.2027"}}}, "neither a day"},
		"bad range":        {Access{Allow: []string{"192.0.2.1/24"}, Credentials: []*Credential{{Name: "a", Secret: secret}}}, "did you mean 192.0.2.0/24?"},
		"no address":       {Access{Allow: []string{"example.com"}, Credentials: []*Credential{{Name: "a", Secret: secret}}}, "no IP address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
			defer cancel()
			err := test.a.Provision(ctx, zap.NewNop())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want it to hold %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "a token with blanks") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestUnmarshalLine(t *testing.T) {
	unmarshal := func(text string) (*Access, error) {
		d := caddyfile.NewTestDispenser(text)
		a := new(Access)
		for d.Next() {
			known, err := a.UnmarshalLine(d)
			if err != nil {
				return nil, err
			}
			if !known {
				return nil, d.Errf("unknown %s", d.Val())
			}
		}
		return a, nil
	}
	a, err := unmarshal(`allow 192.0.2.0/24 198.51.100.7
allow 2001:db8::/32
token entra {
	secret {env.TOKEN}
	expires 2027-06-01
	allow 192.0.2.9
}
token short {env.OTHER}
basic okta {
	user someone
	secret {env.PASSWORD}
}
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Allow) != 3 || len(a.Credentials) != 3 {
		t.Fatalf("read %+v", a)
	}
	if c := a.Credentials[0]; c.Name != "entra" || c.Secret != "{env.TOKEN}" || c.Expires != "2027-06-01" || c.Allow[0] != "192.0.2.9" {
		t.Errorf("entra is %+v", c)
	}
	if c := a.Credentials[2]; c.Scheme != SchemeBasic || c.User != "someone" {
		t.Errorf("okta is %+v", c)
	}
	for text, want := range map[string]string{
		"allow":                     "write allow <address|cidr>",
		"allow file":                "write allow file <path>",
		"allow file a b":            "write allow file <path>",
		"allow service_tag AzureAD": "write allow service_tag <tag>... <path>",
		"allow service_tag /etc/tags.json AzureAD": `"/etc/tags.json" is no name of a service tag`,
		"allow service_tag A a /etc/tags.json":     "the service tag a is named twice",
		"allow source":                             "write allow source <module>",
		"allow source nowhere x":                   "http.ip_sources.nowhere",
		"allow 192.0.2.1 file /etc/x":              `"file" is no IP address`,
		"allow nowhere":                            `"nowhere" is no IP address`,
		"token":                                    "write token <name>",
		"token a":                                  "either a secret or its sha256",
		"token a b c":                              "write token <name>",
		"token a {\nsecrte x\n}":                   `"secrte" is no option`,
		"token a {\nsecret x\nsecret y\n}":         "secret is given twice",
		"token a {\nsecret x\nuser y\n}":           `"user" is no option`,
		"token a {\nsecret x\nexpires soon\n}":     "neither a day",
		"token a x\nbasic a y":                     "given twice",
	} {
		if _, err := unmarshal(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want it to hold %q", text, err, want)
		}
	}
}
