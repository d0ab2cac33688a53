package ldap

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/directory"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// What refers to people: a type with two references to them and one to its own
// kind, and one whose object class demands its reference.
const (
	referringBlocks = `
	schema urn:example:params:scim:schemas:core:2.0:Device {
		attribute displayName {
			required
		}
		attribute owner
		attribute users {
			multi_valued
		}
	}
	resource Device {
		endpoint /Devices
		schema urn:example:params:scim:schemas:core:2.0:Device
		base ou=devices,ou=groups,dc=example,dc=com
		object_class device
		rdn cn
		delete remove
		map displayName cn
		map owner owner {
			reference User
		}
		map users seeAlso {
			reference User
		}
	}`
	demandingBlocks = `
	schema urn:example:params:scim:schemas:core:2.0:Post {
		attribute displayName {
			required
		}
		attribute holder
	}
	resource Post {
		endpoint /Posts
		schema urn:example:params:scim:schemas:core:2.0:Post
		base ou=devices,ou=groups,dc=example,dc=com
		object_class groupOfNames
		rdn cn
		delete remove
		map displayName cn
		map holder member {
			reference User
		}
	}`
)

// referenceServers are directories that keep references, and that do not.
func referenceServers(t *testing.T, run func(t *testing.T, url string, admin func() *goldap.Conn)) {
	t.Helper()
	for name, options := range map[string]slapd.Options{"slapd with refint": {}, "slapd": {NoRefint: true, NoMemberOf: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options.NoSync, options.LDIF = true, deviceContainer
			server := slapd.Start(t, options)
			run(t, server.URL(), func() *goldap.Conn { return server.Admin(t) })
		})
	}
	for name, references := range map[string][]string{"embedded with refint": nil, "embedded": {"secretary"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := directory.New(directory.Options{
				Suffix: slapd.Base, Root: directory.Account{DN: slapd.AdminDN, Password: slapd.AdminPassword}, SizeLimit: 500, MaxPageSize: 200,
				References: references,
				Accounts: []directory.Account{{DN: slapd.ServiceDN, Password: slapd.ServicePassword,
					Read: []string{slapd.Policies}, Write: []string{slapd.People, slapd.Groups}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Load(strings.NewReader(containers + "\n" + deviceContainer)); err != nil {
				t.Fatal(err)
			}
			address, err := server.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Close() })
			run(t, "ldap://"+address.String(), func() *goldap.Conn {
				conn, err := goldap.DialURL("ldap://" + address.String())
				if err == nil {
					t.Cleanup(func() { _ = conn.Close() })
					err = conn.Bind(slapd.AdminDN, slapd.AdminPassword)
				}
				if err != nil {
					t.Fatal(err)
				}
				return conn
			})
		})
	}
}

const managerPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"

