package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/redmine"
)

// isIn tells whether Redmine lets somebody in, by password and by the key of the account.
func (r *tracker) isIn(t *testing.T, login, password string) bool {
	t.Helper()
	byPassword := r.app.CanSignIn(t, login, password)
	request, err := http.NewRequestWithContext(t.Context(), "GET", r.app.URL()+"/users/current.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Redmine-API-Key", r.account(t, login).Get("api_key").Str)
	request.Close = true
	a, err := roundTrip(request)
	if err != nil || a.Status != 200 && a.Status != 401 {
		t.Fatalf("using the key of %s: %v %s", login, err, a)
	}
	if byKey := a.Status == 200; byKey != byPassword {
		t.Errorf("%s signs in by password: %t, by key: %t", login, byPassword, byKey)
	}
	return byPassword
}

// deafen has Redmine take what locks somebody, and forget it, as an extension of it
// might that has accounts from elsewhere.
func (r *tracker) deafen(t *testing.T, login string) {
	t.Helper()
	r.app.Exec(t, "CREATE TRIGGER deaf AFTER UPDATE OF status ON users WHEN new.login = '"+login+"' AND new.status = 3 BEGIN UPDATE users SET status = 1 WHERE id = new.id; END")
	t.Cleanup(func() { r.app.Exec(t, "DROP TRIGGER deaf") })
}

func TestRedmineRule02ADisableIsProven(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	if !r.isIn(t, "ada", passwordOf("ada")) {
		t.Fatal("ada can't sign in to begin with")
	}
	put := func(active any) string {
		return jsonOf(map[string]any{"schemas": []string{userSchema}, "id": id, "userName": "ada", "active": active})
	}
	for name, w := range map[string]struct{ method, off, on string }{
		"Entra": {"PATCH", disable, enable},
		"Okta":  {"PATCH", patchOf(operation("replace", "", map[string]any{"active": false})), patchOf(operation("replace", "", map[string]any{"active": true}))},
		"PUT":   {"PUT", put(false), put("True")},
	} {
		r.way.Forget()
		if a := r.want(t, 200, w.method, "/Users/"+id, w.off); a.get("active") != "false" {
			t.Errorf("%s: answered %s", name, a)
		}
		if status := r.account(t, "ada").Get("status").Int(); status != 3 || r.isIn(t, "ada", passwordOf("ada")) {
			t.Errorf("%s: Redmine has the status %d, and ada can sign in", name, status)
		}
		if want := "PUT /users/" + id + ".json, GET /users/" + id + ".json"; !strings.Contains(r.asked(), want) {
			t.Errorf("%s: what was written is not read back: %s", name, r.asked())
		}
		if a := r.want(t, 200, w.method, "/Users/"+id, w.on); a.get("active") != "true" || !r.isIn(t, "ada", passwordOf("ada")) {
			t.Errorf("%s: enabled again: %s", name, a)
		}
	}
	if locked := r.want(t, 201, "POST", "/Users", strings.Replace(trackerUser("eve", "eve@example.com"), `"active":true`, `"active":false`, 1)); locked.get("active") != "false" ||
		r.app.CanSignIn(t, "eve", passwordOf("eve")) {
		t.Errorf("created disabled: %s", locked)
	}
	for _, line := range r.journal(t) {
		if line.Kind == "outcome" && line.Proof != "proven" && line.Proof != "" && line.Proof != "not needed" {
			t.Errorf("the journal has %+v", line)
		}
	}

	// Redmine takes it, and nothing comes of it.
	grace := r.add(t, "grace")
	r.deafen(t, "grace")
	a := r.do(t, "PATCH", "/Users/"+grace, disable)
	if a.Status < 500 {
		t.Errorf("answered %s although grace can still sign in", a)
	}
	isSCIMError(t, a)
	if !r.isIn(t, "grace", passwordOf("grace")) {
		t.Fatal("grace can't sign in, although nothing comes of it")
	}
	if a := r.want(t, 200, "GET", "/Users/"+grace, ""); a.get("active") != "true" {
		t.Errorf("grace is %s", a)
	}
	lines := r.journal(t)
	if last := lines[len(lines)-1]; last.Name != "grace" || last.Proof == "proven" || last.Kind != "outcome" {
		t.Errorf("the journal has %+v", last)
	}

	// What was done can't be read back.
	r.way.Block(redmine.Block{Fault: redmine.CutBefore, Method: "GET", Path: "/users/" + id + ".json", Skip: 1})
	isFault(t, "a proof that is not read", r.do(t, "PATCH", "/Users/"+id, disable))
	r.way.Open()
	if a := r.want(t, 200, "PATCH", "/Users/"+id, disable); a.get("active") != "false" || r.isIn(t, "ada", passwordOf("ada")) {
		t.Errorf("ada is disabled and can sign in: %s", a)
	}
}

func TestRedmineRule03NothingStopsADisable(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	r.add(t, "grace")
	off := operation("Replace", "active", "False")
	for name, beside := range map[string]struct {
		operation map[string]any
		status    int
	}{
		"a value of the wrong type":       {operation("Replace", "name", 5), 400},
		"a name that is too long":         {operation("Replace", "name.givenName", strings.Repeat("x", 31)), 400},
		"a login that is taken":           {operation("Replace", "userName", "grace"), 409},
		"a login that can't be":           {operation("Replace", "userName", "a b"), 400},
		"a mail address that is taken":    {operation("Replace", `emails[type eq "work"].value`, "grace@example.com"), 409},
		"no mail address":                 {operation("Remove", "emails", nil), 400},
		"a password that is too short":    {operation("Replace", "password", "x"), 400},
		"a path that can't be read":       {operation("Replace", `emails[type eq "work"`, "x"), 400},
		"an attribute that nobody knows":  {operation("Replace", "shoeSize", 44), 200},
		"an attribute that is as it was":  {operation("Replace", "name.givenName", "Ada"), 200},
		"another attribute that is taken": {operation("Replace", "name.familyName", "King"), 200},
	} {
		r.way.Forget()
		a := r.do(t, "PATCH", "/Users/"+id, patchOf(beside.operation, off))
		if a.Status != beside.status {
			t.Errorf("%s: answered %s, want %d", name, a, beside.status)
		}
		if r.account(t, "ada").Get("status").Int() != 3 || r.app.CanSignIn(t, "ada", passwordOf("ada")) {
			t.Errorf("%s: ada can sign in after %s", name, a)
		}
		if a.Status != 200 && !strings.Contains(strings.ToLower(a.get("detail")), "disabled") {
			t.Errorf("%s: %s does not tell that the account is off", name, a)
		}
		// It is the first of the writes, and alone.
		if writes := r.way.Writes(); len(writes) == 0 || writes[0].Body != `{"user":{"status":3}}` {
			t.Errorf("%s: the writes are %+v", name, writes)
		}
		r.want(t, 200, "PATCH", "/Users/"+id, enable)
	}
}
