package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// accessTokenIssuer is the iss of our own access tokens, and accessTokenType their
// typ (RFC 9068 §2.1).
const (
	accessTokenIssuer = "scimgate"
	accessTokenType   = "at+jwt"
)

// clockSkew is by how much the clocks of gateways that share a store may differ.
const clockSkew = 30 * time.Second

// Grant is what an access token stands for.
type Grant struct {
	Gateway string
	// Credential is whose secret or assertion it was given for, and Fingerprint
	// tells that it still is the same one.
	Credential  string
	Fingerprint string
	// Scopes is what the access token may do, never more than its credential may
	// do now.
	Scopes []string
}

// accessTokenClaims are those of RFC 9068 that we need.
type accessTokenClaims struct {
	jwt.Claims
	Scope       string `json:"scope,omitempty"`
	Fingerprint string `json:"cnf_sha256"`
}

// Sign returns an access token for a grant: a JWT (RFC 9068) that every gateway with
// the same key can verify without being told. The key has 32 bytes.
func Sign(key []byte, g Grant, now time.Time, life time.Duration) (string, error) {
	options := new(jose.SignerOptions).WithType(accessTokenType)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, options)
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	claims := accessTokenClaims{
		Claims: jwt.Claims{
			Issuer: accessTokenIssuer, Audience: jwt.Audience{g.Gateway}, Subject: g.Credential, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life)),
		},
		Scope: strings.Join(g.Scopes, " "), Fingerprint: g.Fingerprint,
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	return text, nil
}

// The reasons for which [Open] refuses an access token.
var (
	ErrNotOurs       = errors.New("it is no access token of this gateway")
	ErrExpiredAccess = errors.New("the access token has expired")
)

// IsAccessToken reports whether a text has the form of one of our own access tokens.
// It verifies nothing.
func IsAccessToken(text string) bool {
	token, err := parseOwn(text)
	if err != nil {
		return false
	}
	var claims jwt.Claims
	return token.UnsafeClaimsWithoutVerification(&claims) == nil && claims.Issuer == accessTokenIssuer
}

func parseOwn(text string) (*jwt.JSONWebToken, error) {
	if !IsJWT(text) {
		return nil, ErrNotOurs
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil || len(token.Headers) != 1 {
		return nil, ErrNotOurs
	}
	if typ, _ := token.Headers[0].ExtraHeaders[jose.HeaderType].(string); typ != accessTokenType {
		return nil, ErrNotOurs
	}
	return token, nil
}

// Open returns what an access token stands for at a gateway: an error is
// [ErrNotOurs] or [ErrExpiredAccess].
func Open(key []byte, gateway, text string, now time.Time) (Grant, error) {
	token, err := parseOwn(text)
	if err != nil {
		return Grant{}, err
	}
	var claims accessTokenClaims
	if token.Claims(key, &claims) != nil || claims.Expiry == nil {
		return Grant{}, ErrNotOurs
	}
	switch err := claims.ValidateWithLeeway(jwt.Expected{Issuer: accessTokenIssuer, AnyAudience: jwt.Audience{gateway}, Time: now}, clockSkew); {
	case errors.Is(err, jwt.ErrExpired):
		return Grant{}, ErrExpiredAccess
	case err != nil:
		return Grant{}, ErrNotOurs
	}
	return Grant{gateway, claims.Subject, claims.Fingerprint, strings.Fields(claims.Scope)}, nil
}

// Fingerprint tells one secret from another without being of use to whoever learns
// it. It is made of the hash of the secret.
func Fingerprint(hash [sha256.Size]byte) string {
	sum := sha256.Sum256(append([]byte("scimgate access token\x00"), hash[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
