package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/store"
)

// federation is an identity provider that signs JWTs for what calls a gateway.
type federation struct {
	*httptest.Server
	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	isDown bool
}

func startFederation(t *testing.T) *federation {
	t.Helper()
	f := new(federation)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.isDown {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.key.Public(), KeyID: "one", Use: "sig", Algorithm: "ES256"}}})
	}))
	t.Cleanup(f.Close)
	var err error
	if f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return f
}

// credential returns the lines of a gateway that trusts it.
func (f *federation) credential(name string, lines ...string) string {
	return "jwt " + name + " {\nissuer https://login.example.com/tenant/v2.0\naudience api://scimgate\nsubject sync-fabric\njwks " + f.URL + "\n" +
		strings.Join(lines, "\n") + "\n}"
}

func (f *federation) down(isDown bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.isDown = isDown
}

// assertion returns a JWT as workload identity federation sends it.
func (f *federation) assertion(t *testing.T, change map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": "https://login.example.com/tenant/v2.0", "aud": "api://scimgate", "sub": "sync-fabric", "ver": "2.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range change {
		claims[name] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.key, KeyID: "one"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// issue puts a token into the store of the running gateways, as the command does.
func issue(t *testing.T, issued store.Token) (text string, s *store.Store) {
	t.Helper()
	text, id, err := access.NewToken()
	if err != nil {
		t.Fatal(err)
	}
	module, err := caddy.ActiveContext().App("scim")
	if err != nil {
		t.Fatal(err)
	}
	s = module.(*app.App).Store()
	issued.ID, issued.Hash, issued.Created = id, sha256.Sum256([]byte(text)), time.Now()
	if err := s.AddToken(t.Context(), issued); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the token is known", func() bool { known := s.Control(); return known != nil && known.Token(id) != nil })
	return text, s
}

func TestTokenEndpoint(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	f := startFederation(t)
	g := startGateway(t, d, setup{Gateway: []string{
		"token_endpoint",
		"token narrow {\n secret a-narrow-secret\n scope users read\n allow 127.0.0.1\n }",
		"token elsewhere {\n secret an-elsewhere-secret\n allow 192.0.2.1\n }",
		"token gone {\n secret an-expired-secret\n expires 2020-01-01\n }",
		f.credential("federated", "scope users"),
	}})
	ask := func(form url.Values) answer {
		t.Helper()
		return g.tokenRequest(t, form)
	}
	given := func(a answer) string {
		t.Helper()
		if a.Status != 200 || a.get("token_type") != "Bearer" || a.get("access_token") == "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("no access token: %s", a)
		}
		return "Authorization: Bearer " + a.get("access_token")
	}
	assertion := func(text string) url.Values {
		return url.Values{"client_id": {"whatever"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {text}, "scope": {"scim"}}
	}
	secret := func(id, secret string) url.Values { return url.Values{"client_id": {id}, "client_secret": {secret}} }

	demo := given(ask(secret("demo", token)))
	g.want(t, 200, "GET", filterPath("/Users", `userName eq "nobody"`), "", demo)
	provider := g.want(t, 200, "GET", "/ServiceProviderConfig", "", demo)
	if got := provider.get("authenticationSchemes.#.type"); got != `["oauthbearertoken","oauth2"]` {
		t.Errorf("the authentication schemes are %s", got)
	}

	// The scope is the client's, and may be narrowed.
	narrow := given(ask(secret("narrow", "a-narrow-secret")))
	g.want(t, 200, "GET", "/Groups?count=1", "", narrow)
	g.want(t, 403, "POST", "/Groups", `{"displayName":"x"}`, narrow)
	narrower := given(ask(url.Values{"client_id": {"narrow"}, "client_secret": {"a-narrow-secret"}, "scope": {"read scim"}}))
	g.want(t, 403, "POST", "/Users", userBody("somebody"), narrower)
	if a := ask(url.Values{"client_id": {"narrow"}, "client_secret": {"a-narrow-secret"}, "scope": {"groups"}}); a.Status != 400 || a.get("error") != "invalid_scope" {
		t.Errorf("more than the client has: %s", a)
	}

	// What is refused is refused in the words of OAuth, and the log says why.
	for _, c := range []struct {
		name   string
		form   url.Values
		status int
		reason string
	}{
		{"a wrong secret", secret("demo", token+"x"), 401, "the client's id and secret are not known"},
		{"another's secret", secret("demo", "a-narrow-secret"), 401, "the client's id and secret are not known"},
		{"from elsewhere", secret("elsewhere", "an-elsewhere-secret"), 403, "allow-list"},
		{"expired", secret("gone", "an-expired-secret"), 401, "expired on"},
		{"no assertion at all", assertion("x"), 401, "no issuer that the gateway trusts"},
		{"another subject", assertion(f.assertion(t, map[string]any{"sub": "somebody"})), 401, "another subject"},
		{"an assertion that has expired", assertion(f.assertion(t, map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()})), 401, "it expired at"},
	} {
		a := ask(c.form)
		if a.Status != c.status || a.get("error") != "invalid_client" || strings.Contains(a.Body, "expired") {
			t.Errorf("%s: %s", c.name, a)
		}
		if line := g.requestLine(t, a); !strings.Contains(line.Get("error").String(), c.reason) || line.Get("operation").String() != "token" {
			t.Errorf("%s: the log does not say %q: %s", c.name, c.reason, line)
		}
	}

	// The keys can't be fetched: nothing is known of an assertion.
	f.down(true)
	good := f.assertion(t, nil)
	if a := ask(assertion(good)); a.Status != 503 || a.get("error") != "temporarily_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("without the keys of the issuer: %s", a)
	}
	if a := g.do(t, "GET", "/Users?count=1", "", "Authorization: Bearer "+good); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("a JWT without the keys of its issuer: %s", a)
	}
}

