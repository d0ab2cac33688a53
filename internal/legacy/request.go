package legacy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is a call of the application, whatever wire it came by.
type request struct {
	// op is one of users.list, users.read, users.create, users.update (what is sent
	// changes), users.replace (what is not sent is reset), users.put (by name),
	// users.lock, users.unlock, users.role, users.delete; groups.list, groups.read,
	// groups.create, groups.update, groups.delete, groups.members, groups.add,
	// groups.remove, groups.set; staff.list, staff.add, staff.remove; session.
	op         string
	id, member string
	params     url.Values
	body       record
	isTyped    bool   // numbers and booleans are such, not texts
	number     any    // of JSON-RPC
	field      string // of GraphQL
	http       *http.Request
	fault      *Fault
}

// reply is what the application says.
type reply struct {
	status int
	header http.Header
	body   any    // a record or a list; nil: nothing
	root   string // what it is, for XML
}

// route finds out what a REST request is for.
func (a *App) route(r *request) error {
	segments := strings.Split(strings.Trim(r.http.URL.EscapedPath(), "/"), "/")
	for i, s := range segments {
		segments[i], _ = url.PathUnescape(s)
	}
	pattern := slices.Clone(segments)
	if len(segments) > 1 {
		r.id, pattern[1] = segments[1], "*"
	}
	if len(segments) > 3 {
		r.member, pattern[3] = segments[3], "*"
	}
	method := r.http.Method
	ops := map[string]string{
		"GET users": "users.list", "GET users/*": "users.read", "DELETE users/*": "users.delete",
		"GET groups": "groups.list", "POST groups": "groups.create", "GET groups/*": "groups.read",
		"PATCH groups/*": "groups.update", "PUT groups/*": "groups.update", "DELETE groups/*": "groups.delete",
		"POST session": "session",
	}
	switch a.options.Update {
	case Patch:
		ops["PATCH users/*"] = "users.update"
	case PutOverlays:
		ops["PUT users/*"] = "users.update"
	case PutETag, PutVersion:
		ops["PUT users/*"] = "users.replace"
	}
	if a.options.PutByName {
		ops["PUT users/*"] = "users.put"
	} else {
		ops["POST users"] = "users.create"
	}
	if a.options.Status == ByCall {
		ops["POST users/*/lock"], ops["POST users/*/unlock"] = "users.lock", "users.unlock"
	}
	if a.options.InSteps {
		ops["PUT users/*/role"] = "users.role"
		ops["GET staff"], ops["POST staff"], ops["DELETE staff/*"] = "staff.list", "staff.add", "staff.remove"
	}
	switch a.options.Groups {
	case WithMembers:
		if a.options.Members.areWritten() {
			break
		}
		ops["POST groups/*/members"], ops["DELETE groups/*/members/*"], ops["PUT groups/*/members"] = "groups.add", "groups.remove", "groups.set"
		if a.options.Members == MemberPages {
			ops["GET groups/*/members"] = "groups.members"
		}
	case Roles, NoGroups:
		for op := range ops {
			if strings.Contains(op, " groups") {
				delete(ops, op)
			}
		}
	}
	r.op = ops[method+" "+strings.Join(pattern, "/")]
	if r.op == "" {
		return notFound("page")
	}
	return nil
}

// perform does what a request asks for.
func (a *App) perform(r *request) (*reply, error) {
	room, _, _ := strings.Cut(r.op, ".")
	switch room {
	case "users":
		return a.performUsers(r)
	case "groups":
		return a.performGroups(r)
	case "staff":
		return a.performStaff(r)
	case "session":
		return a.openSession(r)
	}
	return nil, notFound("call " + r.op)
}

