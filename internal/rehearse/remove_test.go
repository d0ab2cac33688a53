package rehearse_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// What a run has left can be removed later by its prefix, and nothing else is.
func TestRemove(t *testing.T) {
	kept := newRecord()
	o := options(gateway.TenantURL, rehearse.Providers...)
	o.Report, o.Keep = kept, true
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	prefix := kept.opening.Prefix
	t.Cleanup(func() {
		if err := gateway.Reset(); err != nil {
			t.Fatal(err)
		}
	})
	var names []string
	for _, name := range []string{strings.Repeat("0f", 16) + prefix + "-entra-1", prefix + "x-1", "x" + prefix + "-1", "kept-" + prefix} {
		status, v := ask(t, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`"}`)
		if status != 201 {
			t.Fatalf("creating %s: %d %v", name, status, v)
		}
		names = append(names, name)
	}
	before := len(leftovers(t))
	if before < 6 {
		t.Fatalf("there are %d", before)
	}

	// Somebody else is not removed, whatever a list shows.
	_, v := ask(t, "GET", "/Users?filter=userName+eq+%22ada.lovelace%22", "")
	ada := fmt.Sprint(v["Resources"].([]any)[0].(map[string]any)["id"])
	tricky := broken(t, defect{
		before: func(r *http.Request, body string) (*answer, string) {
			if r.Method != "GET" && strings.Contains(r.URL.Path, ada) {
				t.Errorf("%s %s was sent", r.Method, r.URL)
			}
			return nil, body
		},
		after: func(r *http.Request, _ string, a *answer) {
			if isSearch(r) && isUsers(r) {
				list := a.object()
				list["Resources"] = append(list["Resources"].([]any), map[string]any{"id": ada, "userName": prefix + "-entra-9"})
				a.set(200, list)
			}
		},
	})
	var out bytes.Buffer
	o = options(tricky)
	o.Report, o.Remove = rehearse.NewText(rehearse.TextOptions{Out: &out}), prefix
	if err := rehearse.Run(t.Context(), o); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if want := fmt.Sprintf("removed in the end: %d\n", before-3); !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "✓ everything that could be found is removed.") {
		t.Errorf("it does not say %s:\n%s", want, out.String())
	}
	for _, name := range leftovers(t) {
		if name != names[1] && name != names[2] && name != names[3] {
			t.Errorf("%s is still there", name)
		}
	}
	if got := len(leftovers(t)); got != 3 {
		t.Errorf("%d are left whose names only look alike, of 3", got)
	}

	r := newRecord()
	o.URL, o.Report = gateway.TenantURL, r
	if err := rehearse.Run(t.Context(), o); err != nil || r.summary.Removed != 0 || !r.opening.Remove {
		t.Errorf("the second time it ended with %v: %+v", err, r.summary)
	}
}

// What can't be looked for or removed is said.
func TestRemoveFails(t *testing.T) {
	for _, prefix := range []string{"scimgate-rehearsal", "scimgate-rehearsal-", "a", "-abcdefgh", "x-abcdefg1", "scimgate-rehearsal-ABCDEFGH", `x" or userName pr or userName eq "-abcdefgh`} {
		o := options(gateway.TenantURL)
		o.Remove = prefix
		if err := rehearse.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is no prefix of a run") {
			t.Errorf("%s: %v", prefix, err)
		}
	}
	o := options("http://127.0.0.1:1/scim")
	o.Remove = "scimgate-rehearsal-abcdefgh"
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrUnreachable) {
		t.Errorf("with nobody there: %v", err)
	}
	o.URL = broken(t, defect{before: func(r *http.Request, body string) (*answer, string) {
		a := new(answer)
		a.refuse(400, "invalidFilter", "no such operator")
		return a, body
	}})
	if err := rehearse.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "looking for what was left: GET /Users was answered 400: no such operator") {
		t.Errorf("a server that can't search: %v", err)
	}
}

// The command that removes what is left can be pasted.
func TestRemoveCommand(t *testing.T) {
	left := []rehearse.Left{{Kind: rehearse.User, Name: "x", Why: "503"}}
	o := rehearse.Opening{Prefix: "p-abcdefgh", URL: "https://x/scim?aadOptscim062020"}
	if got, want := rehearse.RemoveCommand(o, left), "scimgate rehearse --remove p-abcdefgh --url 'https://x/scim?aadOptscim062020'"; got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
	left[0].OnPurpose = true
	if got := rehearse.RemoveCommand(o, left); got != "" {
		t.Errorf("where DELETE disables it is %s", got)
	}
}
