package rehearse

import (
	"net/http"
	"strings"
)

// entraBody is the body with which Entra creates a user by its default mapping.
func entraBody(s *scene, p *person) object {
	return object{
		"schemas", list{userURN, enterprise},
		"externalId", p.externalID,
		"userName", p.userName,
		"active", true,
		"displayName", "Rehearsal Person",
		"title", "Understudy",
		"emails", list{object{"primary", true, "type", "work", "value", p.userName}},
		"meta", object{"resourceType", "User"},
		"name", object{"formatted", "Rehearsal Person", "familyName", "Person", "givenName", "Rehearsal"},
		"roles", list{},
		enterprise, object{"employeeNumber", "701984", "department", "Rehearsals"},
	}
}

// entraWants is what is to be there afterwards.
func entraWants(p *person) []want {
	return []want{
		{"userName", p.userName}, {"active", true}, {"externalId", p.externalID}, {"displayName", "Rehearsal Person"},
		{"title", "Understudy"}, {"name.formatted", "Rehearsal Person"}, {"name.familyName", "Person"}, {"name.givenName", "Rehearsal"},
		{"emails[work].value", p.userName}, {"enterprise.employeeNumber", "701984"}, {"enterprise.department", "Rehearsals"},
	}
}

// What Entra does where its requests are answered with errors.
const (
	entraIncompatible = "Test Connection fails with SystemForCrossDomainIdentityManagementServiceIncompatible, and a job that runs goes into quarantine at once: nobody is off-boarded any more."
	entraRetries      = "The provisioning log shows an error for each person, who is tried again with every cycle; many of them put the job into quarantine."
)