func (a *App) performUsers(r *request) (*reply, error) {
	switch r.op {
	case "users.list":
		return a.page(r, "users", a.found(r.params))
	case "users.create":
		password, err := takePassword(r.body)
		if err != nil {
			return nil, err
		}
		u, err := a.newUser(r.body, password, r.isTyped)
		if err != nil {
			return nil, err
		}
		out := &reply{status: 201, header: http.Header{"Location": {"/users/" + url.PathEscape(u.id)}}, root: "user"}
		if !a.options.LocationOnly {
			out.body = a.view(u, u.now)
		}
		return out, nil
	case "users.put":
		return a.putUser(r)
	}
	u := a.users[r.id]
	if u == nil {
		return nil, notFound("user")
	}
	if r.op == "users.read" {
		s := u.shown()
		if s == nil {
			return nil, notFound("user")
		}
		return a.userReply(u, s), nil
	}
	switch {
	case u.now == nil:
		return nil, notFound("user")
	case isRetired(u.now.fields):
		return nil, invalid("the user is retired")
	}
	switch r.op {
	case "users.update", "users.replace":
		password, err := takePassword(r.body)
		if err == nil {
			err = a.checkVersion(r, u)
		}
		if err == nil && a.options.LockedStay && isLocked(u.now.fields) && (password != "" || !a.isOfStatus(u, r.body)) {
			err = invalid("the account is locked")
		}
		if err == nil {
			err = a.change(u, r.body, r.op == "users.replace", r.isTyped)
		}
		if err != nil {
			return nil, err
		}
		if password != "" {
			u.password = password
		}
		return a.userReply(u, u.now), nil
	case "users.lock", "users.unlock":
		s := *u.now
		s.fields = clone(s.fields)
		setLocked(s.fields, r.op == "users.lock")
		a.write(u, &s)
		return &reply{status: 204}, nil
	case "users.role":
		role, _ := r.body["role"].(string)
		if !slices.Contains([]string{"none", "agent", "supervisor", "admin"}, role) {
			return nil, invalid("role is not included in the list")
		}
		s := *u.now
		s.fields = clone(s.fields)
		s.fields["role"] = role
		a.write(u, &s)
		return &reply{status: 204}, nil
	case "users.delete":
		if a.options.Retires {
			a.retire(u)
		} else {
			a.remove(u)
		}
		return &reply{status: 204}, nil
	}
	return nil, notFound("call " + r.op)
}

// isOfStatus reports whether a body changes nothing but who is locked.
func (a *App) isOfStatus(u *user, body record) bool {
	for _, f := range a.options.userFields() {
		value, has := body[f.name]
		if has && !f.readOnly && !slices.Contains(statusFields, f.name) && fmt.Sprint(value) != fmt.Sprint(u.now.fields[f.name]) {
			return false
		}
	}
	return true
}

func (a *App) userReply(u *user, s *state) *reply {
	out := &reply{status: 200, header: http.Header{}, body: a.view(u, s), root: "user"}
	if a.options.Update == PutETag {
		out.header.Set("ETag", etag(s))
	}
	return out
}

func (a *App) groupReply(g *group) *reply {
	out := &reply{status: 200, header: http.Header{}, body: a.groupView(g, false), root: "group"}
	if a.options.Update == PutETag && a.options.Members.areWritten() {
		out.header.Set("ETag", fmt.Sprintf(`"v%d"`, g.version))
	}
	return out
}

func etag(s *state) string { return fmt.Sprintf(`"v%d"`, s.version) }

// checkVersion refuses to replace a record that was changed since it was read.
func (a *App) checkVersion(r *request, u *user) error {
	return a.isOf(r, etag(u.now), u.now.version)
}

func (a *App) isOf(r *request, tag string, version int) error {
	switch a.options.Update {
	case PutETag:
		switch r.http.Header.Get("If-Match") {
		case "":
			return &failure{428, "precondition", "If-Match is required"}
		case tag:
		default:
			return &failure{412, "stale", "the record has been changed"}
		}
	case PutVersion:
		if fmt.Sprint(r.body["version"]) != fmt.Sprint(version) {
			return &failure{409, "stale", "the record has been changed by someone else"}
		}
	}
	return nil
}

// putUser creates a user or overwrites the one of that name.
func (a *App) putUser(r *request) (*reply, error) {
	password, err := takePassword(r.body)
	if err != nil {
		return nil, err
	}
	if r.body["login"] == nil {
		r.body["login"] = r.id
	}
	if r.body["login"] != r.id {
		return nil, invalid("login is the id")
	}
	out := &reply{status: 200}
	u := a.users[r.id]
	if u == nil || u.now == nil {
		if u, err = a.newUser(r.body, password, r.isTyped); err != nil {
			return nil, err
		}
		out.status = 201
	} else if isRetired(u.now.fields) {
		return nil, invalid("the user is retired")
	} else if err := a.change(u, r.body, true, r.isTyped); err != nil {
		return nil, err
	} else if password != "" {
		u.password = password
	}
	out.body, out.root = a.view(u, u.now), "user"
	return out, nil
}

