package rehearse

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// oktaBody is the body with which Okta creates a user. The password is a
// placeholder, which it sends although passwords are not to be synchronised.
func oktaBody(s *scene, p *person) object {
	return object{
		"schemas", list{userURN},
		"userName", p.userName,
		"name", object{"givenName", "Rehearsal", "familyName", "Person"},
		"emails", list{object{"primary", true, "value", p.userName, "type", "work"}},
		"displayName", "Rehearsal Person",
		"locale", "en-US",
		"externalId", p.externalID,
		"groups", list{},
		"password", s.client.password,
		"active", true,
	}
}

const (
	oktaFails = "The task fails, and waits under Dashboard > Tasks until somebody tries it again."
	oktaPUT   = "Take a PUT with everything that the server has shown: what is read-only in it (id, meta, groups) is ignored, what is not in it stays. Answer 200 with the user."
)

// oktaChecks is what Okta does: as a custom app, which sends PUT, and as an
// integration from its catalog, which sends PATCH too.
func oktaChecks() []Check {
	checks := []Check{
		transportCheck(),
		{
			ID: "test-connector", Title: "Test Connector Configuration reads two users", Severity: Required,
			Otherwise: "The configuration can't be saved.",
			Remedy:    "Answer GET /Users?startIndex=1&count=2 with a ListResponse of two users at most; totalResults, startIndex and itemsPerPage are numbers.",
			do: func(s *step) {
				x := s.send(request{operation: "list", method: http.MethodGet, kind: User, query: "startIndex=1&count=2"})
				if p, ok := s.list(x); ok {
					s.pageNumbers(p, 1, 2)
				}
			},
		},
		badTokenCheck(),
		{
			ID: "lookup-nobody", Title: "A user nobody has is not found", Severity: Required,
			Otherwise: "Nobody can be assigned.",
			Remedy:    "Answer a filter that nobody satisfies with 200 and an empty ListResponse.",
			do: func(s *step) {
				x := s.search(User, equals("userName", randomID()), "")
				if x.status == http.StatusNotFound {
					s.findAs(consequence{"Okta's test suite fails here.", s.check.Remedy}, Recommended, "it was answered 404: Okta takes that, and its test suite and Entra do not")
					s.scimError(x, Required)
					return
				}
				if p, ok := s.list(x); ok && p.total != 0 {
					s.fail("looking for a random name found %d users", p.total)
				}
			},
		},
		unknownIDCheck(), matchCheck(),
		{
			ID: "create-user", Title: "Create a user", Severity: Required,
			Otherwise: "Nobody is created. " + oktaFails,
			Remedy:    "Answer POST /Users with 201 and the whole user. Ignore groups, take a password you have no use for, and never show one.",
			do: func(s *step) {
				if !s.create(s.ada, oktaBody(s.scene, s.ada)) {
					return
				}
				if body, err := decode(s.exchanges[0].answer); err == nil {
					if object, ok := body.(map[string]any); ok {
						s.noPassword(object)
						if member(object, "active") != true {
							s.fail("the answer shows active %s, and should show true", mustEncode(member(object, "active")))
						}
					}
				}
				if state, ok := s.look(s.ada); ok {
					s.noPassword(s.ada.resource)
					s.became(nil, state, want{"userName", s.ada.userName}, want{"active", true}, want{"externalId", s.ada.externalID},
						want{"name.givenName", "Rehearsal"}, want{"name.familyName", "Person"}, want{"emails[work].value", s.ada.userName},
						want{"displayName", "Rehearsal Person"}, want{"locale", "en-US"})
				}
			},
		},
		duplicateCheck(oktaBody),
		findUserCheck(),
		findUserCaseCheck(Recommended),
		readUserCheck(),
		{
			ID: "spec-first-user", Title: "Whoever is listed first is complete", Severity: Recommended,
			Otherwise: "Okta's SPEC test fails in its first step, which looks at the first user of the list, whoever that is.",
			Remedy:    "Show id, userName, name.givenName, name.familyName, active and an address for everybody, or let somebody who has all of them come first.",
			do: func(s *step) {
				p, ok := s.list(s.send(request{operation: "list", method: http.MethodGet, kind: User, query: "count=1&startIndex=1"}))
				if !ok {
					return
				}
				if len(p.resources) == 0 {
					s.fail("nobody is listed, and there is somebody")
					return
				}
				state := flatten(p.resources[0])
				for _, path := range []string{"userName", "name.givenName", "name.familyName", "active"} {
					if v := state.get(path); v == "" || v == `""` {
						s.fail("the user %s has no %s", text(p.resources[0], "id"), path)
					}
				}
				if emails, _ := member(p.resources[0], "emails").([]any); len(emails) == 0 || text(emails[0], "value") == "" {
					s.fail("the user %s has no address", text(p.resources[0], "id"))
				}
			},
		},
		{
			ID: "update-put", Title: "Change the profile by PUT", Severity: Required, needs: needsAda,
			Otherwise: "Changes do not arrive. " + oktaFails, Remedy: oktaPUT,
			do: func(s *step) {
				before := s.ada.state
				name := map[string]any{"givenName": "Reheard", "familyName": "Changed"}
				if s.put("update", s.ada, map[string]any{"name": name, "displayName": "Rehearsal Changed"}) {
					s.sees(s.ada, before, want{"name.givenName", "Reheard"}, want{"name.familyName", "Changed"},
						want{"displayName", "Rehearsal Changed"}, want{"userName", s.ada.userName}, want{"active", true})
				}
			},
		},
		{
			ID: "update-put-partial", Title: "A PUT that names only what is mapped leaves the rest", Severity: Required, needs: needsAda,
			Otherwise: "What Okta has not mapped is lost with each change; where active is lost, people are enabled or disabled by chance.",
			Remedy:    "Leave alone what a PUT does not name, active and the password above all.",
			do: func(s *step) {
				x := s.send(request{
					operation: "update", method: http.MethodPut, kind: User, id: s.ada.id,
					body: object{
						"schemas", list{userURN}, "id", s.ada.id, "userName", s.ada.userName,
						"name", object{"givenName", "Rehearsal", "familyName", "Person"},
						"emails", list{object{"primary", true, "value", s.ada.userName, "type", "work", "display", s.ada.userName}},
						"groups", list{}, "meta", object{"resourceType", "User"},
					},
				})
				if !s.answers(x, http.StatusOK) {
					return
				}
				before := s.ada.state
				if after, ok := s.look(s.ada); ok {
					s.became(before, after, want{"name.givenName", "Rehearsal"}, want{"name.familyName", "Person"}, want{"active", true})
					if was := before.get("displayName"); was != "" && after.get("displayName") == "" {
						s.findAs(consequence{"What Okta has not mapped is lost with each change.", s.check.Remedy}, Recommended, "displayName was not named, and is gone")
					}
				}
			},
		},
		{
			ID: "update-empty", Title: "Push an empty value", Severity: Recommended, needs: needsAda,
			Otherwise: "A profile with an empty field can't be pushed (C9337 of Okta's plan). " + oktaFails,
			Remedy:    `Take "" for a string that may be empty.`,
			do: func(s *step) {
				before := s.ada.state
				if s.put("update", s.ada, map[string]any{"locale": ""}) {
					s.sees(s.ada, before, want{"locale", nil})
				}
			},
		},
		{
			ID: "create-second-user", Title: "Create a second user", Severity: Required, needs: needsAda,
			Otherwise: "Nobody else can be created.",
			Remedy:    "See what the error says: nothing but names and externalId differ from the first user.",
			do: func(s *step) {
				if s.create(s.bob, oktaBody(s.scene, s.bob)) {
					if state, ok := s.look(s.bob); ok {
						s.became(nil, state, want{"userName", s.bob.userName}, want{"active", true})
					}
				}
			},
		},
		importCheck(User),
	}
	checks = append(checks, oktaActivation()...)
	checks = append(checks, oktaGroupChecks()...)
	return append(checks, inTimeCheck())
}

