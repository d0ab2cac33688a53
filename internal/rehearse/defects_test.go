package rehearse_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/rehearse"
)

type verdicts = map[string]rehearse.Verdict

const (
	failed      = rehearse.Failed
	warning     = rehearse.Warning
	unsupported = rehearse.Unsupported
	skipped     = rehearse.Skipped
)

// groupChecks are all about groups that there are.
func groupChecks(p rehearse.Provider, verdict rehearse.Verdict) verdicts {
	all := make(verdicts)
	about := false
	for _, c := range rehearse.Checks(p) {
		if about = about && c.ID != "delete-user" && c.ID != "answers-in-time" || c.ID == "create-group"; about {
			all[c.ID] = verdict
		}
	}
	return all
}

func with(all verdicts, more verdicts) verdicts {
	for id, v := range more {
		all[id] = v
	}
	return all
}

var capital = regexp.MustCompile(`"op":"[A-Z]`)

// Each defect of a server is found by the checks that are about it, and by no
// others, and none is left with what was created.
func TestDefects(t *testing.T) {
	onlyOnce := func(f func()) func() {
		isDone := false
		return func() {
			if !isDone {
				isDone = true
				f()
			}
		}
	}
	slowly := onlyOnce(func() { time.Sleep(2100 * time.Millisecond) }) // it is a slow server
	cutOnce := onlyOnce(cut)
	refuse := func(status int, scimType string) *answer {
		a := new(answer)
		a.refuse(status, scimType, "a defect")
		return a
	}
	tests := []struct {
		name     string
		provider rehearse.Provider
		defect   defect
		want     verdicts
		says     map[string]string // what findings or notes of a check say
		err      error             // default: ErrMissing
		timeout  time.Duration     // default: that of options
	}{
		{
			name: "an empty list is 404", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if isSearch(r) && a.object()["totalResults"] == 0.0 {
					a.refuse(404, "", "nobody")
				}
			}},
			want: verdicts{
				"test-connection": failed, "test-connection-flag": failed, "test-connection-groups": failed,
				"rename-user": failed, "delete-user": failed, "delete-group": warning,
			},
			says: map[string]string{"test-connection": "GET /Users was answered 404 and should be 200: nobody"},
		},
		{
			name: "an empty list is 404, which Okta takes", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if isSearch(r) && isUsers(r) && a.object()["totalResults"] == 0.0 {
					a.refuse(404, "", "nobody")
				}
			}},
			want: verdicts{"lookup-nobody": warning}, err: errNone,
		},
		{
			name: "a duplicate is answered 200", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.Method == "POST" && a.status == 409 && isUsers(r) {
					a.set(200, map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}})
				}
			}},
			want: verdicts{"create-duplicate": failed},
			says: map[string]string{"create-duplicate": "POST /Users was answered 200 and should be 409"},
		},
		{
			name: "active is ignored", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "PATCH" && strings.Contains(body, `"path":"active"`) {
					return &answer{status: 204}, ""
				}
				return nil, body
			}},
			want: verdicts{
				"disable-legacy": failed, "disable-again": failed, "disabled-visible": failed, "disable-flag": failed,
				"soft-delete": failed,
			},
			says: map[string]string{"disable-legacy": "active is still true, and should be false"},
		},
		{
			name: "disables can't be proven", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, body string, a *answer) {
				if strings.Contains(body, `"path":"active"`) && strings.Contains(strings.ToLower(body), "false") {
					a.header.Set("Scimgate-Proof", "unprovable")
				}
			}},
			want: verdicts{"disable-legacy": warning, "disable-again": warning, "disable-flag": warning, "soft-delete": warning}, err: errNone,
			says: map[string]string{"disable-legacy": "the account may go on working"},
		},
		{
			name: "disables can't be proven for Okta", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, body string, a *answer) {
				if r.Method != "GET" && strings.Contains(body, `"active":false`) {
					a.header.Set("Scimgate-Proof", "unprovable")
				}
			}},
			want: verdicts{"deactivate-patch": warning, "deactivate-again": warning, "deactivate-put": warning}, err: errNone,
			says: map[string]string{"deactivate-put": "the account may go on working"},
		},
		{
			name: "active is ignored in PUT", provider: rehearse.Okta,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "PUT" {
					body = strings.ReplaceAll(body, `"active":false`, `"active":true`)
				}
				return nil, body
			}},
			want: verdicts{"deactivate-put": failed},
		},
		{
			name: "disabled users are hidden from filters", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if isSearch(r) && strings.Contains(a.body, `"active":false`) {
					v := a.object()
					v["totalResults"], v["Resources"] = 0, []any{}
					a.set(200, v)
				}
			}},
			want: verdicts{"disabled-visible": failed},
			says: map[string]string{"disabled-visible": "found 0, and there is one"},
		},
		{
			name: "disabled users are gone by id", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.Method == "GET" && isByID(r) && strings.Contains(a.body, `"active":false`) {
					a.refuse(404, "", "not here")
				}
			}},
			want: verdicts{"deactivate-patch": failed, "deactivate-again": failed, "disabled-visible": failed, "deactivate-put": failed, "reactivate-put": failed, "password-sync": warning},
		},
		{
			name: "PATCH with a capital op is refused", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "PATCH" && capital.MatchString(body) {
					return refuse(400, "invalidSyntax"), ""
				}
				return nil, body
			}},
			want: verdicts{
				"update-legacy": failed, "update-new-element": failed, "clear-value": warning, "set-manager": failed, "clear-manager": failed,
				"disable-legacy": failed, "disable-again": failed, "disabled-visible": failed, "enable-legacy": failed, "rename-user": failed,
				"soft-delete": failed, "restore": failed, "add-member": failed, "add-member-again": failed, "add-member-flag": failed,
				"find-membership": warning, "remove-member-legacy": failed, "remove-member-again": failed, "rename-group": failed,
			},
		},
		{
			name: "strings are no booleans", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if strings.Contains(body, `"value":"False"`) || strings.Contains(body, `"value":"True"`) {
					return refuse(400, "invalidValue"), ""
				}
				return nil, body
			}},
			want: verdicts{
				"disable-legacy": failed, "disable-again": failed, "disabled-visible": failed, "enable-legacy": failed,
				"soft-delete": failed, "restore": failed,
			},
		},
		{
			name: "PATCH without path is refused", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if strings.Contains(body, `{"op":"replace","value"`) {
					return refuse(400, "noTarget"), ""
				}
				return nil, body
			}},
			want: verdicts{"update-flag": failed},
		},
		{
			name: "PATCH is not done for Okta", provider: rehearse.Okta,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "PATCH" && isUsers(r) {
					return refuse(501, ""), ""
				}
				return nil, body
			}},
			want: verdicts{
				"deactivate-patch": failed, "deactivate-again": failed, "disabled-visible": failed, "reactivate-patch": failed, "password-sync": warning,
			},
		},
		{
			name: "query parameters must be known", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if strings.Contains(r.URL.RawQuery, "aadOptscim062020") {
					return refuse(400, "invalidValue"), ""
				}
				return nil, body
			}},
			want: verdicts{"test-connection-flag": failed},
		},
		{
			name: "totalResults is a string", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if v := a.object(); r.URL.Path == "/scim/v2/Users" && r.URL.Query().Get("count") == "2" {
					v["totalResults"] = fmt.Sprint(v["totalResults"])
					a.set(a.status, v)
				}
			}},
			want: verdicts{"test-connector": failed},
			says: map[string]string{"test-connector": "without quotes"},
		},
		{
			name: "401 comes without a body", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if a.status == 401 {
					*a = answer{status: 401, header: http.Header{}}
				}
			}},
			want: verdicts{"bad-token": failed},
			says: map[string]string{"bad-token": "without a body"},
		},
		{
			name: "401 comes without a body, which Entra takes", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if a.status == 401 {
					*a = answer{status: 401, header: http.Header{}}
				}
			}},
			want: verdicts{"bad-token": warning}, err: errNone,
		},
		{
			name: "every token is good", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				r.Header.Set("Authorization", "Bearer "+gateway.Token)
				return nil, body
			}},
			want: verdicts{"bad-token": failed},
			says: map[string]string{"bad-token": "was answered 200 and should be 401"},
		},
		{
			name: "one answer is slow", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "GET" && isByID(r) {
					slowly()
				}
				return nil, body
			}},
			want: verdicts{"answers-in-time": warning}, err: errNone,
			says:    map[string]string{"answers-in-time": "the provider's patience ends at 24s"},
			timeout: 24 * time.Second,
		},
		{
			name: "the connection is cut after a creation", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.Method == "POST" && isUsers(r) {
					cutOnce()
				}
			}},
			want: verdicts{"create-user": failed},
			says: map[string]string{"create-user": "the connection was closed"},
		},
		{
			name: "connections are cut in disables", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, body string, a *answer) {
				if strings.Contains(body, `"path":"active"`) && strings.Contains(strings.ToLower(body), "false") {
					cut()
				}
			}},
			want: verdicts{"disable-legacy": failed, "disable-again": failed, "disable-flag": failed, "soft-delete": failed},
		},
		{
			name: "DELETE is not there", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "DELETE" {
					return refuse(501, ""), ""
				}
				return nil, body
			}},
			want: verdicts{"delete-user": unsupported, "delete-user-again": skipped, "create-user-again": skipped, "delete-group": unsupported},
			says: map[string]string{"delete-user": "not supported: DELETE /Users/{id} is answered 501"},
			err:  rehearse.ErrLeft,
		},
		{
			name: "DELETE disables", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "DELETE" && isUsers(r) {
					r.Method = "PATCH"
					return nil, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`
				}
				return nil, body
			}, after: func(r *http.Request, body string, a *answer) {
				if strings.Contains(body, `[{"op":"replace","path":"active","value":false}]}`) && a.status == 200 {
					*a = answer{status: 204}
				}
			}},
			want: verdicts{"create-user-again": skipped}, err: errNone,
			says: map[string]string{"delete-user": "DELETE disables here", "create-user-again": "DELETE disables here"},
		},
		{
			name: "DELETE does nothing", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "DELETE" && isUsers(r) {
					return &answer{status: 204}, ""
				}
				return nil, body
			}},
			want: verdicts{"delete-user": failed, "delete-user-again": skipped, "create-user-again": skipped},
			says: map[string]string{"delete-user": "still there, and active"},
		},
		{
			name: "there are no groups", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if isGroups(r) {
					return refuse(404, ""), ""
				}
				return nil, body
			}},
			want: with(groupChecks(rehearse.Entra, skipped), verdicts{"test-connection-groups": failed}),
		},
		{
			name: "there are no groups, and that is said well", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if isGroups(r) && r.Method == "POST" {
					return refuse(501, ""), ""
				}
				return nil, body
			}},
			want: with(groupChecks(rehearse.Entra, skipped), verdicts{"create-group": unsupported}), err: errNone,
			says: map[string]string{"create-group": "not supported: POST /Groups is answered 501"},
		},
		{
			name: "there are no groups for Okta", provider: rehearse.Okta,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if isGroups(r) {
					return refuse(404, ""), ""
				}
				return nil, body
			}},
			want: with(groupChecks(rehearse.Okta, skipped), verdicts{"find-no-group": unsupported}), err: errNone,
		},
		{
			name: "Remove with a list of values removes all", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if strings.Contains(body, `"op":"Remove","path":"members","value"`) {
					body = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members"}]}`
				}
				return nil, body
			}},
			want: verdicts{"remove-member-legacy": failed, "remove-member-again": failed},
			says: map[string]string{"remove-member-legacy": "entra-2@example.com is not among the members, and should be"},
		},
		{
			name: "the members are always there", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.URL.RawQuery == "excludedAttributes=members" {
					r.URL.RawQuery = ""
				}
				return nil, body
			}},
			want: verdicts{"read-group-without-members": failed},
		},
		{
			name: "userName is found in its own case only", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if strings.Contains(r.URL.RawQuery, "SCIMGATE") && isUsers(r) {
					v := a.object()
					v["totalResults"], v["Resources"] = 0, []any{}
					a.set(200, v)
				}
			}},
			want: verdicts{"find-user-case": failed},
		},
		{
			name: "everybody is found", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if isUsers(r) && isSearch(r) {
					r.URL.RawQuery = ""
				}
				return nil, body
			}},
			want: verdicts{
				"test-connection": failed, "test-connection-flag": failed, "find-user": failed, "find-user-case": failed,
				"find-user-other": warning, "disabled-visible": failed, "rename-user": failed, "delete-user": failed,
			},
			says: map[string]string{"test-connection": "and there is none"},
		},
		{
			name: "values are made prettier", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				a.body = strings.ReplaceAll(a.body, "+44 7700 900123", "+447700900123")
				a.body = strings.ReplaceAll(a.body, "Understudy", "UNDERSTUDY")
			}},
			want: verdicts{"create-user": failed, "update-new-element": failed},
			says: map[string]string{"update-new-element": `phoneNumbers[mobile].value is "+447700900123", and should be exactly "+44 7700 900123"`},
		},
		{
			name: "an attribute has no place", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				return nil, strings.NewReplacer(`"title"`, `"nothing"`, enterpriseURN+":manager", "nothing").Replace(body)
			}},
			want: verdicts{"create-user": warning, "update-legacy": warning, "set-manager": warning}, err: errNone,
			says: map[string]string{"create-user": "title is not kept"},
		},
		{
			name: "the manager must be an object", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if strings.Contains(body, `User:manager","value":"`) {
					return refuse(400, "invalidValue"), ""
				}
				return nil, body
			}},
			want: verdicts{"set-manager": failed},
		},
		{
			name: "a name can't change, and that is said", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if strings.Contains(body, `"path":"userName"`) && r.Method == "PATCH" {
					if strings.Contains(body, `"False"`) {
						return nil, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`
					}
					if strings.Contains(body, `"True"`) {
						return nil, body
					}
					return refuse(400, "mutability"), ""
				}
				return nil, body
			}, after: func(_ *http.Request, body string, a *answer) {
				if strings.Contains(body, `[{"op":"replace","path":"active","value":false}]}`) && strings.Contains(a.body, `"active":false`) {
					a.refuse(400, "mutability", "a name can't change; the account was disabled")
				}
			}},
			want: verdicts{"rename-user": warning, "soft-delete": warning, "disable-flag": failed},
		},
		{
			name: "a 404 is a page of the proxy", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if a.status == 404 {
					*a = answer{404, http.Header{"Content-Type": {"text/html"}}, "<h1>Not Found</h1>"}
				}
			}},
			want: verdicts{"read-unknown": failed},
			says: map[string]string{"read-unknown": "no JSON object (text/html)"},
		},
		{
			name: "there is no Location, and another resourceType", provider: rehearse.Entra,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.Method == "POST" && a.status == 201 && isUsers(r) {
					a.header.Del("Location")
					a.body = strings.ReplaceAll(a.body, `"resourceType":"User"`, `"resourceType":"Users"`)
				}
			}},
			want: verdicts{"create-user": warning, "create-second-user": warning, "create-user-again": warning}, err: errNone,
			says: map[string]string{"create-user": `meta.resourceType is "Users", and should be "User"`},
		},
		{
			name: "a creation answers nothing", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.Method == "POST" && a.status == 201 {
					*a = answer{status: 201}
				}
			}},
			want: verdicts{"create-user": failed, "create-second-user": failed, "create-group": failed},
			says: map[string]string{"create-user": "it is empty"},
		},
		{
			name: "the password is shown", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if v := a.object(); isByID(r) && isUsers(r) && a.status == 200 && r.Method == "GET" {
					v["password"] = "x"
					a.set(200, v)
				}
			}},
			want: verdicts{"create-user": failed, "read-user": failed, "password-sync": failed},
		},
		{
			name: "PUT clears what it does not name", provider: rehearse.Okta,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.Method == "PUT" && isUsers(r) && !strings.Contains(body, `"displayName"`) {
					body = strings.Replace(body, `"groups":[]`, `"displayName":null,"active":false`, 1)
				}
				return nil, body
			}},
			want: verdicts{"update-put-partial": failed},
			says: map[string]string{"update-put-partial": "active is false"},
		},
		{
			name: "PUT answers nothing", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.Method == "PUT" && a.status == 200 {
					*a = answer{status: 204}
				}
			}},
			want: verdicts{
				"update-put": failed, "update-put-partial": failed, "update-empty": warning, "deactivate-put": failed, "reactivate-put": failed,
				"put-member": failed, "put-no-members": failed,
			},
		},
		{
			name: "pages are too large and always the first", provider: rehearse.Okta,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if r.URL.Query().Get("startIndex") == "2" {
					r.URL.RawQuery = "startIndex=1&count=1"
				}
				return nil, body
			}},
			want: verdicts{"import-users": failed, "import-groups": failed},
			says: map[string]string{"import-users": "the second page has the same as the first one"},
		},
		{
			name: "nobody has an address", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if r.URL.RawQuery == "count=1&startIndex=1" {
					a.body = strings.ReplaceAll(a.body, `"emails"`, `"e-mails"`)
				}
			}},
			want: verdicts{"spec-first-user": warning}, err: errNone,
		},
		{
			name: "there are no schemas and no configuration", provider: rehearse.Entra,
			defect: defect{before: func(r *http.Request, body string) (*answer, string) {
				if !isUsers(r) && !isGroups(r) {
					return refuse(404, ""), ""
				}
				return nil, body
			}},
			want: verdicts{"schemas": warning, "provider-config": warning}, err: errNone,
		},
		{
			name: "answers are application/json", provider: rehearse.Okta,
			defect: defect{after: func(r *http.Request, _ string, a *answer) {
				if isByID(r) && r.Method == "GET" && a.status == 200 && isGroups(r) {
					a.header.Set("Content-Type", "application/json")
				}
			}},
			want: verdicts{
				"create-group": warning, "put-member": warning, "exchange-members": warning, "push-now": warning, "rename-group": warning, "put-no-members": warning,
			},
			err: errNone,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRecord()
			o := options(broken(t, test.defect), test.provider)
			o.Report = r
			if test.timeout != 0 {
				o.Timeout = test.timeout
			}
			err := rehearse.Run(t.Context(), o)
			want := test.err
			if want == nil {
				want = rehearse.ErrMissing
			}
			if errors.Is(want, errNone) && err != nil || !errors.Is(want, errNone) && !errors.Is(err, want) {
				t.Errorf("it ended with %v, want %v", err, want)
			}
			if diff := cmp.Diff(test.want, r.verdicts()); diff != "" {
				t.Errorf("the verdicts (-want +got):\n%s", diff)
				for _, one := range r.steps {
					if len(one.Findings) > 0 {
						t.Log(one.ID, one.Findings)
					}
				}
			}
			for id, says := range test.says {
				one := r.step(t, id)
				if got := fmt.Sprint(one.Findings, one.Notes); !strings.Contains(got, says) {
					t.Errorf("%s says %s, want %s", id, got, says)
				}
				if one.Verdict == failed && (one.Otherwise == "" || one.Remedy == "") {
					t.Errorf("%s does not say what the provider does, or what to change", id)
				}
			}
			known := make(map[string]bool)
			for _, left := range r.summary.Left {
				known[left.Name] = true
				if !strings.Contains(left.Why, "501") && !strings.Contains(left.Why, "disable") {
					t.Errorf("left for another reason: %+v", left)
				}
			}
			there := leftovers(t)
			for _, name := range there {
				if !known[name] {
					t.Errorf("left behind, and not said: %s", name)
				}
			}
			if len(there) != len(known) {
				t.Errorf("left are %s, and said to be %v", there, known)
			}
			if len(there) > 0 {
				if err := gateway.Reset(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// errNone stands for no error where none would mean the usual one.
var errNone = errors.New("none")

const enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
