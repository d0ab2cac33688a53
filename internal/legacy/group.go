package legacy

import (
	"slices"
	"strings"
)

// group is a group of users.
type group struct {
	id, name string
	members  []string // ids
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
	if a.options.Groups == OnUsers && g.name != "" {
		for _, u := range a.users {
			a.inGroup(u, g.name, func([]any) []any { return []any{s} })
		}
	}
	g.name = s
	return nil
}

// inGroup replaces the name of a group on a user who is in it.
func (a *App) inGroup(u *user, name string, with func([]any) []any) {
	if u.now == nil {
		return
	}
	all, _ := u.now.fields["groups"].([]any)
	if i := slices.Index(all, any(name)); i >= 0 {
		s := *u.now
		s.fields = clone(s.fields)
		s.fields["groups"] = append(append(append([]any{}, all[:i]...), with(all[i:i+1])...), all[i+1:]...)
		a.write(u, &s)
	}
}

// removeGroup deletes a group.
func (a *App) removeGroup(g *group) {
	a.groups = slices.DeleteFunc(a.groups, func(other *group) bool { return other == g })
	for _, u := range a.users {
		a.inGroup(u, g.name, func([]any) []any { return nil })
	}
}

// groupView is a group as the application shows it.
func (a *App) groupView(g *group, isRow bool) record {
	r := record{"id": a.idValue(g.id), "name": g.name}
	if a.options.PutByName {
		r["id"] = g.id
	}
	if a.options.Groups == WithMembers && !isRow {
		members := []any{}
		for _, id := range g.members {
			if u := a.users[id]; u != nil && u.now != nil {
				members = append(members, record{"id": a.idValue(id), "login": u.now.fields["login"]})
			}
		}
		r["members"] = members
	}
	return r
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
	}
	for _, u := range a.logins {
		all, _ := u.now.fields["groups"].([]any)
		if slices.Contains(all, any(name)) || a.options.Groups == Roles && u.now.fields["role"] == name {
			logins = append(logins, u.now.fields["login"].(string))
		}
	}
	slices.Sort(logins)
	return logins, ok || a.options.Groups == Roles
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