// entraChecks is what Entra does, in its order.
func entraChecks() []Check {
	checks := []Check{
		transportCheck(),
		{
			ID: "test-connection", Title: "Test Connection looks for a user nobody has", Severity: Required,
			Otherwise: entraIncompatible,
			Remedy:    "Answer a filter that nobody satisfies with 200 and an empty ListResponse, never with 404.",
			do: func(s *step) {
				s.findsNone(User, equals("userName", randomID()), "")
				s.emptyIsNotFound = len(s.exchanges) > 0 && s.exchanges[0].status == http.StatusNotFound
			},
		},
		{
			ID: "test-connection-flag", Title: "Test Connection with the feature flag in the tenant URL", Severity: Required,
			Otherwise: "With ?" + flag + " behind the tenant URL, which makes Entra send PATCH as the RFC has it, nothing works.",
			Remedy:    "Ignore query parameters that are not known, also those without a value.",
			do:        func(s *step) { s.findsNone(User, equals("userName", randomID()), flag) },
		},
		{
			ID: "test-connection-groups", Title: "Test Connection looks for a group nobody has", Severity: Required, needs: needsGroups,
			Otherwise: "Test Connection fails: Entra asks for groups even where none are assigned.",
			Remedy:    "Answer a filter on /Groups with 200 and an empty ListResponse, also where there are no groups.",
			do: func(s *step) {
				x := s.search(Group, equals("displayName", randomID()), "excludedAttributes=members")
				if x.status == http.StatusNotFound && !s.emptyIsNotFound || x.status == http.StatusNotImplemented {
					s.noGroups = "test-connection-groups shows that there are no groups"
				}
				if p, ok := s.list(x); ok && p.total != 0 {
					s.fail("looking for a random name found %d groups", p.total)
				}
			},
		},
		badTokenCheck(), schemasCheck(), providerConfigCheck(), unknownIDCheck(), matchCheck(),
		{
			ID: "create-user", Title: "Create a user", Severity: Required,
			Otherwise: "Nobody is created. " + entraRetries,
			Remedy:    "Answer POST /Users with 201, the id and what was stored. Accept attributes that are not known and drop them; show every value as it was sent, or refuse it.",
			do: func(s *step) {
				if s.create(s.ada, entraBody(s.scene, s.ada)) {
					if state, ok := s.look(s.ada); ok {
						s.became(nil, state, entraWants(s.ada)...)
					}
				}
			},
		},
		duplicateCheck(entraBody),
		findUserCheck(),
		findUserCaseCheck(Required),
		{
			ID: "find-user-other", Title: "The user is found by other matching attributes", Severity: Recommended, needs: needsAda,
			Otherwise: "Only userName can be the matching attribute in Entra's mapping.",
			Remedy:    `Answer filters on externalId and emails[type eq "work"].value, if you want to match by them.`,
			do: func(s *step) {
				if s.ada.state.get("externalId") != "" {
					s.findsOne(User, equals("externalId", s.ada.externalID), "", s.ada.id)
				}
				if s.ada.state.get("emails[work].value") != "" {
					s.findsOne(User, equals(`emails[type eq "work"].value`, s.ada.userName), "", s.ada.id)
				}
			},
		},
		readUserCheck(),
		{
			ID: "update-legacy", Title: "Change several attributes, as Entra does without the flag", Severity: Required, needs: needsAda,
			Otherwise: "Changes do not arrive. " + entraRetries,
			Remedy:    `Take "Replace" and "Add" in any case, one operation an attribute, paths with filters and with the URN of the extension; Add to what is there replaces it.`,
			do: func(s *step) {
				before := s.ada.state
				if s.patched("update", User, s.ada.id,
					op("Replace", "displayName", "Rehearsal Changed"),
					op("Replace", "name.familyName", "Changed"),
					op("Replace", `emails[type eq "work"].value`, "changed."+s.ada.userName),
					op("Add", "title", "Lead"),
					op("Replace", enterprise+":department", "Changes"),
				) {
					s.sees(s.ada, before, want{"displayName", "Rehearsal Changed"}, want{"name.familyName", "Changed"},
						want{"emails[work].value", "changed." + s.ada.userName}, want{"title", "Lead"}, want{"enterprise.department", "Changes"})
				}
			},
		},
		{
			ID: "update-flag", Title: "Change several attributes, as Entra does with the flag", Severity: Required, needs: needsAda,
			Otherwise: "With ?" + flag + " behind the tenant URL changes do not arrive. " + entraRetries,
			Remedy:    `Take an operation without path whose value has dotted names ("name.givenName") and names that begin with the URN of the extension, beside operations with paths.`,
			do: func(s *step) {
				before := s.ada.state
				if s.patched("update", User, s.ada.id,
					op("replace", `emails[type eq "work"].value`, s.ada.userName),
					op("replace", "", object{
						"displayName", "Rehearsal Person", "name.givenName", "Reheard", "name.familyName", "Person",
						enterprise + ":employeeNumber", "701985",
					}),
				) {
					s.sees(s.ada, before, want{"emails[work].value", s.ada.userName}, want{"displayName", "Rehearsal Person"},
						want{"name.givenName", "Reheard"}, want{"name.familyName", "Person"}, want{"enterprise.employeeNumber", "701985"})
				}
			},
		},
		{
			ID: "update-new-element", Title: "Give a first value to a phone number", Severity: Required, needs: needsAda,
			Otherwise: "The whole request fails, with everything else that is in it. " + entraRetries,
			Remedy:    `Create the element when phoneNumbers[type eq "mobile"].value names one that is not there.`,
			do: func(s *step) {
				before := s.ada.state
				if s.patched("update", User, s.ada.id, op("Add", `phoneNumbers[type eq "mobile"].value`, "+44 7700 900123")) {
					s.sees(s.ada, before, want{"phoneNumbers[mobile].value", "+44 7700 900123"})
				}
			},
		},
		{
			ID: "clear-value", Title: "Empty an attribute", Severity: Recommended, needs: needsAda,
			Otherwise: "Entra's gallery validation fails (SCIM_Null_Update). A job sends no empty values of its own accord.",
			Remedy:    `Take "" as value for a string that may be empty: it is then not there.`,
			do: func(s *step) {
				before := s.ada.state
				if s.patched("update", User, s.ada.id, op("Replace", "title", "")) {
					s.sees(s.ada, before, want{"title", nil})
				}
			},
		},
		{
			ID: "create-second-user", Title: "Create a second user", Severity: Required, needs: needsAda,
			Otherwise: "Nobody else can be created.",
			Remedy:    "See what the error says: nothing but names and externalId differ from the first user.",
			do: func(s *step) {
				if s.create(s.bob, entraBody(s.scene, s.bob)) {
					if state, ok := s.look(s.bob); ok {
						s.became(nil, state, want{"userName", s.bob.userName}, want{"active", true})
					}
				}
			},
		},
	}
	checks = append(checks, managerChecks()...)
	checks = append(checks, entraActivation()...)
	checks = append(checks, entraNames()...)
	checks = append(checks, entraGroupChecks()...)
	checks = append(checks, deleteChecks()...)
	return append(checks, inTimeCheck())
}

// sees reads a user back and compares.
func (s *step) sees(p *person, before attributes, wants ...want) {
	if after, ok := s.look(p); ok {
		s.became(before, after, wants...)
	}
}

// managerOf is the manager of a user, in either of the ways it is shown.
func managerOf(state attributes) string {
	for _, path := range []string{"enterprise.manager.value", "enterprise.manager"} {
		if value := strings.Trim(state.get(path), `"`); value != "" {
			return value
		}
	}
	return ""
}

