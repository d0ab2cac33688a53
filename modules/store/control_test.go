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
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// elsewhere gives the test directories of its own for what a process keeps.
func elsewhere(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
}

// observed returns a store that is not open yet, as another process would have it.
func observed(t *testing.T, engine store.Engine) (*store.Store, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s := store.New(engine, zap.New(core))
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
	elsewhere(t)
	storetest.Each(t, testTokens)
}

func testTokens(t *testing.T, s *store.Store) {
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
	elsewhere(t)
	storetest.Each(t, testSwitches)
}

func testSwitches(t *testing.T, s *store.Store) {
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
	elsewhere(t)
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		s, _ := observed(t, engine())
		if s.Control() != nil {
			t.Error("something is known before anything was")
		}
		s.Start()
		eventually(t, s, "the store is read", func(*store.Control) bool { return true })
		command := storetest.Open(t, engine())
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
		next, _ := observed(t, away{engine()})
		next.Start()
		if c := next.Control(); c == nil || !c.Token("aaaaaaaa").IsRevoked() {
			t.Error("a process that starts while the store is away does not know what was")
		}
		if err := next.RevokeToken(t.Context(), "aaaaaaaa", noon, "", ""); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("changing a store that is away: %v", err)
		}
	})
}

// away is a database that can't be opened.
type away struct{ store.Engine }

func (away) Open(context.Context) (*store.Database, error) {
	return nil, errors.New("connection refused")
}

// A local copy that is damaged or somebody else's keeps nothing from being served.
func TestWitnessDamaged(t *testing.T) {
	elsewhere(t)
	engine := storetest.SQLite(t)
	if err := storetest.Open(t, engine()).AddToken(t.Context(), entra("aaaaaaaa")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "caddy", "scimgate", "control-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the copies are %v, %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info, err)
	}
	for _, text := range []string{"", "{", `{"tokens":[{"id":"aaaaaaaa","sha256":"00"}]}`, strings.Repeat("[", 1<<20)} {
		for _, dir := range []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME"} {
			file := filepath.Join(os.Getenv(dir), "caddy", "scimgate", filepath.Base(files[0]))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, logs := observed(t, engine())
		s.Start()
		eventually(t, s, "the token is known", func(c *store.Control) bool { return c.Token("aaaaaaaa") != nil })
		if s.Control().Restored != nil {
			t.Error("a restored backup is seen where there is none")
		}
		if logs.FilterMessageSnippet("local copy").Len() == 0 {
			t.Error("the log says nothing")
		}
		if err := s.Destruct(); err != nil {
			t.Fatal(err)
		}
	}
}

// A backup that is put in the place of the store brings nothing revoked to life, and
// takes nothing that was issued since; nor does an empty store at its place.
func TestRestored(t *testing.T) {
	for _, isRunning := range []bool{false, true} {
		for _, isEmpty := range []bool{false, true} {
			name := map[bool]string{true: "under a process that runs", false: "between two processes"}[isRunning] + map[bool]string{true: ", empty"}[isEmpty]
			t.Run(name, func(t *testing.T) {
				elsewhere(t)
				storetest.Engines(t, func(t *testing.T, engine func() store.Engine) { testRestored(t, engine, isRunning, isEmpty) })
			})
		}
	}
}

