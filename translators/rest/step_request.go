package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/scimgate/scimgate/translators/rest/template"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// execute builds a template, for being sent or printed.
func (l *lookup) execute(t *template.Template) (string, error) {
	if l.isPrinting {
		return t.Print(l.find)
	}
	return t.Execute(l.find)
}

// target returns the URL, relative to that of the translator.
func (l *lookup) target() (string, error) {
	text, err := l.execute(l.s.url)
	if err != nil {
		return "", fmt.Errorf("the URL: %w", err)
	}
	separator := byte('?')
	if strings.Contains(text, "?") { // a query of which all was left out is none
		separator = '&'
	}
	var b strings.Builder
	b.WriteString(text)
	add := func(name, value string) {
		b.WriteByte(separator)
		b.WriteString(url.QueryEscape(name) + "=")
		value = url.QueryEscape(value)
		if l.isPrinting {
			value = unmasked.Replace(value)
		}
		b.WriteString(value)
		separator = '&'
	}
	for _, p := range l.s.query {
		isPresent, err := p.value.IsPresent(l.find)
		if err != nil {
			return "", fmt.Errorf("query %s: %w", p.name, err)
		}
		if !isPresent {
			continue
		}
		value, err := l.execute(p.value)
		if err != nil {
			return "", fmt.Errorf("query %s: %w", p.name, err)
		}
		add(p.name, value)
	}
	if p := l.s.page; p != nil {
		at := l.with.page
		if at == nil {
			at = p.start()
		}
		switch {
		case p.parameter == "":
		case p.by == pageOffset:
			add(p.parameter, strconv.Itoa(at.offset))
		case p.by == pageNumber:
			add(p.parameter, strconv.Itoa(at.number))
		case p.by == pageCursor && at.cursor != "":
			add(p.parameter, at.cursor)
		}
		if p.limit != "" {
			add(p.limit, strconv.Itoa(p.size))
		}
	}
	return b.String(), nil
}

// headers returns those of the request, but for what signs it in.
func (l *lookup) headers() (http.Header, error) {
	hasIfMatch := l.s.config.IfMatch && l.with.etag != ""
	if len(l.s.headers) == 0 && !hasIfMatch && !l.isPrinting {
		return l.s.header, nil // the client copies it
	}
	header := l.s.header.Clone()
	for _, p := range l.s.headers {
		isPresent, err := p.value.IsPresent(l.find)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", p.name, err)
		}
		if !isPresent {
			continue
		}
		value, err := l.execute(p.value)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", p.name, err)
		}
		header.Set(p.name, value)
	}
	if hasIfMatch {
		header.Set("If-Match", l.with.etag)
	}
	return header, nil
}

// request builds what is sent.
func (l *lookup) request() (*web.Request, error) {
	target, err := l.target()
	if err != nil {
		return nil, err
	}
	header, err := l.headers()
	if err != nil {
		return nil, err
	}
	r := &web.Request{Method: l.s.config.Method, URL: target, Header: header, IsRepeatable: l.s.isRepeatable, Timeout: l.s.timeout()}
	if l.s.body != nil {
		if r.Body, err = l.s.body.build(l); err != nil {
			return nil, fmt.Errorf("the body: %w", err)
		}
	}
	return r, nil
}

// print is the request as an operator knows it: method, URL, headers and body, secrets
// masked.
func (s *step) print(t *Translator, with *scope) string {
	l := &lookup{t: t, s: s, with: with, isPrinting: true}
	request, err := l.request()
	if err != nil {
		return fmt.Sprintf("%s %s%s\n(not to be printed: %v)", s.config.Method, t.printedURL(), s.config.URL, err)
	}
	t.printSignIn(request)
	var b strings.Builder
	for _, note := range l.notes {
		fmt.Fprintf(&b, "# %s\n", note)
	}
	fmt.Fprintf(&b, "%s %s%s\n", s.config.Method, t.printedURL(), request.URL)
	names := make([]string, 0, len(request.Header))
	for name := range request.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(request.Header[name], ", "))
	}
	if len(request.Body) > 0 {
		b.WriteByte('\n')
		b.Write(request.Body)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// printSignIn adds what signs a request in, with stars for what is secret.
func (t *Translator) printSignIn(r *web.Request) {
	if t.backend == nil {
		return // not provisioned: there are no secrets
	}
	for _, m := range t.backend.signIn.Masked() {
		if m.In == "header" {
			r.Header.Set(m.Name, m.Value)
			continue
		}
		separator := "?"
		if strings.Contains(r.URL, "?") {
			separator = "&"
		}
		r.URL += separator + url.QueryEscape(m.Name) + "=" + m.Value
	}
}

// printedURL is the address of the application, without a user's name and password.
func (t *Translator) printedURL() string {
	if strings.Contains(t.URL, "{") { // a placeholder is printed as it stands in the configuration
		address, _, _ := strings.Cut(t.URL, "?")
		return strings.TrimSuffix(address, "/")
	}
	if u, err := url.Parse(t.URL); err == nil {
		u.User, u.RawQuery = nil, ""
		return strings.TrimSuffix(u.String(), "/")
	}
	return ""
}