// kindNamed returns a kind by the name of its type.
func kindNamed(t testing.TB, tr *Translator, name string) *kind {
	t.Helper()
	for _, k := range tr.kinds {
		if k.served.Name == name {
			return k
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// shownAt returns how a value is shown.
func shownAt(t testing.TB, tr *Translator, k *kind, id, text string) string {
	t.Helper()
	path, err := scim.ParsePath(k.served.ResourceType, text)
	if err != nil {
		t.Fatal(err)
	}
	return show(path.Value(read(t, tr, k, id).Resource))
}

// removal is the intent of a DELETE.
func removal(k *kind, id string) translators.Intent {
	return translators.Intent{Action: scim.ActionDelete, Type: k.served.ResourceType, ID: id}
}

// TestReferencesFollow renames and deletes who is referred to, where the directory
// sees to references and where it does not.
func TestReferencesFollow(t *testing.T) {
	referenceServers(t, func(t *testing.T, url string, admin func() *goldap.Conn) {
		users := strings.Replace(users(t), "map groups memberOf", "", 1)
		tr := configure(t, url, "bind "+slapd.ServiceDN+" "+slapd.ServicePassword, users, groupsBlock, referringBlocks)
		devices := kindNamed(t, tr, "Device")
		device := func(v values) string { return add(t, tr, devices, v) }
		ada, bob, eve := add(t, tr, tr.users, person("ada")), add(t, tr, tr.users, person("bob")), add(t, tr, tr.users, person("eve"))
		change(t, tr, tr.users, bob, values{managerPath: ada})
		laptop := device(values{"displayName": "laptop", "owner": ada})
		phone := device(values{"displayName": "phone", "owner": bob, "users": ada})
		both := device(values{"displayName": "both", "owner": ada, "users": ada})
		other := device(values{"displayName": "other", "owner": eve, "users": eve})
		// What no base of a kind that refers to people holds is not touched.
		outside := goldap.NewAddRequest("cn=outside,"+slapd.Groups, nil)
		outside.Attribute("objectClass", []string{"device"})
		outside.Attribute("cn", []string{"outside"})
		outside.Attribute("seeAlso", []string{dnOf("ada")})
		if err := admin().Add(outside); err != nil {
			t.Fatal(err)
		}
		check := func(when, of string) {
			t.Helper()
			for _, c := range []struct {
				k              *kind
				id, path, want string
			}{
				{tr.users, bob, managerPath, of}, {devices, laptop, "owner", of}, {devices, phone, "owner", bob}, {devices, phone, "users", "[" + of + "]"},
				{devices, both, "owner", of}, {devices, both, "users", "[" + of + "]"}, {devices, other, "owner", eve}, {devices, other, "users", "[" + eve + "]"},
			} {
				want := strings.TrimPrefix(c.want, "[]")
				wait(t, when+": "+c.path+" to be "+want, func() bool { return shownAt(t, tr, c.k, c.id, c.path) == want })
			}
		}
		check("at first", ada)
		version := read(t, tr, devices, other).Resource.Meta.Version
		change(t, tr, tr.users, ada, values{"userName": "countess, of Lovelace"})
		check("renamed", ada)
		if got := idOf(t, tr, devices, `owner eq "`+ada+`" and displayName eq "laptop"`); got != laptop {
			t.Errorf("found by its owner: %s", got)
		}
		change(t, tr, tr.users, ada, values{"userName": "ada"})
		check("renamed back", ada)
		mustCarryOut(t, tr, removal(tr.users, ada))
		check("deleted", "")
		add(t, tr, tr.users, person("ada"))
		check("its name taken by another", "")
		if got := read(t, tr, devices, other).Resource.Meta.Version; got != version {
			t.Error("a device of somebody else was changed")
		}
		found, err := admin().Search(goldap.NewSearchRequest(slapd.Groups, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, 0, 0, false, "(cn=outside)", nil, nil))
		if err != nil || len(found.Entries) != 1 || found.Entries[0].GetAttributeValue("seeAlso") != dnOf("ada") {
			t.Errorf("outside of the bases something was changed: %v", err)
		}
	})
}

// TestReferencesFollowAMove disables by a move, and enables.
func TestReferencesFollowAMove(t *testing.T) {
	referenceServers(t, func(t *testing.T, url string, _ func() *goldap.Conn) {
		users := strings.Replace(users(t, byMove), "map groups memberOf", "", 1)
		tr := configure(t, url, "bind "+slapd.ServiceDN+" "+slapd.ServicePassword, users, referringBlocks)
		devices := kindNamed(t, tr, "Device")
		ada := add(t, tr, tr.users, person("ada"))
		laptop := add(t, tr, devices, values{"displayName": "laptop", "owner": ada})
		for _, v := range []values{{"active": "false"}, {"active": "true"}, {"active": "false", "title": "Former", "userName": "former"}, {"active": "true", "userName": "again"}} {
			e := read(t, tr, tr.users, ada)
			report, proof := mustCarryOut(t, tr, updating(t, tr.users, e, v))
			if proof.Status == translators.Refuted || proof.Err != nil || report.Last() == nil {
				t.Errorf("%v: the proof is %s: %v", v, proof.Status, proof.Err)
			}
			wait(t, fmt.Sprintf("the owner after %v", v), func() bool { return shownAt(t, tr, devices, laptop, "owner") == ada })
		}
		// Disabled twice nothing is looked for.
		change(t, tr, tr.users, ada, values{"active": "false"})
		if plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, ada), values{"active": "false"})); len(plan.Calls) > 0 {
			t.Errorf("a second disable is\n%s", text(plan))
		}
	})
}

