package signin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/expression"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// judge tells from the answer of a login call whether it let us in, and finds what is
// sent from then on.
type judge struct {
	config          *Login
	token           *document.Path // nil where the token is in no body
	errors          []*document.Path
	success, failed []answerPattern
	extras          extras // the further values that requests are sent with
}

// answerPattern is a compiled [Answer].
type answerPattern struct {
	statuses [][2]int
	text     string                 // in small letters
	when     *expression.Expression // nil: none
}

// answerNames are the variables of the expressions of answers.
var answerNames = []string{"status", "body", "header"}

func newJudge(c *Login) (*judge, error) {
	j := &judge{config: c}
	var err error
	switch {
	case c.Token != "" && c.TokenHeader != "":
		return nil, errors.New("token and token_header exclude each other: remove one of the two")
	case !oneOf(c.Answer, "json", "xml", "form", "text"):
		return nil, fmt.Errorf("answer %s is not known: it is json, xml, form or text", c.Answer)
	case c.TokenHeader != "" && !isToken(c.TokenHeader):
		return nil, fmt.Errorf("token_header %q is no name of a header", c.TokenHeader)
	case c.Cookie != "" && !isToken(c.Cookie):
		return nil, fmt.Errorf("cookie %q is no name of a cookie", c.Cookie)
	case c.Token != "":
		if j.token, err = document.ParsePath(c.Token); err != nil {
			return nil, fmt.Errorf("token %s: %w", c.Token, err)
		}
	}
	for _, text := range c.Error {
		path, err := document.ParsePath(text)
		if err != nil {
			return nil, fmt.Errorf("error %s: %w", text, err)
		}
		j.errors = append(j.errors, path)
	}
	if j.success, err = compileAnswers("success", c.Success); err != nil {
		return nil, err
	}
	if j.failed, err = compileAnswers("failed", c.Failed); err != nil {
		return nil, err
	}
	places, err := c.places()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range places {
		names = append(names, p.value.Names()...)
	}
	j.extras, err = newExtras(callLogin, names)
	return j, err
}

func compileAnswers(word string, list []Answer) ([]answerPattern, error) {
	var all []answerPattern
	for _, a := range list {
		p := answerPattern{text: strings.ToLower(a.Text)}
		for _, text := range a.Statuses {
			from, to, ok := parseStatuses(text)
			if !ok {
				return nil, fmt.Errorf("%s %s is no status: write one such as 401, 4xx or 200-204", word, text)
			}
			p.statuses = append(p.statuses, [2]int{from, to})
		}
		if len(p.statuses) == 0 && p.text == "" && a.When == "" {
			return nil, fmt.Errorf("%s says nothing: write %s <status>... [<text>], or %s when `an expression`", word, word, word)
		}
		if a.When != "" {
			when, err := expression.Compile(a.When, answerNames...)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: when: %w", word, err)
			case !when.CanBeTrue():
				return nil, fmt.Errorf("%s: when: the expression %s is never true or false: compare its value with something", word, a.When)
			}
			p.when = when
		}
		all = append(all, p)
	}
	return all, nil
}

// parseStatuses reads 401, 4xx or 200-204.
func parseStatuses(text string) (from, to int, ok bool) {
	one := func(text string) (int, bool) {
		n, err := strconv.Atoi(text)
		return n, err == nil && len(text) == 3 && n >= 100 && n <= 599
	}
	if class, is := strings.CutSuffix(strings.ToLower(text), "xx"); is {
		n, err := strconv.Atoi(class)
		return n * 100, n*100 + 99, err == nil && len(class) == 1 && n >= 1 && n <= 5
	}
	first, last, isRange := strings.Cut(text, "-")
	from, ok = one(first)
	if !isRange || !ok {
		return from, from, ok && !isRange
	}
	to, ok = one(last)
	return from, to, ok && from <= to
}

// matches reports whether all that is given is so of an answer. isDoubt is what an
// expression counts as that fails on the answer.
func (p answerPattern) matches(answer *web.Response, text string, variables map[string]string, isDoubt bool) bool {
	isStatus := len(p.statuses) == 0 || slices.ContainsFunc(p.statuses, func(s [2]int) bool { return s[0] <= answer.Status && answer.Status <= s[1] })
	if !isStatus || p.text != "" && !strings.Contains(text, p.text) {
		return false
	}
	if p.when == nil {
		return true
	}
	is, err := p.when.IsTrue(variables)
	return is || err != nil && isDoubt
}

// seesBody reports whether an expression asks what the body says.
func seesBody(lists ...[]answerPattern) bool {
	for _, p := range slices.Concat(lists...) {
		if p.when != nil && p.when.Uses("body") {
			return true
		}
	}
	return false
}

