package rehearse

import (
	"net/http"
	"strings"
)

// createGroup creates the group, or says what is wrong.
func (s *step) createGroup(body object) {
	x := s.send(request{operation: "create a group", method: http.MethodPost, kind: Group, name: s.group.displayName, body: body})
	if s.declines(x, "group") {
		s.noGroups = "the server has no groups"
		return
	}
	switch {
	case x.status/100 != 2:
		s.answers(x, http.StatusCreated)
	case x.status != http.StatusCreated:
		s.warn("POST /Groups was answered %d and should be 201", x.status)
	}
	if s.group.id = s.created(x, s.group.displayName); s.group.id == "" || x.status/100 != 2 {
		return
	}
	if state, ok := s.lookAtGroup(); ok {
		s.became(nil, state, want{"displayName", s.group.displayName})
	}
}

// duplicateGroupCheck creates the same group again.
func duplicateGroupCheck(severity Severity) Check {
	return Check{
		ID: "create-group-duplicate", Title: "Create the same group again", Severity: severity, needs: needsGroup,
		Otherwise: "Groups exist twice, and who is in which is left to chance.",
		Remedy:    `Answer 409 with scimType "uniqueness" when the displayName is taken.`,
		do: func(s *step) {
			x := s.send(request{
				operation: "create a group", method: http.MethodPost, kind: Group, name: s.group.displayName,
				body: object{"schemas", list{groupURN}, "displayName", s.group.displayName},
			})
			if x.status/100 == 2 {
				s.takeOver(x, s.group.displayName)
			}
			s.answers(x, http.StatusConflict)
		},
	}
}

// member is a member as Entra writes it.
func entraMember(p *person) object { return object{"$ref", nil, "value", p.id} }

// hasMembers reads the group back and checks who is in it: these and nobody else.
func (s *step) hasMembers(all ...*person) {
	state, ok := s.lookAtGroup()
	if !ok {
		return
	}
	for _, p := range []*person{s.ada, s.bob} {
		isWanted := false
		for _, one := range all {
			isWanted = isWanted || one == p
		}
		switch isIn := state.get("members["+p.id+"].value") != ""; {
		case isWanted && !isIn:
			s.fail("%s is not among the members, and should be", p.userName)
		case !isWanted && isIn:
			s.fail("%s is still among the members, and should not be", p.userName)
		}
	}
	n := 0
	for path := range state {
		if strings.HasPrefix(path, "members[") && strings.HasSuffix(path, "].value") {
			n++
		}
	}
	if n > len(all) {
		s.fail("there are %d members, and should be %d", n, len(all))
	}
}

// change is a PATCH of members, and who is in the group afterwards.
func membersCheck(c Check, members func(*step) []*person, operations func(*step) []any) Check {
	c.Severity, c.needs = Required, needsMembers
	c.do = func(s *step) {
		if s.patched("change members", Group, s.group.id, operations(s)...) {
			s.hasMembers(members(s)...)
		}
	}
	return c
}

func nobodyIn(*step) []*person   { return nil }
func onlyAda(s *step) []*person  { return []*person{s.ada} }
func onlyBob(s *step) []*person  { return []*person{s.bob} }
func bothIn(s *step) []*person   { return []*person{s.ada, s.bob} }
func byValue(p *person) string   { return "members[value eq " + mustEncode(p.id) + "]" }
func one(operation object) []any { return []any{operation} }

// What happens where changes of members go wrong.
const (
	notAdded = "Who joins gets no access. Entra does not read members again: it believes what was answered, until provisioning is restarted."
	notGone  = "Who leaves a group keeps its access. Entra does not read members again: it believes what was answered, until provisioning is restarted."
	lost     = "Everybody else loses the group: Remove with a list of values means these, and not all."
)