// put sends what was read last, with changes, as Okta does.
func (s *step) put(operation string, p *person, changed map[string]any) bool {
	if _, ok := s.readBack(p); !ok {
		return false
	}
	body := maps.Clone(p.resource)
	maps.Copy(body, changed)
	x := s.send(request{operation: operation, method: http.MethodPut, kind: User, id: p.id, body: body})
	if !s.answers(x, http.StatusOK) {
		return false
	}
	if answer, ok := s.body(x); ok {
		if id := text(answer, "id"); id != p.id {
			s.fail("the answer to PUT has the id %q, and should have %q", id, p.id)
		}
	}
	return true
}

// withoutPath is a PATCH as catalog integrations of Okta send it.
func withoutPath(operation string, value object) func(*step) bool {
	return func(s *step) bool { return s.patched(operation, User, s.ada.id, op("replace", "", value)) }
}

func oktaActivation() []Check {
	const patch = `Take a PATCH without path, {"op":"replace","value":{"active":false}}, and answer 200 or 204.`
	byPut := func(operation string, active bool) func(*step) bool {
		return func(s *step) bool { return s.put(operation, s.ada, map[string]any{"active": active}) }
	}
	return []Check{
		activation(Check{ID: "deactivate-patch", Title: "Deactivate the user, as a catalog integration does", Remedy: patch}, false, withoutPath("disable", object{"active", false})),
		activation(Check{ID: "deactivate-again", Title: "Deactivate the deactivated user", Remedy: "Answer a write that changes nothing with success: twice is once."},
			false, withoutPath("disable", object{"active", false})),
		stillFoundCheck(),
		activation(Check{ID: "reactivate-patch", Title: "Reactivate the user, as a catalog integration does", Remedy: patch}, true, withoutPath("enable", object{"active", true})),
		activation(Check{ID: "deactivate-put", Title: "Deactivate the user, as a custom app does", Remedy: oktaPUT}, false, byPut("disable", false)),
		activation(Check{ID: "reactivate-put", Title: "Reactivate the user, as a custom app does", Remedy: oktaPUT}, true, byPut("enable", true)),
		{
			ID: "password-sync", Title: "Set a password", Severity: Recommended, needs: needsAda,
			Otherwise: "Sync Password must stay off in Okta.",
			Remedy:    `Take a PATCH without path, {"op":"replace","value":{"password":"…"}}, and never show the password.`,
			do: func(s *step) {
				if withoutPath("update", object{"password", s.client.password})(s) {
					if _, ok := s.look(s.ada); ok {
						s.noPassword(s.ada.resource)
					}
				}
			},
		},
	}
}

