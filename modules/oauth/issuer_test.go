package oauth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func (p *provider) trusted(t *testing.T, now time.Time) *Issuer {
	t.Helper()
	i := &Issuer{
		Issuer: p.issuer, Audience: []string{"api://other", "api://scimgate"}, Subject: []string{"the-provisioning-service"},
		Claims: map[string][]string{"tid": {"the-tenant"}}, now: func() time.Time { return now },
	}
	if err := i.Provision(); err != nil {
		t.Fatal(err)
	}
	i.keys.now = i.now
	return i
}

func TestVerify(t *testing.T) {
	p := newProvider(t)
	now := time.Now().Truncate(time.Second)
	with := func(name string, value any) map[string]any {
		claims := p.claims(now)
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
		return claims
	}
	stranger := newProvider(t)
	stranger.issuer = p.issuer
	tests := []struct {
		name, token, want string
	}{
		{"a good one", p.sign(t, "first", p.claims(now)), ""},
		{"one audience of several", p.sign(t, "first", with("aud", []string{"x", "api://scimgate"})), ""},
		{"a claim that is a list", p.sign(t, "first", with("tid", []string{"x", "the-tenant"})), ""},
		{"just expired, by another clock", p.sign(t, "first", with("exp", now.Add(-59*time.Second).Unix())), ""},
		{"expired", p.sign(t, "first", with("exp", now.Add(-61*time.Second).Unix())), "it expired at"},
		{"never expires", p.sign(t, "first", with("exp", nil)), "it never expires"},
		{"a clock a little ahead", p.sign(t, "first", with("nbf", now.Add(59*time.Second).Unix())), ""},
		{"not yet valid", p.sign(t, "first", with("nbf", now.Add(2*time.Minute).Unix())), "not valid yet"},
		{"issued in the future", p.sign(t, "first", with("iat", now.Add(2*time.Minute).Unix())), "not valid yet"},
		{"another issuer", p.sign(t, "first", with("iss", p.issuer+"/")), "another issuer"},
		{"no issuer", p.sign(t, "first", with("iss", nil)), "another issuer"},
		{"another audience", p.sign(t, "first", with("aud", "api://SCIMGATE")), "another audience"},
		{"no audience", p.sign(t, "first", with("aud", nil)), "another audience"},
		{"another subject", p.sign(t, "first", with("sub", "somebody")), "another subject"},
		{"no subject", p.sign(t, "first", with("sub", nil)), "another subject"},
		{"another tenant", p.sign(t, "first", with("tid", "another")), "claim tid"},
		{"a tenant of another type", p.sign(t, "first", with("tid", 7)), "claim tid"},
		{"no tenant", p.sign(t, "first", with("tid", nil)), "claim tid"},
		{"another's key under the same id", stranger.sign(t, "first", p.claims(now)), "no key of the issuer"},
		{"a shared secret instead of a key", signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, p.claims(now)), "signed with a public key"},
		{"no signature", "eyJhbGciOiJub25lIn0.e30.", "signed with a public key"},
		{"empty", "", "signed with a public key"},
		{"three dots", "..", "signed with a public key"},
		{"huge", "ey." + strings.Repeat("a", longestToken) + ".a", "signed with a public key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			identity, err := p.trusted(t, now).Verify(t.Context(), tt.token)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want == "" && identity.Subject != "the-provisioning-service":
				t.Errorf("got subject %q", identity.Subject)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			case err != nil && errors.Is(err, ErrUnavailable):
				t.Errorf("it is known that it is wrong, and not said: %v", err)
			}
		})
	}
}

// An issuer that is down makes nothing known of a token. Keys that were fetched serve
// on, and a new key is found without a restart.
func TestKeys(t *testing.T) {
	p := newProvider(t)
	now := time.Now().Truncate(time.Second)
	i := p.trusted(t, now)
	clock := now
	i.keys.now = func() time.Time { return clock }
	verify := func(id string) error {
		_, err := i.Verify(t.Context(), p.sign(t, id, p.claims(now)))
		return err
	}
	p.set(true, "")
	if err := verify("first"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("before the keys were fetched: %v", err)
	}
	if err := verify("first"); !errors.Is(err, ErrUnavailable) || p.count() != 1 {
		t.Errorf("asked again at once: %v, %d fetches", err, p.count())
	}
	p.set(false, "")
	clock = clock.Add(keysPause + time.Second)
	if err := verify("first"); err != nil {
		t.Errorf("with the keys: %v", err)
	}
	p.rotate(t, "second")
	if err := verify("second"); err == nil || errors.Is(err, ErrUnavailable) || p.count() != 2 {
		t.Errorf("a new key within the pause: %v, %d fetches", err, p.count())
	}
	clock = clock.Add(keysPause + time.Second)
	if err := verify("second"); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if err := verify("first"); err == nil {
		t.Error("a key that the issuer has taken back is still accepted")
	}
	for _, broken := range []string{"{", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`, strings.Repeat(" ", keysSize+1)} {
		p.set(false, broken)
		clock = clock.Add(keysLife + time.Second)
		if err := verify("second"); err != nil {
			t.Errorf("known keys do not serve when the issuer answers %.20q: %v", broken, err)
		}
		waitFor(t, func() bool {
			i.keys.mu.Lock()
			defer i.keys.mu.Unlock()
			return i.keys.trying == nil && i.keys.err != nil
		})
	}
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come true")
		}
	}
}

func TestIssuerProvision(t *testing.T) {
	good := Issuer{Issuer: "https://login.example.com/tenant/v2.0", Audience: []string{"api://scimgate"}, Subject: []string{"service"}}
	tests := []struct {
		name   string
		change func(*Issuer)
		want   string
	}{
		{"as it is", func(*Issuer) {}, ""},
		{"no issuer", func(i *Issuer) { i.Issuer = "" }, "needs an issuer"},
		{"no audience", func(i *Issuer) { i.Audience = nil }, "needs an audience"},
		{"anybody", func(i *Issuer) { i.Subject = nil }, "needs a subject or a claim"},
		{"plain HTTP", func(i *Issuer) { i.KeysURL = "http://login.example.com/keys" }, "https://"},
		{"plain HTTP on this machine", func(i *Issuer) { i.KeysURL = "http://127.0.0.1:1/keys" }, ""},
		{"a name instead of a URL", func(i *Issuer) { i.Issuer = "scimgate" }, "https://"},
		{"a name with the place of its keys", func(i *Issuer) { i.Issuer, i.KeysURL = "scimgate", "https://login.example.com/keys" }, ""},
		{"too much leeway", func(i *Issuer) { i.Leeway = 1e12 }, "leeway"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := good
			tt.change(&i)
			if err := i.Provision(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
