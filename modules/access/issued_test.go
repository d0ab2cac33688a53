package access

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// Every token that may be shown to a gateway is let in or refused for its own reason,
// of which the caller learns nothing but the status.
func TestAdmitIssued(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	engine := storetest.SQLite(t)
	s := storetest.Open(t, engine())
	day := time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)
	texts := make(map[string]string)
	issue := func(name string, change func(*store.Token)) {
		t.Helper()
		text, id, err := NewToken()
		if err != nil {
			t.Fatal(err)
		}
		token := store.Token{ID: id, Gateway: "directory", Name: name, Hash: sha256.Sum256([]byte(text)), Created: day}
		if change != nil {
			change(&token)
		}
		if err := s.AddToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		texts[name] = text
	}
	issue("entra", func(t *store.Token) { t.Scopes = []string{"users"} })
	issue("old", func(t *store.Token) { t.Expires = time.Date(2027, 5, 31, 0, 0, 0, 0, time.UTC) })
	issue("local", func(t *store.Token) { t.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")} })
	issue("tickets", func(t *store.Token) { t.Gateway = "tickets" })
	issue("leaked", nil)
	leaked, _ := idOf(texts["leaked"])
	if err := s.RevokeToken(t.Context(), leaked, day, "ops@host", "found in a ticket"); err != nil {
		t.Fatal(err)
	}
	stranger, strangerID, err := NewToken()
	if err != nil {
		t.Fatal(err)
	}
	entraID, _ := idOf(texts["entra"])
	forged := strings.Replace(stranger, strangerID, entraID, 1)
	sum := checksum(forged[:tokenLength-checksumLength])
	forged = forged[:tokenLength-checksumLength] + string(sum[:])

	a := &Access{Credentials: []*Credential{{Name: "file", Secret: secret, Scope: Scopes{ScopeRead}}}}
	a.Issue("directory", s)
	door(t, a)
	for _, test := range []struct {
		name, address, token string
		status               int
		kind                 Kind
		caller, reason       string
	}{
		{"of the configuration", "192.0.2.1", secret, 0, "", "file", ""},
		{"issued", "192.0.2.1", texts["entra"], 0, "", "entra", ""},
		{"from its own network", "192.0.2.1", texts["local"], 0, "", "local", ""},
		{"from elsewhere", "192.0.2.77", texts["local"], 403, KindOutsideCredential, "local", "allow-list of the token"},
		{"expired", "192.0.2.1", texts["old"], 401, KindExpired, "old", "expired on 2027-05-31"},
		{"revoked", "192.0.2.1", texts["leaked"], 401, KindRevoked, "leaked", "by ops@host"},
		{"of another gateway", "192.0.2.1", texts["tickets"], 401, KindOtherGateway, "tickets", "for the gateway tickets"},
		{"cut off", "192.0.2.1", texts["entra"][:50], 401, KindMalformed, "", "begins like " + entraID},
		{"mistyped", "192.0.2.1", texts["entra"][:30] + "!" + texts["entra"][31:], 401, KindMalformed, "", "checksum"},
		{"never issued", "192.0.2.1", stranger, 401, KindUnknown, "", "is not known"},
		{"with another one's id", "192.0.2.1", forged, 401, KindUnknown, "", "is not that token"},
		{"prefix alone", "192.0.2.1", tokenPrefix, 401, KindMalformed, "", "checksum"},
	} {
		caller, refusal := a.Admit(request(test.address, "Bearer "+test.token))
		if test.status == 0 {
			if refusal != nil || caller.Name != test.caller {
				t.Errorf("%s: %+v, %+v", test.name, caller, refusal)
			}
			continue
		}
		if refusal == nil || refusal.Status != test.status || refusal.Kind != test.kind || refusal.Credential != test.caller || !strings.Contains(refusal.Reason, test.reason) {
			t.Errorf("%s: %+v", test.name, refusal)
		}
		if refusal != nil && strings.Contains(refusal.Reason, test.token) {
			t.Errorf("%s: the reason has the token: %s", test.name, refusal.Reason)
		}
	}
	if caller, _ := a.Admit(request("192.0.2.1", "Bearer "+texts["entra"])); caller.Token != entraID || len(caller.Scopes) != 1 {
		t.Errorf("the caller is %+v", caller)
	} else {
		caller.Accepted(day)
		caller.Accepted(day.Add(time.Second))
		if u := s.Control().Token(entraID).Use().Usage(); u.Uses != 2 || u.LastFrom != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("it was used %+v", u)
		}
	}

	// Nothing is known yet: whoever may be right is told to wait, and nobody else.
	away := &Access{}
	away.Issue("directory", store.New(engine(), zap.NewNop()))
	door(t, away)
	if _, refusal := away.Admit(request("192.0.2.1", "Bearer "+texts["entra"])); refusal == nil || refusal.Status != 503 || refusal.Kind != KindStoreAway || refusal.RetryAfter == 0 {
		t.Errorf("before anything is known: %+v", refusal)
	}
	if _, refusal := away.Admit(request("192.0.2.1", "Bearer "+texts["entra"][:40])); refusal == nil || refusal.Status != 401 {
		t.Errorf("before anything is known, cut off: %+v", refusal)
	}
	if err := s.RevokeToken(t.Context(), leaked, day, "", ""); !errors.Is(err, store.ErrRefused) {
		t.Error(err)
	}
}

func TestParseExpiry(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"never": "0001-01-01T00:00:00Z", "2027-06-01": "2027-06-01T00:00:00Z", "365d": "2027-11-22T12:00:00Z",
		"2027-06-01T12:00:00Z": "2027-06-01T12:00:00Z", "2026-11-21": "in the past", "-1h": "in the past", "0s": "in the past",
		"soon": "neither a day", "": "in the past", "2027-13-01": "neither a day",
	} {
		at, err := ParseExpiry(text, now)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && at.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, at, err)
		}
	}
}

func TestScopes(t *testing.T) {
	for text, want := range map[string]string{
		"users,groups": "users, groups", "Read": "read", " /Users ": "users", "users groups": "users, groups", "users,users": "given twice", "": "no scope", "us\x00": "is no scope",
	} {
		scopes, err := ParseScopes(text)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && scopes.String() != want {
			t.Errorf("%q: %v, %v", text, scopes, err)
		}
	}
}
