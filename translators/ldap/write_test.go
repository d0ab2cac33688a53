package ldap

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// values are SCIM paths and what they are to be: "" removes, true and false are
// booleans.
type values map[string]string

// changesOf returns what a provider would send to set the values.
func changesOf(t testing.TB, k *kind, v values) []scim.Change {
	t.Helper()
	var changes []scim.Change
	for _, text := range slices.Sorted(maps.Keys(v)) {
		path, err := scim.ParsePath(k.served.ResourceType, text)
		if err != nil {
			t.Fatalf("parsing the path %s: %v", text, err)
		}
		if v[text] == "" {
			changes = append(changes, scim.Change{Op: scim.Remove, Path: path})
			continue
		}
		value, err := scim.Coerce(path.Leaf(), scim.String(v[text]))
		if err != nil {
			t.Fatalf("value of %s: %v", text, err)
		}
		changes = append(changes, scim.Change{Op: scim.Replace, Path: path, Value: value})
	}
	return changes
}

// resource returns a resource with these values.
func resource(t testing.TB, k *kind, v values) *scim.Resource {
	t.Helper()
	r, err := scim.Apply(scim.NewResource(k.served.ResourceType), changesOf(t, k, v))
	if err != nil {
		t.Fatalf("making a resource: %v", err)
	}
	return r
}

// creation is the intent of a POST.
func creation(t testing.TB, k *kind, v values, members ...string) translators.Intent {
	t.Helper()
	after := resource(t, k, v)
	in := translators.Intent{Action: scim.ActionCreate, Type: k.served.ResourceType, After: after, Changes: scim.Diff(nil, after)}
	if members != nil {
		in.Members = &scim.MemberChange{Add: members}
	}
	return in
}

// updating is the intent of a PATCH of what was read before.
func updating(t testing.TB, k *kind, before *translators.Entry, v values) translators.Intent {
	t.Helper()
	after, err := scim.Apply(before.Resource, changesOf(t, k, v))
	if err != nil {
		t.Fatalf("applying: %v", err)
	}
	_, setsActive := v["active"]
	return translators.Intent{Action: scim.ActionUpdate, Type: k.served.ResourceType, ID: before.Resource.ID, SetsActive: setsActive,
		Before: before, After: after, Changes: scim.Diff(before.Resource, after)}
}

// read reads a resource whole.
func read(t testing.TB, tr *Translator, k *kind, id string) *translators.Entry {
	t.Helper()
	entries, err := tr.Read(t.Context(), k.served.ResourceType, []string{id}, whole)
	if err != nil {
		t.Fatalf("reading %s: %v", id, err)
	}
	if len(entries) != 1 {
		t.Fatalf("reading %s: %d entries", id, len(entries))
	}
	return entries[0]
}

// planOf plans what must be possible.
func planOf(t testing.TB, tr *Translator, in translators.Intent) *translators.Plan {
	t.Helper()
	plan, err := tr.Plan(t.Context(), in)
	if err != nil {
		t.Fatalf("planning: %v", err)
	}
	return plan
}

// carryOut plans, executes and proves as a gateway does.
func carryOut(t testing.TB, tr *Translator, in translators.Intent) (translators.Report, translators.Proof) {
	t.Helper()
	plan := planOf(t, tr, in)
	report := translators.Execute(t.Context(), plan)
	return report, tr.Prove(t.Context(), plan, report)
}

// mustCarryOut is carryOut of what must be applied.
func mustCarryOut(t testing.TB, tr *Translator, in translators.Intent) (translators.Report, translators.Proof) {
	t.Helper()
	report, proof := carryOut(t, tr, in)
	if report.Outcome != translators.Applied || report.Err != nil {
		t.Fatalf("executing: %s: %v", report.Outcome, report.Err)
	}
	return report, proof
}

// add creates a resource and returns its id.
func add(t testing.TB, tr *Translator, k *kind, v values, members ...string) string {
	t.Helper()
	report, _ := mustCarryOut(t, tr, creation(t, k, v, members...))
	if report.ID() == "" {
		t.Fatal("the report of a creation has no id")
	}
	return report.ID()
}

// person is what a provider knows of somebody.
func person(login string) values {
	return values{"userName": login, "name.familyName": "Family of " + login, "name.formatted": "Name of " + login,
		`emails[type eq "work"].value`: login + "@example.com"}
}

// update changes a resource and returns it as it is then.
func change(t testing.TB, tr *Translator, k *kind, id string, v values) *translators.Entry {
	t.Helper()
	mustCarryOut(t, tr, updating(t, k, read(t, tr, k, id), v))
	return read(t, tr, k, id)
}

// changeMembers changes a group's members blindly, as a PATCH of members does.
func changeMembers(t testing.TB, tr *Translator, id string, change *scim.MemberChange) (translators.Report, error) {
	t.Helper()
	plan, err := tr.Plan(t.Context(), translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: id, Members: change})
	if err != nil {
		return translators.Report{}, err
	}
	report := translators.Execute(t.Context(), plan)
	return report, report.Err
}

// stored reads an entry past the translator.
func stored(t testing.TB, server *slapd.Server, filter string, attributes ...string) *goldap.Entry {
	t.Helper()
	result, err := server.Admin(t).Search(goldap.NewSearchRequest(slapd.Base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
		0, 0, false, filter, append(attributes, "*", "entryCSN", lockedTime, "memberOf"), nil))
	if err != nil {
		t.Fatalf("searching %s: %v", filter, err)
	}
	if len(result.Entries) != 1 {
		t.Fatalf("searching %s: %d entries, want one", filter, len(result.Entries))
	}
	return result.Entries[0]
}

const lockedTime = "pwdAccountLockedTime"

// exists reports whether an entry satisfies the filter.
func exists(t testing.TB, server *slapd.Server, filter string) bool {
	t.Helper()
	result, err := server.Admin(t).Search(goldap.NewSearchRequest(slapd.Base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
		0, 0, false, filter, []string{"1.1"}, nil))
	if err != nil {
		t.Fatalf("searching %s: %v", filter, err)
	}
	return len(result.Entries) > 0
}

// canSignIn reports whether the directory accepts the password.
func canSignIn(t testing.TB, server *slapd.Server, dn, password string) bool {
	t.Helper()
	conn, err := goldap.DialURL(server.URL())
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Bind(dn, password)
	if err != nil && !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) {
		t.Fatalf("signing in: %v", err)
	}
	return err == nil
}

// membersIn returns the members of a group as they are stored, sorted.
func membersIn(t testing.TB, server *slapd.Server, group string) []string {
	t.Helper()
	e := stored(t, server, "(&(cn="+group+")(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)))")
	return slices.Sorted(slices.Values(slices.Concat(e.GetAttributeValues("member"), e.GetAttributeValues("uniqueMember"), e.GetAttributeValues("memberUid"))))
}

func dnOf(login string) string { return "uid=" + login + "," + slapd.People }

// text is a plan as it is printed, without what differs from run to run.
func text(plan *translators.Plan) string {
	var all []string
	for _, c := range plan.Calls {
		all = append(all, "# "+c.Purpose()+"\n"+c.String())
	}
	return strings.Join(all, "\n")
}

// wait waits until a condition holds.
func wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waiting for %s: not within 10 s", what)
		}
	}
}
