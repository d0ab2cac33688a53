package notice

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/scimgate/scimgate/modules/store"
)

// claim is one warning over one way, as the store knows it: a process takes it, sends,
// and ends it. One that was taken and not ended is free again when its time is over,
// since whoever took it may have died.
type claim struct {
	gateway    string
	credential string
	expires    int64 // microseconds since 1970
	threshold  int64 // microseconds
	way        string
}

// claimLife is for how long a claim is held. It is longer than sending takes.
const claimLife = 5 * time.Minute

// forgottenAfter is how long behind the expiry the store keeps what it was warned of.
const forgottenAfter = 90 * day

// name names the warning, over whatever way, where it is told to others.
func (c claim) name() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d", c.gateway, c.credential, c.expires, c.threshold))
	return hex.EncodeToString(sum[:12])
}

func (c claim) arguments() []any {
	return []any{c.gateway, c.credential, c.expires, c.threshold, c.way}
}

const thisClaim = "gateway = $1 AND credential = $2 AND expires = $3 AND threshold = $4 AND way = $5"

// take takes the claim, and returns the number of the attempt, from 1 on. It is 0
// where the claim is settled, because the warning was sent, or somebody else has it,
// or it is not time yet to try again.
func (c claim) take(ctx context.Context, s *store.Store, now time.Time) (attempt int, isSettled bool, err error) {
	at := store.Micros(now)
	isFree := true
	err = s.Read(ctx, func(tx *store.Tx) error { // which is all there is to it most of the time
		var sent, due int64
		err := tx.Row(ctx, "SELECT sent, due FROM scim_warnings WHERE "+thisClaim, c.arguments()...).Scan(&sent, &due)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		isSettled, isFree = sent > 0, sent == 0 && due <= at
		return err
	})
	if err != nil || !isFree {
		return 0, isSettled, err
	}
	err = s.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM scim_warnings WHERE expires < $1", store.Micros(now.Add(-forgottenAfter))); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "INSERT INTO scim_warnings (gateway, credential, expires, threshold, way, claimed, claimed_by, attempts, due, sent) VALUES "+
			"($1, $2, $3, $4, $5, $6, $7, 1, $8, 0) ON CONFLICT (gateway, credential, expires, threshold, way) DO UPDATE SET "+
			"claimed = $6, claimed_by = $7, attempts = scim_warnings.attempts + 1, due = $8 WHERE scim_warnings.sent = 0 AND scim_warnings.due <= $6",
			append(c.arguments(), at, s.Instance(), store.Micros(now.Add(claimLife)))...)
		if err != nil || n == 0 {
			return err
		}
		return tx.Row(ctx, "SELECT attempts FROM scim_warnings WHERE "+thisClaim, c.arguments()...).Scan(&attempt)
	})
	if err != nil {
		return 0, false, err
	}
	return attempt, false, nil
}

// end settles the claim, or leaves it to whoever tries again behind a wait.
func (c claim) end(ctx context.Context, s *store.Store, now time.Time, isSent bool, wait time.Duration) error {
	return s.Write(ctx, func(tx *store.Tx) error {
		column, value := "due", store.Micros(now.Add(wait))
		if isSent {
			column, value = "sent", store.Micros(now)
		}
		_, err := tx.Exec(ctx, "UPDATE scim_warnings SET "+column+" = $6 WHERE "+thisClaim+" AND claimed_by = $7", append(c.arguments(), value, s.Instance())...)
		return err
	})
}
