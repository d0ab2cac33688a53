package journal

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logged returns what is logged of an entry, as Caddy encodes it.
func logged(t *testing.T, e Entry, values bool) (map[string]any, string) {
	t.Helper()
	var b strings.Builder
	config := zap.NewProductionEncoderConfig()
	core := zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.AddSync(&b), zap.InfoLevel)
	logTo(zap.New(core, zap.AddCaller(), zap.AddStacktrace(zap.ErrorLevel)).Named("scim.journal"), values).Emit(e)
	var line map[string]any
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	delete(line, "ts")
	return line, b.String()
}

var example = Entry{
	ID: "r1-1", Time: time.Unix(1795262400, 0), Gateway: "directory", Caller: "entra", Token: "tok00001", Address: "20.1.2.3", Request: "r1", Operation: "disable",
	Type: "User", Resource: "id-ada", Name: "Ada.Lovelace", Result: Applied, Proof: "proven", Duration: 43 * time.Millisecond,
	Changes: []Change{{Attribute: "active", From: json.RawMessage("true"), To: json.RawMessage("false")},
		{Attribute: "title", From: json.RawMessage(`"Engineer"`)}, {Attribute: "password", Secret: true}},
	Members: &Members{Added: []string{"id-bob"}},
	Calls:   []Call{{Purpose: "lock", Text: "dn: uid=ada"}},
}

func TestLog(t *testing.T) {
	want := map[string]any{
		"level": "info", "logger": "scim.journal", "msg": "journal entry", "entry": "r1-1", "begun": 1795262400.0, "gateway": "directory", "caller": "entra", "token": "tok00001",
		"address": "20.1.2.3", "request_id": "r1", "operation": "disable", "resource_type": "User", "resource_id": "id-ada", "name": "Ada.Lovelace",
		"result": "applied", "proof": "proven", "attributes": []any{"active", "title", "password"}, "members_added": 1.0, "members_removed": 0.0, "duration": 0.043,
	}
	line, text := logged(t, example, false)
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
	if strings.Contains(text, "Engineer") || strings.Contains(text, "uid=ada") {
		t.Errorf("values are logged unasked: %s", text)
	}
	want["changes"] = []any{map[string]any{"attribute": "active", "from": true, "to": false}, map[string]any{"attribute": "title", "from": "Engineer"},
		map[string]any{"attribute": "password", "secret": true}}
	want["members"] = map[string]any{"added": []any{"id-bob"}}
	line, _ = logged(t, example, true)
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("with values (-want +got):\n%s", diff)
	}
	Log{}.Emit(example) // nothing happens
}

// What somebody should look at is an error.
func TestLogLevels(t *testing.T) {
	for _, test := range []struct {
		operation string
		result    Result
		proof     string
		want      string
	}{
		{"disable", Applied, "proven", "info"},
		{"disable", Applied, "unprovable", "info"},
		{"disable", Applied, "refuted", "error"},
		{"disable", Applied, "failed", "error"},
		{"disable", NotApplied, "", "error"},
		{"update", NotApplied, "", "info"},
		{"update", Applied, "not needed", "info"},
		{"update", Unknown, "", "error"},
		{"update", Unresolved, "", "error"},
	} {
		e := example
		e.Operation, e.Result, e.Proof = test.operation, test.result, test.proof
		if line, _ := logged(t, e, false); line["level"] != test.want {
			t.Errorf("%s %q %q has the level %v, want %s", test.operation, test.result, test.proof, line["level"], test.want)
		}
	}
}
