package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
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

// Exclusive is an engine on which one process serves at a time.
type Exclusive interface {
	Engine
	// Serve takes the database for this process until release is called, or says
	// which other one has it. Commands work beside it.
	Serve() (release func() error, err error)
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
	// Locker makes the connections that hold locks (see [Store.Lock]). It is nil where
	// one process alone serves.
	Locker *sql.DB
	// Existing makes a database without the tables of this version an error: they
	// are neither made nor changed.
	Existing bool
	// Refusal returns [ErrConstraint] or [ErrValue] for an error with which the
	// database refuses what it was given. Of any other it returns nil: the database
	// does not work.
	Refusal func(error) error
	// Check says what is wrong with an open database that answers. It may be nil.
	Check func() error
	// Forget closes the connections that nobody uses, which may be broken. It may be
	// nil.
	Forget func()
}

// Close closes the database.
func (db *Database) Close() error {
	var err error
	if db.Locker != nil {
		err = db.Locker.Close()
	}
	if db.Reader != db.Writer {
		err = errors.Join(err, db.Reader.Close())
	}
	return errors.Join(err, db.Writer.Close())
}

func (d Dialect) readIsolation() sql.IsolationLevel {
	if d == PostgreSQL {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// now is the time of the database as an expression, in microseconds since 1970.
func (d Dialect) now() string {
	if d == PostgreSQL {
		return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	}
	return "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)"
}

// adapt gives the parameters the form that SQLite knows them by. Those that come in
// order, each once, need no number: SQLite looks numbers up one by one.
func (d Dialect) adapt(statement string) string {
	if d == PostgreSQL || strings.IndexByte(statement, '$') < 0 {
		return statement
	}
	adapted, inOrder := make([]byte, 0, len(statement)), true
	for rest, last := statement, 0; ; {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			adapted = append(adapted, rest...)
			break
		}
		adapted = append(adapted, rest[:i]...)
		rest = rest[i+1:]
		number, digits := 0, 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			number = 10*number + int(rest[digits]-'0')
			digits++
		}
		if digits == 0 {
			adapted = append(adapted, '$')
			continue
		}
		if last++; number != last {
			inOrder = false
			break
		}
		adapted, rest = append(adapted, '?'), rest[digits:]
	}
	if inOrder {
		return string(adapted)
	}
	adapted = append(adapted[:0], statement...)
	for i, c := range adapted[:len(adapted)-1] {
		if next := adapted[i+1]; c == '$' && '0' <= next && next <= '9' {
			adapted[i] = '?'
		}
	}
	return string(adapted)
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
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n + 1))
	}
	b.WriteByte(')')
	return b.String()
}
