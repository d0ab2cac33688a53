package legacy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// group is a group of users.
type group struct {
	id, name    string
	members     []string          // ids
	since       map[string]string // by id
	description string
	version     int
}

func (a *App) group(id string) (*group, error) {
	for _, g := range a.groups {
		if g.id == id {
			return g, nil
		}
	}
	return nil, notFound("group")
}

// setName names a group, or a new one.
func (a *App) setName(g *group, name any) error {
	s, is := name.(string)
	if !is || s == "" {
		return invalid("name cannot be blank")
	}
	for _, other := range a.groups {
		if other != g && strings.EqualFold(other.name, s) {
			return conflict("Name has already been taken")
		}
	}
	if a.options.Groups == OnUsers && g.name != "" && !a.options.NamesStay {
		for _, u := range a.users {
			a.inGroup(u, g, func([]any) []any { return []any{s} })
		}
	}
	g.name = s
	return nil
}

// onUser is the field of users with their groups, and what stands there for this one.
func (a *App) onUser(g *group) (name string, is func(any) bool) {
	switch a.options.Groups {
	case OnUsers:
		return "groups", func(v any) bool { return v == g.name }
	case OnUsersByID:
		return "group_ids", func(v any) bool { return v == json.Number(g.id) }
	case OnUsersAsObjects:
		return "memberships", func(v any) bool { return v.(record)["id"] == json.Number(g.id) }
	}
	return "", nil
}

// isOnUser reports whether a user's record names a group.
func (a *App) isOnUser(u *user, g *group) bool {
	name, is := a.onUser(g)
	if name == "" || u.now == nil {
		return false
	}
	all, _ := u.now.fields[name].([]any)
	return slices.ContainsFunc(all, is)
}

// inGroup replaces a group on a user who is in it.
func (a *App) inGroup(u *user, g *group, with func([]any) []any) {
	if !a.isOnUser(u, g) {
		return
	}
	name, is := a.onUser(g)
	all := u.now.fields[name].([]any)
	i := slices.IndexFunc(all, is)
	s := *u.now
	s.fields = clone(s.fields)
	s.fields[name] = append(append(append([]any{}, all[:i]...), with(all[i:i+1])...), all[i+1:]...)
	a.write(u, &s)
}

// removeGroup deletes a group.
func (a *App) removeGroup(g *group) {
	a.groups = slices.DeleteFunc(a.groups, func(other *group) bool { return other == g })
	if a.options.NamesStay {
		return
	}
	for _, u := range a.users {
		a.inGroup(u, g, func([]any) []any { return nil })
	}
}

// groupView is a group as the application shows it.
func (a *App) groupView(g *group, isRow bool) record {
	r := record{"id": a.idValue(g.id), "name": g.name}
	if a.options.PutByName {
		r["id"] = g.id
	}
	if a.options.Members.areWritten() {
		r["description"] = g.description
		if a.options.Update == PutVersion {
			r["version"] = json.Number(strconv.Itoa(g.version))
		}
	}
	if a.options.Groups != WithMembers || isRow || a.options.Members == MemberPages {
		return r
	}
	name, members := "members", a.memberViews(g)
	switch a.options.Members {
	case MemberIDs:
		name = "user_ids"
	case MemberObjects:
		name = "users"
	}
	r[name] = members
	return r
}

// memberViews are the members as the application shows them.
func (a *App) memberViews(g *group) []any {
	members := []any{}
	for _, id := range g.members {
		u := a.users[id]
		if u == nil || u.now == nil {
			continue
		}
		one := record{"id": a.idValue(id), "login": u.now.fields["login"]}
		switch a.options.Members {
		case MemberIDs:
			members = append(members, a.idValue(id))
			continue
		case MemberObjects:
			one = record{"id": a.idValue(id), "since": g.since[id]}
		case MemberLogins:
			delete(one, "id")
		}
		members = append(members, one)
	}
	return members
}

