package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// prose is an application that answers writes with 200 and a sentence, and reads with
// JSON: {} for nobody.
type prose struct {
	*httptest.Server
	mu       sync.Mutex
	people   map[string]string // logins by id
	last     int
	sentence string // answers a creation, with the id
	asked    []string
	// refusal is the answer to what is posted to /role.
	refusal string
	// roles are those who were posted to it.
	roles []string
	// isBlind finds nobody, by nothing.
	isBlind bool
}

func startProse(t *testing.T, sentence string) *prose {
	t.Helper()
	p := &prose{people: make(map[string]string), last: 4710, sentence: sentence, refusal: "ERR 30 person is locked"}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *prose) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Method+" "+r.URL.Path)
	say := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	answer := func(ids ...string) {
		w.Header().Set("Content-Type", "application/json")
		rows := make([]string, len(ids))
		for i, id := range ids {
			rows[i] = fmt.Sprintf(`{"no":%s,"login":%q,"state":"on"}`, id, p.people[id])
		}
		say(`{"people":[%s]}`, strings.Join(rows, ","))
	}
	id := strings.TrimPrefix(r.URL.Path, "/people/")
	switch {
	case r.URL.Path == "/people" && r.Method == http.MethodPost:
		p.last++
		p.people[fmt.Sprint(p.last)] = r.FormValue("login")
		sentence := p.sentence
		if strings.Contains(sentence, "%") {
			sentence = fmt.Sprintf(sentence, p.last)
		}
		if sentence == "" { // the connection is gone
			panic(http.ErrAbortHandler)
		}
		say("%s\r\n", sentence)
	case r.URL.Path == "/people":
		var found []string
		for id, login := range p.people {
			if login == r.FormValue("login") && !p.isBlind {
				found = append(found, id)
			}
		}
		answer(found...)
	case r.URL.Path == "/role":
		p.roles = append(p.roles, r.FormValue("person"))
		say("%s", p.refusal)
	case r.URL.Path == "/token":
		say("OK 77")
	case p.people[id] == "" || p.isBlind:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		delete(p.people, id)
		say("OK")
	default:
		w.Header().Set("Content-Type", "application/json")
		say(`{"no":%s,"login":%q,"state":"on"}`, id, p.people[id])
	}
}

func (p *prose) logins() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprint(p.people)
}

// proseBlock is its configuration, with lines in the block of create and lines behind it.
func proseBlock(url, inCreate, behind string) string {
	if !strings.Contains(inCreate, "answer ") {
		inCreate += "\n\t\t\tanswer text"
	}
	return "rest " + url + ` {
	retries off
	breaker off
	users {
		id no
		map userName login
		map active state {
			true on
			false off
		}
		search GET /people?login={userName} {
			items people
		}
		read GET /people/{id}
		create POST /people {
			body form ` + "`login={userName}`" + `
			` + inCreate + `
		}
		` + behind + `
		update POST /people/{id} {
			answer text
		}
		delete DELETE /people/{id} {
			answer text
		}
	}
}`
}

// observed makes a translator write its log where the test sees it.
func observed(tr *Translator) *observer.ObservedLogs {
	core, logs := observer.New(zapcore.WarnLevel)
	tr.logger = zap.New(core)
	return logs
}

const roleCall = "create POST /role {\n\t\t\tbody form `person={1.id}`\n\t\t\tanswer text\n\t\t\t%s\n\t\t}"

// TestIDThatIsNoneIsFoundByName: what create was told to read is no id. The account is
// there all the same, and is known by its name; who runs the gateway is told.
func TestIDThatIsNoneIsFoundByName(t *testing.T) {
	for name, behind := range map[string]string{"one call": "", "two calls": fmt.Sprintf(roleCall, "")} {
		t.Run(name, func(t *testing.T) {
			app := startProse(t, "OK %d")
			tr := provision(t, proseBlock(app.URL, "id .", behind))
			logs := observed(tr)
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if report.Outcome != translators.Applied || report.ID() != "4711" {
				t.Fatalf("the outcome is %q of %q: %v", report.Outcome, report.ID(), report.Err)
			}
			warnings := logs.FilterLevelExact(zapcore.WarnLevel).All()
			if len(warnings) != 1 || !strings.Contains(fmt.Sprint(warnings[0].Message, warnings[0].ContextMap()), "id .") {
				t.Errorf("the log has %v", warnings)
			}
		})
	}
}

