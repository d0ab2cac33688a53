package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule03NothingStopsADisable(t *testing.T) {
	for _, shape := range []string{"plain", "put-etag", "put-version", "lock-calls"} {
		t.Run(shape, func(t *testing.T) {
			options := map[string]legacy.Options{
				"put-etag": {Update: legacy.PutETag}, "put-version": {Update: legacy.PutVersion}, "lock-calls": {Status: legacy.ByCall},
			}[shape]
			app := legacy.Start(t, options)
			g := startRest(t, app, shape)
			id, _ := restFixture(t, app)
			if _, err := app.Add(map[string]any{"login": "grace"}, ""); err != nil {
				t.Fatal(err)
			}
			off := operation("Replace", "active", "False")
			for name, beside := range map[string]struct {
				operation map[string]any
				status    int
			}{
				"a value of the wrong type":      {operation("Replace", "name", 5), 400},
				"a value that is too long":       {operation("Replace", "title", strings.Repeat("x", 300)), 400},
				"a number that is none":          {operation("Replace", enterprise+":employeeNumber", "x1"), 400},
				"a name that is taken":           {operation("Replace", "userName", "grace"), 409},
				"a name that can't be":           {operation("Replace", "userName", "a/b\"c"), 400},
				"a password that is too short":   {operation("Replace", "password", "x"), 400},
				"a path that can't be read":      {operation("Replace", `emails[type eq "work"`, "x"), 400},
				"an attribute that nobody knows": {operation("Replace", "shoeSize", 44), 200},
			} {
				a := g.do(t, "PATCH", "/Users/"+id, patchOf(beside.operation, off))
				if a.Status != beside.status {
					t.Errorf("%s: answered %s, want %d", name, a, beside.status)
				}
				if signIn(t, app, "ada", passwordOf("ada")) {
					t.Errorf("%s: Ada can sign in after %s", name, a)
				}
				if a.Status != 200 && !strings.Contains(strings.ToLower(a.get("detail")), "disabled") {
					t.Errorf("%s: %s does not tell that the account is off", name, a)
				}
				g.want(t, 200, "PATCH", "/Users/"+id, enable)
			}
			// It is the first of the writes, and alone.
			app.Forget()
			g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "x"), off))
			if writes := app.Writes(); len(writes) != 2 || strings.Contains(writes[0].Body, `"title":"x"`) {
				t.Errorf("the writes are %+v", writes)
			}
		})
	}
}

// An account that can't be read is disabled by its id, where that is all that the calls
// name; that it is not proven is told. Where anybody is protected it must be read.
func TestRestRule03DisablesWhatCantBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		shape   string
		options legacy.Options
		replace []string
		status  int
		isOff   bool
	}{
		"an update of what changes": {shape: "plain", status: 504, isOff: true},
		"a call of its own":         {shape: "lock-calls", options: legacy.Options{Status: legacy.ByCall}, status: 504, isOff: true},
		"the whole record":          {shape: "put-version", options: legacy.Options{Update: legacy.PutVersion}, status: 503},
		"somebody is protected":     {shape: "plain", replace: []string{"base /scim/v2\n", "base /scim/v2\nprotect `userName eq \"root\"`\n"}, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			app := legacy.Start(t, test.options)
			g := startRest(t, app, test.shape, append(test.replace, restQuick...)...)
			id, _ := restFixture(t, app)
			app.Fail(legacy.Fault{Kind: legacy.Broken, Op: "users.read"})
			if a := g.do(t, "PATCH", "/Users/"+id, disable); a.Status != test.status {
				t.Errorf("answered %s", a)
			}
			if isOff := !signIn(t, app, "ada", passwordOf("ada")); isOff != test.isOff {
				t.Errorf("Ada is off: %t", isOff)
			}
			app.Mend()
			if a := g.want(t, 200, "PATCH", "/Users/"+id, disable); a.get("active") != "false" {
				t.Errorf("answered %s", a)
			}
		})
	}
}
