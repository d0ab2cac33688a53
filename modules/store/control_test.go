package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
)

// home gives the test directories of its own for what a process keeps, and returns
// the file of a store in them.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	return filepath.Join(dir, "data", "scimgate.db")
}

// open opens a store as another process would.
func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, _ := observed(t, path)
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func observed(t *testing.T, path string) (*store.Store, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s := store.New(&sqlite.Engine{Path: path}, zap.New(core))
	t.Cleanup(func() {
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	})
	return s, logs
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func entra(id string) store.Token {
	return store.Token{
		ID: id, Gateway: "directory", Name: "entra", Description: "the production tenant; a 'quoted' text",
		Hash: sha256.Sum256([]byte(id)), Scopes: []string{"users", "groups"},
		Allow:   []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		Created: noon, CreatedBy: "ops@host", CreatedWhy: "first", Expires: noon.AddDate(1, 0, 0),
	}
}

var public = cmpopts.IgnoreUnexported(store.Token{}, store.Control{})

// What is issued is read back as it is, is known by its id at once, and is revoked
// once.
func TestTokens(t *testing.T) {
	s := open(t, home(t))
	ctx := t.Context()
	want := entra("aaaaaaaa")
	if err := s.AddToken(ctx, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.Tokens(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]store.Token{want}, got, public, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	sum := sha256.Sum256([]byte("aaaaaaaa"))
	if known := s.Control().Token("aaaaaaaa"); known == nil || !known.Hash.Is(&sum) || !known.IsValid(noon) || known.IsValid(want.Expires) {
		t.Errorf("known is %+v", known)
	}
	if s.Control().Token("bbbbbbbb") != nil {
		t.Error("a token is known that is none")
	}
	refused := func(what string, err error, words string) {
		t.Helper()
		if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("a second one of the name", s.AddToken(ctx, entra("bbbbbbbb")), "rotate it")
	refused("replacing one that is none", s.AddToken(ctx, replacing("bbbbbbbb", "cccccccc")), "there is no token cccccccc")
	if err := s.AddToken(ctx, replacing("bbbbbbbb", "aaaaaaaa")); err != nil {
		t.Fatal(err)
	}
	refused("replacing it twice", s.AddToken(ctx, replacing("cccccccc", "aaaaaaaa")), "replaced already, by bbbbbbbb")
	before := s.Control().Sequence
	if err := s.RevokeToken(ctx, "aaaaaaaa", noon.Add(time.Hour), "ops@host", "replaced"); err != nil {
		t.Fatal(err)
	}
	if known := s.Control().Token("aaaaaaaa"); !known.IsRevoked() || known.RevokedWhy != "replaced" || known.RevokedBy != "ops@host" {
		t.Errorf("known is %+v", known)
	}
	if s.Control().Sequence <= before {
		t.Error("the sequence does not grow")
	}
	refused("revoking it twice", s.RevokeToken(ctx, "aaaaaaaa", noon, "", ""), "revoked already")
	refused("replacing what is revoked", s.AddToken(ctx, replacing("cccccccc", "aaaaaaaa")), "can't be rotated")
	other := entra("dddddddd")
	other.Gateway = "tickets"
	if err := s.AddToken(ctx, other); err != nil {
		t.Errorf("the name in another gateway: %v", err)
	}
}

func replacing(id, replaced string) store.Token {
	t := entra(id)
	t.Replaces = replaced
	return t
}

func TestSwitches(t *testing.T) {
	s := open(t, home(t))
	ctx := t.Context()
	frozen := store.Switch{Gateway: "directory", Kind: store.Frozen, Since: noon, Who: "ops@host", Why: "maintenance"}
	if err := s.SetSwitch(ctx, frozen); err != nil {
		t.Fatal(err)
	}
	if got := s.Control().Switch("directory", store.Frozen); got == nil || *got != frozen {
		t.Errorf("it is %+v", got)
	}
	if s.Control().Switch("directory", store.Disabled) != nil || s.Control().Switch("tickets", store.Frozen) != nil {
		t.Error("another switch is pulled")
	}
	if err := s.SetSwitch(ctx, frozen); !errors.Is(err, store.ErrRefused) {
		t.Errorf("pulling it twice: %v", err)
	}
	if err := s.ClearSwitch(ctx, "directory", store.Frozen); err != nil {
		t.Fatal(err)
	}
	if s.Control().Switch("directory", store.Frozen) != nil {
		t.Error("it is still pulled")
	}
	if err := s.ClearSwitch(ctx, "directory", store.Frozen); !errors.Is(err, store.ErrRefused) {
		t.Errorf("clearing it twice: %v", err)
	}
}

// eventually waits for a state that the store says it has.
func eventually(t *testing.T, s *store.Store, what string, is func(*store.Control) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	reached := make(chan struct{})
	isClosed := false
	defer s.Watch(func(c *store.Control) {
		if !isClosed && is(c) {
			isClosed = true
			close(reached)
		}
	})()
	select {
	case <-reached:
	case <-ctx.Done():
		t.Fatalf("waiting until %s", what)
	}
}

// What one process changes another one knows within seconds; and what it knew holds
// in one that starts while the store is away.
func TestFollow(t *testing.T) {
	path := home(t)
	s, _ := observed(t, path)
	if s.Control() != nil {
		t.Error("something is known before anything was")
	}
	s.Start()
	eventually(t, s, "the store is read", func(*store.Control) bool { return true })
	command := open(t, path)
	if err := command.AddToken(t.Context(), entra("aaaaaaaa")); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, "the token is known", func(c *store.Control) bool { return c.Token("aaaaaaaa") != nil })
	if err := command.RevokeToken(t.Context(), "aaaaaaaa", noon, "ops", "why"); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, "the token is revoked", func(c *store.Control) bool { return c.Token("aaaaaaaa").IsRevoked() })

	// The process ends, the store goes, and another process starts.
	if err := errors.Join(s.Destruct(), command.Destruct()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".gone"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // nothing can be opened there
		t.Fatal(err)
	}
	next, _ := observed(t, path)
	next.Start()
	if c := next.Control(); c == nil || !c.Token("aaaaaaaa").IsRevoked() {
		t.Error("a process that starts while the store is away does not know what was")
	}
	if err := next.RevokeToken(t.Context(), "aaaaaaaa", noon, "", ""); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("changing a store that is away: %v", err)
	}
}

