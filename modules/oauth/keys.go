// Package oauth is what a gateway needs of OAuth 2: it verifies the JWTs of an
// outside issuer (RFC 7519, keys by RFC 7517), and gives short-lived access tokens of
// its own to clients that show their secret or an assertion (RFC 6749 §4.4, RFC
// 7523). Who a client is, and what it may do, is the business of package access.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ErrUnavailable says that the keys of an issuer can't be got now: nothing is known
// of a token, neither that it is good nor that it is not.
var ErrUnavailable = errors.New("the keys of the issuer can't be fetched")

// How the keys of an issuer are kept.
const (
	// keysLife is how long keys are used before they are fetched again. Issuers
	// publish a new key long before they sign with it.
	keysLife = time.Hour
	// keysPause is how long is waited after a fetch before an unknown key causes
	// the next: whoever sends tokens with invented keys does not send us to the
	// issuer each time.
	keysPause = 30 * time.Second
	// keysTimeout bounds one fetch.
	keysTimeout = 10 * time.Second
	// keysSize is the longest document, in bytes.
	keysSize = 1 << 20
)

// Keys are the public keys of one issuer, fetched when they are needed and again when
// a token names one that is not among them. While they can't be fetched, those that
// are known go on being used. It is safe for many goroutines.
type Keys struct {
	issuer string
	url    string // of the key set; "" until discovered
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	set     []jose.JSONWebKey
	fetched time.Time     // when set was fetched
	tried   time.Time     // when that was last tried
	err     error         // of the latest try
	trying  chan struct{} // closed when the fetch under way ends; nil: none is
}

// NewKeys returns the keys at an address or, where that is "", at the one that the
// issuer names in its metadata (OpenID Connect Discovery §4). It fetches nothing.
func NewKeys(issuer, address string) *Keys {
	return &Keys{
		issuer: issuer, url: address, now: time.Now,
		client: &http.Client{
			Timeout: keysTimeout,
			CheckRedirect: func(r *http.Request, via []*http.Request) error {
				if len(via) > 3 {
					return errors.New("more than three redirects")
				}
				return CheckURL(r.URL.String())
			},
		},
	}
}

// CheckURL says why keys must not be fetched from an address: whoever can change
// what comes from there can call the gateway.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no URL", address)
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q must begin with https://", address)
}

// Find returns the keys with that id; those without an id, and all when none is
// asked for, are among them. None is no error: the token names a key that the
// issuer does not have. An error wraps [ErrUnavailable].
func (k *Keys) Find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	for {
		found := matching(k.set, id)
		now := k.now()
		isStale := now.Sub(k.fetched) > keysLife
		mayTry := now.Sub(k.tried) > keysPause
		if len(found) > 0 && (!isStale || !mayTry) {
			k.mu.Unlock()
			return found, nil
		}
		if !mayTry && k.trying == nil {
			err := k.err
			k.mu.Unlock()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			return nil, nil
		}
		if k.trying == nil {
			k.trying, k.tried = make(chan struct{}), now
			go k.refresh(k.trying)
		}
		if len(found) > 0 {
			k.mu.Unlock()
			return found, nil // what is known serves meanwhile
		}
		trying := k.trying
		k.mu.Unlock()
		select {
		case <-trying:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		k.mu.Lock()
	}
}

func matching(set []jose.JSONWebKey, id string) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range set {
		if id == "" || key.KeyID == "" || key.KeyID == id {
			found = append(found, key)
		}
	}
	return found
}

// refresh fetches the keys for all who wait.
func (k *Keys) refresh(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	set, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err = err; err == nil {
		k.set, k.fetched = set, k.now()
	}
	k.tried, k.trying = k.now(), nil
	close(done)
}

func (k *Keys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	address := k.url
	if address == "" {
		var metadata struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := k.get(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration", &metadata); err != nil {
			return nil, err
		}
		if metadata.Issuer != k.issuer {
			return nil, fmt.Errorf("the metadata of the issuer %s says it is of %q", k.issuer, metadata.Issuer)
		}
		if err := CheckURL(metadata.Keys); err != nil {
			return nil, fmt.Errorf("the metadata of the issuer %s: jwks_uri: %w", k.issuer, err)
		}
		address = metadata.Keys
	}
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.get(ctx, address, &document); err != nil {
		return nil, err
	}
	var set []jose.JSONWebKey
	for _, raw := range document.Keys {
		var key jose.JSONWebKey
		// A key of a kind that is not known is passed over (RFC 7517 §5). One that
		// is no public key for signatures can't have signed anything.
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic() && key.Use != "enc" {
			set = append(set, key)
		}
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("%s holds no public key for signatures", address)
	}
	return set, nil
}

// get fetches a JSON document.
func (k *Keys) get(ctx context.Context, address string, to any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	answer, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching %s: %s", address, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, keysSize+1))
	switch {
	case err != nil:
		return fmt.Errorf("fetching %s: %w", address, err)
	case len(body) > keysSize:
		return fmt.Errorf("fetching %s: the document is larger than %d bytes", address, keysSize)
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("fetching %s: %w", address, err)
	}
	return nil
}
