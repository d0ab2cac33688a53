package signin

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The expected values were computed by openssl dgst -mac HMAC.
func TestSignatures(t *testing.T) {
	const message = `{request.method}\n{request.target}\n{request.timestamp}\n{request.body_sha256}`
	tests := []struct {
		name   string
		config HMAC
		want   string
	}{
		{"md5", HMAC{Algorithm: "md5", Secret: "Jefe0 key"}, "610654e45cd31c9a5c0ff072a0daac9d"},
		{"sha1", HMAC{Algorithm: "sha1", Secret: "Jefe0 key"}, "eced78093f196bc3d45d6ccdf9349df7e5e61ad4"},
		{"sha256", HMAC{Algorithm: "sha256", Secret: "Jefe0 key"}, "7d4113fe05a90ccc52904f00a1a43440288f808798fe70d1c11a8f9dfc8abd74"},
		{"sha384", HMAC{Algorithm: "sha384", Secret: "Jefe0 key"}, "1f7aa57f7a02571313037f7b511a7c0921a71c64c0b98c0a4e3cc53c7932bd64d4586145c1acd79e670a064864e65874"},
		{"sha512", HMAC{Algorithm: "sha512", Secret: "Jefe0 key"}, "d683a29328d9dc03dd55a6bcfffd88d1f5513272196bfd16ea58119bb74b964103eb29cc5d1c8f697680641fc4bcef7b9f14052ee9499de40ad4d0f996ef428d"},
		{"base64", HMAC{Algorithm: "sha256", Secret: "Jefe0 key", Encode: "base64"}, "fUET/gWpDMxSkE8AoaQ0QCiPgIeY/nDRwRqPnfyKvXQ="},
		{"base64url", HMAC{Algorithm: "sha256", Secret: "Jefe0 key", Encode: "base64url"}, "fUET_gWpDMxSkE8AoaQ0QCiPgIeY_nDRwRqPnfyKvXQ"},
		{"a key in base64", HMAC{Algorithm: "sha256", Secret: "SmVmZTAga2V5", Key: "base64"}, "7d4113fe05a90ccc52904f00a1a43440288f808798fe70d1c11a8f9dfc8abd74"},
		{"a key in hex", HMAC{Algorithm: "sha256", Secret: "4A65666530206b6579", Key: "hex"}, "7d4113fe05a90ccc52904f00a1a43440288f808798fe70d1c11a8f9dfc8abd74"},
		{"a key of bytes", HMAC{Algorithm: "sha256", Secret: "SmVmZTAK/w==", Key: "base64", Encode: "base64"}, "1snr1ZfMvR4sfZtpFUyerDS0Yxi7hwglz8Fw6wR7Mwc="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.config.Message = message
			test.config.Send = []Placement{{In: "header", Name: "X-Signature", Value: "{signature}"}, {In: "query", Name: "sig", Value: "{signature}"}}
			r := signedBy(t, &test.config, "POST", "https://app.internal/users?a=1", "")
			if got := r.Header.Get("X-Signature"); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if got := r.URL.Query().Get("sig"); got != test.want {
				t.Errorf("query: %s, want %s", got, test.want)
			}
		})
	}
}

// signedBy is a request as it is signed at the beginning of 2026.
func signedBy(t *testing.T, c *HMAC, method, url, body string) *http.Request {
	t.Helper()
	h, err := newHMAC(c)
	if err != nil {
		t.Fatal(err)
	}
	h.now = func() time.Time { return time.Date(2026, 1, 1, 2, 0, 0, 0, time.FixedZone("", 2*60*60)) }
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Tenant", "7")
	if _, err := h.sign(t.Context(), r, []byte(body)); err != nil {
		t.Fatal(err)
	}
	return r
}

// What templates of a signature know, each as an API's page would call for it.
func TestRequestFacts(t *testing.T) {
	const body = `{"userName":"jürgen"}`
	tests := map[string]string{
		"request.method": "PUT", "request.host": "app.internal:8443", "request.target": "/api/users/a%20b?z=2&a=%2F",
		"request.path": "/api/users/a%20b", "request.query": "z=2&a=%2F", "request.sorted_query": "a=%2F&z=2",
		"request.body": body, "request.header.x-tenant": "7", "request.header.Host": "app.internal:8443",
		"request.timestamp": "1767225600", "request.timestamp_ms": "1767225600000",
		"request.timestamp_rfc1123": "Thu, 01 Jan 2026 00:00:00 GMT", "request.timestamp_rfc3339": "2026-01-01T00:00:00Z",
		"request.body_md5": "b03b6e3a1aa4b5b77b88e4cc3072f0ab", "request.body_md5_base64": "sDtuOhqktbd7iOTMMHLwqw==",
		"request.body_sha1_base64": "asjfozcjsTYNudm/zjsQ34G1IKM=", "request.body_sha256": "14732d848ba2d98d565ce309ee5ff0472bd63b2c62404606d2587fc87b9e9877",
		"request.body_sha256_base64": "FHMthIui2Y1WXOMJ7l/wRyvWOyxiQEYG0lh/yHuemHc=",
		"request.body_sha512_base64": "0X0nmqx0wjhjxoi7QG6vQuQXSTbJlPh8npL8XtpfeXBtjk2blMCBBMxr604N2yNVFws7i1UjBZ0oz3C06NZGNA==",
	}
	for name, want := range tests {
		c := &HMAC{Algorithm: "sha256", Secret: "k", Message: "x", Send: []Placement{
			{In: "header", Name: "X-Signature", Value: "{signature}"}, {In: "query", Name: "fact", Value: "{" + name + "}"}}}
		r := signedBy(t, c, "PUT", "https://app.internal:8443/api/users/a%20b?z=2&a=%2F", body)
		if got := r.URL.Query().Get("fact"); got != want {
			t.Errorf("{%s}: %q, want %q", name, got, want)
		}
	}
}

// Time, nonce and UUID are the same wherever one request has them, and others in the
// next one.
func TestNonce(t *testing.T) {
	c := &HMAC{Algorithm: "sha256", Secret: "k", Message: "{request.nonce}", Send: []Placement{
		{In: "header", Name: "A", Value: "{request.nonce} {request.uuid}"}, {In: "header", Name: "B", Value: "{request.nonce} {request.uuid}"},
		{In: "header", Name: "X-Signature", Value: "{signature}"}}}
	one, two := signedBy(t, c, "GET", "http://app.internal/", ""), signedBy(t, c, "GET", "http://app.internal/", "")
	if a, b := one.Header.Get("A"), one.Header.Get("B"); a != b || len(a) < 60 {
		t.Errorf("%q and %q", a, b)
	}
	if one.Header.Get("A") == two.Header.Get("A") || one.Header.Get("X-Signature") == two.Header.Get("X-Signature") {
		t.Error("two requests have the same nonce")
	}
}
