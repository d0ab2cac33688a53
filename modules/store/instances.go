package store

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// An instance is a process with the store open: a gateway, or a command while it
// runs. It has a row in scim_instances, and says every ten seconds that it is there.

// silence is how many heartbeats an instance must have missed that nobody can look
// at to count as ended.
const silence = 3

// sighting is what was last seen of another instance, and for how long it has not
// changed.
type sighting struct {
	seen      int64
	unchanged time.Duration
}

// instance is a row of scim_instances.
type instance struct {
	id      string
	process string
	serves  bool
	seen    int64
}

// DeadInstances returns the instances that have ended, sorted: those that left no
// word when they did, and those of which the store knows no more than that they have
// open intents in the journal. What they had begun nobody else will end.
//
// An instance in the same process space, which is that of this machine or container,
// has ended when its process has. Of an instance elsewhere it counts as proof that it
// was silent for 30 seconds during which the store could be asked: it takes that long
// until those are known. A gateway that alone serves on its SQLite file knows at once
// that those that did so before have ended.
//
// An instance elsewhere that hangs for longer, as a paused virtual machine does, is
// among them too, and no more when it goes on.
func (s *Store) DeadInstances(ctx context.Context) ([]string, error) {
	var rows map[string]instance
	err := s.Read(ctx, func(tx *Tx) (err error) {
		rows, err = tx.instances(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.dead(rows), nil
}

func (s *Store) dead(rows map[string]instance) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var dead []string
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if id != s.instance && s.hasEnded(rows[id]) {
			dead = append(dead, id)
		}
	}
	return dead
}

// hasEnded reports whether another instance is known to have ended. It is called
// with s.mu locked.
func (s *Store) hasEnded(row instance) bool {
	if row.process != ownProcess {
		if alive, isKnown := isAlive(row.process); isKnown {
			return !alive
		}
		if row.serves && s.release != nil {
			return true
		}
	}
	sighted := s.sightings[row.id]
	return sighted.seen == row.seen && sighted.unchanged >= silence*s.heartbeat
}

// attend says that this instance is there, notes which others are, and forgets those
// that have ended and left nothing open.
func (s *Store) attend(ctx context.Context, db *Database) error {
	s.mu.Lock()
	serves := 0
	if s.serves {
		serves = 1
	}
	s.mu.Unlock()
	host, _ := os.Hostname()
	version, _ := caddy.Version()
	var rows map[string]instance
	err := db.write(ctx, func(tx *Tx) (err error) {
		now := tx.Dialect().now()
		_, err = tx.Exec(ctx, `INSERT INTO scim_instances (id, host, pid, process, serves, version, started, seen)
			VALUES ($1, $2, $3, $4, $5, $6, `+now+`, `+now+`)
			ON CONFLICT (id) DO UPDATE SET serves = excluded.serves, seen = excluded.seen`,
			s.instance, host, os.Getpid(), ownProcess, serves, version)
		if err != nil {
			return err
		}
		rows, err = tx.instances(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.sight(rows)
	for _, id := range s.dead(rows) {
		err := db.write(ctx, func(tx *Tx) error { return tx.forgetInstance(ctx, id) })
		if err != nil {
			return err
		}
	}
	return nil
}

// sight notes how the other instances are.
func (s *Store) sight(rows map[string]instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// While we hung ourselves nothing was seen.
	now := time.Now()
	passed := min(now.Sub(s.looked), s.heartbeat)
	s.looked = now
	sightings := make(map[string]sighting, len(rows))
	for id, row := range rows {
		sightings[id] = sighting{seen: row.seen}
		if before, known := s.sightings[id]; known && before.seen == row.seen {
			sightings[id] = sighting{row.seen, before.unchanged + passed}
		}
	}
	s.sightings = sightings
}

// leave takes this instance's row away, if it has left nothing open.
func (s *Store) leave(db *Database) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// Where this fails the others find out that the process has ended.
	_ = db.write(ctx, func(tx *Tx) error { return tx.forgetInstance(ctx, s.instance) })
}

func (t *Tx) forgetInstance(ctx context.Context, id string) error {
	_, err := t.Exec(ctx, `DELETE FROM scim_instances WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM scim_journal WHERE result IS NULL AND instance = $1)`, id)
	return err
}

// instances returns all instances by id, those that are known by their open intents
// only included.
func (t *Tx) instances(ctx context.Context) (map[string]instance, error) {
	rows, err := t.Query(ctx, "SELECT id, process, serves, seen FROM scim_instances")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[string]instance)
	for rows.Next() {
		var row instance
		if err := rows.Scan(&row.id, &row.process, &row.serves, &row.seen); err != nil {
			return nil, err
		}
		found[row.id] = row
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	open, err := t.Query(ctx, "SELECT DISTINCT instance FROM scim_journal WHERE result IS NULL")
	if err != nil {
		return nil, err
	}
	defer open.Close()
	for open.Next() {
		var id string
		if err := open.Scan(&id); err != nil {
			return nil, err
		}
		if _, hasRow := found[id]; !hasRow {
			found[id] = instance{id: id}
		}
	}
	return found, open.Err()
}
