package rehearse

import "net/http"

// oktaMember is a member as Okta writes it.
func oktaMember(p *person) object { return object{"value", p.id, "display", p.userName} }

// putGroup is a PUT of the whole group, as a custom app sends it.
func (s *step) putGroup(name string, members ...any) bool {
	x := s.send(request{
		operation: "change members", method: http.MethodPut, kind: Group, id: s.group.id,
		body: object{"schemas", list{groupURN}, "displayName", name, "members", append(list{}, members...)},
	})
	if !s.answers(x, http.StatusOK) {
		return false
	}
	if body, ok := s.body(x); ok && text(body, "id") != s.group.id {
		s.fail("the answer to PUT has the id %q, and should have %q", text(body, "id"), s.group.id)
	}
	return true
}

func oktaGroupChecks() []Check {
	const (
		pushFails = "The push of the group fails, and is shown as an error under Push Groups. "
		putRemedy = "Take a PUT with the whole group: its members are those that are named and nobody else. Answer 200 with the group."
	)
	return []Check{
		{
			ID: "find-no-group", Title: "A group nobody has is not found", Severity: Required, needs: needsGroups,
			Otherwise: "No group can be pushed.",
			Remedy:    "Answer a filter on /Groups with 200 and an empty ListResponse.",
			do: func(s *step) {
				x := s.search(Group, equals("displayName", s.group.displayName), "")
				if x.status == http.StatusNotFound || x.status == http.StatusNotImplemented {
					s.noGroups = "the server has no groups"
					s.unsupported = "not supported: the server has no groups. Leave Push Groups off in Okta, or say --no-groups"
					return
				}
				if p, ok := s.list(x); ok && p.total != 0 {
					s.fail("looking for a random name found %d groups", p.total)
				}
			},
		},
		{
			ID: "create-group", Title: "Create a group", Severity: Required, needs: needsGroups,
			Otherwise: pushFails,
			Remedy:    "Answer POST /Groups with 201 and the id, also for a group without members.",
			do: func(s *step) {
				s.createGroup(object{"schemas", list{groupURN}, "displayName", s.group.displayName, "members", list{}})
			},
		},
		duplicateGroupCheck(Recommended),
		{
			ID: "find-group", Title: "The group is found", Severity: Required, needs: needsGroup,
			Otherwise: "Okta does not find the group to link it, and creates it again.",
			Remedy:    `Answer filter=displayName eq "…" with the one group.`,
			do:        func(s *step) { s.findsOne(Group, equals("displayName", s.group.displayName), "", s.group.id) },
		},
		importCheck(Group),
		{
			ID: "put-member", Title: "Push a member, as a custom app does", Severity: Required, needs: needsMembers,
			Otherwise: pushFails + notAdded, Remedy: putRemedy,
			do: func(s *step) {
				if s.putGroup(s.group.displayName, oktaMember(s.ada)) {
					s.hasMembers(s.ada)
				}
			},
		},
		membersCheck(Check{
			ID: "exchange-members", Title: "Remove one member and add another in one request, as a catalog integration does", Otherwise: pushFails + notAdded,
			Remedy: `Take several operations in one PATCH: remove with members[value eq "…"] as path, then add with a list of values.`,
		}, onlyBob, func(s *step) []any {
			return []any{op("remove", byValue(s.ada), nil), op("add", "members", list{oktaMember(s.bob)})}
		}),
		membersCheck(Check{
			ID: "push-now", Title: "Push Now replaces all members", Otherwise: pushFails + notAdded,
			Remedy: `Take "replace" on members with a list of values for: these and nobody else.`,
		}, bothIn, func(s *step) []any {
			return one(op("replace", "members", list{oktaMember(s.ada), oktaMember(s.bob)}))
		}),
		{
			ID: "rename-group", Title: "Rename the group, as a catalog integration does", Severity: Required, needs: needsGroup,
			Otherwise: pushFails + "It is sent with each change of members, too.",
			Remedy:    "Take a PATCH without path that has the id beside displayName, and ignore the id.",
			do: func(s *step) {
				name := s.group.displayName + " renamed"
				if s.patched("rename", Group, s.group.id, op("replace", "", object{"id", s.group.id, "displayName", name})) {
					s.groupIsNamed(name)
				}
			},
		},
		{
			ID: "put-no-members", Title: "Push the group without members, as a custom app does", Severity: Required, needs: needsMembers,
			Otherwise: pushFails + notGone, Remedy: putRemedy + " An empty list means nobody.",
			do: func(s *step) {
				if s.putGroup(s.group.displayName) {
					s.hasMembers()
				}
			},
		},
		deleteGroupCheck(),
	}
}
