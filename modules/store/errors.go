package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrUnavailable says that the store can't be asked now: it is not open yet, or its
// database does not answer in time, or is locked, or its disk is full. Nothing is
// known of what it holds; a write may or may not have been done. Every error of the
// database wraps it but for [ErrConstraint], [ErrValue], sql.ErrNoRows, and the
// context.Canceled of a caller who does not want the answer any more.
var ErrUnavailable = errors.New("the store is unavailable")

// ErrConstraint says that a row was refused: one with its key is there already, or
// one that it refers to is not. PostgreSQL does nothing more in the transaction: ON
// CONFLICT asks without an error.
var ErrConstraint = errors.New("the store refuses the row")

// ErrValue says that a value was refused, one that is too long for example.
var ErrValue = errors.New("the store refuses the value")

// judge says what an error of the database means to its caller.
func (db *Database) judge(ctx context.Context, err error) error {
	switch {
	case err == nil || errors.Is(err, sql.ErrNoRows):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		if errors.Is(err, context.Canceled) {
			return err
		}
		return fmt.Errorf("%w: %w", context.Canceled, err)
	case strings.HasPrefix(err.Error(), "sql: Scan error"), strings.HasPrefix(err.Error(), "sql: expected"):
		return err // a mistake of ours
	}
	if refusal := db.Refusal(err); refusal != nil {
		return fmt.Errorf("%w: %w", refusal, err)
	}
	if late := ctx.Err(); late != nil && !errors.Is(err, late) {
		return fmt.Errorf("%w: %w: %w", ErrUnavailable, late, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
