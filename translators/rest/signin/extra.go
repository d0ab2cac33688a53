package signin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// extras are values of an answer by their names in templates, <call>.cookie.<name>,
// <call>.header.<name> and <call>.answer.<path>. A path is nil where the value is no
// part of the body.
type extras map[string]*document.Path

// The calls that have extras.
const (
	callLogin  = "login"
	callBefore = "before"
)

// extraPart takes the name of a value of the call's answer apart.
func extraPart(call, name string) (part, rest string, is bool) {
	after, is := strings.CutPrefix(name, call+".")
	part, rest, _ = strings.Cut(after, ".")
	return part, rest, is && rest != "" && (part == "cookie" || part == "header" || part == "answer")
}

func isExtra(call, name string) bool {
	_, _, is := extraPart(call, name)
	return is
}

// newExtras compiles those of the names that are of the call's answer.
func newExtras(call string, names []string) (extras, error) {
	e := make(extras)
	for _, name := range names {
		part, rest, is := extraPart(call, name)
		if !is {
			continue
		}
		e[name] = nil
		if part == "answer" {
			path, err := document.ParsePath(rest)
			if err != nil {
				return nil, fmt.Errorf("{%s}: %w", name, err)
			}
			e[name] = path
		}
	}
	return e, nil
}

// needBody reports whether a value is in the body of the answer.
func (e extras) needBody() bool {
	for _, path := range e {
		if path != nil {
			return true
		}
	}
	return false
}

// read finds the values, all of which must be there.
func (e extras) read(call string, answer *web.Response, doc gjson.Result) (map[string]string, error) {
	found := make(map[string]string, len(e))
	for name, path := range e {
		value := ""
		switch part, rest, _ := extraPart(call, name); part {
		case "answer":
			if values := path.Get(doc); len(values) == 1 {
				value = values[0].String()
			}
		case "header":
			value = answer.Header.Get(rest)
		case "cookie":
			for _, c := range cookiesOf(answer) {
				if c.Name == rest {
					value = c.Value
				}
			}
		}
		if value == "" {
			return nil, fmt.Errorf("the answer, with the status %d, has nothing for {%s}", answer.Status, name)
		}
		if err := checkTokenText(value); err != nil {
			return nil, fmt.Errorf("{%s}: %w", name, err)
		}
		found[name] = value
	}
	return found, nil
}

// cookiesOf are the cookies that an answer sets.
func cookiesOf(answer *web.Response) []*http.Cookie {
	return (&http.Response{Header: answer.Header}).Cookies()
}
