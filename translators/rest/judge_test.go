package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// answerOf is an answer, written as its status, its Content-Type and its body, which may
// have further header fields before it, as in HTTP.
func answerOf(status int, media, body string, header ...string) *web.Response {
	r := &web.Response{Status: status, Header: http.Header{}, Body: []byte(body), URL: "https://app.example.com/api/users"}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

const (
	asJSON = "application/json; charset=utf-8"
	asHTML = "text/html"
	page   = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
)

func TestJudge(t *testing.T) {
	users := testKind(t, blockUsers)
	const (
		read   = "read GET /users/{id}"
		create = "create POST /users"
		update = "update PATCH /users/{id}"
	)
	tests := map[string]struct {
		text    string
		answer  *web.Response
		verdict Verdict
		kind    translators.ErrorKind // "" for none
	}{
		"200":                   {read, answerOf(200, asJSON, `{"id":7}`), VerdictSuccess, ""},
		"204":                   {update, answerOf(204, "", ""), VerdictSuccess, ""},
		"404":                   {read, answerOf(404, "", ""), VerdictNotFound, translators.NotFound},
		"404 in JSON":           {read, answerOf(404, asJSON, `{"error":"no such user"}`), VerdictNotFound, translators.NotFound},
		"410":                   {read, answerOf(410, "", ""), VerdictNotFound, translators.NotFound},
		"404 that is a page":    {read, answerOf(404, asHTML, page), VerdictFailed, translators.Unavailable},
		"404 that hides a page": {read, answerOf(404, "", page), VerdictFailed, translators.Unavailable},
		"404 of a list":         {"list GET /users", answerOf(404, asJSON, `{}`), VerdictFailed, translators.Unavailable},
		"404 of a search":       {"search GET /users?name={userName}", answerOf(404, asJSON, `{}`), VerdictFailed, translators.Unavailable},
		"404 of a create":       {create, answerOf(404, asJSON, `{}`), VerdictFailed, translators.Unavailable},
		"404 of an update":      {update, answerOf(404, asJSON, `{}`), VerdictNotFound, translators.NotFound},
		"409":                   {create, answerOf(409, asJSON, `{}`), VerdictConflict, translators.Conflict},
		"412":                   {update, answerOf(412, asJSON, `{}`), VerdictChanged, translators.Changed},
		"400":                   {update, answerOf(400, asJSON, `{}`), VerdictInvalid, translators.Invalid},
		"422":                   {update, answerOf(422, asJSON, `{}`), VerdictInvalid, translators.Invalid},
		"401":                   {read, answerOf(401, asHTML, page), VerdictSignIn, translators.Unavailable},
		"403":                   {read, answerOf(403, asJSON, `{}`), VerdictRefused, translators.Refused},
		"429":                   {update, answerOf(429, "", ""), VerdictBusy, translators.Unavailable},
		"503":                   {update, answerOf(503, asHTML, page), VerdictBusy, translators.Unavailable},
		"405 of a write":        {update, answerOf(405, "", ""), VerdictFailed, translators.Unavailable},
		"302":                   {update, answerOf(302, "", ""), VerdictFailed, translators.Unavailable},
		"500 of a read":         {read, answerOf(500, "", ""), VerdictFailed, translators.Unavailable},
		"500 of a write":        {update, answerOf(500, asHTML, page), VerdictFailed, translators.Indefinite},
		"200 with a page":       {update, answerOf(200, asHTML, page), VerdictFailed, translators.Indefinite},
		"200 with a page, read": {read, answerOf(200, asHTML, page), VerdictFailed, translators.Unavailable},
		"200 with wrong JSON":   {update, answerOf(200, asJSON, `{"id":`), VerdictFailed, translators.Indefinite},
		"200 with two names":    {read, answerOf(200, asJSON, `{"id":1,"id":2}`), VerdictFailed, translators.Unavailable},
		"200 with a picture":    {read, answerOf(200, "image/png", "\x89PNG"), VerdictFailed, translators.Unavailable},
		"200 with a text":       {update, answerOf(200, "text/plain", "OK"), VerdictSuccess, ""},

		"a status":                     {create + " {\n conflict 422\n}", answerOf(422, "", ""), VerdictConflict, translators.Conflict},
		"a class":                      {create + " {\n conflict 4xx\n}", answerOf(499, "", ""), VerdictConflict, translators.Conflict},
		"a range":                      {create + " {\n busy 420-430\n}", answerOf(425, "", ""), VerdictBusy, translators.Unavailable},
		"another status":               {create + " {\n conflict 422\n}", answerOf(400, "", ""), VerdictInvalid, translators.Invalid},
		"a text":                       {create + " {\n conflict 422 \"ALREADY been taken\"\n}", answerOf(422, asJSON, `{"errors":["Login has already been taken"]}`), VerdictConflict, translators.Conflict},
		"another text":                 {create + " {\n conflict 422 taken\n}", answerOf(422, asJSON, `{"errors":["is blank"]}`), VerdictInvalid, translators.Invalid},
		"a text in escapes":            {create + " {\n conflict 422 déjà\n}", answerOf(422, asJSON, `{"errors":["d\u00e9j\u00e0 pris"]}`), VerdictConflict, translators.Conflict},
		"a text in another charset":    {create + " {\n conflict 422 déjà\n}", answerOf(422, "text/plain; charset=iso-8859-1", "d\xe9j\xe0 pris"), VerdictConflict, translators.Conflict},
		"a text in a page":             {create + " {\n busy 500 maintenance\n}", answerOf(500, asHTML, "<html>Maintenance</html>"), VerdictBusy, translators.Unavailable},
		"the first that applies":       {create + " {\n invalid 422 x\n conflict 422\n}", answerOf(422, asJSON, `{"errors":["x"]}`), VerdictInvalid, translators.Invalid},
		"an expression":                {create + " {\n failed when `body.ok == false`\n}", answerOf(200, asJSON, `{"ok":false}`), VerdictFailed, translators.Indefinite},
		"one that is false":            {create + " {\n failed when `body.ok == false`\n}", answerOf(200, asJSON, `{"ok":true}`), VerdictSuccess, ""},
		"a failure that can't be told": {create + " {\n failed when `body.ok == false`\n}", answerOf(200, asJSON, `{"id":1}`), VerdictFailed, translators.Indefinite},
		"of an empty answer":           {update + " {\n failed when `body.ok == false`\n}", answerOf(204, "", ""), VerdictSuccess, ""},
		"a verdict that can't be told": {create + " {\n conflict when `body.error.code == 9`\n}", answerOf(200, asJSON, `{"id":1}`), VerdictSuccess, ""},
		"a code":                       {create + " {\n conflict when `body.error.code == 9`\n}", answerOf(200, asJSON, `{"error":{"code":9}}`), VerdictConflict, translators.Conflict},
		"status and header":            {create + " {\n changed when `status == 400 && header[\"x-why\"] == \"old\"`\n}", answerOf(400, "", "", "X-Why", "old"), VerdictChanged, translators.Changed},
		"the text":                     {create + " {\n refused when `text.startsWith(\"No \")`\n}", answerOf(400, asJSON, `{"message":"No rights"}`), VerdictRefused, translators.Refused},
		"all that is given":            {create + " {\n conflict 409 taken when `body.x`\n}", answerOf(409, asJSON, `{"x":false,"m":"taken"}`), VerdictConflict, translators.Conflict},
		"already":                      {"delete DELETE /users/{id} {\n already 404\n}", answerOf(404, asHTML, page), VerdictAlready, ""},
		"unclear of a write":           {"add_member POST /groups/{id}/m/{member.id} {\n unclear 422\n}", answerOf(422, asJSON, `{}`), VerdictUnclear, translators.Indefinite},
		"success of a redirect":        {update + " {\n success 302\n}", answerOf(302, "", ""), VerdictSuccess, ""},
		"sign_in in a page":            {read + " {\n sign_in 200 \"<title>sign in\"\n}", answerOf(200, asHTML, page), VerdictSignIn, translators.Unavailable},
		"failed, though 4xx":           {update + " {\n failed 418\n}", answerOf(418, "", ""), VerdictFailed, translators.Indefinite},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := users
			if strings.Contains(test.text, "member") {
				k = testKind(t, blockGroups)
			}
			s, err := testStep(t, k, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			a := s.judge(test.answer)
			if a.verdict != test.verdict {
				t.Errorf("the verdict is %s", a.verdict)
			}
			if a.verdict == VerdictSuccess || a.verdict == VerdictAlready {
				return
			}
			if err := s.refusal(a); translators.KindOf(err) != test.kind {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestJudgeAfterRepetition: what was sent twice may have been done by the first sending.
func TestJudgeAfterRepetition(t *testing.T) {
	users := testKind(t, blockUsers)
	for text, test := range map[string]struct {
		status  int
		verdict Verdict
	}{"delete DELETE /users/{id}": {404, VerdictAlready}, "create PUT /users/{userName}": {409, VerdictUnclear}} {
		s, err := testStep(t, users, text, CallDefaults{})
		if err != nil {
			t.Fatal(err)
		}
		r := answerOf(test.status, "", "")
		r.MaybeDone = true
		if a := s.judge(r); a.verdict != test.verdict {
			t.Errorf("%s: %s", text, a.verdict)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	users := testKind(t, blockUsers)
	long := strings.Repeat("ä ", 200)
	tests := map[string]struct{ media, body, want string }{
		"a text":               {asJSON, `{"error":"is blank"}`, "is blank"},
		"texts":                {asJSON, `{"errors":["a","b"]}`, "a; b"},
		"in an object":         {asJSON, `{"error":{"code":3,"message":"is blank"}}`, "is blank"},
		"objects":              {asJSON, `{"errors":[{"field":"x","message":"is blank"},{"title":"too long"}]}`, "is blank; too long"},
		"by field":             {asJSON, `{"errors":{"mail":["is taken","is odd"],"x":["y"]}}`, "mail is taken; mail is odd; x y"},
		"message":              {asJSON, `{"code":1,"message":"is blank"}`, "is blank"},
		"RFC 9457":             {"application/problem+json", `{"type":"about:blank","detail":"is blank","title":"Wrong"}`, "is blank"},
		"OAuth":                {asJSON, `{"error":"invalid_grant","error_description":"is over"}`, "is over"},
		"SOAP":                 {"text/xml", `<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultstring>is blank</faultstring></s:Fault></s:Body></s:Envelope>`, "is blank"},
		"plain":                {"text/plain", "is\r\nblank\n", "is blank"},
		"nothing":              {asJSON, `{"id":1,"api_key":"s3cret"}`, ""},
		"a record in an error": {asJSON, `{"error":{"user":{"api_key":"s3cret"},"api_key":"s3cret"}}`, ""},
		"a page":               {asHTML, page, ""},
		"long":                 {asJSON, `{"error":"` + long + `"}`, strings.Repeat("ä ", 99) + "ä…"},
		"control characters":   {asJSON, `{"error":"a\u0000\u001b[31mb\u2028c\u202ed\ufffd"}`, "a [31mb cd"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, "create POST /users", CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			if a := s.judge(answerOf(422, test.media, test.body)); a.text != test.want {
				t.Errorf("got %q", a.text)
			}
		})
	}
	s, err := testStep(t, users, "create POST /users {\n error fault.x fault.y\n}", CallDefaults{ErrorText: []string{"z"}})
	if err != nil {
		t.Fatal(err)
	}
	if a := s.judge(answerOf(422, asJSON, `{"error":"no","z":"no","fault":{"y":"yes"}}`)); a.text != "yes" {
		t.Errorf("by a path: %q", a.text)
	}
}

// TestRefusals: what the provider is told, and what our log is.
func TestRefusals(t *testing.T) {
	users := testKind(t, blockUsers)
	s, err := testStep(t, users, "create POST /users?k={secret.tenant}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		answer             *web.Response
		path, detail, logs string
	}{
		"a conflict that names the field": {answerOf(409, asJSON, `{"errors":["Login has already been taken"]}`), "userName",
			`userName: the application has this value already, and each may have it once: "Login has already been taken"`,
			`create of User: POST /users?k={secret.tenant}: the answer has the status 409, saying "Login has already been taken"`},
		"one that names none":      {answerOf(409, asJSON, `{"error":"exists"}`), "", `The application has this value already, and each may have it once: "exists"`, `saying "exists"`},
		"one that names two":       {answerOf(409, asJSON, `{"error":"login or mail"}`), "", `The application has this value already, and each may have it once: "login or mail"`, ""},
		"a conflict without words": {answerOf(409, "", ""), "", "The application has this value already, and each may have it once.", ""},
		"a nested field":           {answerOf(422, asJSON, `{"error":"first is too long"}`), "name.givenName", `name.givenName: the application does not take a value: "first is too long"`, ""},
		"no words":                 {answerOf(422, "", ""), "", "The application does not take a value.", ""},
		"a part of a word":         {answerOf(422, asJSON, `{"error":"the subtitle"}`), "", `The application does not take a value: "the subtitle"`, ""},
		"a busy one":               {answerOf(503, asJSON, `{"error":"secret host db7"}`), "", "The application is busy. Try again later.", "secret host db7"},
		"a broken one":             {answerOf(502, asHTML, page), "", "The application has answered with something that can't be understood, and may have made the change. The log of the gateway says what came.", `the answer has the status 502, text/html: answered with a page (text/html): "Sign in"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e, _ := s.refusal(s.judge(test.answer)).(*translators.Error)
			if e == nil {
				t.Fatal("there is no error")
			}
			if e.Path != test.path || e.Detail != test.detail || !strings.Contains(e.Err.Error(), test.logs) {
				t.Errorf("%q, %q, %v", e.Path, e.Detail, e.Err)
			}
		})
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(422, asJSON, `{"errors":{"mail":["is taken"]},"s":"hunter2!"}`)
	f.Add(200, asHTML, page)
	f.Add(404, "text/xml", "<a><b/></a>")
	users := testKind(f, blockUsers)
	s, err := testStep(f, users, "read GET /users/{id} {\n item user\n failed 2xx when `body.ok == false`\n conflict taken\n}", CallDefaults{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, media, body string) {
		a := s.judge(answerOf(status, media, body))
		if a.verdict == VerdictNotFound && status != 404 && status != 410 {
			t.Errorf("%d is taken for absence", status)
		}
		if a.verdict == VerdictSuccess && (status < 200 || status > 299) {
			t.Errorf("%d is taken for success", status)
		}
		if len(a.text) > 4*longestText+4 || strings.ContainsAny(a.text, "\r\n\x00\x1b") {
			t.Errorf("the text is %q", a.text)
		}
		if a.verdict == VerdictSuccess && s.take(a) == nil && !a.item.IsObject() {
			t.Errorf("%q is taken for a record", a.item.Raw)
		}
	})
}