// takePassword takes the password out of a body.
func takePassword(body record) (string, error) {
	value, has := body["password"]
	delete(body, "password")
	password, is := value.(string)
	switch {
	case !has || value == nil:
		return "", nil
	case !is:
		return "", invalid("password is no text")
	case len(password) < 8:
		return "", invalid("Password is too short (minimum is 8 characters)")
	}
	return password, nil
}

func (a *App) performGroups(r *request) (*reply, error) {
	switch r.op {
	case "groups.list":
		var rows []any
		for _, g := range a.groups {
			if wanted := r.params.Get("name"); wanted == "" || strings.EqualFold(wanted, g.name) || a.options.Search == NoSearch {
				rows = append(rows, a.groupView(g, true))
			}
		}
		return a.page(r, "groups", rows)
	case "groups.create":
		g := &group{}
		if err := a.setName(g, r.body["name"]); err != nil {
			return nil, err
		}
		g.id = a.nextID()
		if a.options.Members.areWritten() {
			if err := a.changeGroup(g, r); err != nil {
				return nil, err
			}
		}
		a.groups = append(a.groups, g)
		out := &reply{status: 201, header: http.Header{"Location": {"/groups/" + g.id}}, root: "group"}
		if !a.options.LocationOnly {
			out.body = a.groupView(g, false)
		}
		return out, nil
	}
	g, err := a.group(r.id)
	if err != nil {
		return nil, err
	}
	done := &reply{status: 204}
	switch r.op {
	case "groups.read":
		return a.groupReply(g), nil
	case "groups.members":
		return a.page(r, "members", a.memberViews(g))
	case "groups.update":
		if a.options.Members.areWritten() {
			err := a.isOf(r, fmt.Sprintf(`"v%d"`, g.version), g.version)
			if err == nil {
				err = a.changeGroup(g, r)
			}
			if err != nil {
				return nil, err
			}
			g.version++
			return a.groupReply(g), nil
		}
		if _, has := r.body["name"]; has {
			if err := a.setName(g, r.body["name"]); err != nil {
				return nil, err
			}
		}
		return &reply{status: 200, body: a.groupView(g, false), root: "group"}, nil
	case "groups.delete":
		a.removeGroup(g)
		return done, nil
	case "groups.add":
		if a.options.Members == MemberLogins {
			login, _ := r.body["login"].(string)
			return done, a.addMember(g, a.memberOf(login))
		}
		return done, a.addMember(g, a.idOf(r, "user_id"))
	case "groups.remove":
		return done, a.removeMember(g, a.memberOf(r.member))
	case "groups.set":
		name := "user_ids"
		if a.options.Members == MemberLogins {
			name = "logins"
		}
		var ids []string
		for _, id := range asList(r.body[name], name, r.isTyped) {
			ids = append(ids, a.memberOf(fmt.Sprint(id)))
		}
		if _, has := r.body[name]; !has {
			return nil, invalid("%s is missing", name)
		}
		return done, a.setMembers(g, ids)
	}
	return nil, notFound("call " + r.op)
}

// idOf is an id in a body. Where types are told apart it is of the right one, or
// nobody's.
func (a *App) idOf(r *request, name string) string {
	id := fmt.Sprint(r.body[name])
	if _, isNumber := r.body[name].(json.Number); r.isTyped && isNumber == (a.options.PutByName || a.options.TextNumbers) {
		return ""
	}
	return id
}

func (a *App) performStaff(r *request) (*reply, error) {
	switch r.op {
	case "staff.add":
		id := a.idOf(r, "user_id")
		if u := a.users[id]; u == nil || u.now == nil {
			return nil, invalid("user_id is nobody's")
		}
		if !slices.Contains(a.staff, id) {
			a.staff = append(a.staff, id)
		}
	case "staff.remove":
		a.staff = slices.DeleteFunc(a.staff, func(id string) bool { return id == r.id })
	case "staff.list":
		ids := []any{}
		for _, id := range a.staff {
			ids = append(ids, a.idValue(id))
		}
		return &reply{status: 200, body: record{"staff": ids}, root: "staff"}, nil
	}
	return &reply{status: 204}, nil
}