func entraGroupChecks() []Check {
	return []Check{
		{
			ID: "create-group", Title: "Create a group", Severity: Required, needs: needsGroups,
			Otherwise: "No group is provisioned. " + entraRetries,
			Remedy:    "Answer POST /Groups with 201 and the id. Accept Microsoft's own URN among the schemas, and that there are no members yet.",
			do: func(s *step) {
				s.createGroup(object{
					"schemas", list{groupURN, microsoft}, "externalId", s.group.externalID, "displayName", s.group.displayName,
					"meta", object{"resourceType", "Group"},
				})
			},
		},
		duplicateGroupCheck(Required),
		{
			ID: "find-group", Title: "The group is found, without its members, and in another case", Severity: Required, needs: needsGroup,
			Otherwise: "Entra does not find the group, and creates it again.",
			Remedy:    `Answer filter=displayName eq "…" without regard to case, with excludedAttributes=members too.`,
			do: func(s *step) {
				for _, name := range []string{s.group.displayName, strings.ToUpper(s.group.displayName)} {
					s.findsOne(Group, equals("displayName", name), "excludedAttributes=members", s.group.id)
				}
			},
		},
		membersCheck(Check{
			ID: "add-member", Title: "Add a member, as Entra does without the flag", Otherwise: notAdded,
			Remedy: `Take "Add" on members with a list of values, and ignore "$ref": null.`,
		}, onlyAda, func(s *step) []any { return one(op("Add", "members", list{entraMember(s.ada)})) }),
		membersCheck(Check{
			ID: "add-member-again", Title: "Add the same member again", Otherwise: entraRetries,
			Remedy: "Answer success, and let the member be there once.",
		}, onlyAda, func(s *step) []any { return one(op("Add", "members", list{entraMember(s.ada)})) }),
		membersCheck(Check{
			ID: "add-member-flag", Title: "Add another member, as Entra does with the flag", Otherwise: notAdded,
			Remedy: `Take "add" in lower case, and leave the members who are there.`,
		}, bothIn, func(s *step) []any { return one(op("add", "members", list{object{"value", s.bob.id}})) }),
		{
			ID: "read-group-without-members", Title: "Read the group without its members", Severity: Required, needs: needsMembers,
			Otherwise: "Entra asks so for each group. With the members a large group takes long, and in the end too long.",
			Remedy:    "Leave members out of the answer to excludedAttributes=members.",
			do: func(s *step) {
				x := s.send(request{operation: "read a group", method: http.MethodGet, kind: Group, id: s.group.id, query: "excludedAttributes=members"})
				if !s.answers(x, http.StatusOK) {
					return
				}
				if body, ok := s.body(x); ok && member(body, "members") != nil {
					s.fail("the answer has members, which were excluded")
				}
			},
		},
		{
			ID: "find-membership", Title: "Ask whether somebody is a member", Severity: Recommended, needs: needsMembers,
			Otherwise: "Entra's documents name such requests; no job is known to depend on them.",
			Remedy:    `Answer filter=id eq "…" and members eq "…" with the group.`,
			do: func(s *step) {
				s.findsOne(Group, equals("id", s.group.id)+" and "+equals("members", s.ada.id), "attributes=id", s.group.id)
			},
		},
		membersCheck(Check{
			ID: "remove-member-legacy", Title: "Remove one of two members, as Entra does without the flag", Otherwise: notGone + " Or: " + lost,
			Remedy: `Take "Remove" on members with a list of values for: these. Only without a value it means all.`,
		}, onlyBob, func(s *step) []any { return one(op("Remove", "members", list{entraMember(s.ada)})) }),
		membersCheck(Check{
			ID: "remove-member-again", Title: "Remove somebody who is no member", Otherwise: entraRetries,
			Remedy: "Answer success: the person is not in the group, as was wanted.",
		}, onlyBob, func(s *step) []any { return one(op("Remove", "members", list{entraMember(s.ada)})) }),
		membersCheck(Check{
			ID: "remove-member-flag", Title: "Remove the last member, as Entra does with the flag", Otherwise: notGone,
			Remedy: `Take a path with a filter, members[value eq "…"], and let a group be without members.`,
		}, nobodyIn, func(s *step) []any { return one(op("remove", byValue(s.bob), nil)) }),
		{
			ID: "rename-group", Title: "Rename the group", Severity: Required, needs: needsGroup,
			Otherwise: "The group keeps its old name. " + entraRetries,
			Remedy:    "Change displayName under the same id.",
			do: func(s *step) {
				name := s.group.displayName + " renamed"
				if s.patched("rename", Group, s.group.id, op("Replace", "displayName", name)) {
					s.groupIsNamed(name)
				}
			},
		},
		deleteGroupCheck(),
	}
}

