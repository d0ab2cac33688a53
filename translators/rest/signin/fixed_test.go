package signin_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/mapfile"
	"github.com/scimgate/scimgate/translators/rest/signin"
)

// parse reads the lines auth of a block.
func parse(text string) (*signin.Config, error) {
	d := caddyfile.NewTestDispenser("rest {\n" + text + "\n}")
	d.Next()
	c := new(signin.Config)
	b := &mapfile.Block{Dispenser: d, Name: "rest", Repeatable: []string{"auth"}}
	err := b.Each(func(word string) error { return c.Unmarshal(b) })
	return c, err
}

// signInOf is signing in as a block says.
func signInOf(t *testing.T, text string) *signin.SignIn {
	t.Helper()
	c, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signin.New(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signed is a request as it is sent.
func signed(t *testing.T, s *signin.SignIn, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sign(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFixed(t *testing.T) {
	t.Setenv("SIGNIN_KEY", "k&ey=1 ü")
	tests := []struct {
		name, auth string
		header     http.Header
		query      string
		masked     []signin.Masked
	}{
		{"header", "auth header X-API-Key abc", http.Header{"X-Api-Key": {"abc"}}, "a=1&a=%20", []signin.Masked{{In: "header", Name: "X-API-Key", Value: "***"}}},
		{"query", "auth query key {env.SIGNIN_KEY}", http.Header{}, "a=1&a=%20&key=k%26ey%3D1+%C3%BC", []signin.Masked{{In: "query", Name: "key", Value: "***"}}},
		{"a parameter of the call is replaced", "auth query a b", http.Header{}, "a=b", []signin.Masked{{In: "query", Name: "a", Value: "***"}}},
		{"bearer", "auth bearer t0k3n", http.Header{"Authorization": {"Bearer t0k3n"}}, "a=1&a=%20", []signin.Masked{{In: "header", Name: "Authorization", Value: "Bearer ***"}}},
		// printf 'jürgen:pä:ß' | base64
		{"basic is UTF-8", "auth basic jürgen pä:ß", http.Header{"Authorization": {"Basic asO8cmdlbjpww6Q6w58="}}, "a=1&a=%20", []signin.Masked{{In: "header", Name: "Authorization", Value: "Basic ***"}}},
		{"two", "auth basic ada pw\nauth header X-Tenant 7", http.Header{"Authorization": {"Basic YWRhOnB3"}, "X-Tenant": {"7"}}, "a=1&a=%20",
			[]signin.Masked{{In: "header", Name: "Authorization", Value: "Basic ***"}, {In: "header", Name: "X-Tenant", Value: "***"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := signInOf(t, test.auth)
			r := signed(t, s, "http://app.internal/users?a=1&a=%20")
			if diff := cmp.Diff(test.header, r.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if r.URL.RawQuery != test.query {
				t.Errorf("query: %s, want %s", r.URL.RawQuery, test.query)
			}
			if diff := cmp.Diff(test.masked, s.Masked()); diff != "" {
				t.Errorf("masked (-want +got):\n%s", diff)
			}
		})
	}
}

// A key that was replaced on disk is read when the application refuses the old one,
// and a refusal of the new one ends there.
func TestRotatedSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, auth := range []string{"auth header X-Key {file." + file + "}", "auth query key {file." + file + "}", "auth bearer {file." + file + "}", "auth basic ada {file." + file + "}"} {
		write("old\n")
		s := signInOf(t, auth)
		r := signed(t, s, "http://app.internal/")
		if s.Refused(t.Context(), r) {
			t.Errorf("%s: the same key is tried twice", auth)
		}
		write("new\n")
		if again := signed(t, s, "http://app.internal/"); again.URL.String() != r.URL.String() || !cmp.Equal(again.Header, r.Header) {
			t.Errorf("%s: the file is read for each request", auth)
		}
		if !s.Refused(t.Context(), r) {
			t.Errorf("%s: the new key is not tried", auth)
		}
		if !s.Refused(t.Context(), r) {
			t.Errorf("%s: the new key is not tried for the second request that was sent with the old one", auth)
		}
		if s.Refused(t.Context(), signed(t, s, "http://app.internal/")) {
			t.Errorf("%s: the new key is tried twice", auth)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Setenv("SIGNIN_EMPTY", "")
	t.Setenv("SIGNIN_LINES", "one\r\nX-Admin: 1")
	tests := []struct{ name, auth, want string }{
		{"nothing", "auth", "auth names how to sign in"},
		{"unknown", "auth digest ada pw", "auth digest is not known"},
		{"too few", "auth basic ada", "write auth basic <user> <password>"},
		{"unset", "auth bearer {env.SIGNIN_UNSET_X}", "{env.SIGNIN_UNSET_X}"},
		{"empty", "auth bearer {env.SIGNIN_EMPTY}", "SIGNIN_EMPTY"},
		{"lines", "auth header X-Key {env.SIGNIN_LINES}", "line break"},
		{"colon", "auth basic a:da pw", "colon"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := parse(test.auth)
			if err == nil {
				_, err = signin.New(c, nil, nil)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "Admin") {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}
