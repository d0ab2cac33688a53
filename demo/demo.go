// Package demo is scimgate with nothing around it: an embedded directory and a
// gateway before it, in one process. Everything behind the directory's socket is
// as in production: the same Caddyfile directives, the same handler, the same
// translator, real LDAP.
package demo

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base32"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/app"

	// Caddy's modules, the gateway and its translators.
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/scimgate/scimgate/modules/gateway"
	_ "github.com/scimgate/scimgate/translators/ldap"
)

//go:embed seed.ldif
var seed string

//go:embed Caddyfile.tmpl
var caddyfileText string

var caddyfileTemplate = template.Must(template.New("Caddyfile").Parse(caddyfileText))

// Suffix is the root of the demo's directory, and BindDN the account with which
// the gateway signs in.
const (
	Suffix = "dc=example,dc=com"
	BindDN = "cn=scimgate,ou=services," + Suffix
)

// Options say where the demo listens.
type Options struct {
	Listen string // of the gateway. Default: 127.0.0.1:8880
	LDAP   string // of the directory. Default: 127.0.0.1:8389
	Token  string // Default: a random one
	Debug  bool   // log at the debug level
	Quiet  bool   // log errors only; see [Demo.Unquiet]
	Plain  bool   // log without colours, for a file

	// NoBrake lets any number of accounts be disabled.
	NoBrake bool
}

// Demo is a running demo.
type Demo struct {
	TenantURL string // of SCIM 2.0; see [Demo.TenantURLOf]
	Token     string
	LDAPURL   string
	Password  string // of BindDN
	Store     string // the file
	Directory string // where commands find store and Caddyfile

	server  *directory.Server
	initial string // people and groups at the start, as LDIF
	config  Config
	scratch string
}

// Start starts the directory and the gateway. One demo can run in a process.
func Start(o Options) (_ *Demo, err error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8880"
	}
	if o.LDAP == "" {
		o.LDAP = "127.0.0.1:8389"
	}
	d := &Demo{Token: o.Token, Password: randomText()}
	if d.Token == "" {
		d.Token = randomText()
	} else if err := access.CheckSecret(access.SchemeBearer, d.Token); err != nil {
		return nil, fmt.Errorf("the token of the demo: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop())
		}
	}()
	if d.scratch, err = os.MkdirTemp("", "scimgate-demo-"); err != nil {
		return nil, err
	}
	d.Directory, d.Store = d.scratch, filepath.Join(d.scratch, "scimgate.db")
	// What Caddy keeps for itself, such as the id of the instance, is not to stay.
	for _, home := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err = os.Setenv(home, d.scratch); err != nil {
			return nil, err
		}
	}
	if d.server, err = NewDirectory(d.Password); err != nil {
		return nil, err
	}
	if d.initial, err = dumpContents(d.server); err != nil {
		return nil, err
	}
	address, err := d.server.Listen(o.LDAP)
	if err != nil {
		return nil, fmt.Errorf("starting the directory: %w; choose another address with --ldap", err)
	}
	d.LDAPURL = "ldap://" + address.String()
	host, port, err := listenAddress(o.Listen)
	if err != nil {
		return nil, err
	}
	d.TenantURL = "http://" + net.JoinHostPort(host, port) + "/scim/v2"
	d.config = Config{
		Host: host, Port: port, Servers: d.LDAPURL, BindDN: BindDN, Store: d.Store, Debug: o.Debug, Quiet: o.Quiet, NoBrake: o.NoBrake,
		Plain: o.Plain, Storage: filepath.Join(d.scratch, "storage"), Token: d.Token, Password: d.Password,
	}
	if err := d.config.Load(); err != nil {
		return nil, fmt.Errorf("starting the gateway: %w", err)
	}
	if err = d.forCommands(); err != nil {
		return nil, fmt.Errorf("writing the Caddyfile for commands: %w", err)
	}
	if err = awaitStore(); err != nil {
		return nil, fmt.Errorf("starting the gateway: %w", err)
	}
	return d, nil
}

// storeTimeout bounds how long the demo waits for its store.
const storeTimeout = 30 * time.Second

// awaitStore returns when the store is open: the commands that the demo tells of want
// to find it.
func awaitStore() error {
	shared, release, err := app.Hold()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	return shared.Store().Wait(ctx)
}