func managerChecks() []Check {
	const path = enterprise + ":manager"
	return []Check{
		{
			ID: "set-manager", Title: "Set a manager", Severity: Required, needs: needsBoth,
			Otherwise: "A request with a manager fails as a whole, with the changes beside it. " + entraRetries,
			Remedy:    "Take the manager as a plain string as well as an object with value. Drop it if there is no place for it.",
			do: func(s *step) {
				if !s.patched("update", User, s.ada.id, op("Add", path, s.bob.id)) {
					return
				}
				if state, ok := s.look(s.ada); ok && managerOf(state) == "" {
					s.findAs(notKept, Recommended, "manager is not kept: the server has no place for it")
				} else if ok && managerOf(state) != s.bob.id {
					s.fail("the manager is %s, and should be %s", managerOf(state), s.bob.id)
				}
			},
		},
		{
			ID: "clear-manager", Title: "Clear the manager", Severity: Required, needs: needsBoth,
			Otherwise: "Who has a new manager, or none, keeps the old one. " + entraRetries,
			Remedy:    `Take {"value": ""} and "" as a manager for: none.`,
			do: func(s *step) {
				if !s.patched("update", User, s.ada.id, op("Replace", path, object{"value", ""})) {
					return
				}
				if state, ok := s.look(s.ada); ok && managerOf(state) != "" {
					s.fail("the manager is still %s", managerOf(state))
				}
			},
		},
	}
}

// setActive is a PATCH of active alone.
func setActive(operation, name string, value any) func(*step) bool {
	return func(s *step) bool { return s.patched(operation, User, s.ada.id, op(name, "active", value)) }
}

func entraActivation() []Check {
	const both = `Take "False" and "True" as strings, and false and true as booleans, with op in any case; answer 200 or 204, and show active so from then on.`
	return []Check{
		activation(Check{ID: "disable-legacy", Title: "Disable the user, as Entra does without the flag", Remedy: both}, false, setActive("disable", "Replace", "False")),
		activation(Check{ID: "disable-again", Title: "Disable the disabled user", Remedy: "Answer a write that changes nothing with success: twice is once."},
			false, setActive("disable", "Replace", "False")),
		stillFoundCheck(),
		activation(Check{ID: "enable-legacy", Title: "Enable the user again, as Entra does without the flag", Remedy: both}, true, setActive("enable", "Replace", "True")),
		activation(Check{ID: "disable-flag", Title: "Disable the user, as Entra does with the flag", Remedy: both}, false, setActive("disable", "replace", false)),
		activation(Check{ID: "enable-flag", Title: "Enable the user again, as Entra does with the flag", Remedy: both}, true, setActive("enable", "replace", true)),
	}
}

// keepsNames reports whether the server says that a userName can't change.
func (s *step) keepsNames(x exchange) bool {
	v, err := decode(x.answer)
	keeps := x.status == http.StatusBadRequest && err == nil && text(v, "scimType") == "mutability"
	if keeps {
		s.findAs(consequence{
			"Who has a new name at the provider keeps the old one here, and the log shows an error for that person alone.",
			"Map something else to userName that stays, such as the object id.",
		}, Recommended, "a user can't be renamed here: %s", detail(x))
	}
	return keeps
}

func entraNames() []Check {
	return []Check{
		{
			ID: "rename-user", Title: "Change the userName", Severity: Required, needs: needsAda,
			Otherwise: "Who marries or moves keeps the old name. " + entraRetries,
			Remedy:    "Change the name under the same id. Where the name is the key and can't change, refuse it with 400 and scimType mutability, and map something else to userName that stays.",
			do: func(s *step) {
				before, old := s.ada.state, s.ada.userName
				name := s.anotherName("renamed")
				x := s.patch("rename", User, s.ada.id, op("Replace", "userName", name))
				if s.keepsNames(x) || !s.answers(x, http.StatusOK, http.StatusNoContent) {
					return
				}
				if after, ok := s.look(s.ada); ok {
					if after.get("userName") == mustEncode(name) {
						s.ada.userName = name
						s.own.renamed(User, s.ada.id, name)
					}
					s.became(before, after, want{"userName", name})
				}
				if s.ada.userName == name {
					s.renamed(old)
				}
			},
		},
		{
			ID: "soft-delete", Title: "Disable and rename in one request, as Entra does for its recycle bin", Severity: Required, needs: needsAda,
			Otherwise: "Who is deleted in Entra keeps the account: the whole request fails.",
			Remedy:    "Disable first, whatever becomes of the rest; then rename, under the same id.",
			do: func(s *step) {
				before := s.ada.state
				name := strings.ReplaceAll(s.ada.externalID, "-", "") + s.ada.userName
				x := s.patch("disable", User, s.ada.id, op("Replace", "userName", name), op("Replace", "active", "False"))
				if s.keepsNames(x) || !s.answers(x, http.StatusOK, http.StatusNoContent) {
					s.isActive(s.ada, false) // refused for the name, it must be off all the same
					return
				}
				s.sees(s.ada, before, want{"userName", name}, want{"active", false})
			},
		},
		{
			ID: "restore", Title: "Restore from the recycle bin", Severity: Required, needs: needsAda,
			Otherwise: "Who is restored in Entra stays disabled, or keeps a name with the object id before it.",
			Remedy:    "Rename and enable under the same id.",
			do: func(s *step) {
				before := s.ada.state
				if s.patched("enable", User, s.ada.id, op("Replace", "userName", s.ada.userName), op("Replace", "active", "True")) {
					s.sees(s.ada, before, want{"userName", s.ada.userName}, want{"active", true})
				}
			},
		},
	}
}
