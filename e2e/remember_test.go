package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/internal/slapd"
)

// remembering makes the gateway remember externalId instead of writing it to the
// directory.
var remembering = []string{"map externalId scimExternalId", "remember externalId"}

// onPostgres puts the store on a server.
func onPostgres(dsn string) []string {
	return []string{"store sqlite ", "store postgres `" + dsn + "` # "}
}

// TestRememberedDialogues: to a provider it is the same whether externalId is in the
// directory or remembered.
func TestRememberedDialogues(t *testing.T) {
	for _, d := range allDialogues(t) {
		if strings.HasPrefix(d.Name, "entra-") || slices.Contains([]string{microsoftValidator, "okta-oin-users", "okta-scim11", "bulk-and-versions", "paging-and-sorting", "searches"}, d.Name) {
			t.Run(d.Name, func(t *testing.T) {
				directory := startSlapd(t, slapd.Options{})
				g := startGateway(t, directory, setup{Translator: []string{"page_size 100"}, Replace: remembering})
				remembers(t, g)
				replayBefore(t, withoutExternalID(d), directory, g)
			})
		}
	}
}

// remembers waits until the store is open.
func remembers(t *testing.T, g *gateway) {
	t.Helper()
	waitFor(t, "the store", func() bool { return g.do(t, "GET", "/Users?count=1", "").Status == 200 })
}

// withoutExternalID returns the dialogue for a directory that holds no externalId.
func withoutExternalID(d *dialogue.Dialogue) *dialogue.Dialogue {
	changed := *d
	changed.Steps = slices.Clone(d.Steps)
	for i := range changed.Steps {
		step := &changed.Steps[i]
		step.Directory = slices.Clone(step.Directory)
		for j := range step.Directory {
			entry := &step.Directory[j]
			entry.Values = slices.Clone(entry.Values)
			for k, v := range entry.Values {
				if strings.EqualFold(v.Attribute, "scimExternalId") {
					entry.Values[k] = dialogue.Values{Attribute: v.Attribute, How: dialogue.Exactly}
				}
			}
		}
	}
	return &changed
}

// lockIsSeen returns what fails unless a person is locked in the directory.
func lockIsSeen(t *testing.T, d *directory) func(userName string) {
	return func(userName string) {
		t.Helper()
		if got := d.values(t, "uid="+userName+","+people, "pwdAccountLockedTime"); len(got) != 1 {
			t.Errorf("%s is not locked: %q", userName, got)
		}
	}
}

// TestStoreOfRememberedIsAway: what needs a remembered value waits for the store, and
// nothing else does, a disable least of all.
func TestStoreOfRememberedIsAway(t *testing.T) {
	server := postgres.Start(t)
	directory := startSlapd(t, slapd.Options{})
	g := startGateway(t, directory, setup{Replace: append(onPostgres(server.Database(t)), remembering...)})
	remembers(t, g)
	locked := lockIsSeen(t, directory)
	create := func(name, externalID string) (id, version string) {
		t.Helper()
		body := strings.Replace(userBody(name), "{", `{"externalId":`+quoted(externalID)+`,`, 1)
		a := g.want(t, 201, "POST", "/Users", body)
		if a.get("externalId") != externalID {
			t.Fatalf("creating %s: %s", name, a)
		}
		return a.get("id"), a.get("meta.version")
	}
	ada, adaVersion := create("ada-r", "Ada-1")
	eve, _ := create("eve-r", "Eve-1")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{"/Users/" + ada, filterPath("/Users", `externalId eq "ada-1"`), filterPath("/Users", `userName eq "ada-r"`), "/Users?sortBy=externalId&attributes=id", "/Users/" + ada + "?attributes=meta"} {
		if a := g.do(t, "GET", path, ""); a.Status != 503 || a.Header.Get("Retry-After") == "" {
			t.Errorf("GET %s: %s, want 503", path, a)
		} else {
			isSCIMError(t, a)
		}
	}
	for _, path := range []string{"/Users/" + ada + "?attributes=userName", filterPath("/Users", `userName eq "ada-r"`) + "&attributes=userName", "/Users/" + ada + "?excludedAttributes=externalId,meta"} {
		if a := g.want(t, 200, "GET", path, ""); a.Header.Get("Etag") != "" || strings.Contains(a.Body, "xternalId") {
			t.Errorf("GET %s: %s, with the version %s", path, a, a.Header.Get("Etag"))
		}
	}
	for _, body := range []string{disable, disable} { // twice is once
		if a := g.want(t, 204, "PATCH", "/Users/"+ada, body); a.Body != "" {
			t.Errorf("the answer to the disable says %s", a)
		}
		locked("ada-r")
	}
	a := g.want(t, 503, "PATCH", "/Users/"+eve, patchOf(operation("replace", "active", false), operation("replace", "externalId", "x")))
	if !strings.Contains(a.get("detail"), "The account was disabled. The rest of the request was not carried out") {
		t.Errorf("the disable beside another change is answered %s", a)
	}
	locked("eve-r")
	a = g.want(t, 503, "PATCH", "/Users/"+ada, disable, "If-Match: "+adaVersion)
	if !strings.Contains(a.get("detail"), "The account was disabled all the same.") {
		t.Errorf("a disable of a version that can't be known is answered %s", a)
	}
	g.want(t, 503, "PATCH", "/Users/"+ada, patchOf(operation("replace", "externalId", "x")))
	if a := g.do(t, "PUT", "/Users/"+eve, `{"userName":"eve-r","active":false}`); a.Status != 204 {
		t.Errorf("a disable by PUT is answered %s", a)
	}

	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	a = g.eventually(t, 200, "GET", "/Users/"+ada, "")
	if a.get("externalId") != "Ada-1" || a.get("active") != "false" {
		t.Errorf("afterwards she is %s", a)
	}
	if a := g.want(t, 200, "GET", "/Users/"+eve, ""); a.get("externalId") != "Eve-1" {
		t.Errorf("afterwards Eve is %s", a)
	}
	if got := g.only(t, "/Users", `externalId eq "ADA-1"`); got != ada {
		t.Errorf("found %s", got)
	}
}

