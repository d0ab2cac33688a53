package store_test

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// attending returns an open store that looks after itself often.
func attending(t *testing.T, engine store.Engine) *store.Store {
	t.Helper()
	s := store.New(engine, zap.NewNop())
	s.SetPace(20*time.Millisecond, time.Minute)
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Destruct() })
	return s
}

// appear puts an instance into the store as another process would.
func appear(t *testing.T, s *store.Store, id, process string, serves int) {
	t.Helper()
	must(t, s, "INSERT INTO scim_instances (id, host, pid, process, serves, version, started, seen) VALUES ($1, 'host', 1, $2, $3, '', 1, 1)", id, process, serves)
}

// begin writes an open intent of an instance.
func begin(t *testing.T, s *store.Store, id string) {
	t.Helper()
	must(t, s, `INSERT INTO scim_journal (id, instance, time, gateway, caller, token, address, request, operation, type, resource, name, folded, changes, members, calls)
		VALUES ($1, $1, 1, '', '', '', '', '', '', '', '', '', '', '', '', '')`, id)
}

func execute(t *testing.T, s *store.Store, statement string, arguments ...any) error {
	return s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), statement, arguments...)
		return err
	})
}

func must(t *testing.T, s *store.Store, statement string, arguments ...any) {
	t.Helper()
	if err := execute(t, s, statement, arguments...); err != nil {
		t.Fatal(err)
	}
}

func dead(t *testing.T, s *store.Store) []string {
	t.Helper()
	ids, err := s.DeadInstances(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// wait waits until a condition holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// ended returns the description of a process that has run and ended.
func ended(t *testing.T) string {
	t.Helper()
	program := exec.Command("sleep", "60")
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	description := store.Describe(program.Process.Pid)
	if err := errors.Join(program.Process.Kill(), ignoreKilled(program.Wait())); err != nil || description == "" {
		t.Fatalf("%q: %v", description, err)
	}
	return description
}

func ignoreKilled(err error) error {
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// An instance of this machine has ended when its process has, at once; of others it
// is known by and by.
func TestDeadInstances(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		slow := storetest.Open(t, engine()) // its first look is its only one
		other := attending(t, engine())
		parts := strings.Split(store.OwnProcess, "/")
		appear(t, slow, "ended", ended(t), 1)
		appear(t, slow, "number given again", strings.Join([]string{parts[0], parts[1], "1"}, "/"), 1)
		appear(t, slow, "of this process", store.OwnProcess, 1)
		appear(t, slow, "of another machine", "elsewhere/1/1", 1)
		appear(t, slow, "of a place that can't be told", "", 0)
		for _, id := range []string{"ended", "number given again", "without a row", other.Instance(), slow.Instance()} {
			begin(t, slow, id)
		}
		if got, want := dead(t, slow), []string{"ended", "number given again"}; !slices.Equal(got, want) {
			t.Errorf("dead are %q, want %q", got, want)
		}
		watching := attending(t, engine())
		all := []string{"ended", "number given again", "without a row", slow.Instance()}
		slices.Sort(all)
		wait(t, "silence is noticed", func() bool { return slices.Equal(dead(t, watching), all) })
		// Those that have left nothing open are forgotten, the others are not.
		for id, want := range map[string]int{"of this process": 0, "of another machine": 0, "of a place that can't be told": 0, "ended": 1, other.Instance(): 1} {
			wait(t, id, func() bool { return count(t, watching, id) == want })
		}
		// One that was silent and is not any more is not dead, until it was silent for
		// long again: on a slow machine that may be before it is asked for.
		wait(t, "an instance that has said a word is not dead", func() bool {
			must(t, watching, "UPDATE scim_instances SET seen = seen + 1, process = '' WHERE id = 'ended'")
			return !slices.Contains(dead(t, watching), "ended")
		})
		if err := other.Destruct(); err != nil {
			t.Error(err)
		}
		if n := count(t, watching, other.Instance()); n != 1 {
			t.Errorf("an instance that ended with an open intent has %d rows", n)
		}
	})
}

func count(t *testing.T, s *store.Store, id string) (n int) {
	t.Helper()
	if err := s.Read(t.Context(), func(tx *store.Tx) error {
		return tx.Row(t.Context(), "SELECT COUNT(*) FROM scim_instances WHERE id = $1", id).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// An instance is there from the moment it is open until it is closed.
func TestInstance(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		watching := storetest.Open(t, engine())
		s := store.New(engine(), zap.NewNop())
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, watching, s.Instance()); n != 1 {
			t.Errorf("an open instance has %d rows", n)
		}
		if err := s.Destruct(); err != nil {
			t.Fatal(err)
		}
		if n := count(t, watching, s.Instance()); n != 0 {
			t.Errorf("a closed instance has %d rows", n)
		}
	})
}
