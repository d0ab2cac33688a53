package signin

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
)

// secret is a text whose placeholders are read when it is made, and anew when the
// application refuses what was made of it. Many goroutines use it at once.
type secret struct {
	what  string // for errors
	text  string
	value atomic.Pointer[string]
}

// newSecret reads a text of the configuration, which is not to be empty. The error names the placeholder, never
// what it stands for.
func newSecret(what, text string) (*secret, error) {
	s := &secret{what: what, text: text}
	value, err := s.read()
	if err != nil {
		return nil, err
	}
	if value == "" {
		return nil, fmt.Errorf("%s: %s is empty", what, text)
	}
	s.value.Store(&value)
	return s, nil
}

func (s *secret) read() (string, error) {
	value, err := caddy.NewReplacer().ReplaceOrErr(s.text, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: reading %s: %w", s.what, s.text, err)
	}
	return value, nil
}

// get returns the value as it was read last.
func (s *secret) get() string { return *s.value.Load() }

// renew reads the value anew and reports whether it is another one. One that can't be
// read, or is empty now, stays as it was.
func (s *secret) renew() bool {
	value, err := s.read()
	if err != nil || value == "" || value == s.get() {
		return false
	}
	s.value.Store(&value)
	return true
}

// Secrets are the values for {secret.<name>} in templates.
type Secrets struct{ named map[string]*secret }

// NewSecrets reads the placeholders in the texts of the configuration, by name.
func NewSecrets(texts map[string]string) (*Secrets, error) {
	s := &Secrets{named: make(map[string]*secret, len(texts))}
	for name, text := range texts {
		value, err := newSecret("secret "+name, text)
		if err != nil {
			return nil, err
		}
		s.named[name] = value
	}
	return s, nil
}

// Lookup returns the secret of this name.
func (s *Secrets) Lookup(name string) (value string, ok bool) {
	if s == nil || s.named[name] == nil {
		return "", false
	}
	return s.named[name].get(), true
}

// all returns the secrets in no order.
func (s *Secrets) all() []*secret {
	if s == nil {
		return nil
	}
	return slices.Collect(maps.Values(s.named))
}
