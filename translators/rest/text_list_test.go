package rest

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestTextList: the groups of a user stand in one text, with separators.
func TestTextList(t *testing.T) {
	tests := map[string]struct {
		record      string
		add, remove string
		want        string // "": nothing is to be written
	}{
		"add":                   {`{"G":"a; b"}`, "c", "", `"a;b;c"`},
		"add the first":         {`{"G":""}`, "c", "", `"c"`},
		"add to null":           {`{"G":null}`, "c", "", `"c"`},
		"add to nothing":        {`{}`, "c", "", `"c"`},
		"add what is there":     {`{"G":" a ;b;"}`, "a", "", ""},
		"remove":                {`{"G":"a; b ;c"}`, "", "b", `"a;c"`},
		"remove the last":       {`{"G":"a"}`, "", "a", `""`},
		"remove what is absent": {`{"G":"a"}`, "", "b", ""},
		"a part of a name":      {`{"G":"admins"}`, "", "admin", ""},
		"a number":              {`{"G":7}`, "8", "", `"7;8"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := newReferences("G", "", true)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.separateBy(";"); err != nil {
				t.Fatal(err)
			}
			list := func(name string) []string {
				return slices.DeleteFunc([]string{name}, func(s string) bool { return s == "" })
			}
			field, ok, err := r.with(gjson.Parse(tt.record), list(tt.add), list(tt.remove))
			if err != nil || ok != (tt.want != "") || ok && field.raw != tt.want {
				t.Errorf("got %s, %v, %v", field.raw, ok, err)
			}
		})
	}
	r, _ := newReferences("G", "", false)
	if err := r.separateBy(";"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.with(gjson.Parse(`{"G":"a"}`), []string{"b;c"}, nil); translators.KindOf(err) != translators.Invalid {
		t.Errorf("a name with the separator: %v", err)
	}
}

// TestTextListOfUsers: members come and go in the text, which users show as their groups.
func TestTextListOfUsers(t *testing.T) {
	app := newShelf(t, `{"id":"7","login":"ada","GROUPS":"g1; g9"}`)
	tr := provision(t, app.block("map userName login\nmap groups GROUPS\nlist GET /users"+shelfCalls+"update PATCH /users/{id}",
		"groups {\n fixed g1 One\n fixed g2 Two\n of_users GROUPS {\n separator \";\"\n }\n}"))
	entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{"7"}, translators.Selection{All: true})
	if err != nil || len(entries) != 1 {
		t.Fatal(err)
	}
	var groups []string
	for _, v := range entries[0].Resource.Get(tr.users.groups).Items() {
		groups = append(groups, v.SubNamed("value").Text())
	}
	if !slices.Equal(groups, []string{"g1", "g9"}) {
		t.Errorf("groups are %q", groups)
	}
	in := translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: "g2", Members: &scim.MemberChange{Add: []string{"7"}}}
	if _, report := carry(t, tr, in); report.Err != nil {
		t.Fatal(report.Err)
	}
	if got := app.written(); got != `PATCH /users/7 {"GROUPS":"g1;g9;g2"}` {
		t.Errorf("sent was %s", got)
	}
	var said []string
	for _, f := range tr.Check(t.Context()) {
		if f.Level == translators.LevelWarning {
			said = append(said, f.Detail)
		}
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, `"g9"`) || strings.Contains(text, `"g1"`) {
		t.Errorf("the check says %s", text)
	}
}

// TestGroupsNamedInBody: an update that names its fields one by one names the groups of a
// user as one of them, whether users show them or not.
func TestGroupsNamedInBody(t *testing.T) {
	for of, tt := range map[string]struct{ record, want string }{
		`GROUPS separator ";"`: {`{"id":"7","login":"ada","GROUPS":"g1"}`, `PATCH /users/7 login=ada&groups=g1%3Bg2`},
		"role without none":    {`{"id":"7","login":"ada","role":"g1"}`, `PATCH /users/7 login=ada&groups=g2`},
		"groups.#.id":          {`{"id":"7","login":"ada","groups":[{"id":"g1"}]}`, `PATCH /users/7 login=ada&groups=%5B%7B%22id%22%3A%22g1%22%7D%2C%7B%22id%22%3A%22g2%22%7D%5D`},
	} {
		t.Run(of, func(t *testing.T) {
			path, _, _ := strings.Cut(of, " ")
			field, _, isList := strings.Cut(path, ".#")
			if isList {
				field += "|json"
			}
			app := newShelf(t, tt.record)
			tr := provision(t, app.block("map userName login\nlist GET /users"+shelfCalls+"update PATCH /users/{id} {\n send whole\n body form `login={field.login}&groups={field."+field+"}`\n}",
				"groups {\n fixed g1 One\n fixed g2 Two\n of_users "+of+"\n}"))
			in := translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: "g2", Members: &scim.MemberChange{Add: []string{"7"}}}
			if _, report := carry(t, tr, in); report.Err != nil {
				t.Fatal(report.Err)
			}
			if got := app.written(); got != tt.want {
				t.Errorf("sent was %s", got)
			}
		})
	}
}

// TestTextListMistakes are found when the Caddyfile is read.
func TestTextListMistakes(t *testing.T) {
	for line, want := range map[string]string{
		`of_users G separator ""`:            "write of_users",
		`of_users G.# separator ";"`:         "a text with separators has a path without #",
		`of_users G without x separator ";"`: "exclude each other",
		`of_users G { glue ";" }`:            "glue",
	} {
		err := provisionFails(t, "rest http://127.0.0.1:1 {\n users {\n map userName login\n"+shelfCalls+"update PATCH /users/{id}\n }\n groups {\n fixed g1 One\n "+strings.NewReplacer("{ ", "{\n", " }", "\n}").Replace(line)+"\n }\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

// TestIDOfRows: rows have the id elsewhere than records, and tell nothing else.
func TestIDOfRows(t *testing.T) {
	app := newShelf(t, `{"id":"7","login":"ada","title":"old"}`)
	app.rows = `{"-id":"7","login":"shown otherwise"}`
	tr := provision(t, app.block("map userName login\nsearch GET /users?login={userName} {\n id -id\n}\nread GET /users/{id}"))
	if entries := find(t, tr, "ada"); len(entries) != 1 || entries[0].Resource.ID != "7" {
		t.Errorf("found are %d", len(entries))
	}
	app.rows = `{"id":"7"}`
	if _, err := lookUp(t.Context(), tr, "ada"); err == nil || !strings.Contains(err.Error(), "a row has no id at -id, which id of the call says: there is an object with id") || translators.KindOf(err) != translators.Unavailable {
		t.Errorf("a row without it: %v", err)
	}
	for text, want := range map[string]string{
		"map userName login\nsearch GET /users?login={userName}\nread GET /users/{id} {\n id -id\n}": "id and id_header",
		"map userName login\nfilter_list\nlist GET /users {\n id -id\n}":                             "add read",
	} {
		if err := provisionFails(t, app.block(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// TestMaximum: what an application would cut is refused.
func TestMaximum(t *testing.T) {
	app := newShelf(t, `{"id":"7","login":"ada","title":"old"}`)
	tr := provision(t, app.block("map userName login\nmap title title {\n max 4\n}"+shelfCalls+"update PATCH /users/{id}"))
	if got, err := planned(t, tr, app, "title", "Zoës"); err != nil || got == "" {
		t.Errorf("four characters: %v", err)
	}
	got, err := planned(t, tr, app, "title", "Count")
	if translators.KindOf(err) != translators.Invalid || !strings.Contains(err.Error(), "at most 4 characters") || got != "" {
		t.Errorf("five characters: sent was %q, %v", got, err)
	}
	for _, line := range []string{"max 0", "max x", "max"} {
		if err := provisionFails(t, app.block("map userName login {\n "+line+"\n}"+shelfCalls)); err == nil || !strings.Contains(err.Error(), "max") {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

// TestClearText: a marker clears a field, is read as no value, and is refused as one.
func TestClearText(t *testing.T) {
	app := newShelf(t, `{"id":"7","login":"ada","title":"old"}`)
	tr := provision(t, app.block("map userName login\nmap title title {\n clear text -\n}"+shelfCalls+"update POST /users/{id} {\n body form `t={field.title?}&l={field.login?}`\n}"))
	in := setting(t, tr, "7", "title", scim.Value{})
	if _, report := carry(t, tr, in); report.Err != nil {
		t.Fatal(report.Err)
	}
	if got := app.written(); got != "POST /users/7 t=-" {
		t.Errorf("sent was %s", got)
	}
	if got, err := planned(t, tr, app, "title", "-"); translators.KindOf(err) != translators.Invalid || got != "" {
		t.Errorf("the marker as a value: sent was %q, %v", got, err)
	}
	app.record = `{"id":"7","login":"ada","title":"-"}`
	entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{"7"}, translators.Selection{All: true})
	if err != nil || !entries[0].Resource.Get(tr.users.mapping.Type.Attribute("title")).IsAbsent() {
		t.Errorf("the marker is read as a value: %v", err)
	}
	if err := provisionFails(t, app.block("map userName login {\n clear text\n}"+shelfCalls)); err == nil || !strings.Contains(err.Error(), "clear") {
		t.Errorf("no marker: %v", err)
	}
}

// TestGroupsThatNobodyIsInAreWarnedOf when the Caddyfile is read.
func TestGroupsThatNobodyIsInAreWarnedOf(t *testing.T) {
	for name, tt := range map[string]struct{ line, of, want string }{
		"a list":           {"map groups groups.#.id", "", ""},
		"the whole record": {"map groups .", "", "map groups .: a record is no list of groups, so that nobody is in any"},
		"as of_users says": {"map groups groups", "of_users groups", ""},
		"not as it says":   {"map groups roles", "of_users groups", "map groups roles is not looked at: of_users groups says where"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := provision(t, newShelf(t, `{}`).block("map userName login\n"+tt.line+shelfCalls+"update PATCH /users/{id}", "groups {\n fixed g1 One\n "+tt.of+"\n }"))
			gaps := strings.Join(tr.users.gaps(), "\n")
			if has := strings.Contains(gaps, "map groups"); has != (tt.want != "") || !strings.Contains(gaps, tt.want) {
				t.Errorf("it says %s", gaps)
			}
		})
	}
}