// changeGroup writes a group with its members. What isWhole leaves out is reset.
func (a *App) changeGroup(g *group, r *request) error {
	given, isWhole := r.body, a.options.Update == PutETag || a.options.Update == PutVersion
	if isWhole && given["name"] == nil {
		return invalid("name cannot be blank")
	}
	members, hasMembers := g.members, false
	since := map[string]string{}
	for _, name := range []string{"user_ids", "users"} {
		value, has := given[name]
		if !has && !isWhole || (name == "users") != (a.options.Members == MemberObjects) {
			continue
		}
		hasMembers, members = true, nil
		for _, one := range asList(value, name, r.isTyped) {
			if value == nil {
				break
			}
			id := fmt.Sprint(one)
			if object, is := one.(record); is {
				id = fmt.Sprint(object["id"])
				since[id], _ = object["since"].(string)
			}
			members = append(members, id)
		}
	}
	if hasMembers {
		if err := a.setMembers(g, members); err != nil {
			return err
		}
		g.since = since
		for _, id := range g.members {
			if since[id] == "" {
				since[id] = "today"
			}
		}
	}
	if description, has := given["description"].(string); has || isWhole {
		g.description = description
	}
	if _, has := given["name"]; has {
		return a.setName(g, given["name"])
	}
	return nil
}

// addMember puts a user into a group.
func (a *App) addMember(g *group, id string) error {
	u := a.users[id]
	isMember := slices.Contains(g.members, id)
	switch {
	case a.options.VagueMembers && (u == nil || u.now == nil || isMember):
		return invalid("User is invalid")
	case u == nil || u.now == nil:
		return invalid("user_id is nobody's")
	case isMember:
		return conflict("the user is a member already")
	}
	g.members = append(g.members, id)
	return nil
}

// removeMember takes a user out of a group.
func (a *App) removeMember(g *group, id string) error {
	i := slices.Index(g.members, id)
	if i < 0 && a.options.VagueMembers {
		return nil
	}
	if i < 0 {
		return notFound("member")
	}
	g.members = slices.Delete(g.members, i, i+1)
	return nil
}

// memberOf is the user whom a call means, by the id or the login.
func (a *App) memberOf(name string) string {
	if a.options.Members != MemberLogins {
		return name
	}
	if u := a.logins[strings.ToLower(name)]; u != nil {
		return u.id
	}
	return ""
}

// setMembers replaces all members of a group.
func (a *App) setMembers(g *group, ids []string) error {
	var members []string
	for _, id := range ids {
		if u := a.users[id]; u == nil || u.now == nil {
			return invalid("user_ids holds nobody's")
		}
		if !slices.Contains(members, id) {
			members = append(members, id)
		}
	}
	g.members = members
	return nil
}

// Members are the logins of those in a group, by its name, sorted; where groups are
// on users too. ok is false for no group.
func (a *App) Members(name string) (logins []string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.groups {
		if g.name != name {
			continue
		}
		ok = true
		for _, id := range g.members {
			if u := a.users[id]; u != nil && u.now != nil {
				logins = append(logins, u.now.fields["login"].(string))
			}
		}
		for _, u := range a.logins {
			if a.isOnUser(u, g) {
				logins = append(logins, u.now.fields["login"].(string))
			}
		}
	}
	for _, u := range a.logins {
		if a.options.Groups == Roles && u.now.fields["role"] == name {
			logins = append(logins, u.now.fields["login"].(string))
		}
	}
	slices.Sort(logins)
	return logins, ok || a.options.Groups == Roles
}

// DescribeGroup sets what is for the application alone.
func (a *App) DescribeGroup(name, description, since string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.groups {
		if g.name == name {
			g.description, g.since = description, map[string]string{}
			for _, id := range g.members {
				g.since[id] = since
			}
			g.version++
		}
	}
}

// Description is what is for the application alone, and since when a member is one.
func (a *App) Description(name, member string) (description, since string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.groups {
		if g.name == name {
			return g.description, g.since[member]
		}
	}
	return "", ""
}

// RemoveGroup deletes a group as somebody at the application's own console would.
func (a *App) RemoveGroup(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range slices.Clone(a.groups) {
		if g.name == name {
			a.removeGroup(g)
		}
	}
}

// AddGroup makes a group as somebody at the application's own console would, and
// returns the id.
func (a *App) AddGroup(name string, members ...string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := &group{members: members}
	if err := a.setName(g, name); err != nil {
		return "", err
	}
	g.id = a.nextID()
	a.groups = append(a.groups, g)
	return g.id, nil
}
