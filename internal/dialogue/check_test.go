package dialogue

import (
	"net/http"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	header := http.Header{"Content-Type": {"application/scim+json; charset=utf-8"}}
	const body = `{"id":"1","active":false,"n":2,"none":null,"emails":[{"type":"work","value":"a"},{"type":"home","value":"b"}],"urn:a:2.0:User":{"manager":{"value":"7"}}}`
	for name, c := range map[string]struct {
		answer Answer
		body   string
		want   string // part of the error; "" for none
	}{
		"all of it":              {Answer{Body: `{"id":"1","active":false,"n":2}`}, body, ""},
		"a list in any order":    {Answer{Body: `{"emails":[{"value":"b"},{"value":"a"}]}`}, body, ""},
		"a star":                 {Answer{Body: `{"id":"*","emails":"*"}`}, body, ""},
		"a star for nothing":     {Answer{Body: `{"none":"*"}`}, body, "the body.none is <nil>, want *"},
		"a star for no list":     {Answer{Body: `{"e":"*"}`}, `{"e":[]}`, "the body.e is [], want *"},
		"another status":         {Answer{}, body, "status is 200, want 404"},
		"a missing member":       {Answer{Body: `{"x":1}`}, body, "the body has no x"},
		"another value":          {Answer{Body: `{"active":true}`}, body, "the body.active is false, want true"},
		"a string for a number":  {Answer{Body: `{"n":"2"}`}, body, "the body.n is 2, want 2"},
		"a shorter list":         {Answer{Body: `{"emails":[{"value":"a"}]}`}, body, "want a list of 1"},
		"the same element twice": {Answer{Body: `{"emails":[{"value":"a"},{"value":"a"}]}`}, body, "holds nothing like element 1"},
		"another element":        {Answer{Body: `{"emails":[{"value":"a","type":"home"},{}]}`}, body, "holds nothing like element 0"},
		"no object":              {Answer{Body: `{"id":{"a":1}}`}, body, "the body.id is 1, want an object"},
		"absent":                 {Answer{Absent: []string{"password", "emails[0].display", "emails[2]", "urn:a:2.0:User/department", "urn:b:2.0:User", "id.x", "id[0]"}}, body, ""},
		"there":                  {Answer{Absent: []string{"emails[1].value"}}, body, "emails[1].value is there"},
		"there in an extension":  {Answer{Absent: []string{"urn:a:2.0:User/manager.value"}}, body, "manager.value is there"},
		"an extension there":     {Answer{Absent: []string{"urn:a:2.0:User"}}, body, "is there"},
		"a header":               {Answer{Header: []Field{{"Content-Type", "application/*json*"}}}, body, ""},
		"another header":         {Answer{Header: []Field{{"Content-Type", "application/json*"}}}, body, `header Content-Type is "application/scim+json; charset=utf-8"`},
		"a header that is not":   {Answer{Header: []Field{{"Allow", "*"}}}, body, `header Allow is ""`},
		"no body":                {Answer{Body: `{"id":"1"}`}, "", "the body is not JSON"},
		"no body that may be":    {Answer{Statuses: []int{200, 204}, Body: `{"id":"1"}`}, "", ""},
		"no JSON":                {Answer{}, "<html>", "the body is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.answer.Statuses == nil {
				c.answer.Statuses = []int{200}
			}
			if name == "another status" {
				c.answer.Statuses = []int{404}
			}
			err := c.answer.Check(200, header, []byte(c.body))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	const body = `{"Resources":[{"id":"1"},{"id":2}]}`
	for path, want := range map[string]string{"Resources[0].id": "1", "Resources[1].id": "2"} {
		if got, err := (Remember{"x", path}).Find([]byte(body)); err != nil || got != want {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
	}
	for _, path := range []string{"id", "Resources", "Resources[2].id", "Resources[x].id"} {
		if got, err := (Remember{"x", path}).Find([]byte(body)); err == nil {
			t.Errorf("%s: got %q", path, got)
		}
	}
}
