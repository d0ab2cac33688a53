package rest

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/conformance"
)

// Lines of groups that several shapes have.
const (
	groupLines = `
				id id number
				items groups
				rows id name
				map displayName name
				search GET /groups?name={displayName}
				list GET /groups
				read GET /groups/{id}
				create POST /groups
				delete DELETE /groups/{id}
`
	patchGroup    = "\t\t\t\tupdate PATCH /groups/{id}\n"
	etagGroup     = "\t\t\t\tversion etag\n\t\t\t\tupdate PUT /groups/{id} {\n\t\t\t\t\tif_match\n\t\t\t\t}\n"
	versionGroup  = "\t\t\t\tversion version\n\t\t\t\tupdate PUT /groups/{id} {\n\t\t\t\t\tchanged 409 \"changed by someone else\"\n\t\t\t\t}\n"
	membersByID   = "\t\t\t\tmap members members.#.id\n"
	addAndRemove  = "\t\t\t\tadd_member POST /groups/{id}/members {\n\t\t\t\t\tbody json `{\"user_id\": {member.id}}`\n\t\t\t\t\talready 409\n\t\t\t\t}\n\t\t\t\tremove_member DELETE /groups/{id}/members/{member.id} {\n\t\t\t\t\talready 404 \"no such member\"\n\t\t\t\t}\n"
	setMembers    = "\t\t\t\tset_members PUT /groups/{id}/members {\n\t\t\t\t\tbody json `{\"user_ids\": {members}}`\n\t\t\t\t}\n"
	membersCall   = "\t\t\t\tmap members id\n\t\t\t\tmembers GET /groups/{id}/members {\n\t\t\t\t\titems members\n\t\t\t\t}\n"
	loginsByCall  = "\t\t\t\tmap members members.#.login\n\t\t\t\tmember_by userName\n\t\t\t\tadd_member POST /groups/{id}/members {\n\t\t\t\t\tbody json `{\"login\": {member.userName}}`\n\t\t\t\t\talready 409\n\t\t\t\t}\n\t\t\t\tremove_member DELETE /groups/{id}/members/{member.userName} {\n\t\t\t\t\talready 404 \"no such member\"\n\t\t\t\t}\n"
	loginsAtOnce  = "\t\t\t\tmap members members.#.login\n\t\t\t\tmember_by userName\n\t\t\t\tset_members PUT /groups/{id}/members {\n\t\t\t\t\tbody json `{\"logins\": {members}}`\n\t\t\t\t}\n"
	rolesOfUsers  = "\n\t\t\t\tfixed agent Agents\n\t\t\t\tfixed supervisor Supervisors\n\t\t\t\tfixed admin Administrators\n\t\t\t\tof_users role id without none\n"
	groupsOfUsers = "\t\t\t\tof_users groups displayName\n"
)

// groupShapes are the ways to have groups.
var groupShapes = []struct {
	name    string
	shape   string
	groups  string // lines, instead of those of the shape
	users   string // further lines
	options legacy.Options
	adjust  func(*conformance.Backend)
}{
	{name: "by calls", shape: "plain"},
	{name: "single calls alone", shape: "plain", groups: groupLines + patchGroup + membersByID + addAndRemove},
	{name: "set_members alone", shape: "plain", groups: groupLines + patchGroup + membersByID + setMembers},
	{name: "ids by PATCH", shape: "plain", groups: groupLines + patchGroup + "\t\t\t\tmap members user_ids\n", options: legacy.Options{Members: legacy.MemberIDs}},
	{name: "objects by PATCH", shape: "plain", groups: groupLines + patchGroup + "\t\t\t\tmap members users.#.id\n", options: legacy.Options{Members: legacy.MemberObjects}},
	{name: "ids by PUT with an etag", shape: "put-etag", groups: groupLines + etagGroup + "\t\t\t\tmap members user_ids\n", options: legacy.Options{Members: legacy.MemberIDs, Update: legacy.PutETag}},
	{name: "objects by PUT with an etag", shape: "put-etag", groups: groupLines + etagGroup + "\t\t\t\tmap members users.#.id\n", options: legacy.Options{Members: legacy.MemberObjects, Update: legacy.PutETag}},
	{name: "ids by PUT with a version", shape: "put-version", groups: groupLines + versionGroup + "\t\t\t\tmap members user_ids\n", options: legacy.Options{Members: legacy.MemberIDs, Update: legacy.PutVersion}},
	{name: "objects by PUT with a version", shape: "put-version", groups: groupLines + versionGroup + "\t\t\t\tmap members users.#.id\n", options: legacy.Options{Members: legacy.MemberObjects, Update: legacy.PutVersion}},
	{name: "members in pages", shape: "plain", groups: groupLines + patchGroup + membersCall + addAndRemove + setMembers, options: legacy.Options{Members: legacy.MemberPages, MaxPage: 25}},
	{name: "members in pages, set together", shape: "plain", groups: groupLines + patchGroup + membersCall + setMembers, options: legacy.Options{Members: legacy.MemberPages, MaxPage: 25}},
	{name: "by userName", shape: "plain", groups: groupLines + patchGroup + loginsByCall, options: legacy.Options{Members: legacy.MemberLogins}},
	{name: "by userName, set together", shape: "plain", groups: groupLines + patchGroup + loginsAtOnce, options: legacy.Options{Members: legacy.MemberLogins}},
	{name: "by userName, the key", shape: "put-by-name", groups: groupLines + patchGroup + loginsByCall, options: legacy.Options{Members: legacy.MemberLogins, PutByName: true}, adjust: refusesRename},
	{name: "ids, the login", shape: "put-by-name", options: legacy.Options{PutByName: true}, adjust: refusesRename},
	{name: "vague answers", shape: "vague-members", options: legacy.Options{VagueMembers: true}},
	{name: "XML", shape: "xml", options: legacy.Options{Wire: legacy.XML}},
	{name: "form", shape: "form", options: legacy.Options{Wire: legacy.Form, Nested: true}},
	{name: "JSON-RPC", shape: "rpc", options: legacy.Options{Wire: legacy.RPC, SignIn: legacy.ByLogin}},
	{name: "on users by name", shape: "groups-on-users", options: legacy.Options{Groups: legacy.OnUsers}},
	{name: "on users by name, PUT with an etag", shape: "put-etag", groups: groupLines + patchGroup + groupsOfUsers, users: "\t\t\t\tmap groups groups\n", options: legacy.Options{Groups: legacy.OnUsers, Update: legacy.PutETag}},
	{name: "on users by id", shape: "groups-on-users", groups: groupLines + patchGroup + "\t\t\t\tof_users group_ids\n", options: legacy.Options{Groups: legacy.OnUsersByID}},
	{name: "on users as objects", shape: "groups-on-users", groups: groupLines + patchGroup + "\t\t\t\tof_users memberships.#.id\n", options: legacy.Options{Groups: legacy.OnUsersAsObjects}},
}

