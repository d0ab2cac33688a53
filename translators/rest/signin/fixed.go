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

// checkFixed finds mistakes in the configuration.
func (c *Scheme) checkFixed() error {
	switch {
	case c.Method == "header" && !isToken(c.Name):
		return fmt.Errorf("%q is no name of a header", c.Name)
	case c.Method == "query" && c.Name == "":
		return errors.New("the name of the parameter is missing")
	case c.Method == "basic" && (c.User == "" || c.Password == ""):
		return errors.New("the user or the password is missing: write auth basic <user> <password>")
	case c.Method != "basic" && c.Value == "":
		return errors.New("the value is missing")
	}
	return nil
}

func newFixed(c *Scheme) (*fixed, error) {
	f := &fixed{in: "header", name: "Authorization", mask: "***"}
	texts := []string{c.Value}
	switch c.Method {
	case "bearer":
		f.mask = "Bearer ***"
		f.build = func() (string, error) { return "Bearer " + f.secrets[0].get(), nil }
	case "basic":
		f.mask = "Basic ***"
		texts = []string{c.User, c.Password}
		f.build = func() (string, error) { return basic(f.secrets[0].get(), f.secrets[1].get()) }
	default:
		f.in, f.name = c.Method, c.Name
		f.build = func() (string, error) { return f.secrets[0].get(), nil }
	}
	for _, text := range texts {
		s, err := newSecret("what is sent", text)
		if err != nil {
			return nil, err
		}
		f.secrets = append(f.secrets, s)
	}
	_, err := f.value()
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

func (f *fixed) sign(_ context.Context, r *http.Request, body []byte) ([]byte, error) {
	value, err := f.value()
	if err != nil {
		return nil, err
	}
	if f.in == "header" {
		r.Header.Set(f.name, value)
	} else {
		setQuery(r.URL, f.name, value)
	}
	return body, nil
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

func (f *fixed) hidden() []string {
	hidden := valuesOf(f.secrets)
	if len(hidden) == 2 { // basic: what is sent is both in one
		hidden = append(hidden, hidden[0]+":"+hidden[1])
	}
	return hidden
}

func (f *fixed) close(context.Context) error { return nil }

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
