package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/scimgate/scimgate/translators/rest/template"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// loginScheme sends what a login call answers: a token, cookies or both.
type loginScheme struct {
	*loginCalls
	config  *Login
	client  *web.Client
	signer  web.Signer // of the login call: the schemes that need no session
	keeper  *keeper
	secrets *Secrets

	user, password *secret // may be nil
}

// loginCalls are what of a [Login] is compiled from the configuration alone.
type loginCalls struct {
	url, body, logout *template.Template // body and logout may be nil
	header            []place
	judge             *judge
	places            []place
}

// bodyForms are the forms of bodies with the header Content-Type of each.
var bodyForms = map[string]struct {
	form        template.Form
	contentType string
}{
	"json": {template.JSON, "application/json"},
	"form": {template.FormURLEncoded, "application/x-www-form-urlencoded"},
	"xml":  {template.XML, "text/xml; charset=utf-8"},
	"text": {template.Text, "text/plain; charset=utf-8"},
}

// compile finds mistakes in the configuration.
func (c *Login) compile() (*loginCalls, error) {
	if c == nil || c.HTTPMethod == "" || c.URL == "" {
		return nil, errors.New("the call is missing: write auth login POST /session { … }")
	}
	if !isToken(c.HTTPMethod) || c.HTTPMethod != strings.ToUpper(c.HTTPMethod) {
		return nil, fmt.Errorf("%q is no method of HTTP: write auth login POST /session { … }", c.HTTPMethod)
	}
	isKnown := func(name string) bool {
		return name == "user" && c.User != "" || name == "password" && c.Password != "" || strings.HasPrefix(name, "secret.")
	}
	l := new(loginCalls)
	var err error
	if l.url, err = newTemplate("the URL", c.URL, template.URL, isKnown, c.known()); err != nil {
		return nil, err
	}
	if c.Body != "" {
		form, is := bodyForms[c.Body]
		if !is {
			return nil, fmt.Errorf("body %s is not known: it is json, form, xml or text", c.Body)
		}
		if l.body, err = newTemplate("body", c.Template, form.form, isKnown, c.known()); err != nil {
			return nil, err
		}
	}
	for _, h := range c.Header {
		header, err := newPlaces([]Placement{{In: "header", Name: h.Name, Value: h.Value}}, isKnown, c.known())
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		l.header = append(l.header, header...)
	}
	if l.judge, err = newJudge(c); err != nil {
		return nil, err
	}
	if l.places, err = c.places(); err != nil {
		return nil, err
	}
	if c.LogoutURL != "" {
		hasToken := func(name string) bool { return name == "token" || isKnown(name) }
		if l.logout, err = newTemplate("logout", c.LogoutURL, template.URL, hasToken, "{token}, "+c.known()); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// names are the names in all templates of the login call.
func (l *loginCalls) names() []string {
	var names []string
	for _, t := range []*template.Template{l.url, l.body, l.logout} {
		if t != nil {
			names = append(names, t.Names()...)
		}
	}
	for _, h := range l.header {
		names = append(names, h.value.Names()...)
	}
	return names
}

// known says which names templates of the call may have.
func (c *Login) known() string {
	return "{user} where there is a line user, {password} where there is a line password, and {secret.<name>}"
}

// places are where requests have the token.
func (c *Login) places() ([]place, error) {
	send := c.Send
	hasToken := c.Token != "" || c.TokenHeader != ""
	if len(send) == 0 && hasToken {
		send = []Placement{{In: "header", Name: "Authorization", Value: "Bearer {token}"}}
	}
	if len(send) == 1 && send[0].In == "none" {
		send = nil
	}
	known := "{token}, {login.cookie.<name>}, {login.header.<name>} and {login.answer.<path>}"
	return newPlaces(send, func(name string) bool { return name == "token" && hasToken || isExtra(name) }, known)
}

func newLogin(c *Login, secrets *Secrets, client *web.Client, signer web.Signer) (*loginScheme, error) {
	calls, err := c.compile()
	if err != nil {
		return nil, err
	}
	l := &loginScheme{loginCalls: calls, config: c, client: client, signer: signer, secrets: secrets}
	var all []*secret
	for _, part := range []struct {
		what, text string
		target     **secret
	}{{"user", c.User, &l.user}, {"password", c.Password, &l.password}} {
		if part.text == "" {
			continue
		}
		if *part.target, err = newSecret(part.what, part.text); err != nil {
			return nil, err
		}
		all = append(all, *part.target)
	}
	for _, name := range l.names() {
		if short, is := strings.CutPrefix(name, "secret."); is {
			if _, ok := secrets.Lookup(short); !ok {
				return nil, fmt.Errorf("{%s} is not there: add a line secret %s <value> to the translator", name, short)
			}
		}
	}
	l.keeper = newKeeper(l.open, append(all, secrets.all()...)...)
	if l.logout != nil {
		l.keeper.end = l.end
	}
	return l, nil
}

// lookup knows what the templates of the login call may name.
func (l *loginScheme) lookup(name string) (template.Value, bool, error) {
	switch {
	case name == "user" && l.user != nil:
		return textValue(l.user.get()), true, nil
	case name == "password" && l.password != nil:
		return textValue(l.password.get()), true, nil
	}
	short, _ := strings.CutPrefix(name, "secret.")
	value, ok := l.secrets.Lookup(short)
	return textValue(value), ok, nil
}

// open makes the login call.
func (l *loginScheme) open(ctx context.Context) (*session, error) {
	began := time.Now()
	request, err := l.request()
	if err != nil {
		return nil, err
	}
	answer, err := l.client.Do(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w", l.where(), err)
	}
	s := new(session)
	if err := l.judge.read(s, answer, l.keeper.secrets); err != nil {
		return nil, fmt.Errorf("%s: %w", l.where(), err)
	}
	if l.config.Valid > 0 {
		s.until = began.Add(time.Duration(l.config.Valid))
	}
	return s, nil
}

// request builds the login call.
func (l *loginScheme) request() (*web.Request, error) {
	// Signing in twice does no harm, and an answer that is lost is asked for again.
	request := &web.Request{
		Method: l.config.HTTPMethod, Header: make(http.Header), Signer: l.signer,
		IsRepeatable: true, IsAnswer: func(*web.Response) bool { return true },
		IsRefused: func(*web.Response) bool { return false },
	}
	var err error
	if request.URL, err = l.url.Execute(l.lookup); err != nil {
		return nil, fmt.Errorf("the URL of the login call: %w", err)
	}
	if l.body != nil {
		body, err := l.body.Execute(l.lookup)
		if err != nil {
			return nil, fmt.Errorf("the body of the login call: %w", err)
		}
		request.Body = []byte(body)
		request.Header.Set("Content-Type", bodyForms[l.config.Body].contentType)
	}
	for _, h := range l.header {
		value, err := h.value.Execute(l.lookup)
		if err == nil {
			err = checkHeader(h.Name, value)
		}
		if err != nil {
			return nil, fmt.Errorf("the login call: %w", err)
		}
		request.Header.Set(h.Name, value)
	}
	return request, nil
}

// where is the login call for errors, without values.
func (l *loginScheme) where() string {
	path, _, _ := strings.Cut(l.config.URL, "?")
	return "the login call " + l.config.HTTPMethod + " " + path
}

// end makes the logout call.
func (l *loginScheme) end(ctx context.Context, s *session) error {
	address, err := l.logout.Execute(func(name string) (template.Value, bool, error) {
		if name == "token" {
			return s.lookup(name)
		}
		return l.lookup(name)
	})
	if err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	answer, err := l.client.Do(ctx, &web.Request{
		Method: cmp.Or(l.config.LogoutMethod, http.MethodPost), URL: address, Signer: &leaving{l, s},
		IsAnswer: func(*web.Response) bool { return true }, IsRefused: func(*web.Response) bool { return false },
	})
	if err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	if answer.Status >= 400 && answer.Status != http.StatusUnauthorized {
		return fmt.Errorf("signing out is answered with the status %d", answer.Status)
	}
	return nil
}

// leaving signs the logout call with the session that it ends.
type leaving struct {
	*loginScheme
	session *session
}

// Sign implements [web.Signer].
func (l *leaving) Sign(ctx context.Context, r *http.Request, body []byte) error {
	if err := l.put(r, l.session); err != nil {
		return err
	}
	return l.signer.Sign(ctx, r, body)
}

// Refused implements [web.Signer].
func (l *leaving) Refused(context.Context, *http.Request) bool { return false }

func (l *loginScheme) sign(_ context.Context, r *http.Request, body []byte) ([]byte, error) {
	return body, l.put(r, sessionOf(r, l.keeper))
}

// put adds the session to a request.
func (l *loginScheme) put(r *http.Request, s *session) error {
	var cookies []*http.Cookie
	if s.cookies != nil {
		cookies = s.cookies.Cookies(r.URL)
	}
	lookup := func(name string) (template.Value, bool, error) {
		for _, c := range cookies { // one may have changed since the login call
			if name == extraCookie+c.Name {
				return textValue(c.Value), true, nil
			}
		}
		return s.lookup(name)
	}
	for _, p := range l.places {
		if err := p.put(r, lookup); err != nil {
			return err
		}
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return nil
}

func (l *loginScheme) refused(r *http.Request) bool    { return l.keeper.refused(r) }
func (l *loginScheme) hidden() []string                { return l.keeper.hidden() }
func (l *loginScheme) close(ctx context.Context) error { return l.keeper.close(ctx) }

func (l *loginScheme) masked() []Masked {
	all := maskedPlaces(l.places)
	if l.config.keepsCookies() {
		all = append(all, Masked{In: "header", Name: "Cookie", Value: cmp.Or(l.config.Cookie, "session") + "=***"})
	}
	return all
}

// keepsCookies reports whether the session is in cookies.
func (c *Login) keepsCookies() bool {
	return c.Cookies || c.Cookie != "" || c.Token == "" && c.TokenHeader == ""
}

// newJar keeps the cookies of an answer as a browser would (RFC 6265 §5.3): those for
// another host, those that are over, and those that are Secure where the address is
// not, are not sent.
func newJar(answer *web.Response) (http.CookieJar, *url.URL, error) {
	from, err := url.Parse(answer.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the address of an answer: %w", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("keeping cookies: %w", err)
	}
	jar.SetCookies(from, (&http.Response{Header: answer.Header}).Cookies())
	return jar, from, nil
}