// An assertion becomes an access token, and the JWT itself is let in, within the scope
// of the credential.
func TestFederation(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	f := startFederation(t)
	g := startGateway(t, d, setup{Gateway: []string{
		"token_endpoint {\n lifetime 2h\n }",
		f.credential("federated", "scope users"),
	}})
	good := f.assertion(t, nil)
	a := g.tokenRequest(t, url.Values{"client_assertion": {good}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
	if a.Status != 200 || a.get("expires_in") != "7200" || a.get("scope") != "users" {
		t.Fatal(a)
	}
	for _, bearer := range []string{a.get("access_token"), good} {
		g.want(t, 200, "GET", "/Users?count=1", "", "Authorization: Bearer "+bearer)
		if a := g.do(t, "GET", "/Groups?count=1", "", "Authorization: Bearer "+bearer); a.Status != 403 {
			t.Errorf("beyond the scope: %s", a)
		}
	}
	for name, bearer := range map[string]string{
		"another audience":    f.assertion(t, map[string]any{"aud": "api://other"}),
		"another issuer":      f.assertion(t, map[string]any{"iss": "https://login.example.com/other/v2.0"}),
		"a cut access token":  a.get("access_token")[:len(a.get("access_token"))-4],
		"a stranger's signed": startFederation(t).assertion(t, nil),
	} {
		if a := g.do(t, "GET", "/Users?count=1", "", "Authorization: Bearer "+bearer); a.Status != 401 {
			t.Errorf("%s: %s", name, a)
		}
	}
	for _, text := range []string{g.log(t), g.metricsText(t), g.want200Text(t, g.Admin+"/config/")} {
		for _, secret := range []string{a.get("access_token"), good} {
			if strings.Contains(text, secret[len(secret)-40:]) {
				t.Error("a token is in the log, the metrics or the configuration")
			}
		}
	}
}

// The access tokens of an issued token end with it, without a reload.
func TestAccessTokensOfIssued(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Gateway: []string{"token_endpoint"}})
	issued, s := issue(t, store.Token{Gateway: "demo", Name: "entra"})
	a := g.tokenRequest(t, url.Values{}, "Authorization: "+basicAuthorization("entra", issued))
	if a.Status != 200 {
		t.Fatal(a)
	}
	bearer := "Authorization: Bearer " + a.get("access_token")
	g.want(t, 200, "GET", "/Users?count=1", "", bearer)
	entries := s.Control().Tokens
	if err := s.RevokeToken(t.Context(), entries[0].ID, time.Now(), "somebody", "it leaked"); err != nil {
		t.Fatal(err)
	}
	var last answer
	waitFor(t, "the access token counts no more", func() bool {
		last = g.do(t, "GET", "/Users?count=1", "", bearer)
		return last.Status != 200
	})
	if line := g.requestLine(t, last); last.Status != 401 || !strings.Contains(line.Get("error").String(), "was revoked on") {
		t.Errorf("%s: %s", last, line)
	}
}

func basicAuthorization(user, password string) string {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}