// TestLaterCallsHaveTheIDThatIsKnown: {1.id} is the id of what was created, also where the
// answer tells none, another one, or one that is not the record's.
func TestLaterCallsHaveTheIDThatIsKnown(t *testing.T) {
	for sentence, lines := range map[string]string{
		"OK":                     "",
		"":                       "", // no answer: the record is found by its name
		"OK %d":                  "id .",
		`{"id":"r-1","no":%d}`:   "answer json",
		`{"id":"r-2","of":"%d"}`: "answer json\n\t\t\tid of",
	} {
		t.Run(sentence, func(t *testing.T) {
			app := startProse(t, sentence)
			app.refusal = "OK"
			behind := fmt.Sprintf(roleCall, "when `answers[0] == null || answers[0].id == \"4711\"`")
			tr := provision(t, proseBlock(app.URL, lines, behind))
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if report.Outcome != translators.Applied || report.ID() != "4711" || fmt.Sprint(app.roles) != "[4711]" {
				t.Errorf("the outcome is %q of %q, and %v has the role: %v", report.Outcome, report.ID(), app.roles, report.Err)
			}
		})
	}
}

// TestIDThatIsNoneIsNoAbsence: nobody is found by it, and nobody by name.
func TestIDThatIsNoneIsNoAbsence(t *testing.T) {
	app := startProse(t, "OK %d")
	app.isBlind = true
	for name, behind := range map[string]string{"one call": "", "two calls": fmt.Sprintf(roleCall, "")} {
		t.Run(name, func(t *testing.T) {
			tr := provision(t, proseBlock(app.URL, "id .", behind))
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if report.Outcome != translators.Unknown || translators.KindOf(report.Err) != translators.Indefinite || !strings.Contains(fmt.Sprint(report.Err), "id . of create") {
				t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
			}
		})
	}
}

// TestIDOfAnother: what create was told to read is the id of somebody else, who is not
// touched when the account is taken back.
func TestIDOfAnother(t *testing.T) {
	app := startProse(t, "OK 1 %d")
	app.people["1"] = "grace"
	tr := provision(t, proseBlock(app.URL, "id . `OK ([0-9]+)`", fmt.Sprintf(roleCall, "invalid 200 ERR")))
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if report.Outcome != translators.NotApplied || report.Partial {
		t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
	}
	if got := app.logins(); got != "map[1:grace]" {
		t.Errorf("there are %s", got)
	}
}

// TestIDInProse: a pattern finds the id in a sentence.
func TestIDInProse(t *testing.T) {
	for sentence, line := range map[string]string{
		"OK %d":                         "id . `^OK (\\d+)$`",
		"Person no. %d has been added.": "id . `no\\. (\\d+)`",
		`{"said":{"text":"no. %d"}}`:    "answer json\n\t\t\tid said.text `(\\d+)`",
	} {
		t.Run(sentence, func(t *testing.T) {
			app := startProse(t, sentence)
			tr := provision(t, proseBlock(app.URL, line, ""))
			logs := observed(tr)
			_, report := carry(t, tr, creation(person(tr, "ada")))
			if report.Outcome != translators.Applied || report.ID() != "4711" || logs.Len() > 0 {
				t.Errorf("the outcome is %q of %q: %v, and the log has %v", report.Outcome, report.ID(), report.Err, logs.All())
			}
		})
	}
}

// TestIDPatternMistakes are told while the Caddyfile is read.
func TestIDPatternMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"id . `OK [0-9]+`":                 "needs a group",
		"id . `OK (`":                      "the pattern",
		"id":                               "id",
		"id . `(.*)` more":                 "id",
		"id .\n\t\t\tid_header X-Id `(.)`": "id_header",
	} {
		tr := new(Translator)
		err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(proseBlock("http://127.0.0.1:1", line, "")))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", line, err)
		}
	}
}

