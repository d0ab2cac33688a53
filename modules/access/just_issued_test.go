package access

import (
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/oauth"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// A token that was issued a moment ago by another process is let in, itself and by an
// access token that another gateway gave for it.
func TestAdmitJustIssued(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	engine := storetest.PostgreSQL(t)
	serving := func() *store.Store {
		s := store.New(engine(), zap.NewNop())
		s.Start()
		t.Cleanup(func() {
			if err := s.Destruct(); err != nil {
				t.Error(err)
			}
		})
		for deadline := time.Now().Add(30 * time.Second); !s.IsCurrent(); <-time.After(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the store is not open")
			}
		}
		return s
	}
	command := storetest.Open(t, engine())
	var doors []*Access
	for range 2 {
		a := &Access{TokenEndpoint: &TokenEndpoint{}}
		a.Issue("directory", serving())
		door(t, a)
		a.now = time.Now
		doors = append(doors, a)
	}
	issue := func(name string) (text, id string) {
		t.Helper()
		text, id, err := NewToken()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.AddToken(t.Context(), store.Token{ID: id, Gateway: "directory", Name: name, Hash: sha256.Sum256([]byte(text)), Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
		return text, id
	}
	text, _ := issue("first")
	for i, a := range doors {
		if caller, refusal := a.Admit(request("192.0.2.1", "Bearer "+text)); refusal != nil || caller.Name != "first" {
			t.Errorf("gateway %d: %+v", i, refusal)
		}
	}
	text, id := issue("second")
	given, _, refusal, err := doors[0].GiveToken(request("192.0.2.1", ""), oauth.Request{ClientID: id, Secret: text})
	if refusal != nil || err != nil {
		t.Fatalf("%+v, %v", refusal, err)
	}
	if caller, refusal := doors[1].Admit(request("192.0.2.1", "Bearer "+given.AccessToken)); refusal != nil || caller.Token != id {
		t.Errorf("the access token: %+v", refusal)
	}
	invented, _, err := NewToken()
	if err != nil {
		t.Fatal(err)
	}
	if _, refusal := doors[0].Admit(request("192.0.2.1", "Bearer "+invented)); refusal == nil || refusal.Status != 401 || refusal.Kind != KindUnknown {
		t.Errorf("an invented token: %+v", refusal)
	}
}
