package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Engine is a database on which a store can stand: a Caddy module in the namespace
// scim.stores.
type Engine interface {
	// Open opens the database, creating it where that is a file's business.
	Open(ctx context.Context) (*Database, error)
	// Location says where the database is, without secrets.
	Location() string
	// Key is the same for two engines exactly if they mean the same database in
	// the same way. It holds no secret in the clear.
	Key() string
}

// Dialect is the SQL that a database understands.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// Database is an open database.
type Database struct {
	Dialect Dialect
	Writer  *sql.DB // for transactions that write
	Reader  *sql.DB // for those that do not; may be Writer
}

// Close closes the database.
func (db *Database) Close() error {
	if db.Reader == db.Writer {
		return db.Writer.Close()
	}
	return errors.Join(db.Reader.Close(), db.Writer.Close())
}

func (d Dialect) readIsolation() sql.IsolationLevel {
	if d == PostgreSQL {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// Tx is a transaction. Its statements are written for PostgreSQL, their parameters
// $1, $2…; times are microseconds since 1970 (see [Micros]), what is true is 1.
type Tx struct {
	tx      *sql.Tx
	dialect Dialect
}

// Dialect returns the SQL of the database, for the few statements that differ.
func (t *Tx) Dialect() Dialect { return t.dialect }

// Exec executes a statement and returns how many rows it changed.
func (t *Tx) Exec(ctx context.Context, statement string, arguments ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, t.dialect.adapt(statement), arguments...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query returns rows, which the caller closes.
func (t *Tx) Query(ctx context.Context, statement string, arguments ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, t.dialect.adapt(statement), arguments...)
}

// Row returns the only row there is; none is sql.ErrNoRows.
func (t *Tx) Row(ctx context.Context, statement string, arguments ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.dialect.adapt(statement), arguments...)
}

var parameter = regexp.MustCompile(`\$([0-9]+)`)

// adapt gives the parameters the form that SQLite numbers them by.
func (d Dialect) adapt(statement string) string {
	if d == PostgreSQL {
		return statement
	}
	return parameter.ReplaceAllString(statement, "?$1")
}

// Values returns the parameters of an INSERT of rows with that many columns each:
// ($1,$2),($3,$4).
func Values(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteByte('(')
		case n%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", n+1)
	}
	b.WriteByte(')')
	return b.String()
}

// transact calls do in a transaction of db.
func (db *Database) transact(ctx context.Context, on *sql.DB, options *sql.TxOptions, do func(*Tx) error) error {
	tx, err := on.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := do(&Tx{tx, db.Dialect}); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}
