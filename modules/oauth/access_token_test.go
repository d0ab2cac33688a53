package oauth

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestAccessToken(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	now := time.Now().Truncate(time.Second)
	grant := Grant{Gateway: "directory", Credential: "k3x9a2b7", Fingerprint: "f", Scopes: []string{"users", "read"}}
	text, err := Sign(key, grant, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !IsAccessToken(text) {
		t.Errorf("%s is not known as an access token", text)
	}
	got, err := Open(key, "directory", text, now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(grant, got); diff != "" {
		t.Error(diff)
	}
	head, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	tests := []struct {
		name, gateway, text string
		key                 []byte
		at                  time.Time
		want                error
	}{
		{"a moment before its end by another clock", "directory", text, key, now.Add(time.Hour + clockSkew - time.Second), nil},
		{"expired", "directory", text, key, now.Add(time.Hour + clockSkew + time.Second), ErrExpiredAccess},
		{"of the future", "directory", text, key, now.Add(-time.Minute), ErrNotOurs},
		{"another gateway's", "tickets", text, key, now, ErrNotOurs},
		{"another store's", "directory", text, other, now, ErrNotOurs},
		{"without its signature", "directory", head + "." + payload + ".", key, now, ErrNotOurs},
		{"with another payload", "directory", head + "." + payload[:len(payload)-4] + "AAAA." + signature, key, now, ErrNotOurs},
		{"unsigned", "directory", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + payload + ".", key, now, ErrNotOurs},
		{"of another type", "directory", signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: key}, map[string]any{"iss": "scimgate", "aud": "directory"}), key, now, ErrNotOurs},
		{"empty", "directory", "", key, now, ErrNotOurs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Open(tt.key, tt.gateway, tt.text, tt.at); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
