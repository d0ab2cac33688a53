package signin

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// fixed is a scheme that sends the same with each request: a header or a query
// parameter.
type fixed struct {
	in, name string // see Masked
	mask     string
	secrets  []*secret
	build    func() (string, error)
}

func newFixed(c *Scheme) (*fixed, error) {
	f := &fixed{in: "header", name: "Authorization"}
	read := func(what, text string) error {
		if text == "" {
			return fmt.Errorf("the %s is missing", what)
		}
		value, err := newSecret(what, text)
		if err == nil && value.get() == "" {
			err = fmt.Errorf("the %s %s is empty", what, text)
		}
		f.secrets = append(f.secrets, value)
		return err
	}
	var err error
	switch c.Method {
	case "header", "query":
		if c.Name == "" {
			return nil, errors.New("the name is missing")
		}
		f.in, f.name, f.mask = c.Method, c.Name, "***"
		err = read("value", c.Value)
		f.build = func() (string, error) { return f.secrets[0].get(), nil }
	case "bearer":
		f.mask = "Bearer ***"
		err = read("token", c.Value)
		f.build = func() (string, error) { return "Bearer " + f.secrets[0].get(), nil }
	case "basic":
		f.mask = "Basic ***"
		err = errors.Join(read("user", c.User), read("password", c.Password))
		f.build = func() (string, error) { return basic(f.secrets[0].get(), f.secrets[1].get()) }
	}
	if err != nil {
		return nil, err
	}
	_, err = f.value()
	return f, err
}

// basic is RFC 7617 §2, in UTF-8.
func basic(user, password string) (string, error) {
	if strings.Contains(user, ":") {
		return "", errors.New("the user has a colon in it, which Basic can't send (RFC 7617 §2)")
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}

// value is what is sent.
func (f *fixed) value() (string, error) {
	value, err := f.build()
	if err == nil && f.in == "header" {
		err = checkHeader(f.name, value)
	}
	return value, err
}

func (f *fixed) sign(_ context.Context, r *http.Request, _ []byte) error {
	value, err := f.value()
	if err != nil {
		return err
	}
	if f.in == "header" {
		r.Header.Set(f.name, value)
		return nil
	}
	setQuery(r.URL, f.name, value)
	return nil
}

// refused reads the secrets anew, unless that has been done since the request was
// signed.
func (f *fixed) refused(r *http.Request) bool {
	if !f.isSigned(r) {
		return true
	}
	for _, s := range f.secrets {
		s.renew()
	}
	return !f.isSigned(r)
}

// isSigned reports whether the request has what would be sent now.
func (f *fixed) isSigned(r *http.Request) bool {
	value, err := f.value()
	if err != nil {
		return true
	}
	if f.in == "header" {
		return r.Header.Get(f.name) == value
	}
	return r.URL.Query().Get(f.name) == value
}

func (f *fixed) masked() []Masked { return []Masked{{In: f.in, Name: f.name, Value: f.mask}} }

// checkHeader finds what can't stand in a header. Its error does not tell the value.
func checkHeader(name, value string) error {
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("the value for the header %s has a line break or a control character in it: is there one in the file or the variable that it comes from?", name)
		}
	}
	return nil
}

// setQuery adds a query parameter and takes away those of the same name. What else is
// in the query stays as it is, to the byte.
func setQuery(u *url.URL, name, value string) {
	var kept []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		key, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(key); part != "" && (err != nil || plain != name) {
			kept = append(kept, part)
		}
	}
	u.RawQuery = strings.Join(append(kept, url.QueryEscape(name)+"="+url.QueryEscape(value)), "&")
}