// read judges the answer and puts what it brought into the session. An answer that
// does not let us in is a refusal, or the fault of a server.
func (j *judge) read(s *session, answer *web.Response, secrets []*secret) error {
	doc, docErr := j.document(answer)
	matchesAny := func(list []answerPattern, isDoubt bool) bool {
		text := strings.ToLower(string(answer.Body) + "\n" + answer.Header.Get("Location"))
		variables := map[string]string{"status": strconv.Itoa(answer.Status), "body": cmp.Or(doc.Raw, "null"), "header": expression.Header(answer.Header)}
		return slices.ContainsFunc(list, func(p answerPattern) bool { return p.matches(answer, text, variables, isDoubt) })
	}
	isSuccess := answer.Status >= 200 && answer.Status < 300 || j.config.keepsCookies() && answer.Status >= 300 && answer.Status < 400
	if len(j.success) > 0 {
		isSuccess = matchesAny(j.success, false)
	}
	switch {
	case isFault(answer.Status):
		fault := fmt.Errorf("the application answers with the status %d", answer.Status)
		return &web.Error{Reason: "busy", RetryAfter: answer.RetryAfter, Err: fault}
	// What looks for a failure and does not understand an answer has not found that there
	// is none.
	case matchesAny(j.failed, answer.Status < 300 && doc.Exists()):
		return refusal{fmt.Errorf("the answer, with the status %d, is one of those that mean failed%s", answer.Status, quoted(j.errorText(doc), secrets...))}
	case j.errorText(doc) != "":
		return refusal{fmt.Errorf("the application refuses, with the status %d%s", answer.Status, quoted(j.errorText(doc), secrets...))}
	case !isSuccess && answer.Status >= 300 && answer.Status < 400:
		return refusal{fmt.Errorf("the answer is a redirect, with the status %d, and none of those that mean success", answer.Status)}
	case !isSuccess:
		return refusal{fmt.Errorf("the application refuses, with the status %d: see whether user and password are right and the account is not locked", answer.Status)}
	}
	if err := j.readToken(s, answer, doc, docErr); err != nil {
		return refusal{err}
	}
	if err := j.readCookies(s, answer); err != nil {
		return refusal{err}
	}
	var err error
	if s.named, err = j.extras.read(callLogin, answer, doc); err != nil {
		return refusal{err}
	}
	return nil
}

// document reads the body, where there is something to look for in it.
func (j *judge) document(answer *web.Response) (gjson.Result, error) {
	isAsked := j.token != nil || len(j.errors) > 0 || j.extras.needBody() || seesBody(j.success, j.failed)
	if !isAsked || len(answer.Body) == 0 {
		return gjson.Result{}, nil
	}
	if isHTML(answer) && j.config.Answer == "" {
		return gjson.Result{}, errors.New("it is an HTML page")
	}
	return document.Parse(answer.Body, answer.Header.Get("Content-Type"), j.config.Answer)
}

// errorText is what stands at the first of the paths of errors that holds something.
func (j *judge) errorText(doc gjson.Result) string {
	for _, path := range j.errors {
		for _, value := range path.Get(doc) {
			switch {
			case value.Type == gjson.Null, value.Type == gjson.False, value.Type == gjson.Number && value.Num == 0,
				value.String() == "", value.IsObject() && len(value.Map()) == 0:
				continue
			}
			return value.String()
		}
	}
	return ""
}

func (j *judge) readToken(s *session, answer *web.Response, doc gjson.Result, docErr error) error {
	switch {
	case j.token != nil:
		if docErr != nil {
			return fmt.Errorf("the answer, with the status %d, can't be read to find the token: %w", answer.Status, docErr)
		}
		values := j.token.Get(doc)
		if len(values) != 1 || values[0].Type != gjson.String && values[0].Type != gjson.Number || values[0].String() == "" {
			return fmt.Errorf("the answer, with the status %d, has no token at %s", answer.Status, j.config.Token)
		}
		s.token = values[0].String()
	case j.config.TokenHeader != "":
		if s.token = answer.Header.Get(j.config.TokenHeader); s.token == "" {
			return fmt.Errorf("the answer, with the status %d, has no header %s with a token", answer.Status, j.config.TokenHeader)
		}
	default:
		return nil
	}
	return checkTokenText(s.token)
}

func (j *judge) readCookies(s *session, answer *web.Response) error {
	from, err := s.keepCookies(answer)
	if err != nil || !j.config.keepsCookies() {
		return err
	}
	wanted := cookiesOf(answer)
	if j.config.Cookie != "" {
		wanted = slices.DeleteFunc(wanted, func(c *http.Cookie) bool { return c.Name != j.config.Cookie })
		if len(wanted) == 0 && s.hasCookie(j.config.Cookie, from) {
			return nil // of the call before: it is the same session, which is signed in now
		}
	}
	switch {
	case len(wanted) == 0 && j.config.Cookie != "":
		return fmt.Errorf("the answer, with the status %d, sets no cookie %s", answer.Status, j.config.Cookie)
	case len(wanted) == 0:
		return fmt.Errorf("the answer, with the status %d, sets no cookie", answer.Status)
	}
	for _, c := range wanted {
		if isKept(c, from) {
			return nil
		}
	}
	return unusable(wanted[0], from)
}

// isKept reports whether a cookie is sent back to some path of the host.
func isKept(c *http.Cookie, from *url.URL) bool {
	var alone session
	_, err := alone.keepCookies(&web.Response{URL: from.String(), Header: http.Header{"Set-Cookie": {c.Raw}}})
	at := *from
	if strings.HasPrefix(c.Path, "/") {
		at.Path, at.RawPath = c.Path, ""
	}
	return err == nil && c.Value != "" && alone.hasCookie(c.Name, &at)
}

// unusable says why a cookie is not sent back.
func unusable(c *http.Cookie, from *url.URL) error {
	switch {
	case c.Value == "":
		return fmt.Errorf("the cookie %s is set to nothing, which is what a refusal looks like", c.Name)
	case c.Secure && from.Scheme != "https":
		return fmt.Errorf("the cookie %s is Secure, and the application's address begins with http://: use https://, or have the application set it without Secure", c.Name)
	case c.Domain != "" && !strings.EqualFold(strings.TrimPrefix(c.Domain, "."), from.Hostname()):
		return fmt.Errorf("the cookie %s is for the domain %s, and the application's address has the host %s: write the address with the name that the application has itself", c.Name, safeWords(c.Domain), from.Hostname())
	}
	return fmt.Errorf("the cookie %s is over as soon as it is set, which is what a refusal looks like", c.Name)
}