// A backup that is put in the place of the store brings nothing revoked to life, and
// takes nothing that was issued since.
func TestRestored(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		name := map[bool]string{true: "under a process that runs", false: "between two processes"}[inPlace]
		t.Run(name, func(t *testing.T) {
			path := home(t)
			ctx := t.Context()
			s := open(t, path)
			other := entra("bbbbbbbb")
			other.Name = "okta"
			for _, token := range []store.Token{entra("aaaaaaaa"), other} {
				if err := s.AddToken(ctx, token); err != nil {
					t.Fatal(err)
				}
			}
			backup := filepath.Join(t.TempDir(), "backup.db")
			if err := s.Write(ctx, func(tx *store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
			copyStore(t, s, backup)
			late := entra("cccccccc")
			late.Name = "late"
			frozen := store.Switch{Gateway: "directory", Kind: store.Frozen, Since: noon, Who: "ops"}
			if err := errors.Join(s.RevokeToken(ctx, "aaaaaaaa", noon, "ops@host", "leaked"), s.AddToken(ctx, late), s.SetSwitch(ctx, frozen)); err != nil {
				t.Fatal(err)
			}
			if !inPlace {
				if err := s.Destruct(); err != nil {
					t.Fatal(err)
				}
				for _, end := range []string{"-wal", "-shm"} {
					_ = os.Remove(path + end)
				}
				if err := os.Rename(backup, path); err != nil {
					t.Fatal(err)
				}
			} else {
				restoreRows(t, s, backup)
			}
			next, logs := observed(t, path)
			next.Start()
			eventually(t, next, "the loss is noticed", func(c *store.Control) bool { return c.Restored != nil })
			c := next.Control()
			if revoked := c.Token("aaaaaaaa"); !revoked.IsRevoked() || !strings.Contains(revoked.RevokedWhy, "leaked (revoked again") || revoked.RevokedBy != "ops@host" {
				t.Errorf("the revoked token is %+v", revoked)
			}
			if back := c.Token("cccccccc"); back == nil || back.IsRevoked() || back.Hash != late.Hash {
				t.Errorf("the token that was issued since is %+v", back)
			}
			if c.Switch("directory", store.Frozen) == nil {
				t.Error("the switch is not pulled")
			}
			if c.Token("bbbbbbbb").IsRevoked() {
				t.Error("a token is revoked that never was")
			}
			if diff := cmp.Diff([]string{"aaaaaaaa"}, c.Restored.Revoked); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"cccccccc"}, c.Restored.Returned); diff != "" {
				t.Error(diff)
			}
			if logs.FilterMessageSnippet("restored from a backup").Len() != 1 {
				t.Errorf("the log has %v", logs.All())
			}
			// It is in the store, too, and holds until it is confirmed.
			if tokens, err := next.Tokens(ctx); err != nil || len(tokens) != 3 || !tokens[0].IsRevoked() {
				t.Errorf("the store has %+v, %v", tokens, err)
			}
			if err := next.ConfirmRestored(ctx); err != nil {
				t.Fatal(err)
			}
			if next.Control().Restored != nil {
				t.Error("it is not confirmed")
			}
			if err := next.ConfirmRestored(ctx); !errors.Is(err, store.ErrRefused) {
				t.Errorf("confirming it twice: %v", err)
			}
		})
	}
}

// copyStore makes a backup of a store.
func copyStore(t *testing.T, s *store.Store, file string) {
	t.Helper()
	path := strings.TrimPrefix(s.Location(), "sqlite ")
	if err := s.Destruct(); err != nil { // which empties the write-ahead log
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	*s = *open(t, path)
}
