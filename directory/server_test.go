package directory_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/scimgate/scimgate/directory"
)

func TestDumpLoadsAgain(t *testing.T) {
	first, addr := start(t, options(), seed)
	c := admin(t, addr)
	err := errors.Join(
		c.Add(&ldap.AddRequest{DN: "cn=g," + groups, Attributes: parseAttributes([]string{"objectClass: groupOfNames", "cn: g", "member: uid=ada," + people})}),
		c.Modify(modifyRequest("uid=ada,"+people, nil, put("pwdAccountLockedTime", always), put("description", " space", "line\nbreak", ": colon", "<url", "é", "plain"))),
		c.ModifyDN(ldap.NewModifyDNRequest("cn=g,"+groups, "cn=h", true, services)))
	if err != nil {
		t.Fatal(err)
	}
	var text, again strings.Builder
	if err := first.Dump(&text); err != nil {
		t.Fatal(err)
	}
	second, addr2 := start(t, options(), text.String())
	if err := second.Dump(&again); err != nil {
		t.Fatal(err)
	}
	sorted := func(ldif string) []string { return slices.Sorted(strings.SplitSeq(ldif, "\n")) }
	if diff := cmp.Diff(sorted(text.String()), sorted(again.String())); diff != "" {
		t.Errorf("a loaded dump dumps differently:\n%s", diff)
	}
	everything := func(addr string) []string {
		return describe(search(t, admin(t, addr), base, "(objectClass=*)", "*", "+"))
	}
	if diff := cmp.Diff(everything(addr), everything(addr2)); diff != "" {
		t.Errorf("a loaded dump is another directory:\n%s", diff)
	}
	ada := dial(t, addr2, "", "")
	if got := code(t, ada.Bind("uid=ada,"+people, "ada-secret")); got != ldap.LDAPResultInvalidCredentials {
		t.Errorf("a locked person binds with code %d after loading", got)
	}
	if err := admin(t, addr2).Modify(modifyRequest("uid=ada,"+people, nil, less("pwdAccountLockedTime"))); err != nil {
		t.Fatal(err)
	}
	if err := ada.Bind("uid=ada,"+people, "ada-secret"); err != nil {
		t.Errorf("the password did not survive: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, test := range map[string]struct{ ldif, message string }{
		"no dn":           {"objectClass: domain\n", "starts with dn"},
		"no colon":        {"dn: dc=example,dc=com\nobjectClass domain\n", "line 2"},
		"bad base64":      {"dn:: %%%\n", "line 1"},
		"URL":             {"dn: dc=example,dc=com\nobjectClass:< file:///etc/passwd\n", "URL"},
		"change record":   {"dn: dc=example,dc=com\nchangetype: delete\n", "change records"},
		"outside":         {"dn: o=elsewhere\nobjectClass: organization\n", "not below"},
		"no parent":       {"dn: ou=a,dc=example,dc=com\nobjectClass: organizationalUnit\n", "No Such Object"},
		"schema":          {"dn: dc=example,dc=com\nobjectClass: domain\nnonsuch: x\n", "Undefined Attribute Type"},
		"twice":           {"dn: dc=example,dc=com\nobjectClass: domain\n\n\ndn: DC=example,dc=com\nobjectClass: domain\n", "line 5"},
		"syntax of an id": {"dn: dc=example,dc=com\nobjectClass: domain\nentryUUID: junk\n", "Invalid Attribute Syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := directory.New(options())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Load(strings.NewReader(test.ldif)); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*directory.Options){
		"no suffix":            func(o *directory.Options) { o.Suffix = "" },
		"bad suffix":           func(o *directory.Options) { o.Suffix = "junk" },
		"bad root":             func(o *directory.Options) { o.Root.DN = "junk" },
		"bad account":          func(o *directory.Options) { o.Accounts[0].DN = "junk" },
		"bad subtree":          func(o *directory.Options) { o.Accounts[0].Write = []string{"junk"} },
		"bad readable subtree": func(o *directory.Options) { o.Accounts[0].Read = []string{"junk"} },
		"bad placeholder":      func(o *directory.Options) { o.Placeholder = "junk" },
		"bad policy":           func(o *directory.Options) { o.DefaultPolicy = "junk" },
		"bad unique base":      func(o *directory.Options) { o.Unique[0].Base = "junk" },
		"unknown unique":       func(o *directory.Options) { o.Unique[0].Attribute = "nonsuch" },
		"unknown reference":    func(o *directory.Options) { o.References = []string{"nonsuch"} },
		"reference without DN": func(o *directory.Options) { o.References = []string{"title"} },
		"unknown index":        func(o *directory.Options) { o.Index = []string{"nonsuch"} },
		"opaque index":         func(o *directory.Options) { o.Index = []string{"jpegPhoto"} },
		"name taken": func(o *directory.Options) {
			o.Schema.Attributes = []directory.AttributeType{{Names: []string{"CN"}, OID: "1.2.3"}}
		},
		"nameless attribute": func(o *directory.Options) { o.Schema.Attributes = []directory.AttributeType{{OID: "1.2.3"}} },
		"unknown rule": func(o *directory.Options) {
			o.Schema.Attributes = []directory.AttributeType{{Names: []string{"x"}, OID: "1.2.3", Rule: 99}}
		},
		"nameless class": func(o *directory.Options) { o.Schema.Classes = []directory.ObjectClass{{OID: "1.2.3"}} },
		"class taken":    func(o *directory.Options) { o.Schema.Classes = []directory.ObjectClass{{Name: "Person", OID: "1.2.3"}} },
		"unknown parent": func(o *directory.Options) {
			o.Schema.Classes = []directory.ObjectClass{{Name: "x", OID: "1.2.3", Superior: "y"}}
		},
		"unknown in must": func(o *directory.Options) {
			o.Schema.Classes = []directory.ObjectClass{{Name: "x", OID: "1.2.3", Must: []string{"y"}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			change(&o)
			if _, err := directory.New(o); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestOwnSchema(t *testing.T) {
	o := options()
	o.Schema = directory.Schema{
		Attributes: []directory.AttributeType{
			{Names: []string{"scimExternalID"}, OID: "1.3.6.1.4.1.32473.1.1", Rule: directory.CaseExact, Flags: directory.SingleValued, MaxLength: 8},
		},
		Classes: []directory.ObjectClass{
			{Name: "scimResource", OID: "1.3.6.1.4.1.32473.2.1", Superior: "top", Kind: directory.Auxiliary, May: []string{"scimExternalID"}},
		},
	}
	o.Index = []string{"scimExternalID"}
	_, addr := start(t, o, seed)
	c := admin(t, addr)
	dn := "uid=ada," + people
	for _, test := range []struct {
		name    string
		changes []ldap.Change
		code    uint16
	}{
		{"without its class", []ldap.Change{put("scimExternalID", "Abc")}, ldap.LDAPResultObjectClassViolation},
		{"with its class", []ldap.Change{more("objectClass", "scimResource"), put("scimexternalid", "Abc")}, 0},
		{"second value", []ldap.Change{more("scimExternalID", "Def")}, ldap.LDAPResultConstraintViolation},
		{"too long", []ldap.Change{put("scimExternalID", "123456789")}, ldap.LDAPResultInvalidAttributeSyntax},
	} {
		if got := code(t, c.Modify(modifyRequest(dn, nil, test.changes...))); got != test.code {
			t.Errorf("%s: code %d, want %d", test.name, got, test.code)
		}
	}
	for filter, want := range map[string]int{"(scimExternalID=Abc)": 1, "(scimExternalID=abc)": 0, "(scimExternalID=A*)": 0} {
		if found := search(t, c, base, filter, "scimExternalID"); len(found) != want {
			t.Errorf("%s finds %d, want %d", filter, len(found), want)
		}
	}
	result, err := c.Search(ldap.NewSearchRequest("cn=Subschema", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=subschema)", []string{"attributeTypes", "objectClasses"}, nil))
	if err != nil || len(result.Entries) != 1 {
		t.Fatalf("reading the schema: %v", err)
	}
	for attribute, want := range map[string]string{
		"attributeTypes": "( 1.3.6.1.4.1.32473.1.1 NAME 'scimExternalID' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{8} SINGLE-VALUE )",
		"objectClasses":  "( 1.3.6.1.4.1.32473.2.1 NAME 'scimResource' SUP top AUXILIARY MAY ( scimExternalID ) )",
	} {
		if values := result.Entries[0].GetAttributeValues(attribute); !slices.Contains(values, want) {
			t.Errorf("the schema lacks %s among %d %s", want, len(values), attribute)
		}
	}
	if values := result.Entries[0].GetAttributeValues("attributeTypes"); !slices.Contains(values, "( 2.5.4.3 NAME ( 'cn' 'commonName' ) EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )") {
		t.Error("the schema lacks cn")
	}
}

func TestIDs(t *testing.T) {
	_, addr := start(t, options(), seed)
	c := admin(t, addr)
	text := search(t, c, base, "(uid=ada)", "entryUUID")[0].GetAttributeValue("entryUUID")
	id, err := uuid.Parse(text)
	if err != nil || id.Version() != 4 || id.String() != text {
		t.Errorf("entryUUID %s is not a random lower-case UUID", text)
	}
	if err := c.ModifyDN(ldap.NewModifyDNRequest("uid=ada,"+people, "uid=lovelace", true, groups)); err != nil {
		t.Fatal(err)
	}
	if found := search(t, c, base, "(entryUUID="+strings.ToUpper(text)+")", "1.1"); len(found) != 1 || found[0].DN != "uid=lovelace,"+groups {
		t.Errorf("after a rename and move the id finds %v", found)
	}
}

func TestRootDSE(t *testing.T) {
	_, addr := start(t, options(), seed)
	result, err := dial(t, addr, "", "").Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"+"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	dse := result.Entries[0]
	for attribute, want := range map[string][]string{
		"namingContexts":       {base},
		"supportedLDAPVersion": {"3"},
		"vendorName":           {"scimgate"},
		"subschemaSubentry":    {"cn=Subschema"},
		"supportedControl":     {"1.2.840.113556.1.4.319", "1.3.6.1.4.1.42.2.27.8.5.1", "2.16.840.1.113730.3.4.2", "1.3.6.1.1.12", "1.3.6.1.1.13.1", "1.3.6.1.1.13.2", "1.2.840.113556.1.4.473"},
		"supportedExtension":   {"1.3.6.1.4.1.4203.1.11.1", "1.3.6.1.4.1.4203.1.11.3"},
	} {
		if diff := cmp.Diff(want, dse.GetAttributeValues(attribute)); diff != "" {
			t.Errorf("%s: %s", attribute, diff)
		}
	}
}

func TestSizeLimits(t *testing.T) {
	o := options()
	o.SizeLimit, o.MaxSizeLimit, o.MaxPageSize = 10, 20, 5
	_, addr := start(t, o, seed)
	c := admin(t, addr)
	for i := range 30 {
		if err := c.Add(&ldap.AddRequest{DN: fmt.Sprintf("uid=u%d,%s", i, people), Attributes: parseAttributes([]string{"objectClass: inetOrgPerson", "cn: x", "sn: x"})}); err != nil {
			t.Fatal(err)
		}
	}
	service := dial(t, addr, serviceDN, servicePassword)
	run := func(c *ldap.Conn, limit int, filter string, controls ...ldap.Control) (int, uint16) {
		result, err := c.Search(ldap.NewSearchRequest(people, ldap.ScopeSingleLevel, 0, limit, 0, false, filter, []string{"1.1"}, controls))
		return len(result.Entries), code(t, err)
	}
	for _, test := range []struct {
		name     string
		conn     *ldap.Conn
		limit    int
		filter   string
		controls []ldap.Control
		entries  int
		code     uint16
	}{
		{"soft limit", service, 0, "(sn=x)", nil, 10, ldap.LDAPResultSizeLimitExceeded},
		{"one above it", service, 0, "(uid=u1*)", nil, 10, ldap.LDAPResultSizeLimitExceeded},
		{"below it", service, 0, "(uid=u3*)", nil, 1, 0},
		{"own limit above the soft one", service, 15, "(sn=x)", nil, 15, ldap.LDAPResultSizeLimitExceeded},
		{"own limit above the hard one", service, 25, "(sn=x)", nil, 20, ldap.LDAPResultSizeLimitExceeded},
		{"exactly enough", service, 1, "(uid=u7)", nil, 1, 0},
		{"root", c, 0, "(sn=x)", nil, 30, 0},
		{"root with a limit", c, 3, "(sn=x)", nil, 3, ldap.LDAPResultSizeLimitExceeded},
		{"a page", service, 0, "(sn=x)", []ldap.Control{ldap.NewControlPaging(5)}, 5, 0},
		{"a page too large", service, 0, "(sn=x)", []ldap.Control{ldap.NewControlPaging(6)}, 0, ldap.LDAPResultAdminLimitExceeded},
		{"a page above the own limit", service, 4, "(sn=x)", []ldap.Control{ldap.NewControlPaging(5)}, 4, ldap.LDAPResultSizeLimitExceeded},
	} {
		if entries, code := run(test.conn, test.limit, test.filter, test.controls...); entries != test.entries || code != test.code {
			t.Errorf("%s: %d entries and code %d, want %d and %d", test.name, entries, code, test.entries, test.code)
		}
	}
}

// TestWalkDuringWrites changes the tree under a paged search: every entry that was there all along
// comes exactly once.
func TestWalkDuringWrites(t *testing.T) {
	_, addr := start(t, options(), seed)
	c, walker := admin(t, addr), admin(t, addr)
	name := func(i int) string { return fmt.Sprintf("uid=u%d,%s", i, people) }
	for i := range 20 {
		if err := c.Add(&ldap.AddRequest{DN: name(i), Attributes: parseAttributes([]string{"objectClass: inetOrgPerson", "cn: x", "sn: x"})}); err != nil {
			t.Fatal(err)
		}
	}
	paging := ldap.NewControlPaging(3)
	seen := map[string]int{}
	for page := 0; ; page++ {
		result, err := walker.Search(ldap.NewSearchRequest(people, ldap.ScopeSingleLevel, 0, 0, 0, false, "(sn=x)", []string{"1.1"}, []ldap.Control{paging}))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range result.Entries {
			seen[e.DN]++
		}
		cookie := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging).Cookie
		if len(cookie) == 0 {
			break
		}
		paging.SetCookie(cookie)
		if page < 3 { // the last ones go, one leaves the scope, new ones come
			err := errors.Join(c.Del(ldap.NewDelRequest(name(19-page), nil)), c.ModifyDN(ldap.NewModifyDNRequest(name(16-page), "cn=moved"+fmt.Sprint(page), false, groups)))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 14 {
		if seen[name(i)] != 1 {
			t.Errorf("%s came %d times", name(i), seen[name(i)])
		}
	}
	if len(seen) != 14 {
		t.Errorf("%d entries came, want 14: %v", len(seen), seen)
	}
}

func TestFreezeThawCutDelay(t *testing.T) {
	s, addr := start(t, options(), seed)
	c := admin(t, addr)
	s.Freeze()
	s.Freeze() // twice is once
	done := make(chan error, 2)
	go func() { done <- c.Modify(modifyRequest("uid=ada,"+people, nil, put("title", "thawed"))) }()
	fresh, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("a frozen server still takes connections: %v", err)
	}
	defer fresh.Close()
	fresh.Write(searchMessage(1, "", 0, present))
	fresh.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := fresh.Read(make([]byte, 1)); err == nil {
		t.Fatalf("a frozen server sent %d bytes", n)
	}
	select {
	case err := <-done:
		t.Fatalf("a frozen server answered: %v", err)
	default:
	}
	s.Thaw()
	s.Thaw()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if found := search(t, c, base, "(title=thawed)", "1.1"); len(found) != 1 {
		t.Error("what was sent to the frozen server was not carried out")
	}

	s.Delay(50 * time.Millisecond)
	began := time.Now()
	search(t, c, base, "(uid=ada)", "1.1")
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("a delayed answer came after %v", took)
	}
	s.Delay(0)

	s.Freeze()
	go func() { _, err := c.WhoAmI(nil); done <- err }()
	s.Cut()
	if err := <-done; err == nil {
		t.Error("an answer came over a cut connection")
	}
	s.Thaw()
	search(t, admin(t, addr), base, "(uid=ada)", "1.1") // a new connection works
}

func TestClose(t *testing.T) {
	for name, prepare := range map[string]func(*directory.Server){
		"running": func(*directory.Server) {},
		"frozen":  (*directory.Server).Freeze,
		"slow":    func(s *directory.Server) { s.Delay(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			s, addr := start(t, options(), seed)
			c := admin(t, addr)
			prepare(s)
			done := make(chan error, 1)
			go func() { _, err := c.WhoAmI(nil); done <- err }()
			if name == "running" {
				<-done
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if name != "running" && <-done == nil {
				t.Error("an answer came from a closed server")
			}
			if err := s.Close(); err != nil {
				t.Errorf("closing again: %v", err)
			}
			if _, err := s.Listen("127.0.0.1:0"); !errors.Is(err, net.ErrClosed) {
				t.Errorf("listening after Close: %v", err)
			}
			var text strings.Builder
			if err := s.Dump(&text); err != nil || !strings.Contains(text.String(), "uid: ada") {
				t.Errorf("dumping after Close: %v", err)
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	s, addr := start(t, options(), seed)
	if _, err := s.Listen(addr); err == nil {
		t.Error("listening on a port that is taken: no error")
	}
}

// A configured account needs no entry, and a policy has its part in its bind all
// the same, as with slapd, where it has one. Root is above all policies.
func TestPolicyControlOfAccounts(t *testing.T) {
	_, addr := start(t, options(), "dn: "+base+"\nobjectClass: domain\ndc: example\n")
	for _, test := range []struct {
		dn, password string
		has          bool
	}{
		{serviceDN, servicePassword, true},
		{serviceDN, "wrong", true},
		{adminDN, adminPassword, false},
		{person("nobody"), "x", false},
	} {
		c := dial(t, addr, "", "")
		result, _ := c.SimpleBind(ldap.NewSimpleBindRequest(test.dn, test.password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}))
		if has := ldap.FindControl(result.Controls, ldap.ControlTypeBeheraPasswordPolicy) != nil; has != test.has {
			t.Errorf("%s %s: the control is there: %t", test.dn, test.password, has)
		}
	}
}
