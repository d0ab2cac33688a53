package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
)

// keptStatements is how many prepared statements a connection keeps. The journal has
// most of them: one for each number of rows that it writes at once.
const keptStatements = 64

// connector makes connections that keep their prepared statements: to prepare one costs
// as much as to execute it. The driver for PostgreSQL does so by itself.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	of, ok := made.(capable)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks what is needed of it"), made.Close())
	}
	return &conn{capable: of, prepared: make(map[string]driver.StmtExecContext)}, nil
}

// capable is what the connections of the driver can do.
type capable interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is a connection that keeps the statements which change something. One goroutine
// uses it at a time.
type conn struct {
	capable
	prepared map[string]driver.StmtExecContext
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, arguments []driver.NamedValue) (driver.Result, error) {
	if len(arguments) == 0 {
		return c.capable.ExecContext(ctx, query, arguments) // may be several statements, and is seldom the same
	}
	statement := c.prepared[query]
	if statement == nil {
		made, err := c.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		var ok bool
		if statement, ok = made.(driver.StmtExecContext); !ok {
			return nil, errors.Join(errors.New("the SQLite driver lacks what is needed of it"), made.Close())
		}
		if err := c.makeRoom(); err != nil {
			return nil, errors.Join(err, made.Close())
		}
		c.prepared[query] = statement
	}
	return statement.ExecContext(ctx, arguments)
}

// makeRoom gives up all statements where there are too many: those that are used often
// are soon prepared again.
func (c *conn) makeRoom() (err error) {
	if len(c.prepared) < keptStatements {
		return nil
	}
	for query, statement := range c.prepared {
		err = errors.Join(err, statement.(driver.Stmt).Close())
		delete(c.prepared, query)
	}
	return err
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	var err error
	for _, statement := range c.prepared {
		err = errors.Join(err, statement.(driver.Stmt).Close())
	}
	clear(c.prepared)
	return errors.Join(err, c.capable.Close())
}

// Interface guards
var (
	_ driver.Connector     = connector{}
	_ driver.ExecerContext = (*conn)(nil)
)
