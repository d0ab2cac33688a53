package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
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
	before            *template.Template // the URL of the call before, or nil
	extras            extras             // of its answer
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
	isFixed := func(name string) bool {
		return name == "user" && c.User != "" || name == "password" && c.Password != "" || strings.HasPrefix(name, "secret.")
	}
	isKnown := func(name string) bool { return isFixed(name) || c.Before != nil && isExtra(callBefore, name) }
	l := new(loginCalls)
	var err error
	if c.Before != nil {
		if !isToken(c.Before.HTTPMethod) || c.Before.HTTPMethod != strings.ToUpper(c.Before.HTTPMethod) || c.Before.URL == "" {
			return nil, errors.New("the call before is not understood: write before GET /login")
		}
		if l.before, err = newTemplate("before", c.Before.URL, template.URL, isFixed, c.known()); err != nil {
			return nil, err
		}
	}
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
		hasToken := func(name string) bool { return name == "token" || isFixed(name) }
		if l.logout, err = newTemplate("logout", c.LogoutURL, template.URL, hasToken, "{token}, "+c.known()); err != nil {
			return nil, err
		}
	}
	l.extras, err = newExtras(callBefore, l.names())
	return l, err
}

// names are the names in all templates of the login call.
func (l *loginCalls) names() []string {
	var names []string
	for _, t := range []*template.Template{l.before, l.url, l.body, l.logout} {
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
	known := "{user} where there is a line user, {password} where there is a line password, and {secret.<name>}"
	if c.Before != nil {
		known += "; in the login call {before.cookie.<name>}, {before.header.<name>} and {before.answer.<path>}"
	}
	return known
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
	return newPlaces(send, func(name string) bool { return name == "token" && hasToken || isExtra(callLogin, name) }, known)
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
	s := new(session)
	found, err := l.prepare(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("the call %s before the login call: %w", l.config.Before.HTTPMethod, err)
	}
	request, err := l.request(s, func(name string) (template.Value, bool, error) {
		if value, is := found[name]; is {
			return textValue(value), true, nil
		}
		return l.lookup(name)
	})
	if err != nil {
		return nil, err
	}
	answer, err := l.client.Do(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w", l.where(), err)
	}
	if err := l.judge.read(s, answer, l.keeper.secrets); err != nil {
		return nil, fmt.Errorf("%s: %w", l.where(), err)
	}
	if l.config.Valid > 0 {
		s.until = began.Add(time.Duration(l.config.Valid))
	}
	return s, nil
}

// prepare makes the call before, keeps its cookies and returns what the templates of
// the login call name of its answer.
func (l *loginScheme) prepare(ctx context.Context, s *session) (map[string]string, error) {
	if l.before == nil {
		return nil, nil
	}
	address, err := l.before.Execute(l.lookup)
	if err != nil {
		return nil, err
	}
	answer, err := l.client.Do(ctx, l.call(l.config.Before.HTTPMethod, address))
	if err != nil {
		return nil, err
	}
	if answer.Status >= 400 {
		return nil, &web.Error{Reason: "busy", RetryAfter: answer.RetryAfter, Err: fmt.Errorf("it is answered with the status %d", answer.Status)}
	}
	if _, err := s.keepCookies(answer); err != nil {
		return nil, err
	}
	var doc gjson.Result
	if l.extras.needBody() {
		if doc, err = document.Parse(answer.Body, answer.Header.Get("Content-Type"), ""); err != nil {
			return nil, fmt.Errorf("its answer, with the status %d: %w", answer.Status, err)
		}
	}
	return l.extras.read(callBefore, answer, doc)
}

// call is one of the calls that bring a session. Making it twice does no harm, so that
// an answer that is lost is asked for again.
func (l *loginScheme) call(method, address string) *web.Request {
	return &web.Request{
		Method: method, URL: address, Header: make(http.Header), Signer: l.signer,
		IsRepeatable: true, IsAnswer: func(*web.Response) bool { return true },
		IsRefused: func(*web.Response) bool { return false },
	}
}

// request builds the login call.
func (l *loginScheme) request(s *session, lookup template.Lookup) (*web.Request, error) {
	address, err := l.url.Execute(lookup)
	if err != nil {
		return nil, fmt.Errorf("the URL of the login call: %w", err)
	}
	request := l.call(l.config.HTTPMethod, address)
	if l.body != nil {
		body, err := l.body.Execute(lookup)
		if err != nil {
			return nil, fmt.Errorf("the body of the login call: %w", err)
		}
		request.Body = []byte(body)
		request.Header.Set("Content-Type", bodyForms[l.config.Body].contentType)
	}
	for _, h := range l.header {
		value, err := h.value.Execute(lookup)
		if err == nil {
			err = checkHeader(h.Name, value)
		}
		if err != nil {
			return nil, fmt.Errorf("the login call: %w", err)
		}
		request.Header.Set(h.Name, value)
	}
	return request, l.addCookies(request, s)
}

// addCookies adds those of the call before.
func (l *loginScheme) addCookies(request *web.Request, s *session) error {
	if s.cookies == nil {
		return nil
	}
	absolute, err := l.client.Resolve("", request.URL)
	if err != nil {
		return fmt.Errorf("the URL of the login call: %w", err)
	}
	address, err := url.Parse(absolute)
	if err != nil {
		return fmt.Errorf("the URL of the login call: %w", err)
	}
	carrier := &http.Request{Header: request.Header}
	for _, c := range s.cookiesFor(address) {
		carrier.AddCookie(c)
	}
	return nil
}

// where is the login call for errors, without values.
func (l *loginScheme) where() string {
	path, _, _ := strings.Cut(l.config.URL, "?")
	return "the login call " + l.config.HTTPMethod + " " + path
}

func (l *loginScheme) sign(_ context.Context, r *http.Request, body []byte) ([]byte, error) {
	return body, l.put(r, sessionOf(r, l.keeper))
}

// put adds the session to a request.
func (l *loginScheme) put(r *http.Request, s *session) error {
	cookies := s.cookiesFor(r.URL)
	lookup := func(name string) (template.Value, bool, error) {
		for _, c := range cookies { // one may have changed since the login call
			if name == callLogin+".cookie."+c.Name {
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
