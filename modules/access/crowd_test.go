package access

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// With ten thousand tokens, most of them ended, a caller is let in as fast as with one.
func TestAdmitAmongManyTokens(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	s := storetest.Open(t, storetest.SQLite(t)())
	text, id, err := NewToken()
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 10_000 {
			if _, err := tx.Exec(t.Context(), "INSERT INTO scim_tokens (id, gateway, name, description, hash, scopes, allow, created, created_by, created_why, expires, replaces, revoked, revoked_by, revoked_why) VALUES ($1, 'directory', $2, '', $3, '', '', 1, '', '', 0, '', 1, '', '')",
				fmt.Sprintf("a%07d", i), fmt.Sprintf("old%d", i), fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i)))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := s.AddToken(t.Context(), store.Token{ID: id, Gateway: "directory", Name: "entra", Hash: sha256.Sum256([]byte(text)), Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	t.Logf("issuing one more took %s", time.Since(begin))
	a := new(Access)
	a.Issue("directory", s)
	door(t, a)
	r := request("192.0.2.1", "Bearer "+text)
	if _, refusal := a.Admit(r); refusal != nil {
		t.Fatalf("%+v", refusal)
	}
	if n := testing.AllocsPerRun(100, func() { a.Admit(r) }); n > 4 {
		t.Errorf("letting one in allocates %v times", n)
	}
	begin = time.Now()
	for range 1000 {
		a.Admit(r)
	}
	if each := time.Since(begin) / 1000; each > time.Millisecond {
		t.Errorf("letting one in takes %s", each)
	}
}