// TestStoreOfRememberedIsSilent: a disable doesn't wait for long for a store that takes
// connections and answers nothing.
func TestStoreOfRememberedIsSilent(t *testing.T) {
	server := postgres.Start(t)
	directory := startSlapd(t, slapd.Options{})
	g := startGateway(t, directory, setup{Replace: append(onPostgres(server.Database(t)), remembering...)})
	remembers(t, g)
	id := g.want(t, 201, "POST", "/Users", strings.Replace(userBody("ada-s"), "{", `{"externalId":"Ada-1",`, 1)).get("id")
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if a := g.do(t, "PATCH", "/Users/"+id, disable); a.Status != 204 {
		t.Errorf("the disable is answered %s", a)
	}
	t.Logf("answered after %s", time.Since(started))
	lockIsSeen(t, directory)("ada-s")
	if a := g.do(t, "GET", "/Users/"+id, ""); a.Status != 503 {
		t.Errorf("she is %s", a)
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if a := g.eventually(t, 200, "GET", "/Users/"+id, ""); a.get("externalId") != "Ada-1" || a.get("active") != "false" {
		t.Errorf("afterwards she is %s", a)
	}
}

// TestStoreOfRememberedIsLost: with the store nobody is lost, and nobody is invented.
func TestStoreOfRememberedIsLost(t *testing.T) {
	server := postgres.Start(t)
	directory := startSlapd(t, slapd.Options{})
	dsn := server.Database(t)
	g := startGateway(t, directory, setup{Replace: append(onPostgres(dsn), remembering...)})
	body := strings.Replace(userBody("ada-l"), "{", `{"externalId":"Ada-1",`, 1)
	remembers(t, g)
	id := g.want(t, 201, "POST", "/Users", body).get("id")
	g.reload(t, func(s *setup) { s.Replace = append(onPostgres(server.Database(t)), remembering...) }) // an empty one
	remembers(t, g)

	if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("userName") != "ada-l" || a.get("externalId") != "" {
		t.Errorf("she is %s", a)
	}
	if a := g.want(t, 200, "GET", filterPath("/Users", `externalId eq "Ada-1"`), ""); a.get("totalResults") != "0" {
		t.Errorf("by what is forgotten is found %s", a)
	}
	if a := g.want(t, 409, "POST", "/Users", body); a.get("scimType") != "uniqueness" {
		t.Errorf("she is created again: %s", a)
	}
	if got := g.id(t, "ada-l"); got != id {
		t.Errorf("her id is %s, was %s", got, id)
	}
	g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Add", "externalId", "Ada-1")))
	if got := g.only(t, "/Users", `externalId eq "ada-1"`); got != id {
		t.Errorf("found %s, want %s", got, id)
	}
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	lockIsSeen(t, directory)("ada-l")
}

// TestRememberedIsExplained: a plan says what is remembered, and the journal has it.
func TestRememberedIsExplained(t *testing.T) {
	directory := startSlapd(t, slapd.Options{})
	g := startGateway(t, directory, setup{Replace: remembering})
	remembers(t, g)
	id := g.want(t, 201, "POST", "/Users", strings.Replace(userBody("ada-x"), "{", `{"externalId":"Ada-1",`, 1)).get("id")
	change := patchOf(operation("replace", "externalId", "Ada\n2"), operation("replace", "title", "Countess"))
	for _, step := range []struct {
		method, path, body string
		offline            bool
		want               []string
	}{
		{"PATCH", "/Users/" + id, change, false, []string{"# remember externalId\nremember: User " + id + "\nexternalId: \"Ada\\n2\"\n\n# ", "replace: title"}},
		{"PATCH", "/Users/" + id, change, true, []string{"# remember externalId\nremember: User " + id + "\nexternalId: \"Ada\\n2\"\n"}},
		{"PATCH", "/Users/" + id, patchOf(operation("replace", "externalId", "Ada-1")), false, []string{"# nothing to do"}},
		{"PATCH", "/Users/" + id, patchOf(operation("remove", "externalId", nil)), false, []string{"# forget externalId\nremember: User " + id + "\ndelete: externalId\n"}},
		{"POST", "/Users", strings.Replace(userBody("eve-x"), "{", `{"externalId":"Eve-1",`, 1), false, []string{"changetype: add", "# remember externalId\nremember: User {1.id}\nexternalId: \"Eve-1\"\n"}},
		{"DELETE", "/Users/" + id, "", false, []string{"changetype: delete", "# forget externalId\nforget: User " + id + "\n"}},
	} {
		text, err := g.explain(t, step.method, step.path, step.body, step.offline)
		if err != nil {
			t.Fatalf("%s: %v", step.method, err)
		}
		for _, want := range step.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s %s:\n%s\nwant\n%s", step.method, step.body, text, want)
			}
		}
	}
	if text, err := g.explain(t, "PATCH", "/Users/"+id, disable, false); err != nil || strings.Contains(text, "remember") {
		t.Errorf("the disable: %s, %v", text, err)
	}
	if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("externalId") != "Ada-1" {
		t.Errorf("explained, she is %s", a)
	}
}