// forCommands writes the Caddyfile and the secrets beside the store, so that commands
// such as scimgate who can be tried there.
func (d *Demo) forCommands() error {
	text, err := d.Caddyfile()
	if err != nil {
		return err
	}
	for variable, secret := range map[string]string{"SCIMGATE_DEMO_TOKEN": d.Token, "SCIMGATE_DEMO_PASSWORD": d.Password} {
		file := filepath.Join(d.scratch, strings.ToLower(strings.TrimPrefix(variable, "SCIMGATE_DEMO_")))
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			return err
		}
		text = strings.ReplaceAll(text, "{env."+variable+"}", "{file."+file+"}")
	}
	return os.WriteFile(filepath.Join(d.scratch, "Caddyfile"), []byte(text), 0o600)
}

// Caddyfile returns the configuration that the gateway runs with.
func (d *Demo) Caddyfile() (string, error) { return d.config.Caddyfile() }

// TenantURLOf returns the tenant URL for a version of SCIM, 1.1 or 2.0.
func (d *Demo) TenantURLOf(version string) string {
	if version == "1.1" {
		return strings.TrimSuffix(d.TenantURL, "/v2") + "/v1"
	}
	return d.TenantURL
}

// listenAddress splits an address to listen at. A free port is chosen for port
// 0, since the tenant URL is printed.
func listenAddress(address string) (host, port string, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", "", fmt.Errorf("starting the gateway: %w; choose another address with --listen", err)
	}
	defer l.Close()
	host, port, err = net.SplitHostPort(l.Addr().String())
	return host, port, err
}

// Unquiet reloads the gateway so that it logs each request.
func (d *Demo) Unquiet() error {
	d.config.Quiet = false
	if err := d.config.Load(); err != nil {
		return fmt.Errorf("reloading the gateway: %w", err)
	}
	return nil
}

// Stop ends gateway and directory and removes the demo's files.
func (d *Demo) Stop() error {
	err := caddy.Stop()
	if d.server != nil {
		err = errors.Join(err, d.server.Close())
	}
	if d.scratch != "" {
		err = errors.Join(err, os.RemoveAll(d.scratch))
	}
	return err
}

// NewDirectory returns the demo's directory with its people and groups, not yet
// listening. password is that of BindDN.
func NewDirectory(password string) (*directory.Server, error) {
	server, err := directory.New(directory.Options{
		Suffix: Suffix,
		Accounts: []directory.Account{{
			DN: BindDN, Password: password,
			Read: []string{"ou=policies," + Suffix},
			Write: []string{
				"ou=people," + Suffix,
				"ou=groups," + Suffix,
			},
		}},
		Schema:        Schema(),
		Index:         []string{"scimExternalId", "cn"},
		Unique:        []directory.Unique{{Base: "ou=people," + Suffix, Attribute: "uid"}},
		DefaultPolicy: "cn=default,ou=policies," + Suffix,
	})
	if err != nil {
		return nil, fmt.Errorf("starting the directory: %w", err)
	}
	if err := server.Load(strings.NewReader(seed)); err != nil {
		return nil, errors.Join(fmt.Errorf("filling the directory: %w", err), server.Close())
	}
	return server, nil
}

// Config is what the demo's Caddyfile depends on. Tests use it in front of other
// directories.
type Config struct {
	Host, Port string
	Servers    string   // addresses of the directory
	BindDN     string   // the account, and
	Password   string   // its password
	Token      string   // that callers show
	Store      string   // the file of the store
	Extra      []string // further lines of the translator
	Debug      bool
	Quiet      bool   // log errors only
	NoBrake    bool   // let any number of accounts be disabled
	Plain      bool   // log without colours
	Storage    string // where Caddy keeps what it keeps. Default: where it does so
}

// LogLevel is for the template.
func (c Config) LogLevel() string {
	switch {
	case c.Debug:
		return "DEBUG"
	case c.Quiet:
		return "ERROR"
	}
	return "INFO"
}

// Caddyfile returns the configuration as an operator would write it. The secrets
// stand in it as the environment variables SCIMGATE_DEMO_TOKEN and
// SCIMGATE_DEMO_PASSWORD.
func (c Config) Caddyfile() (string, error) {
	var b strings.Builder
	err := caddyfileTemplate.Execute(&b, c)
	return b.String(), err
}

// Load puts the secrets into the environment and runs Caddy with the Caddyfile.
func (c Config) Load() error {
	if err := errors.Join(os.Setenv("SCIMGATE_DEMO_TOKEN", c.Token), os.Setenv("SCIMGATE_DEMO_PASSWORD", c.Password)); err != nil {
		return err
	}
	text, err := c.Caddyfile()
	if err != nil {
		return err
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

func randomText() string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}
