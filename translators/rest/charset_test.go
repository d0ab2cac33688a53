package rest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// shelf is an application that has one record, which it shows in JSON as it is, and
// keeps what is written to it.
type shelf struct {
	*httptest.Server
	mu     sync.Mutex
	record string
	rows   string // what a search answers; "": none
	wrote  []string
}

func newShelf(t *testing.T, record string) *shelf {
	s := &shelf{record: record}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method != http.MethodGet:
			body, _ := io.ReadAll(r.Body)
			s.wrote = append(s.wrote, r.Method+" "+r.URL.RequestURI()+" "+string(body))
			_, _ = io.WriteString(w, `{"id":"7"}`)
		case r.URL.Query().Has("login"):
			_, _ = io.WriteString(w, "["+s.rows+"]")
		case r.URL.Path == "/users":
			_, _ = io.WriteString(w, "["+s.record+"]")
		default:
			_, _ = io.WriteString(w, s.record)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// written are the writes since the last look.
func (s *shelf) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrote := s.wrote
	s.wrote = nil
	return strings.Join(wrote, "\n")
}

// block is a translator with these lines in users.
func (s *shelf) block(users string, more ...string) string {
	return "rest " + s.URL + " {\n users {\n" + users + "\n }\n" + strings.Join(more, "\n") + "\n}"
}

const shelfCalls = `
search GET /users?login={userName}
read GET /users/{id}
`

// TestCharsetOfBodies: a character that the charset of a body has not is refused before
// anything is written, and never becomes another.
func TestCharsetOfBodies(t *testing.T) {
	maps := "map userName login\nmap title title\nmap password pass\nmap displayName shown\n"
	first := "create POST /users {\n body json `{\"login\": {field.login}}`\n}\n"
	tests := map[string]struct {
		create          string
		title, password string
		path            string // "": it is sent
		want            string
	}{
		"latin1":              {latin("application/json; charset=iso-8859-1", "json `{\"login\": {field.login}, \"title\": {field.title}}`"), "Zoë", "", "", "{\"login\":\"ada\",\"title\":\"Zo\xeb\"}"},
		"not in it":           {latin("application/json; charset=iso-8859-1", "json `{\"login\": {field.login}, \"title\": {field.title}}`"), "Łucja", "", "title", ""},
		"a euro sign":         {latin("text/plain; charset=ISO-8859-1", "text `{field.login} {field.title}`"), "5 €", "", "title", ""},
		"a control character": {latin("text/plain; charset=latin1", "text `{field.login} {field.title}`"), "a\u0085b", "", "title", ""},
		"windows-1252":        {latin("text/plain; charset=windows-1252", "text `{field.login} {field.title}`"), "5 €", "", "", "ada 5 \x80"},
		"ASCII":               {latin("text/plain; charset=us-ascii", "text `{field.login} {field.title}`"), "é", "", "title", ""},
		"XML":                 {latin("text/xml; charset=iso-8859-1", "xml `<u><l>{userName}</l><t>{title}</t></u>`"), "Łucja", "", "title", ""},
		"XML that says so":    {"create POST /users {\n body xml `<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><u><l>{userName}</l><t>{title}</t></u>`\n}", "Zoë", "", "", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><u><l>ada</l><t>Zo\xeb</t></u>"},
		"XML in UTF-8":        {"create POST /users {\n header Content-Type text/xml\n body xml `<?xml version=\"1.0\" encoding=\"UTF-8\"?><u><l>{userName}</l><t>{title}</t></u>`\n}", "Łucja", "", "", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><u><l>ada</l><t>Łucja</t></u>"},
		"a password":          {latin("text/plain; charset=iso-8859-1", "text `{field.login} {password}`"), "", "Łhunter2!", "password", ""},
		"in a later call":     {first + latin("text/plain; charset=iso-8859-1", "text `{1.id} {field.title}`"), "Łucja", "", "title", ""},
		"not sent":            {latin("text/plain; charset=iso-8859-1", "text `{field.login}`"), "Łucja", "", "", "ada"},
		"in the URL":          {"create POST /users?title={title} {\n header Content-Type \"text/plain; charset=iso-8859-1\"\n body text `{field.login}`\n}", "Łucja", "", "", "ada"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			app := newShelf(t, `{"id":"7","login":"ada"}`)
			tr := provision(t, app.block(maps+shelfCalls+tt.create))
			r := scim.NewResource(tr.users.served.ResourceType)
			r.Set(r.Type.Attribute("userName"), scim.String("ada"))
			if tt.title != "" {
				r.Set(r.Type.Attribute("title"), scim.String(tt.title))
			}
			if tt.password != "" {
				r.Set(r.Type.Attribute("password"), scim.String(tt.password))
			}
			plan, err := tr.Plan(t.Context(), creation(r))
			if err == nil {
				err = translators.Execute(t.Context(), plan).Err
			}
			wrote := app.written()
			if tt.path == "" {
				if err != nil || !strings.HasSuffix(wrote, " "+tt.want) {
					t.Errorf("sent was %q, %v; want %q", wrote, err, tt.want)
				}
				return
			}
			e, _ := err.(*translators.Error)
			if translators.KindOf(err) != translators.Invalid || wrote != "" {
				t.Fatalf("got %v, and sent was %q", err, wrote)
			}
			for at := err; e == nil && at != nil; {
				u, ok := at.(interface{ Unwrap() error })
				if !ok {
					break
				}
				at = u.Unwrap()
				e, _ = at.(*translators.Error)
			}
			if e == nil || e.Path != tt.path || !strings.HasPrefix(e.Detail, tt.path+": ") || strings.Contains(e.Error()+e.Detail, "hunter") {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func latin(media, body string) string {
	return "create POST /users {\n header Content-Type \"" + media + "\"\n body " + body + "\n}"
}

// TestCharsetHoldsNoDisableBack: a record that has what its own charset has not is
// disabled all the same (DESIGN §4 rule 3).
func TestCharsetHoldsNoDisableBack(t *testing.T) {
	users := testKind(t, blockUsers)
	s, err := testStep(t, users, "disable PUT /users/{id} {\n header Content-Type \"text/xml; charset=iso-8859-1\"\n body xml `<u>{record.login}</u>`\n}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	with := scope{kind: users, id: "7", record: gjson.Parse(`{"login":"жé"}`)}
	if got, err := (&lookup{t: testTranslator(), s: s, with: &with}).text(); err != nil || !strings.HasSuffix(got, "\n<u>&#1078;\xe9</u>") {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestCharsetMistakes are found when the Caddyfile is read.
func TestCharsetMistakes(t *testing.T) {
	users := testKind(t, blockUsers)
	_, err := testStep(t, users, "create POST /users {\n header Content-Type \"text/xml; charset=iso-8859-1\"\n body xml `<?xml version=\"1.0\" encoding=\"UTF-8\"?><u>{userName}</u>`\n}", CallDefaults{})
	if err == nil || !strings.Contains(err.Error(), "say the same charset in both") {
		t.Errorf("got %v", err)
	}
}
