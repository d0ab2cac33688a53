package rest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/internal/quiet"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/signin"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// backends are the clients of all configurations in the process, so that the
// connections, the sign-in and the limits of an application survive a reload that
// does not change them.
var backends = caddy.NewUsagePool()

// backend is the connection to an application, shared by all configurations that
// describe it alike.
type backend struct {
	client   *web.Client
	signIn   *signin.SignIn
	writes   writes
	observer atomic.Pointer[func(translators.Observation)]
}

// backendKey tells backends apart. It is a digest, because what it is made of holds
// secrets.
type backendKey [sha256.Size]byte

// provisionBackend takes a reference to the client. Connections are made with the
// first request.
func (t *Translator) provisionBackend(ctx caddy.Context) error {
	address, err := caddy.NewReplacer().ReplaceOrErr(t.URL, true, true)
	if err != nil {
		return fmt.Errorf("the address of the application: %w", err)
	}
	if _, err := web.ParseBase(address); err != nil {
		return err
	}
	for name := range t.Secrets {
		if _, err := t.secret(name); err != nil {
			return err
		}
	}
	if t.key, err = t.digest(address); err != nil {
		return err
	}
	value, _, err := backends.LoadOrNew(t.key, func() (caddy.Destructor, error) { return t.newBackend(ctx, address) })
	if err != nil {
		return err
	}
	t.backend, t.holds = value.(*backend), true
	return nil
}

// newBackend makes the client and what signs its requests in.
func (t *Translator) newBackend(ctx caddy.Context, address string) (*backend, error) {
	b := new(backend)
	var config web.Config
	if t.Web != nil {
		config = *t.Web
	}
	var err error
	if b.client, err = web.New(config, address, quiet.Logger(ctx), b.observe); err != nil {
		return nil, err
	}
	secrets, err := signin.NewSecrets(t.Secrets)
	if err == nil {
		b.signIn, err = signin.New(t.SignIn, secrets, b.client)
	}
	if err != nil {
		return nil, errors.Join(err, b.client.Destruct())
	}
	b.client.UseSigner(b.signIn)
	return b, nil
}

// secret returns the value of {secret.<name>}. A placeholder such as {file.*} is read
// anew each time, so that what was changed is known at once. The error names the
// placeholder, never what it stands for.
func (t *Translator) secret(name string) (string, error) {
	text, ok := t.Secrets[name]
	if !ok {
		return "", fmt.Errorf("there is no secret %s: add secret %s {file./run/secrets/%s}", name, name, name)
	}
	value, err := resolve(text)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	return value, nil
}

// resolve replaces the placeholders in a text of the configuration.
func resolve(text string) (string, error) {
	return caddy.NewReplacer().ReplaceOrErr(text, true, true)
}

// digest is the key of the backend with these settings, which are compared as they
// are now: a file with another content makes another backend.
func (t *Translator) digest(address string) (backendKey, error) {
	settings, err := json.Marshal([]any{address, t.SignIn, t.Web, t.Secrets})
	if err != nil {
		return backendKey{}, fmt.Errorf("comparing connections: %w", err)
	}
	sum := sha256.New()
	sum.Write([]byte(caddy.NewReplacer().ReplaceKnown(string(settings), "")))
	sources, err := t.Web.Sources()
	if err != nil {
		return backendKey{}, err
	}
	for _, source := range sources {
		sum.Write([]byte(source))
		sum.Write([]byte{0})
	}
	return backendKey(sum.Sum(nil)), nil
}

// Lease implements [translators.Translator].
func (t *Translator) Lease() (func(), error) { return t.backend.client.Lease(), nil }

// Observe implements [translators.Observed]. Operations are HTTP methods; a result is
// the class of the status ("2xx"), or a word for why there was none.
func (t *Translator) Observe(f func(translators.Observation)) { t.backend.observer.Store(&f) }

func (b *backend) observe(o translators.Observation) {
	if f := b.observer.Load(); f != nil && *f != nil {
		(*f)(o)
	}
}

// Destruct implements [caddy.Destructor]. The client signs out when it is idle.
func (b *backend) Destruct() error { return b.client.Destruct() }

// Interface guard
var _ caddy.Destructor = (*backend)(nil)