func refusesRename(b *conformance.Backend) { b.RefusesRename = true }

// provisionGroups is provisionShape with the groups, or with others.
func provisionGroups(t *testing.T, name, groups string, app *legacy.App, edits ...string) *Translator {
	t.Helper()
	return provision(t, groupsText(t, name, groups, app.URL, edits...))
}

// provisionError is what is wrong with a configuration, in which one text is replaced.
func provisionError(t *testing.T, name, groups, edit, with string) error {
	t.Helper()
	var edits []string
	if edit != "" {
		edits = []string{edit, with}
	}
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(groupsText(t, name, groups, "https://app.example.com", edits...))); err != nil {
		return err
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	defer tr.Cleanup()
	return tr.Provision(ctx)
}

// groupsText is the block of a translator: that of a shape, with its groups or with
// others.
func groupsText(t *testing.T, name, groups, address string, edits ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "rest", name+".caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, isFound := strings.Cut(string(content), "translator ")
	text, _, isClosed := strings.Cut(text, "\n\t\t}\n")
	if !isFound || !isClosed {
		t.Fatalf("%s has no translator", name)
	}
	if groups != "" {
		text, _, isFound = strings.Cut(text, "\t\t\tgroups {")
		if !isFound {
			t.Fatalf("%s has no groups", name)
		}
		text += "\t\t\tgroups {" + groups + "\t\t\t}"
	}
	return strings.NewReplacer(append(edits, "https://app.example.com", address, "{file./etc/scimgate/app}", legacy.Key, "{file./etc/scimgate/app-password}", legacy.Password)...).Replace(text + "\n}\n")
}

// TestGroupsConformance runs the suite against every way to have groups.
func TestGroupsConformance(t *testing.T) {
	for _, tt := range groupShapes {
		t.Run(tt.name, func(t *testing.T) {
			app := legacy.Start(t, tt.options)
			b := conformance.Backend{
				Translator: provisionGroups(t, tt.shape, tt.groups, app, "\t\t\tusers {\n", "\t\t\tbreaker off\n\t\t\tretries off\n\t\t\tusers {\n\t\t\t\tfilter_list\n"+tt.users, "\t\t\tgroups {\n", "\t\t\tgroups {\n\t\t\t\tfilter_list\n"),
				CanSignIn:  func(t *testing.T, userName, password string) bool { return app.SignInAs(userName, password) == nil },
				Awkward:    slices.DeleteFunc(slices.Clone(conformance.AwkwardTexts), func(text string) bool { return strings.ContainsAny(text, `\,"<>;/`) }),
				Value: func(path string, n int) scim.Value {
					if strings.HasSuffix(path, ":employeeNumber") {
						return scim.String(strconv.Itoa(4000 + n)) // the application keeps a number
					}
					return scim.Value{}
				},
				Many:    30,
				Members: 30,
			}
			if tt.adjust != nil {
				tt.adjust(&b)
			}
			conformance.Run(t, b)
		})
	}
}