// TestWhatOnlyReadsIsNothingToTakeBack: a GET among the calls of a write has changed
// nothing when a later one fails.
func TestWhatOnlyReadsIsNothingToTakeBack(t *testing.T) {
	app := startProse(t, "OK %d")
	block := proseBlock(app.URL, "id . `(\\d+)`", "")
	block = strings.Replace(block, "update POST /people/{id} {\n", "update GET /token {\n\t\t\tquery of {id}\n\t\t\tanswer text\n\t\t}\n\t\tupdate POST /role {\n\t\t\tbody form `person={id}&login={userName}&state={field.state?}`\n\t\t\tinvalid 200 ERR\n", 1)
	tr := provision(t, block)
	id := mustCreate(t, tr, "ada")
	_, report := carry(t, tr, setting(t, tr, id, "userName", scim.String("grace")))
	if report.Outcome != translators.NotApplied || report.Partial || translators.KindOf(report.Err) != translators.Invalid {
		t.Errorf("the outcome is %q (in part: %v): %v", report.Outcome, report.Partial, report.Err)
	}
}

// TestOnlyReads: a GET that is all there is of an operation is what changes something.
func TestOnlyReads(t *testing.T) {
	app := startProse(t, "OK %d")
	block := proseBlock(app.URL, "id . `(\\d+)`", "")
	tr := provision(t, strings.Replace(block, "update POST", "update GET /token {\n\t\t\tquery of {id}\n\t\t\trepeatable off\n\t\t}\n\t\tdisable GET /people/{id}/off\n\t\tupdate POST", 1))
	for op, want := range map[Operation][]bool{OpDisable: {false}, OpUpdate: {false, false}, OpCreate: {false}} {
		for i, s := range tr.users.steps[op] {
			if s.onlyReads() != want[i] {
				t.Errorf("call %d of %s: %v", i+1, op, s.onlyReads())
			}
		}
	}
}

// TestApplicationsWordsAreTold: what a line of the configuration calls refused, or failed,
// is explained by the application's own words.
func TestApplicationsWordsAreTold(t *testing.T) {
	for _, verdict := range []string{"refused", "failed"} {
		t.Run(verdict, func(t *testing.T) {
			app := startProse(t, "OK %d")
			block := proseBlock(app.URL, "id . `(\\d+)`", "")
			block = strings.Replace(block, "update POST /people/{id} {\n", "update POST /role {\n\t\t\tbody form `person={id}&login={userName}&state={field.state?}`\n\t\t\t"+verdict+" 200 ERR\n", 1)
			tr := provision(t, block)
			id := mustCreate(t, tr, "ada")
			_, report := carry(t, tr, setting(t, tr, id, "userName", scim.String("grace")))
			if report.Outcome != translators.NotApplied {
				t.Errorf("the outcome is %q: %v", report.Outcome, report.Err)
			}
			if detail := toldOf(report.Err); !strings.Contains(detail, "ERR 30 person is locked") {
				t.Errorf("the provider is told: %s", detail)
			}
		})
	}
}

// TestMissingValueIsNamed: names of templates are no data.
func TestMissingValueIsNamed(t *testing.T) {
	app := startProse(t, `{"a":1}`)
	tr := provision(t, proseBlock(app.URL, "answer json\n\t\t\tid a", strings.Replace(fmt.Sprintf(roleCall, ""), "{1.id}", "{1.number}", 1)))
	_, report := carry(t, tr, creation(person(tr, "ada")))
	detail := toldOf(report.Err)
	if !strings.Contains(detail, "{1.number}") || !strings.Contains(detail, "create, call 2") {
		t.Errorf("the provider is told: %s", detail)
	}
}

// toldOf is what the provider is told of an error.
func toldOf(err error) string {
	if e, is := errors.AsType[*translators.Error](err); is {
		return e.Detail
	}
	return ""
}
