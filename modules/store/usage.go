package store

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Usage is how a credential was used, by all gateways on a store.
type Usage struct {
	Gateway    string
	Credential string // ID of an issued token, or the name of one of the Caddyfile
	Uses       int64
	FirstUsed  time.Time
	LastUsed   time.Time
	LastFrom   netip.Addr
	// UsualGap is how long a silence is in which one finds the credential at any
	// time: the mean of the gaps between two uses, weighted by their length, of
	// the last week or so. Gaps of less than ten seconds count for nothing. It
	// does not know how long the present silence is.
	UsualGap time.Duration
}

// gapMemory is how long a gap counts.
const gapMemory = 7 * 24 * time.Hour

// with returns the usage behind further uses.
func (u Usage) with(more Usage) Usage {
	if more.Uses == 0 {
		return u
	}
	if u.Uses == 0 {
		u.FirstUsed = more.FirstUsed
	} else if gap := more.FirstUsed.Sub(u.LastUsed); gap > 0 {
		observed := min(u.LastUsed.Sub(u.FirstUsed), gapMemory)
		weight := gap.Seconds() / (gap + observed).Seconds()
		u.UsualGap += time.Duration(float64(gap-u.UsualGap) * weight)
	}
	u.Uses += more.Uses
	if more.FirstUsed.Before(u.FirstUsed) {
		u.FirstUsed = more.FirstUsed
	}
	if more.LastUsed.After(u.LastUsed) {
		u.LastUsed, u.LastFrom = more.LastUsed, more.LastFrom
	}
	return u
}

// Use counts in a process how a credential is used. It costs no round trip: what was
// counted is written every ten seconds, and when the process ends. A nil Use counts
// nothing.
type Use struct {
	mu      sync.Mutex
	stored  Usage // as it was read from the store last
	pending Usage // what is to be added to it
}

// Note counts a use.
func (u *Use) Note(at time.Time, from netip.Addr) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending.Uses == 0 {
		u.pending.FirstUsed = at
	}
	u.pending.Uses++
	u.pending.LastUsed, u.pending.LastFrom = at, from
}

// Usage returns how the credential was used, as far as this process knows: by others
// up to ten seconds ago.
func (u *Use) Usage() Usage {
	if u == nil {
		return Usage{}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stored.with(u.pending)
}

type useKey struct{ gateway, credential string }

// Use returns what counts the uses of a credential: of an issued token by its ID, of
// one of the Caddyfile by its name. It is the same for the life of the store.
func (s *Store) Use(gateway, credential string) *Use {
	s.usesMu.Lock()
	defer s.usesMu.Unlock()
	key := useKey{gateway, credential}
	u := s.uses[key]
	if u == nil {
		u = &Use{stored: Usage{Gateway: gateway, Credential: credential}}
		if s.uses == nil {
			s.uses = make(map[useKey]*Use)
		}
		s.uses[key] = u
	}
	return u
}

// take takes what was counted since it was taken last.
func (s *Store) takeUsage() []Usage {
	s.usesMu.Lock()
	defer s.usesMu.Unlock()
	var pending []Usage
	for key, u := range s.uses {
		u.mu.Lock()
		if u.pending.Uses > 0 {
			u.pending.Gateway, u.pending.Credential = key.gateway, key.credential
			pending = append(pending, u.pending)
		}
		u.mu.Unlock()
	}
	// In one order everywhere, so that gateways do not lock one another out.
	slices.SortFunc(pending, func(a, b Usage) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Credential, b.Credential))
	})
	return pending
}

// writeUsage adds what was counted to the store, and reads what others have counted.
// What can't be written now is written later.
func (s *Store) writeUsage(ctx context.Context, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	pending := s.takeUsage()
	var stored []Usage
	do := func(tx *Tx) (err error) {
		for _, u := range pending {
			if err := addUsage(ctx, tx, u); err != nil {
				return err
			}
		}
		stored, err = readUsages(ctx, tx)
		return err
	}
	transact := s.Read
	if len(pending) > 0 {
		transact = s.Write
	}
	if err := transact(ctx, do); err != nil {
		s.log.Debug("the use of credentials can't be written to the store: it is tried again", zap.Error(err))
		return
	}
	for _, u := range pending {
		s.Use(u.Gateway, u.Credential).written(u)
	}
	for _, u := range stored {
		use := s.Use(u.Gateway, u.Credential)
		use.mu.Lock()
		use.stored = u
		use.mu.Unlock()
	}
}

// written forgets what was written.
func (u *Use) written(done Usage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stored = u.stored.with(done)
	if u.pending.Uses -= done.Uses; u.pending.Uses > 0 {
		u.pending.FirstUsed = done.LastUsed // no gap is told that there was not
	}
}

const usageColumns = "gateway, credential, uses, first_used, last_used, last_from, usual_gap"

func addUsage(ctx context.Context, tx *Tx, more Usage) error {
	const lock = "INSERT INTO scim_usage (" + usageColumns + ") VALUES ($1, $2, 0, 0, 0, '', 0) ON CONFLICT (gateway, credential) DO UPDATE SET uses = scim_usage.uses"
	if _, err := tx.Exec(ctx, lock, more.Gateway, more.Credential); err != nil {
		return err
	}
	before, err := scanUsage(tx.Row(ctx, "SELECT "+usageColumns+" FROM scim_usage WHERE gateway = $1 AND credential = $2", more.Gateway, more.Credential))
	if err != nil {
		return err
	}
	u := before.with(more)
	from := ""
	if u.LastFrom.IsValid() {
		from = u.LastFrom.String()
	}
	_, err = tx.Exec(ctx, "UPDATE scim_usage SET uses = $3, first_used = $4, last_used = $5, last_from = $6, usual_gap = $7 WHERE gateway = $1 AND credential = $2",
		u.Gateway, u.Credential, u.Uses, Micros(u.FirstUsed), Micros(u.LastUsed), from, u.UsualGap.Microseconds())
	return err
}

func scanUsage(row interface{ Scan(...any) error }) (u Usage, err error) {
	var first, last, gap int64
	var from string
	if err := row.Scan(&u.Gateway, &u.Credential, &u.Uses, &first, &last, &from, &gap); err != nil {
		return u, err
	}
	u.FirstUsed, u.LastUsed, u.UsualGap = Time(first), Time(last), time.Duration(gap)*time.Microsecond
	if from != "" {
		u.LastFrom, err = netip.ParseAddr(from)
	}
	return u, err
}

// Usages returns how all credentials were used, as the store has it: up to ten
// seconds late.
func (s *Store) Usages(ctx context.Context) (usages []Usage, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		usages, err = readUsages(ctx, tx)
		return err
	})
	return usages, err
}

func readUsages(ctx context.Context, tx *Tx) (usages []Usage, err error) {
	rows, err := tx.Query(ctx, "SELECT "+usageColumns+" FROM scim_usage ORDER BY gateway, credential")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		u, err := scanUsage(rows)
		if err != nil {
			return nil, err
		}
		usages = append(usages, u)
	}
	return usages, rows.Err()
}