// TestAReferenceThatIsDemanded deletes who an entry must name: the person is gone,
// the other references are taken away, and what is left is told.
func TestAReferenceThatIsDemanded(t *testing.T) {
	for _, noRefint := range []bool{false, true} {
		t.Run(fmt.Sprintf("without refint %t", noRefint), func(t *testing.T) {
			t.Parallel()
			tr, server := serve(t, slapd.Options{NoSync: true, LDIF: deviceContainer, NoRefint: noRefint, NoMemberOf: true},
				strings.Replace(users(t), "map groups memberOf", "", 1), demandingBlocks, referringBlocks)
			posts, devices := kindNamed(t, tr, "Post"), kindNamed(t, tr, "Device")
			ada := add(t, tr, tr.users, person("ada"))
			add(t, tr, posts, values{"displayName": "a post", "holder": ada})
			server.Add(t, "dn: cn=shared,ou=devices,"+slapd.Groups+"\nobjectClass: groupOfNames\ncn: shared\nmember: "+dnOf("ada")+"\nmember: cn=x\n")
			add(t, tr, devices, values{"displayName": "laptop", "owner": ada})
			change(t, tr, tr.users, ada, values{"userName": "countess"})
			report, _ := carryOut(t, tr, removal(tr.users, ada))
			if !report.Partial || report.Outcome != translators.Unknown || translators.KindOf(report.Err) != translators.Refused ||
				!strings.Contains(report.Err.Error(), "cn=a post") || !strings.Contains(asError(t, report.Err).Detail, "demands its reference") {
				t.Errorf("the outcome is %s, partial %t: %v", report.Outcome, report.Partial, report.Err)
			}
			if exists(t, server, "(uid=countess)") {
				t.Error("the person is still there")
			}
			if got := membersIn(t, server, "shared"); !slices.Equal(got, []string{"cn=x"}) {
				t.Errorf("behind the refusal the others were left: %q", got)
			}
			if exists(t, server, "(owner=*)") {
				t.Error("behind the refusal those of another type were left")
			}
		})
	}
}

// TestReferencesAreTakenBack undoes a rename whose plan fails behind it.
func TestReferencesAreTakenBack(t *testing.T) {
	tr, _ := serve(t, slapd.Options{NoSync: true, LDIF: deviceContainer, NoRefint: true, NoMemberOf: true},
		strings.Replace(usersBlock, "map groups memberOf", "", 1), referringBlocks)
	devices := kindNamed(t, tr, "Device")
	ada := add(t, tr, tr.users, person("ada"))
	laptop := add(t, tr, devices, values{"displayName": "laptop", "owner": ada, "users": ada})
	plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, ada), values{"userName": "countess"}))
	const want = "# keep references to it\ndn: cn=laptop,ou=devices,ou=groups,dc=example,dc=com\nchangetype: modify\n" +
		"add: owner\nowner: uid=countess,ou=people,dc=example,dc=com\n-\ndelete: owner\nowner: uid=ada,ou=people,dc=example,dc=com\n-\n" +
		"add: seeAlso\nseeAlso: uid=countess,ou=people,dc=example,dc=com\n-\ndelete: seeAlso\nseeAlso: uid=ada,ou=people,dc=example,dc=com\n-\n"
	if !strings.HasSuffix(text(plan), want) {
		t.Errorf("the plan is\n%s", text(plan))
	}
	plan.Calls = append(plan.Calls, failingCall{})
	report := translators.Execute(t.Context(), plan)
	if report.Outcome != translators.NotApplied || report.Partial {
		t.Errorf("the outcome is %s, partial %v: %v", report.Outcome, report.Partial, report.Err)
	}
	if got := shownAt(t, tr, devices, laptop, "owner"); got != ada {
		t.Errorf("the owner is %q", got)
	}
}

// TestTooManyReferences bounds what one request changes: a rename is refused, and
// of a removal it is told that something is left.
func TestTooManyReferences(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true, LDIF: deviceContainer, NoRefint: true, NoMemberOf: true},
		strings.Replace(users(t), "map groups memberOf", "", 1), referringBlocks)
	devices := kindNamed(t, tr, "Device")
	ada := add(t, tr, tr.users, person("ada"))
	for i := range 3 {
		add(t, tr, devices, values{"displayName": fmt.Sprintf("laptop %d", i), "owner": ada})
	}
	tr.holdersAtMost = 2
	_, err := tr.Plan(t.Context(), updating(t, tr.users, read(t, tr, tr.users, ada), values{"userName": "countess"}))
	if translators.KindOf(err) != translators.TooMany || !strings.Contains(asError(t, err).Detail, "More than 2 entries") {
		t.Errorf("the rename is planned: %v", err)
	}
	report, _ := carryOut(t, tr, removal(tr.users, ada))
	if !report.Partial || translators.KindOf(report.Err) != translators.TooMany {
		t.Errorf("the outcome is %s, partial %t: %v", report.Outcome, report.Partial, report.Err)
	}
	if exists(t, server, "(uid=ada)") || len(find(t, tr, devices, "").Entries) != 3 {
		t.Error("the person is still there, or a device is gone")
	}
	stored(t, server, "(owner=*)") // one
}

