package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	servers "github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// Errors tell a fault of the database from what is none.
func TestErrors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := set(t, s, "a", "1"); err != nil {
			t.Fatal(err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		late, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		in := func(ctx context.Context, statement string, arguments ...any) error {
			return s.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, statement, arguments...)
				return err
			})
		}
		left := func(statement string) error {
			ctx, leave := context.WithCancel(t.Context())
			return s.Write(ctx, func(tx *store.Tx) error {
				leave()
				_, err := tx.Exec(ctx, statement)
				return err
			})
		}
		scan := func(statement string, into any) error {
			return s.Read(t.Context(), func(tx *store.Tx) error { return tx.Row(t.Context(), statement).Scan(into) })
		}
		var number int64
		tests := map[string]struct {
			err  error
			want []error // all that it is; of the four below it is no other
		}{
			"a row that is there":        {set(t, s, "a", "2"), []error{store.ErrConstraint}},
			"a row without the other":    {in(t.Context(), "INSERT INTO scim_journal_subjects (resource, time, seq) VALUES ('x', 1, 99)"), []error{store.ErrConstraint}},
			"nothing where it must be":   {in(t.Context(), "INSERT INTO scim_state (name) VALUES ('b')"), []error{store.ErrConstraint}},
			"no row":                     {scan("SELECT seq FROM scim_journal", &number), []error{sql.ErrNoRows}},
			"a text that is no number":   {scan("SELECT 'one'", &number), nil},
			"a table that is not there":  {in(t.Context(), "DELETE FROM scim_nothing"), []error{store.ErrUnavailable}},
			"a query of none":            {scan("SELECT 1 FROM scim_nothing", &number), []error{store.ErrUnavailable}},
			"a caller who has left":      {in(gone, "DELETE FROM scim_journal"), []error{context.Canceled}},
			"a caller who leaves":        {left("DELETE FROM scim_journal"), []error{context.Canceled}},
			"a caller who waits no more": {in(late, "DELETE FROM scim_journal"), []error{store.ErrUnavailable, context.DeadlineExceeded}},
		}
		for name, test := range tests {
			if test.err == nil {
				t.Errorf("%s: no error", name)
			}
			for _, is := range []error{store.ErrUnavailable, store.ErrConstraint, store.ErrValue, sql.ErrNoRows, context.Canceled, context.DeadlineExceeded} {
				if errors.Is(test.err, is) != slices.Contains(test.want, is) {
					t.Errorf("%s: that it is %q is %v: %v", name, is, errors.Is(test.err, is), test.err)
				}
			}
		}
		if value, err := get(t, s, "a"); value != "1" || err != nil {
			t.Errorf("afterwards there is %q, %v", value, err)
		}
	})
}

// What no database could hold the same is the same in both.
func TestText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := set(t, s, "a\x00b\xff", "c\x00d\xc3 é 😀"); err != nil {
			t.Fatal(err)
		}
		value, err := get(t, s, "a\x00b\xff")
		if want := "c\uFFFDd\uFFFD é 😀"; err != nil || value != want {
			t.Errorf("got %q, %v, want %q", value, err, want)
		}
		if value, err := get(t, s, "a\uFFFDb\uFFFD"); err != nil || value == "" {
			t.Errorf("under the name as it is stored: %q, %v", value, err)
		}
	})
}

// faulty returns a store that serves on a server of its own, and the log of it.
func faulty(t *testing.T) (*store.Store, *servers.Server, *observer.ObservedLogs) {
	t.Helper()
	elsewhere(t)
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Errorf("the store left behind: %v", err)
		}
	})
	server := servers.Start(t)
	core, logs := observer.New(zapcore.InfoLevel)
	s := store.New(storetest.At(t, server.Database(t)), zap.New(core))
	s.SetPace(time.Minute, time.Second)
	s.Start()
	t.Cleanup(func() {
		begin := time.Now()
		if err := s.Destruct(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
		if taken := time.Since(begin); taken > 30*time.Second {
			t.Errorf("closing the store took %s", taken)
		}
	})
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	logs.TakeAll()
	return s, server, logs
}