func testRestored(t *testing.T, engine func() store.Engine, isRunning, isEmpty bool) {
	ctx := t.Context()
	s, logs := observed(t, engine())
	if err := s.Open(ctx); err != nil {
		t.Fatal(err)
	}
	restore := backup(t, s)
	early, other := entra("aaaaaaaa"), entra("bbbbbbbb")
	other.Name = "okta"
	if err := errors.Join(s.AddToken(ctx, early), s.AddToken(ctx, other)); err != nil {
		t.Fatal(err)
	}
	if !isEmpty {
		restore = backup(t, s)
	}
	late := entra("cccccccc")
	late.Name = "late"
	frozen := store.Switch{Gateway: "directory", Kind: store.Frozen, Since: noon, Who: "ops"}
	if err := errors.Join(s.RevokeToken(ctx, early.ID, noon, "ops@host", "leaked"), s.AddToken(ctx, late), s.SetSwitch(ctx, frozen)); err != nil {
		t.Fatal(err)
	}
	restore(storetest.Open(t, engine()))
	if !isRunning {
		if err := s.Destruct(); err != nil {
			t.Fatal(err)
		}
		s, logs = observed(t, engine())
		s.Start()
	} else if err := s.SetSwitch(ctx, store.Switch{Gateway: "tickets", Kind: store.Frozen, Since: noon}); err != nil {
		t.Fatal(err) // it notices before it changes anything
	}
	eventually(t, s, "the loss is noticed", func(c *store.Control) bool { return c.Restored != nil })
	c := s.Control()
	if revoked := c.Token(early.ID); !revoked.IsRevoked() || !strings.HasPrefix(revoked.RevokedWhy, "leaked") || revoked.RevokedBy != "ops@host" {
		t.Errorf("the revoked token is %+v", revoked)
	}
	if back := c.Token(late.ID); back == nil || back.IsRevoked() || back.Hash != late.Hash {
		t.Errorf("the token that was issued since is %+v", back)
	}
	if c.Switch("directory", store.Frozen) == nil {
		t.Error("the switch is not pulled")
	}
	if c.Token(other.ID).IsRevoked() {
		t.Error("a token is revoked that never was")
	}
	wantRevoked, wantReturned := []string{early.ID}, []string{late.ID}
	if isEmpty {
		wantRevoked, wantReturned = nil, []string{early.ID, other.ID, late.ID}
	}
	if diff := cmp.Diff([][]string{wantRevoked, wantReturned, nil}, [][]string{c.Restored.Revoked, c.Restored.Returned, c.Restored.Unknown}); diff != "" {
		t.Error(diff)
	}
	if logs.FilterMessageSnippet("restored from a backup").Len() != 1 {
		t.Errorf("the log has %v", logs.All())
	}
	// It is in the store, too, and stands there until it is confirmed.
	if tokens, err := s.Tokens(ctx); err != nil || len(tokens) != 3 {
		t.Errorf("the store has %+v, %v", tokens, err)
	}
	if err := s.ConfirmRestored(ctx); err != nil {
		t.Fatal(err)
	}
	if s.Control().Restored != nil {
		t.Error("it is not confirmed")
	}
	if err := s.ConfirmRestored(ctx); !errors.Is(err, store.ErrRefused) {
		t.Errorf("confirming it twice: %v", err)
	}
}

// A token that nobody here has heard of, in a store that is older than what is known,
// is told: somebody has changed the backup.
func TestUnknown(t *testing.T) {
	elsewhere(t)
	engine := storetest.SQLite(t)
	ctx := t.Context()
	s := storetest.Open(t, engine())
	restore := backup(t, s)
	if err := errors.Join(s.AddToken(ctx, entra("aaaaaaaa")), s.RevokeToken(ctx, "aaaaaaaa", noon, "", "")); err != nil {
		t.Fatal(err)
	}
	restore(s)
	stranger := entra("zzzzzzzz")
	err := s.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO scim_tokens (id, gateway, name, description, hash, scopes, allow, created, created_by, created_why, expires, replaces, revoked, revoked_by, revoked_why) VALUES ($1, 'directory', 'x', '', $2, '', '', 0, '', '', 0, '', 0, '', '')",
			stranger.ID, strings.Repeat("00", 32))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	next, _ := observed(t, engine())
	next.Start()
	eventually(t, next, "the loss is noticed", func(c *store.Control) bool { return c.Restored != nil })
	if diff := cmp.Diff([]string{stranger.ID}, next.Control().Restored.Unknown); diff != "" {
		t.Error(diff)
	}
}

// backup returns what puts tokens and switches back as they are now.
func backup(t *testing.T, s *store.Store) (restore func(*store.Store)) {
	t.Helper()
	tables := map[string][][]any{"scim_state": nil, "scim_tokens": nil, "scim_switches": nil}
	err := s.Read(t.Context(), func(tx *store.Tx) error {
		for table := range tables {
			rows, err := tx.Query(t.Context(), "SELECT * FROM "+table)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			for err == nil && rows.Next() {
				row, places := make([]any, len(columns)), make([]any, len(columns))
				for i := range row {
					places[i] = &row[i]
				}
				err = rows.Scan(places...)
				tables[table] = append(tables[table], row)
			}
			if err := errors.Join(err, rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(s *store.Store) {
		t.Helper()
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			for table, rows := range tables {
				if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
					return err
				}
				for _, row := range rows {
					if _, err := tx.Exec(t.Context(), "INSERT INTO "+table+" VALUES "+store.Values(1, len(row)), row...); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A store that is restored twice says it once.
func TestNote(t *testing.T) {
	const again = "revoked again"
	for why, want := range map[string]string{
		"":                       again,
		"leaked":                 "leaked (revoked again)",
		"leaked (revoked again)": "leaked (revoked again)",
	} {
		if got := store.Note(why, again); got != want {
			t.Errorf("%q becomes %q, want %q", why, got, want)
		}
	}
}