// TestNothingHoldsBackForReferences has a directory that does not answer searches
// for references: who is to be disabled or removed, is.
func TestNothingHoldsBackForReferences(t *testing.T) {
	for _, c := range []struct {
		name   string
		intent func(*testing.T, *Translator, string) translators.Intent
		isDone func(*testing.T, *slapd.Server) bool
	}{
		{"disable", func(t *testing.T, tr *Translator, id string) translators.Intent {
			return updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"})
		}, func(t *testing.T, s *slapd.Server) bool {
			return strings.HasSuffix(stored(t, s, "(uid=ada)").DN, slapd.Disabled)
		}},
		{"remove", func(_ *testing.T, tr *Translator, id string) translators.Intent { return removal(tr.users, id) },
			func(t *testing.T, s *slapd.Server) bool { return !exists(t, s, "(uid=ada)") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: deviceContainer, NoRefint: true, NoMemberOf: true})
			proxy := slapd.NewProxy(t, server.Addr())
			users := strings.Replace(strings.Replace(users(t, byMove), "delete disable", "delete remove", 1), "map groups memberOf", "", 1)
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\nconnections {\nrequest_timeout 400ms\n}", users, referringBlocks)
			ada := add(t, tr, tr.users, person("ada"))
			add(t, tr, kindNamed(t, tr, "Device"), values{"displayName": "laptop", "owner": ada})
			intent := c.intent(t, tr, ada)
			if intent.Before == nil {
				intent.Before = read(t, tr, tr.users, ada)
			}
			proxy.OnRequest(func(operation int) slapd.Action {
				if operation == goldap.ApplicationSearchRequest {
					return slapd.Drop
				}
				return slapd.Forward
			})
			report := translators.Execute(t.Context(), planOf(t, tr, intent))
			if !report.Partial || report.Err == nil {
				t.Errorf("what is left is not told: %s, %v", report.Outcome, report.Err)
			}
			if !c.isDone(t, server) {
				t.Error("it is not done")
			}
		})
	}
}

// TestReferencesCost counts the requests: none where nothing refers, one for each
// type that does.
func TestReferencesCost(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true, LDIF: deviceContainer})
	proxy := slapd.NewProxy(t, server.Addr())
	var requests atomic.Int64
	proxy.OnRequest(func(int) slapd.Action { requests.Add(1); return slapd.Forward })
	head, block := "bind "+server.ServiceDN+" "+server.ServicePassword, strings.Replace(users(t), "map groups memberOf", "", 1)
	counts := func(tr *Translator) (got [3]int64) {
		ada := add(t, tr, tr.users, person("ada"))
		for i, in := range []func() translators.Intent{
			func() translators.Intent {
				return updating(t, tr.users, read(t, tr, tr.users, ada), values{"title": "Analyst"})
			},
			func() translators.Intent {
				return updating(t, tr.users, read(t, tr, tr.users, ada), values{"userName": "countess"})
			},
			func() translators.Intent { return removal(tr.users, ada) },
		} {
			intent := in()
			requests.Store(0)
			mustCarryOut(t, tr, intent)
			got[i] = requests.Load()
		}
		return got
	}
	for _, c := range []struct {
		name   string
		blocks []string
		want   [3]int64 // a change, a rename, a removal
	}{
		{"no references", []string{alone(t, block), groupsBlock}, [3]int64{1, 3, 3}},
		{"a manager", []string{block, groupsBlock}, [3]int64{1, 4, 4}},
		{"a manager and devices", []string{block, groupsBlock, referringBlocks}, [3]int64{1, 5, 5}},
	} {
		if got := counts(configure(t, proxy.URL(), head, c.blocks...)); got != c.want {
			t.Errorf("%s: %d requests, want %d", c.name, got, c.want)
		}
	}
}