// pageNumbers checks what a page says of itself.
func (s *step) pageNumbers(p page, start, count int) {
	for _, name := range []string{"startIndex", "itemsPerPage"} {
		if !p.has[name] {
			s.warn("the list has no %s as a number", name)
		}
	}
	if p.has["startIndex"] && p.numbers["startIndex"] != start {
		s.fail("startIndex is %d, and %d was asked for", p.numbers["startIndex"], start)
	}
	if len(p.resources) > count {
		s.fail("%d were asked for, and %d came", count, len(p.resources))
	}
	if p.has["itemsPerPage"] && p.numbers["itemsPerPage"] != len(p.resources) {
		s.warn("itemsPerPage is %d, and %d came", p.numbers["itemsPerPage"], len(p.resources))
	}
}

// importCheck pages as an import does, over the first few: how many there are is
// the operator's.
func importCheck(kind Kind) Check {
	return Check{
		ID: "import-" + map[Kind]string{User: "users", Group: "groups"}[kind], Title: "Import " + map[Kind]string{User: "users", Group: "groups"}[kind] + " page by page", Severity: Required,
		Otherwise: "An import leaves people out or counts them twice, and Okta unassigns whom it has not seen.",
		Remedy:    "Answer startIndex and count with pages in an order that is the same each time, each resource on one of them.",
		needs: func(s *scene) string {
			if kind == Group {
				return needsGroup(s)
			}
			return needsBoth(s)
		},
		do: func(s *step) {
			get := func(start, count int) (page, bool) {
				query := "startIndex=" + strconv.Itoa(start) + "&count=" + strconv.Itoa(count)
				return s.list(s.send(request{operation: "list", method: http.MethodGet, kind: kind, query: query}))
			}
			first, ok := get(1, 1)
			if !ok {
				return
			}
			s.pageNumbers(first, 1, 1)
			if len(first.resources) == 0 {
				s.fail("the first page is empty, and there are %d", first.total)
				return
			}
			if again, ok := get(1, 1); ok && (len(again.resources) == 0 || text(again.resources[0], "id") != text(first.resources[0], "id")) {
				s.fail("the first page is another one when it is asked for again")
			}
			if first.total > 1 {
				if second, ok := get(2, 1); ok {
					s.pageNumbers(second, 2, 1)
					if len(second.resources) == 0 {
						s.fail("the second page is empty, and there are %d", first.total)
					} else if text(second.resources[0], "id") == text(first.resources[0], "id") {
						s.fail("the second page has the same as the first one")
					}
				}
			}
			if large, ok := get(1, 100); ok {
				s.pageNumbers(large, 1, 100)
				s.note("%d of %d on the first page of 100", len(large.resources), large.total)
			}
		},
	}
}

// Interface guard
var _ json.Marshaler = object{}
