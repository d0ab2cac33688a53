package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestNamedValuesAreExplained: a printed plan has the results of named expressions where
// they are known, and says why where they are not.
func TestNamedValuesAreExplained(t *testing.T) {
	const maps = "map userName login\nmap title rank\nmap nickName nick {\nprivate\n}\nmap password pass\n"
	const unknown = " is not known before the call is made: its expression sees "
	for name, tt := range map[string]struct {
		value  string // the expression of {x}
		calls  string // besides those of shelf; "": all with {x} in the body
		update bool   // of the title, else a creation
		off    bool   // offline
		want   string // of the plan's end
	}{
		"of what is created":            {value: `resource.userName + "@" + resource.title`, want: `{"x":"ada@new"}`},
		"of what is created, off":       {value: `resource.userName.upperAscii()`, off: true, want: `{"x":"ADA"}`},
		"of fields":                     {value: `"rank" in fields ? "changes" : "stays"`, update: true, want: `{"x":"changes"}`},
		"of fields, off":                {value: `"rank" in fields ? "changes" : "stays"`, update: true, off: true, want: `{"x":"changes"}`},
		"of the resource":               {value: `resource.userName + resource.title`, update: true, want: `{"x":"adanew"}`},
		"of the resource, off":          {value: `resource.userName`, update: true, off: true, want: `{"x":{x}}`},
		"of the record":                 {value: `record.rank + "!"`, update: true, want: `{"x":"old!"}`},
		"of the record, off":            {value: `record.rank + "!"`, update: true, off: true, want: `{"x":{x}}`},
		"of the id":                     {value: `"u-" + id`, update: true, off: true, want: `{"x":"u-7"}`},
		"of the id before there is one": {value: `"u-" + id`, want: `{"x":{x}}`},
		"of nothing":                    {value: `"constant"`, off: true, want: `{"x":"constant"}`},
		"of no answers":                 {value: `answers.size()`, want: `{"x":0}`},
		"of answers":                    {value: `answers[0].id`, calls: "create POST /users\ncreate POST /roles {\n body json `{\"x\": {x}}`\n}", want: `{"x":{x}}`},
		"of a secret":                   {value: `"{" + resource.password + "}"`, want: `{"x":{x}}`},
		"of a secret among fields":      {value: `fields`, want: `{"x":{x}}`},
		"of a private value":            {value: `resource.nickName`, want: `{"x":{x}}`},
		"beside a private value":        {value: `resource.title`, want: `{"x":"new"}`},
		"of what is not mapped":         {value: `record.token`, update: true, want: `{"x":{x}}`},
		"beside what is not":            {value: `record.login`, update: true, want: `{"x":"ada"}`},
		"that fails":                    {value: `record.rank.size() / 0`, update: true, want: `{"x":{x}}`},
	} {
		t.Run(name, func(t *testing.T) {
			calls := tt.calls
			if calls == "" {
				calls = "create POST /users {\n body json `{\"x\": {x}}`\n}\nupdate POST /users/{id} {\n body json `{\"x\": {x}}`\n}"
			}
			if !strings.Contains(tt.value, "fields") {
				calls = strings.Replace(calls, "update POST /users/{id} {\n body json `{\"x\": {x}}`", "update POST /users/{id}?rank={title} {\n body json `{\"x\": {x}}`", 1)
			}
			app := newShelf(t, `{"id":"7","login":"ada","rank":"old","token":"s3same-token"}`)
			tr := provision(t, app.block(maps+"value x `"+tt.value+"`\n"+shelfCalls+calls))
			var in translators.Intent
			if tt.update {
				in = setting(t, tr, "7", "title", scim.String("new"))
			} else {
				r := scim.NewResource(tr.users.served.ResourceType)
				for attribute, value := range map[string]string{"userName": "ada", "title": "new", "nickName": "the countess", "password": "hunter2!"} {
					r.Set(r.Type.Attribute(attribute), scim.String(value))
				}
				in = creation(r)
			}
			if in.Offline = tt.off; tt.off {
				in.Before = nil
			}
			plan, err := tr.Plan(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			got := plan.Calls[len(plan.Calls)-1].String()
			if !strings.HasSuffix(got, "\n"+tt.want) {
				t.Errorf("printed is %s", got)
			}
			if strings.Contains(got, "hunter2") || strings.Contains(got, "countess") || strings.Contains(got, "s3same") {
				t.Errorf("it tells a secret: %s", got)
			}
			note, _, _ := strings.Cut(got, "\n")
			want := ""
			switch {
			case !strings.Contains(tt.want, "{x}"):
				want = "POST "
			case strings.Contains(name, "that fails"):
				want = "# {x} fails: evaluating `record.rank.size() / 0`: "
			case strings.Contains(name, "secret"), strings.Contains(name, "private"), strings.Contains(name, "not mapped"):
				want = "# {x} is not printed: it depends on what is secret, private or not mapped"
			default:
				want = "# {x}" + unknown
			}
			if !strings.HasPrefix(note, want) {
				t.Errorf("it says %q, want %q", note, want)
			}
		})
	}
}

// TestRecordsAreShownAsTheirMapsAre: a field of the record is not printed where what is
// mapped to it is not.
func TestRecordsAreShownAsTheirMapsAre(t *testing.T) {
	app := newShelf(t, `{"id":"7","login":"ada","rank":"old","pass":"hunter2!","nick":"the countess"}`)
	tr := provision(t, app.block("map userName login\nmap title rank\nmap password pass\nmap nickName nick {\nprivate\n}\n"+shelfCalls+
		"update POST /users/{id}?rank={title}&a={record.login}&b={record.pass}&c={record.nick} {\n body none\n}"))
	plan, err := tr.Plan(t.Context(), setting(t, tr, "7", "title", scim.String("new")))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(plan.Calls[0].String(), "\n")
	if want := "?rank=new&a=ada&b={record.pass}&c={record.nick}"; !strings.Contains(line, want) {
		t.Errorf("printed is %s", line)
	}
}
