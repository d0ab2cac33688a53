// Package sqlite is the Caddy module scim.stores.sqlite: a store in a file, for one
// gateway process. It is the default.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/scimgate/scimgate/modules/store"
)

func init() {
	caddy.RegisterModule(new(Engine))
}

// Engine is a store in a SQLite database, which it creates, readable by its owner
// alone, with its directory.
type Engine struct {
	// Path is the file. Default: scimgate/scimgate.db in Caddy's data directory.
	Path string `json:"path,omitempty"`
	// MustExist makes a missing file an error, for commands: one that is run as
	// another user than the service means another file by default.
	MustExist bool `json:"-"`
}

// CaddyModule implements caddy.Module.
func (*Engine) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim.stores.sqlite", New: func() caddy.Module { return new(Engine) }}
}

// Provision makes the path an absolute one.
func (e *Engine) Provision(caddy.Context) (err error) {
	if e.Path == "" {
		e.Path = filepath.Join(caddy.AppDataDir(), "scimgate", "scimgate.db")
	}
	e.Path, err = filepath.Abs(e.Path)
	return err
}

// UnmarshalCaddyfile reads
//
//	sqlite [<file>]
func (e *Engine) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	switch args := d.RemainingArgs(); len(args) {
	case 0:
	case 1:
		e.Path = args[0]
	default:
		return d.ArgErr()
	}
	if d.NextBlock(d.Nesting()) {
		return d.Errf("%q is no option of sqlite: it takes a file and nothing else", d.Val())
	}
	return nil
}

// Location implements store.Engine.
func (e *Engine) Location() string { return "sqlite " + e.Path }

// Key implements store.Engine.
func (e *Engine) Key() string { return "sqlite " + e.Path }

const (
	// readers is how many transactions read at a time.
	readers = 4
	// busyTime is how long is waited for another process to end its transaction.
	busyTime = 3 * time.Second
	// cacheKiB is the memory for pages of a connection.
	cacheKiB = 1024
	// journalSize is what the write-ahead log keeps of the disk when its content has
	// gone into the file, which it does every four MiB.
	journalSize = 8 << 20
	// idleTime is how long a connection to read with is kept.
	idleTime = time.Minute
)

// Existing makes a missing file an error.
func (e *Engine) Existing() { e.MustExist = true }

// Open implements store.Engine.
func (e *Engine) Open(ctx context.Context) (*store.Database, error) {
	if err := e.make(); err != nil {
		return nil, err
	}
	opened, err := os.Stat(e.Path)
	if err != nil {
		return nil, err
	}
	writer, err := e.pool(ctx, 1)
	if err != nil {
		return nil, err
	}
	reader, err := e.pool(ctx, readers)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &store.Database{
		Dialect: store.SQLite, Writer: writer, Reader: reader, Existing: e.MustExist, Refusal: refusal,
		Check: func() error { return e.isSame(opened) },
	}, nil
}

func (e *Engine) pool(ctx context.Context, connections int) (*sql.DB, error) {
	options := url.Values{"_pragma": {
		"busy_timeout(" + strconv.FormatInt(busyTime.Milliseconds(), 10) + ")", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
		"cache_size(-" + strconv.Itoa(cacheKiB) + ")", "journal_size_limit(" + strconv.Itoa(journalSize) + ")",
	}}
	if connections == 1 {
		options.Set("_txlock", "immediate")
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: e.Path}).EscapedPath(), RawQuery: options.Encode()}
	base, err := driver.NewConnector(file.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector{base})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	if err := connect(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", e.Path, err), db.Close())
	}
	return db, nil
}

// connect makes a connection. When several processes find a new file at the same
// time, one changes its mode and the others are told at once that it is locked.
func connect(ctx context.Context, db *sql.DB) error {
	for deadline := time.Now().Add(busyTime); ; {
		err := db.PingContext(ctx)
		told, ok := errors.AsType[*driver.Error](err)
		if err == nil || !ok || told.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// refusal implements store.Database.
func refusal(err error) error {
	told, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return nil
	}
	switch told.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		return store.ErrConstraint
	case sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return store.ErrValue
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Engine)(nil)
	_ caddyfile.Unmarshaler = (*Engine)(nil)
	_ store.Exclusive       = (*Engine)(nil)
)
