// Package postgres is the Caddy module scim.stores.postgres: a store in a
// PostgreSQL database, which several gateways share.
package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/scimgate/scimgate/modules/store"
)

func init() {
	caddy.RegisterModule(new(Engine))
}

// Engine is a store in a PostgreSQL database. The database and a role that owns it,
// or that may create tables in it, must exist.
type Engine struct {
	// DSN says where the database is and how it is connected to, as libpq has it:
	// postgres://user@host:5432/database?sslmode=verify-full, or host=… user=…
	// dbname=…. What it leaves out comes from PG* variables and the password file,
	// as with psql. Placeholders are replaced, by files too: a password in the
	// clear is refused, because it would be kept with the configuration.
	DSN string `json:"dsn,omitempty"`
	// Password is the password, as a placeholder: {file./run/secrets/postgres} or
	// {env.NAME}. Default: the DSN's, or that of the password file.
	Password string `json:"password,omitempty"`
	// MaxConnections is how many connections the gateway keeps at most, besides the
	// two that hold the locks of writes under way. Default: 8.
	MaxConnections int `json:"max_connections,omitempty"`
	// MustExist makes a database without the tables of the store an error, for
	// commands.
	MustExist bool `json:"-"`

	config *pgx.ConnConfig
	key    string
}

// What limits a connection, unless the DSN says otherwise. A gateway that hangs in
// the middle of a transaction holds up the others no longer than this either.
const (
	connectTimeout          = 5 * time.Second
	connectTimeoutOfSeveral = 2 * time.Second // to each server
	defaultMaxConnections   = 8
	idleConnections         = 4
	idleTime                = 5 * time.Minute
	lifetime                = time.Hour
	cachedStatements        = 64
)

var limits = map[string]string{
	"application_name":                    "scimgate",
	"statement_timeout":                   "30s",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "30s",
	// A gateway that is gone without a word, as when its machine lost its power, gives
	// back its locks within half a minute.
	"tcp_keepalives_idle":     "15",
	"tcp_keepalives_interval": "5",
	"tcp_keepalives_count":    "3",
	// What is committed is on the disk, whatever the server is set to.
	"synchronous_commit": "on",
}

// CaddyModule implements caddy.Module.
func (*Engine) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "scim.stores.postgres", New: func() caddy.Module { return new(Engine) }}
}

// Provision resolves the placeholders. It connects to nothing.
func (e *Engine) Provision(caddy.Context) error {
	if e.MaxConnections == 0 {
		e.MaxConnections = defaultMaxConnections
	}
	if err := e.check(); err != nil {
		return err
	}
	replacer := caddy.NewReplacer()
	dsn, err := replacer.ReplaceOrErr(e.DSN, true, true)
	if err != nil {
		return fmt.Errorf("dsn: %w", err)
	}
	password, err := replacer.ReplaceOrErr(e.Password, true, true)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	dsn, password = strings.TrimSpace(dsn), strings.TrimRight(password, "\r\n")
	if e.config, err = parse(dsn); err != nil {
		return err
	}
	if password != "" {
		e.config.Password = password
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", dsn, e.config.Password, e.MaxConnections))
	e.key = "postgres " + hex.EncodeToString(sum[:])
	return nil
}

// check says what is wrong with what is written in the configuration.
func (e *Engine) check() error {
	if e.MaxConnections < 0 {
		return errors.New("max_connections is less than 1")
	}
	if strings.TrimSpace(e.DSN) == "" {
		return errors.New("dsn is missing: write postgres://user@host/database, or a placeholder such as {file./etc/scimgate/postgres}")
	}
	if holdsPassword(e.DSN) || strings.Trim(placeholder.ReplaceAllString(e.Password, ""), " ") != "" {
		return errors.New("the configuration holds a password in the clear, and is kept on the disk: put the dsn or the password into a file and write {file./etc/scimgate/postgres}")
	}
	return nil
}

// parse reads a DSN. The driver's errors quote it, ours do not.
func parse(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("dsn: %s", reason(err))
	}
	several := len(config.Fallbacks) > 0 && config.Fallbacks[len(config.Fallbacks)-1].Host != config.Host
	switch {
	case config.ConnectTimeout != 0:
	case several: // the next one is to be reached in time
		config.ConnectTimeout = connectTimeoutOfSeveral
	default:
		config.ConnectTimeout = connectTimeout
	}
	if several && config.ValidateConnect == nil {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	for name, value := range limits {
		if _, isSet := config.RuntimeParams[name]; !isSet {
			config.RuntimeParams[name] = value
		}
	}
	config.StatementCacheCapacity = cachedStatements
	return config, nil
}

// Location implements store.Engine.
func (e *Engine) Location() string {
	if e.config == nil {
		return "postgres"
	}
	hosts := []string{address(e.config.Host, e.config.Port)}
	for _, fallback := range e.config.Fallbacks {
		if other := address(fallback.Host, fallback.Port); other != hosts[len(hosts)-1] {
			hosts = append(hosts, other)
		}
	}
	return fmt.Sprintf("postgres %s@%s/%s", e.config.User, strings.Join(hosts, ","), e.config.Database)
}

func address(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// Key implements store.Engine.
func (e *Engine) Key() string { return e.key }

// Open implements store.Engine.
func (e *Engine) Open(ctx context.Context) (*store.Database, error) {
	db := stdlib.OpenDB(*e.config.Copy())
	db.SetMaxOpenConns(e.MaxConnections)
	idle := min(idleConnections, e.MaxConnections)
	db.SetMaxIdleConns(idle)
	db.SetConnMaxIdleTime(idleTime)
	db.SetConnMaxLifetime(lifetime)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store.Database{
		Dialect: store.PostgreSQL, Writer: db, Reader: db, Locker: stdlib.OpenDB(*e.config.Copy()), Existing: e.MustExist, Refusal: refusal,
		Forget: func() {
			db.SetMaxIdleConns(0)
			db.SetMaxIdleConns(idle)
		},
	}, nil
}

// refusal implements store.Database.
func refusal(err error) error {
	told, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(told.Code) != 5 {
		return nil
	}
	switch told.Code[:2] {
	case "23": // integrity constraint violation
		return store.ErrConstraint
	case "22", "54": // data exception, program limit exceeded
		return store.ErrValue
	}
	return nil
}

// Existing makes an empty database an error.
func (e *Engine) Existing() { e.MustExist = true }

// Interface guards
var (
	_ caddy.Provisioner = (*Engine)(nil)
	_ store.Engine      = (*Engine)(nil)
)
