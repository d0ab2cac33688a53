package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// provider is an issuer on a server of its own.
type provider struct {
	*httptest.Server
	issuer string

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	signers map[string]crypto.Signer
	fetches int
	isDown  bool
	raw     string // served instead of the keys
}

func newProvider(t *testing.T) *provider {
	p := &provider{signers: make(map[string]crypto.Signer)}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.issuer, "jwks_uri": p.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fetches++
		switch {
		case p.isDown:
			http.Error(w, "down", http.StatusServiceUnavailable)
		case p.raw != "":
			_, _ = w.Write([]byte(p.raw))
		default:
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: p.keys})
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	p.issuer = p.URL
	p.rotate(t, "first")
	return p
}

// set changes what is served.
func (p *provider) set(isDown bool, raw string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isDown, p.raw = isDown, raw
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// rotate makes a new key the only one.
func (p *provider) rotate(t *testing.T, id string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signers[id] = key
	p.keys = []jose.JSONWebKey{{Key: key.Public(), KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}}
}

// claims are those of a token that is accepted.
func (p *provider) claims(now time.Time) map[string]any {
	return map[string]any{
		"iss": p.issuer, "aud": "api://scimgate", "sub": "the-provisioning-service",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "tid": "the-tenant",
	}
}

func (p *provider) sign(t *testing.T, id string, claims map[string]any) string {
	t.Helper()
	p.mu.Lock()
	key := p.signers[id]
	p.mu.Unlock()
	return signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, claims)
}

func signed(t *testing.T, key jose.SigningKey, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
