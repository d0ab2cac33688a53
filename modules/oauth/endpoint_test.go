package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServe(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	basic := func(id, secret string) string {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth(id, secret)
		return r.Header.Get("Authorization")
	}
	assertion := "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJ.a.b"
	tests := []struct {
		name, media, authorization, body string
		status                           int
		code                             string
		want                             Request
	}{
		{"in the body", form, "", "grant_type=client_credentials&client_id=a&client_secret=s%2B%26&scope=scim", 200, "", Request{ClientID: "a", Secret: "s+&", Scopes: []string{"scim"}}},
		{"with a character set", form + "; charset=utf-8", "", "grant_type=client_credentials&client_id=a&client_secret=s", 200, "", Request{ClientID: "a", Secret: "s"}},
		{"out of a file", form, "", "grant_type=client_credentials&client_id=a&client_secret=s%0A", 200, "", Request{ClientID: "a", Secret: "s"}},
		{"by header", form, basic("a", "s"), "grant_type=client_credentials", 200, "", Request{ClientID: "a", Secret: "s", ByHeader: true}},
		{"by header, encoded", form, basic("a", "s%3A%2F"), "grant_type=client_credentials", 200, "", Request{ClientID: "a", Secret: "s:/", Verbatim: &Pair{"a", "s%3A%2F"}, ByHeader: true}},
		{"by header, with a colon", form, basic("a", "s:t"), "grant_type=client_credentials", 200, "", Request{ClientID: "a", Secret: "s:t", ByHeader: true}},
		{"by header, not encoded", form, basic("a", "s+/="), "grant_type=client_credentials", 200, "", Request{ClientID: "a", Secret: "s /=", Verbatim: &Pair{"a", "s+/="}, ByHeader: true}},
		{"both ways, the header not encoded", form, basic("a", "s+/="), "grant_type=client_credentials&client_secret=s%2B/=", 200, "", Request{ClientID: "a", Secret: "s+/=", ByHeader: true}},
		{"both ways, the header encoded", form, basic("a", "s%2B"), "grant_type=client_credentials&client_secret=s%2B", 200, "", Request{ClientID: "a", Secret: "s+", ByHeader: true}},
		{"both ways", form, basic("a", "s"), "grant_type=client_credentials&client_id=a&client_secret=s", 200, "", Request{ClientID: "a", Secret: "s", ByHeader: true}},
		{"both ways and different", form, basic("a", "s"), "grant_type=client_credentials&client_id=b&client_secret=s", 400, InvalidRequest, Request{}},
		{"an assertion", form, "", "grant_type=client_credentials&client_id=a&" + assertion, 200, "", Request{ClientID: "a", Assertion: "eyJ.a.b"}},
		{"an assertion without a client", form, "", "grant_type=client_credentials&" + assertion, 200, "", Request{Assertion: "eyJ.a.b"}},
		{"an assertion and a secret", form, "", "grant_type=client_credentials&client_id=a&client_secret=s&" + assertion, 400, InvalidRequest, Request{}},
		{"an assertion of another type", form, "", "grant_type=client_credentials&client_assertion_type=saml&client_assertion=x", 400, InvalidRequest, Request{}},
		{"an assertion that is missing", form, "", "grant_type=client_credentials&client_assertion_type=" + "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", 400, InvalidRequest, Request{}},
		{"another grant", form, "", "grant_type=authorization_code&code=x", 400, UnsupportedGrantType, Request{}},
		{"no grant", form, "", "client_id=a&client_secret=s", 400, InvalidRequest, Request{}},
		{"no client", form, "", "grant_type=client_credentials", 401, InvalidClient, Request{}},
		{"no secret", form, "", "grant_type=client_credentials&client_id=a&client_secret=", 401, InvalidClient, Request{}},
		{"a bearer token", form, "Bearer abc", "grant_type=client_credentials", 401, InvalidClient, Request{}},
		{"twice", form, "", "grant_type=client_credentials&client_id=a&client_id=b&client_secret=s", 400, InvalidRequest, Request{}},
		{"JSON", "application/json", "", `{"grant_type":"client_credentials"}`, 400, InvalidRequest, Request{}},
		{"no form", form, "", "grant_type=%zz", 400, InvalidRequest, Request{}},
		{"huge", form, "", "grant_type=client_credentials&x=" + strings.Repeat("x", longestRequest), 400, InvalidRequest, Request{}},
		{"empty", form, "", "", 400, InvalidRequest, Request{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.media)
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			w := httptest.NewRecorder()
			var got Request
			_ = Serve(w, r, func(_ context.Context, q Request) (Answer, error) {
				got = q
				return Answer{AccessToken: "t", Life: time.Hour}, nil
			})
			var answer map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			if code, _ := answer["error"].(string); w.Code != tt.status || code != tt.code {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(tt.want, got, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
				t.Error(diff)
			}
			if w.Code == 200 && (answer["token_type"] != "Bearer" || answer["expires_in"] != 3600.0 || answer["scope"] != "scim") {
				t.Errorf("got %s", w.Body)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (w.Code == 401) {
				t.Errorf("the challenge is %q", challenge)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Error("the answer may be kept")
			}
		})
	}
}

func TestServeFailures(t *testing.T) {
	ask := func(method string, fails error) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/oauth2/token", strings.NewReader("grant_type=client_credentials&client_id=a&client_secret=s"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		_ = Serve(w, r, func(context.Context, Request) (Answer, error) { return Answer{}, fails })
		return w
	}
	if w := ask(http.MethodGet, nil); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow: %q", w.Code, w.Header().Get("Allow"))
	}
	if w := ask(http.MethodPost, &Error{Code: Unavailable, RetryAfter: 1500 * time.Millisecond}); w.Code != 503 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("unavailable: %d, Retry-After: %q", w.Code, w.Header().Get("Retry-After"))
	}
	if w := ask(http.MethodPost, errors.New("the secret place")); w.Code != 500 || strings.Contains(w.Body.String(), "secret place") {
		t.Errorf("a fault: %d %s", w.Code, w.Body)
	}
	if w := ask(http.MethodPost, &Error{Code: InvalidClient}); w.Code != 401 || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("a wrong secret in the body: %d, %q", w.Code, w.Header().Get("WWW-Authenticate"))
	}
}

func TestServeRefusesTwoHeaders(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("a", "s")
	r.Header.Add("Authorization", r.Header.Get("Authorization"))
	w := httptest.NewRecorder()
	_ = Serve(w, r, func(context.Context, Request) (Answer, error) {
		t.Error("a token is asked for")
		return Answer{}, nil
	})
	if w.Code != http.StatusBadRequest {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