// A store whose server goes away says so, refuses at once, and is back by itself. The
// log has one line for each of these, however many ask.
func TestServerGone(t *testing.T) {
	for name, away := range map[string]struct{ leaves, comes func(*servers.Server) error }{
		"stopped": {(*servers.Server).Stop, (*servers.Server).Restart},
		"killed":  {(*servers.Server).Kill, (*servers.Server).Restart},
		"frozen":  {(*servers.Server).Freeze, (*servers.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			s, server, logs := faulty(t)
			healthy := s.Health()
			if err := set(t, s, "before", "1"); err != nil {
				t.Fatal(err)
			}
			if err := away.leaves(server); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			for range 3 {
				err := s.Write(ctx, func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ('lost', '1')")
					return err
				})
				if !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("writing: %v", err)
				}
			}
			<-healthy.Changed
			if s.Available() || s.Health().Since.Before(healthy.Since) {
				t.Error("it counts as available")
			}
			begin := time.Now()
			if err := set(t, s, "refused", "1"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("writing where it is known: %v", err)
			}
			if _, err := get(t, s, "before"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("reading where it is known: %v", err)
			}
			if taken := time.Since(begin); taken > time.Second {
				t.Errorf("being refused took %s", taken)
			}
			if err := away.comes(server); err != nil {
				t.Fatal(err)
			}
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if value, err := get(t, s, "before"); value != "1" || err != nil {
				t.Errorf("what was written before is %q, %v", value, err)
			}
			if err := set(t, s, "after", "1"); err != nil {
				t.Errorf("writing afterwards: %v", err)
			}
			messages := []string{}
			for _, entry := range logs.All() {
				if entry.LoggerName == "" && entry.Level >= zapcore.InfoLevel && entry.ContextMap()["store"] != nil {
					messages = append(messages, entry.Level.String()+" "+entry.Message)
				}
			}
			if want := []string{"error the store is unavailable: until it is back writes are refused, but for disables", "info the store is available"}; !slices.Equal(messages, want) {
				t.Errorf("the log has %q", messages)
			}
		})
	}
}

// A deadline holds wherever the server falls silent.
func TestDeadlines(t *testing.T) {
	s, server, _ := faulty(t)
	thaw := func() {
		t.Helper()
		if err := server.Thaw(); err != nil {
			t.Fatal(err)
		}
		if err := s.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	insert := func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO scim_switches (gateway, kind, since, who, why) VALUES ('', '', 1, '', '')")
		return err
	}
	freeze := func(t *testing.T) {
		t.Helper()
		if err := server.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	for name, transaction := range map[string]func(context.Context, *store.Tx) error{
		"a statement": func(ctx context.Context, tx *store.Tx) error {
			freeze(t)
			return insert(ctx, tx)
		},
		"a commit": func(ctx context.Context, tx *store.Tx) error {
			err := insert(ctx, tx)
			freeze(t)
			return err
		},
		"a rollback": func(ctx context.Context, tx *store.Tx) error {
			err := insert(ctx, tx)
			freeze(t)
			return errors.Join(errors.New("changed my mind"), err)
		},
		"rows": func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.Query(ctx, "SELECT repeat('x', 8192) FROM generate_series(1, 5000)")
			if err != nil {
				return err
			}
			defer rows.Close()
			if !rows.Next() {
				return errors.New("there is no row")
			}
			freeze(t)
			for rows.Next() {
			}
			return rows.Err()
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		begin := time.Now()
		err := s.Write(ctx, func(tx *store.Tx) error { return transaction(ctx, tx) })
		cancel()
		if taken := time.Since(begin); taken > 10*time.Second {
			t.Errorf("%s took %s", name, taken)
		}
		if name != "a rollback" && (!errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded)) {
			t.Errorf("%s: %v", name, err)
		}
		thaw()
	}
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	// Closing a store whose server is silent ends too: see faulty.
}

// A connection that is cut costs its transaction and nothing more.
func TestCut(t *testing.T) {
	s, server, _ := faulty(t)
	cut := func() error { // and wait until the server has done it
		return server.Exec("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'scimgate'")
	}
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		if err := cut(); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "INSERT INTO scim_state (name, value) VALUES ('a', '1')")
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the transaction: %v", err)
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := set(t, s, "a", "1"); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	// Between transactions nobody notices, nor when it was the store's own look at itself.
	for range 20 {
		if err := cut(); err != nil {
			t.Fatal(err)
		}
		if err := set(t, s, rand.Text(), "1"); err != nil {
			t.Errorf("behind a cut: %v", err)
		}
	}
	s.Doubt()
	if err := cut(); err != nil {
		t.Fatal(err)
	}
	if err := set(t, s, rand.Text(), "1"); err != nil {
		t.Errorf("behind a cut of a look: %v", err)
	}
}

// A server that has become read-only, as a standby is, is read and not written.
func TestReadOnly(t *testing.T) {
	s, server, _ := faulty(t)
	if err := set(t, s, "a", "1"); err != nil {
		t.Fatal(err)
	}
	alter := func(statement string) {
		t.Helper()
		if err := errors.Join(server.Exec(statement), server.Exec("SELECT pg_reload_conf()")); err != nil {
			t.Fatal(err)
		}
	}
	alter("ALTER SYSTEM SET default_transaction_read_only = on")
	wait(t, "writing is refused", func() bool { return errors.Is(set(t, s, "b", "1"), store.ErrUnavailable) })
	wait(t, "it is known", func() bool { return !s.Available() })
	if value, err := get(t, s, "a"); value != "1" || err != nil {
		t.Errorf("reading: %q, %v", value, err)
	}
	alter("ALTER SYSTEM RESET default_transaction_read_only")
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}
