package rehearse

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The guard lets nothing be written that was not created under a name of this
// run.
func TestGuard(t *testing.T) {
	b := newBelongings("scimgate-rehearsal-abc")
	if err := b.own(User, "1", "SCIMGATE-rehearsal-abc-1", "scimgate-rehearsal-abc-1"); err != nil {
		t.Errorf("in another case: %v", err)
	}
	for _, foreign := range []struct{ id, shown, sent string }{
		{"2", "ada", "scimgate-rehearsal-abc-2"},
		{"2", "ada", "ada"},
		{"2", "scimgate-rehearsal-abd-2", "scimgate-rehearsal-abd-2"},
		{"2", "", "scimgate-rehearsal-abc-2"},
		{"", "scimgate-rehearsal-abc-2", "scimgate-rehearsal-abc-2"},
		{"2", "scimgate-rehearsal-abc", "scimgate-rehearsal-abc"},
	} {
		if err := b.own(User, foreign.id, foreign.shown, foreign.sent); !errors.Is(err, errForeign) {
			t.Errorf("%+v was taken over: %v", foreign, err)
		}
	}
	for _, test := range []struct {
		r    request
		want bool
	}{
		{request{method: http.MethodGet, kind: User, id: "2"}, true},
		{request{method: http.MethodPost, kind: User, name: "scimgate-rehearsal-abc-3"}, true},
		{request{method: http.MethodPost, kind: User, name: "ada"}, false},
		{request{method: http.MethodPost, kind: User}, false},
		{request{method: http.MethodPost, path: "/Bulk", name: "scimgate-rehearsal-abc-3"}, false},
		{request{method: http.MethodPatch, kind: User, id: "1"}, true},
		{request{method: http.MethodPut, kind: User, id: "1"}, true},
		{request{method: http.MethodDelete, kind: User, id: "1"}, true},
		{request{method: http.MethodDelete, kind: Group, id: "1"}, false},
		{request{method: http.MethodPatch, kind: User, id: "2"}, false},
		{request{method: http.MethodPut, kind: User}, false},
		{request{method: http.MethodDelete, kind: User}, false},
		{request{method: "PURGE", kind: User, id: "1"}, false},
	} {
		if err := b.permits(test.r); (err == nil) != test.want || err != nil && !errors.Is(err, errForeign) {
			t.Errorf("%s %s %s%s: %v", test.r.method, test.r.kind, test.r.id, test.r.name, err)
		}
	}
	b.forget(User, "1")
	if err := b.permits(request{method: http.MethodDelete, kind: User, id: "1"}); err == nil {
		t.Error("what is forgotten may be written")
	}
	if lost, isOpen := b.lost(); len(lost) != 1 || !isOpen {
		t.Errorf("lost is %v, open %v", lost, isOpen)
	}
}

// A path below another resource can't be made by an id.
func TestIDsAreEscaped(t *testing.T) {
	r := request{method: http.MethodGet, kind: User, id: "../Groups/1?x#y"}
	if got := r.target(); got != "/Users/..%2FGroups%2F1%3Fx%23y" {
		t.Errorf("the target is %s", got)
	}
}

func TestFlatten(t *testing.T) {
	before, err := decode([]byte(`{"schemas":["x"],"meta":{"version":"1"},"userName":"a","active":true,"name":{"givenName":"b"},
		"emails":[{"type":"work","value":"c","primary":true},{"type":"home","value":"d"}],"roles":[{"value":"r"},{"value":"s","type":"t"}],
		"members":[{"value":"1","type":"User","$ref":"x"}],"empty":[],"nothing":null,"tags":["x","x"],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"e"}}`))
	if err != nil {
		t.Fatal(err)
	}
	after, err := decode([]byte(`{"USERNAME":"a","active":false,"emails":[{"type":"home","value":"d"},{"type":"work","value":"C"}],
		"roles":[{"value":"s","type":"t"}],"title":"<f>"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"active: true → false",
		`emails[work].primary: true → nothing`,
		`emails[work].value: "c" → "C"`,
		`enterprise.department: "e" → nothing`,
		`members[1].value: "1" → nothing`,
		`name.givenName: "b" → nothing`,
		`roles[r].value: "r" → nothing`,
		`roles[s].value: "s" → nothing`,
		`roles[t].value: "s"`,
		`tags[0]: "x" → nothing`,
		`tags[1]: "x" → nothing`,
		`title: "<f>"`,
	}
	if diff := cmp.Diff(want, differences(flatten(before), flatten(after))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := flatten(before).get("EMAILS[work].VALUE"); got != `"c"` {
		t.Errorf("got %s", got)
	}
}

// Percentiles are as good as their buckets, however many are counted.
func TestLatencies(t *testing.T) {
	s := newStats()
	for _, i := range rand.Perm(10_000) {
		s.took("x", time.Duration(i+1)*100*time.Microsecond)
	}
	s.failed("x")
	l := s.latencies()[0]
	if l.Count != 10_000 || l.Failed != 1 || l.Median < 480 || l.Median > 520 || l.P95 < 920 || l.P95 > 980 || l.Max != 1000 {
		t.Errorf("%+v", l)
	}
	s.took("y", 0)
	s.took("y", 24*time.Hour)
	if l := s.latencies()[1]; l.Count != 2 || l.Max != 86_400_000 || s.total() != 10_003 {
		t.Errorf("%+v of %d", l, s.total())
	}
}

// Each check says what it is about, once, and what is to be done.
func TestChecksAreComplete(t *testing.T) {
	for _, p := range Providers {
		seen := make(map[string]bool)
		for _, c := range Checks(p) {
			if c.ID == "" || seen[c.ID] || c.Title == "" || c.Otherwise == "" || c.Remedy == "" || c.do == nil ||
				c.Severity != Required && c.Severity != Recommended {
				t.Errorf("%s %q is not complete, or twice", p, c.ID)
			}
			seen[c.ID] = true
		}
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add([]byte(`{"emails":[{"type":"a"},{"type":"a"},null,1,"x"],"a":{"b":[[]]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decode(body)
		if err != nil {
			return
		}
		state := flatten(v)
		if all := differences(state, state); len(all) != 0 {
			t.Errorf("it differs from itself: %v", all)
		}
		_, _ = text(v, "id"), member(v, "x")
	})
}

// The address of what was created is that of the id, however it is encoded there.
func TestLeadsTo(t *testing.T) {
	for _, test := range []struct {
		location, id string
		want         bool
	}{
		{"https://x/scim/v2/Groups/VGVhbTo1MQ%3D%3D", "VGVhbTo1MQ==", true},
		{"https://x/scim/v2/Groups/VGVhbTo1MQ==", "VGVhbTo1MQ==", true},
		{"https://x/scim/v2/Users/a%2Fb", "a/b", true},
		{"/Users/7", "7", true},
		{"https://x/scim/v2/Users/17", "7", false},
		{"https://x/scim/v2/Users/a/b", "a/b", false},
		{"https://x/%zz", "7", false},
		{"", "7", false},
		{"https://x/scim/v2/Users/", "", false},
	} {
		if got := leadsTo(test.location, test.id); got != test.want {
			t.Errorf("%s to %s: %v", test.location, test.id, got)
		}
	}
}
