package rehearse_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/rehearse"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got); -update writes it anew:\n%s", file, diff)
	}
}

// perform tells a reporter of a rehearsal in which everything happens.
func perform(r rehearse.Reporter) {
	const id = "6b85c325-fceb-49fd-8739-12cf00525a2e"
	r.Begin(rehearse.Opening{
		URL: "https://scim.example.com/scim/v2", Providers: []rehearse.Provider{rehearse.Entra}, Prefix: "scimgate-rehearsal-abcdefgh", Match: "ada", Checks: 5,
	})
	r.Provider(rehearse.Entra, 5)
	step := func(n int, id, title string, severity rehearse.Severity, verdict rehearse.Verdict) rehearse.Result {
		r.Starting(n, 5, title)
		return rehearse.Result{
			Provider: rehearse.Entra, Step: n, Steps: 5, ID: id, Title: title, Severity: severity, Verdict: verdict,
			Findings: []rehearse.Finding{}, Requests: []rehearse.Exchange{}, Milliseconds: 12.5,
		}
	}
	one := step(1, "test-connection", "Test Connection looks for a user nobody has", rehearse.Required, rehearse.Passed)
	one.Requests = []rehearse.Exchange{{
		Method: "GET", Target: "/Users?filter=userName+eq+%22" + id + "%22", Status: 200, Answer: json.RawMessage(`{"totalResults":0,"Resources":[]}`), Milliseconds: 1.2,
	}}
	r.Step(one)
	one = step(2, "disable-legacy", "Disable the user, as Entra does without the flag", rehearse.Required, rehearse.Passed)
	one.Requests = []rehearse.Exchange{
		{
			Method: "PATCH", Target: "/Users/" + id, Body: json.RawMessage(`{"schemas":["urn:x"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`),
			Became: "# update User\n\n# lock the account\ndn: uid=scimgate-rehearsal-abcdefgh-1,dc=example\nchangetype: modify\n", Status: 200, Answer: json.RawMessage(`{"active":false}`), Milliseconds: 4,
		},
		{Method: "GET", Target: "/Users/" + id, Status: 200, Answer: json.RawMessage(`{"active":false}`), ReadBack: true, Milliseconds: 1},
	}
	one.Changes = []string{"active: true → false"}
	one.Notes = []string{"uid=scimgate-rehearsal-abcdefgh-1 can't sign in"}
	r.Step(one)
	r.Waiting(2 * time.Second)
	one = step(3, "create-user-again", "Create the user again", rehearse.Recommended, rehearse.Skipped)
	one.Notes = []string{"skipped: delete-user deleted nobody"}
	r.Step(one)
	one = step(4, "delete-user", "Delete the user", rehearse.Required, rehearse.Failed)
	one.Requests = []rehearse.Exchange{
		{Method: "DELETE", Target: "/Users/" + id, Status: 500, Answer: "<h1>\x1b[2JOops</h1>", Milliseconds: 2},
		{Method: "GET", Target: "/Users/" + id, Error: "no answer within 1m0s", Milliseconds: 60000},
	}
	one.Findings = []rehearse.Finding{
		{Severity: rehearse.Required, Text: "DELETE /Users/{id} was answered 500 and should be 204"},
		{Severity: rehearse.Recommended, Text: "the answer comes as text/html"},
	}
	one.Findings[0].Otherwise, one.Findings[0].Remedy = "The account stays.", "Answer 204."
	one.Findings[1].Otherwise = "Nothing breaks."
	one.Otherwise, one.Remedy = "The account stays.", "Answer 204."
	r.Step(one)
	one = step(5, "delete-group", "Delete the group", rehearse.Recommended, rehearse.Unsupported)
	one.Notes = []string{"not supported: DELETE /Groups/{id} is answered 501"}
	r.Step(one)
	r.Cleaning(1)
	r.Cleaning(0)
	r.End(rehearse.Summary{
		Passed: 2, Failed: 1, Unsupported: 1, Skipped: 1, Removed: 3,
		Left:         []rehearse.Left{{Kind: rehearse.User, ID: id, Name: "scimgate-rehearsal-abcdefgh-1", Why: "DELETE was answered 500; it is disabled"}, {Kind: rehearse.Group, Name: "g", Why: "--keep", OnPurpose: true}},
		Latency:      []rehearse.Latency{{Operation: "delete", Count: 1, Failed: 1, Median: 2, P95: 2, Max: 2}, {Operation: "lookup", Count: 100, Median: 1.25, P95: 3, Max: 40.04}},
		Milliseconds: 61234,
	})
}

func TestText(t *testing.T) {
	for name, o := range map[string]rehearse.TextOptions{"text": {}, "verbose": {Verbose: true}, "quiet": {Quiet: true}, "colour": {Colour: true, Width: 80}} {
		var out bytes.Buffer
		o.Out = &out
		perform(rehearse.NewText(o))
		golden(t, name+".golden", out.String())
	}
}

// What is left behind is no good end.
func TestTextOfLeftovers(t *testing.T) {
	for want, load := range map[string]*rehearse.LoadResult{
		"✗ everything that the provider needs is there, and not everything could be removed: 3 passed": nil,
		"✗ all 2 users went through everything, and not all could be removed.":                         {Users: 2},
	} {
		var out bytes.Buffer
		r := rehearse.NewText(rehearse.TextOptions{Out: &out})
		r.Begin(rehearse.Opening{})
		r.End(rehearse.Summary{Passed: 3, Load: load, Left: []rehearse.Left{{Kind: rehearse.User, ID: "1", Name: "x", Why: "503"}}})
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "✓") {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	perform(rehearse.NewJSON(&out))
	golden(t, "json.golden", out.String())
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestTextOfALoadRun(t *testing.T) {
	for name, colour := range map[string]bool{"load": false, "load-colour": true} {
		var out bytes.Buffer
		r := rehearse.NewText(rehearse.TextOptions{Out: &out, Colour: colour})
		r.Begin(rehearse.Opening{URL: "http://127.0.0.1/scim", Prefix: "p-abcdefgh", Load: &rehearse.Load{Users: 1000, Clients: 8}})
		for done := 0; done <= 1000; done += 250 {
			r.Loading(rehearse.Progress{Done: done, Users: 1000, Requests: 10 * done, Errors: done / 500, Elapsed: time.Duration(done+1) * time.Millisecond})
		}
		r.End(rehearse.Summary{Left: []rehearse.Left{}, Load: &rehearse.LoadResult{
			Users: 998, Requests: 9980, Milliseconds: 1000, PerSecond: 9980, Waited: 3, Note: "without groups: no",
			Errors: []rehearse.LoadError{{Operation: "disable", Error: "502 Bad Gateway", Count: 2, Detail: "not proven"}},
		}})
		golden(t, name+".golden", out.String())
	}
}