// groupIsNamed checks after a change that the group has the name and is found by
// it.
func (s *step) groupIsNamed(name string) {
	before := s.group.state
	after, ok := s.lookAtGroup()
	if !ok {
		return
	}
	s.became(before, after, want{"displayName", name})
	if after.get("displayName") == mustEncode(name) {
		s.group.displayName = name
		s.own.renamed(Group, s.group.id, name)
		s.findsOne(Group, equals("displayName", name), "", s.group.id)
	}
}

func deleteGroupCheck() Check {
	return Check{
		ID: "delete-group", Title: "Delete the group, twice", Severity: Recommended, needs: needsGroup,
		Otherwise: "Groups that are no longer assigned stay, with whoever is in them.",
		Remedy:    "Answer DELETE with 204 and then with 404, and show the group no more.",
		do: func(s *step) {
			x := s.send(request{operation: "delete", method: http.MethodDelete, kind: Group, id: s.group.id})
			if s.declines(x, "way to delete groups") || !s.answers(x, http.StatusNoContent) {
				return
			}
			if x = s.read(Group, s.group.id); !s.answers(x, http.StatusNotFound) {
				return
			}
			s.own.removed(Group, s.group.id)
			s.group.isGone = true
			s.changes = append(s.changes, "the group is gone")
			s.findsNone(Group, equals("displayName", s.group.displayName), "")
			s.answers(s.send(request{operation: "delete", method: http.MethodDelete, kind: Group, id: s.group.id}), http.StatusNotFound)
		},
	}
}

// deleteChecks come last: Entra deletes 30 days after it has disabled.
func deleteChecks() []Check {
	return []Check{
		{
			ID: "delete-user", Title: "Delete the user", Severity: Required, needs: needsAda,
			Otherwise: "Entra deletes 30 days after it has disabled. The account stays as it is, and the log shows an error.",
			Remedy:    "Answer DELETE with 204. Afterwards the user is gone (404, and in no list), or is disabled where DELETE means that.",
			do:        deleteUser,
		},
		{
			ID: "delete-user-again", Title: "Delete the deleted user", Severity: Required, needs: needsDeleted,
			Otherwise: entraRetries,
			Remedy:    "Answer 404 when the user is gone, and 204 when there is one who is disabled.",
			do: func(s *step) {
				x := s.send(request{operation: "delete", method: http.MethodDelete, kind: User, id: s.ada.id})
				if s.ada.isGone {
					s.answers(x, http.StatusNotFound)
				} else {
					s.answers(x, http.StatusNoContent, http.StatusNotFound)
				}
			},
		},
		{
			ID: "create-user-again", Title: "Create the user again under the old name", Severity: Recommended,
			needs: func(s *scene) string {
				if reason := needsDeleted(s); reason != "" {
					return reason
				}
				if !s.ada.isGone {
					return "skipped: DELETE disables here, so that the name is still taken"
				}
				return ""
			},
			Otherwise: "Who comes back after being deleted can't be created.",
			Remedy:    "Let the name of somebody who is gone be free.",
			do: func(s *step) {
				again := &person{userName: s.ada.userName, externalID: randomID()}
				s.create(again, entraBody(s.scene, again))
			},
		},
	}
}

func needsDeleted(s *scene) string {
	if reason := needsAda(s); reason != "" {
		return reason
	}
	if !s.ada.isGone && !s.ada.isDisabledByDelete {
		return "skipped: delete-user deleted nobody"
	}
	return ""
}

func deleteUser(s *step) {
	x := s.send(request{operation: "delete", method: http.MethodDelete, kind: User, id: s.ada.id})
	if s.declines(x, "way to delete users") {
		return
	}
	if !s.answers(x, http.StatusNoContent) {
		return
	}
	x = s.read(User, s.ada.id)
	if x.status == http.StatusOK {
		body, ok := s.body(x)
		switch {
		case ok && member(body, "active") == false:
			s.ada.isDisabledByDelete = true
			s.changes = append(s.changes, differences(s.ada.state, flatten(body))...)
			s.note("DELETE disables here: the account stays")
		case ok:
			s.fail("after DELETE the user is still there, and active")
		}
		return
	}
	if !s.answers(x, http.StatusNotFound) {
		return
	}
	s.own.removed(User, s.ada.id)
	s.ada.isGone = true
	s.changes = append(s.changes, "the user is gone")
	s.findsNone(User, equals("userName", s.ada.userName), "")
}
