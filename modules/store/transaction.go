package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// longest is how long a transaction takes at most whose caller sets no limit.
	longest = time.Minute
	// promptly is how soon a connection tells that it is broken.
	promptly = time.Second
)

// Tx is a transaction. Its statements are written for PostgreSQL, their parameters
// $1, $2…; times are microseconds since 1970 (see [Micros]), what is true is 1. Text
// that PostgreSQL could not hold, a NUL or what is not UTF-8, goes into either
// database with U+FFFD in its place.
type Tx struct {
	tx  *sql.Tx
	db  *Database
	ctx context.Context // has a deadline
}

// transact calls do in a transaction of db.
func (db *Database) transact(ctx context.Context, on *sql.DB, options *sql.TxOptions, do func(*Tx) error) error {
	if _, isLimited := ctx.Deadline(); !isLimited {
		limited, cancel := context.WithTimeout(ctx, longest)
		defer cancel()
		ctx = limited
	}
	begin := time.Now()
	tx, err := on.BeginTx(ctx, options)
	if err != nil && ctx.Err() == nil && db.Forget != nil && time.Since(begin) < promptly {
		// Connections that nobody used for a while may all have been cut: a server
		// that is there costs nobody a transaction.
		db.Forget()
		tx, err = on.BeginTx(ctx, options)
	}
	if err != nil {
		return db.judge(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing behind a commit
	if err := do(&Tx{tx, db, ctx}); err != nil {
		return err
	}
	return db.judge(ctx, tx.Commit())
}

// Dialect returns the SQL of the database, for the few statements that differ.
func (t *Tx) Dialect() Dialect { return t.db.Dialect }

// Exec executes a statement and returns how many rows it changed.
func (t *Tx) Exec(ctx context.Context, statement string, arguments ...any) (int64, error) {
	ctx = t.limited(ctx)
	result, err := t.tx.ExecContext(ctx, t.db.Dialect.adapt(statement), storable(arguments)...)
	if err != nil {
		return 0, t.db.judge(ctx, err)
	}
	return result.RowsAffected()
}

// Query returns rows, which the caller closes.
func (t *Tx) Query(ctx context.Context, statement string, arguments ...any) (*Rows, error) {
	ctx = t.limited(ctx)
	rows, err := t.tx.QueryContext(ctx, t.db.Dialect.adapt(statement), storable(arguments)...)
	if err != nil {
		return nil, t.db.judge(ctx, err)
	}
	return &Rows{rows, t.db, ctx}, nil
}

// Row returns the only row there is; none is sql.ErrNoRows.
func (t *Tx) Row(ctx context.Context, statement string, arguments ...any) *Row {
	ctx = t.limited(ctx)
	return &Row{t.tx.QueryRowContext(ctx, t.db.Dialect.adapt(statement), storable(arguments)...), t.db, ctx}
}

// limited returns ctx if it has a deadline, else that of the transaction.
func (t *Tx) limited(ctx context.Context) context.Context {
	if _, isLimited := ctx.Deadline(); isLimited {
		return ctx
	}
	return t.ctx
}

// storable returns arguments that both databases can hold.
func storable(arguments []any) []any {
	isCopy := false
	for i, argument := range arguments {
		text, isText := argument.(string)
		if !isText || utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
			continue
		}
		if !isCopy {
			arguments, isCopy = slices.Clone(arguments), true
		}
		arguments[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	}
	return arguments
}

// Rows are the rows that a query found.
type Rows struct {
	*sql.Rows
	db  *Database
	ctx context.Context
}

// Err returns what ended the rows before the last one.
func (r *Rows) Err() error { return r.db.judge(r.ctx, r.Rows.Err()) }

// Row is the row that a query found.
type Row struct {
	row *sql.Row
	db  *Database
	ctx context.Context
}

// Scan copies the columns of the row; that there is none is sql.ErrNoRows.
func (r *Row) Scan(into ...any) error { return r.db.judge(r.ctx, r.row.Scan(into...)) }
