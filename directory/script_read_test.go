package directory_test

import (
	"slices"

	"github.com/go-ldap/ldap/v3"
)

const (
	always  = "000001010000Z"
	nowhere = "o=elsewhere"
)

// script is what both servers are put through; each part stands on the ones before.
func script() []step {
	return slices.Concat(addSteps(), bindSteps(), searchSteps(), nameSteps(), modifySteps(), syntaxSteps(), passwordSteps(), uniqueSteps(), groupSteps(), largeGroupSteps(), renameSteps(), controlSteps(), deleteSteps())
}

func addSteps() []step {
	return []step{
		addPerson("service", "ada", "mail: ada@example.com", "userPassword: ada-secret", "givenName: Ada"),
		addPerson("service", "grace", "mail: grace@example.com", "title: Rear  Admiral ", "telephoneNumber: +1 (555) 010-20", "employeeNumber: 7"),
		addPerson("service", "linus", "cn: Línus", "userPassword: {SSHA}bm90IHJlYWxseSBhIGhhc2gsIGJ1dCB0b2xlcmF0ZWQ=", "pwdAccountLockedTime: "+always),
		addPerson("admin", "barbara", "objectClass: posixAccount", "uidNumber: 1000", "gidNumber: -5", "homeDirectory: /home/b", "userPassword: short"),
		add("admin", "ou=branch,"+people, "objectClass: organizationalUnit"),
		add("admin", "UID=Leaf , OU=branch,"+people, "objectClass: inetOrgPerson", "cn: leaf", "sn: leaf"),
		add("service", `cn=Doe\, John \+ \"x\" \<y\>\; \#z \= \\b é,`+people, "objectClass: inetOrgPerson", "sn: x"),
		add("service", `cn=two+sn=names,`+people, "objectClass: inetOrgPerson"),
		add("service", `cn=\20lead,`+people, "objectClass: inetOrgPerson", "sn: x"),
		add("service", `cn=\#hash,`+people, "objectClass: inetOrgPerson", "sn: x"),
		// refused
		addPerson("service", "ada"),
		add("service", "uid=ADA ,"+people, "objectClass: inetOrgPerson", "cn: x", "sn: x"),
		addPerson("", "anybody"),
		addPerson("service", "e1", "objectClass: nonsuch"),
		addPerson("service", "e1", "nonsuch: x"),
		addPerson("service", "e1", "uidNumber: 1"),
		addPerson("service", "e1", "employeeNumber: 1", "employeeNumber: 2"),
		addPerson("service", "e1", "title:"),
		addPerson("service", "e1", "title: x", "title: X"),
		addPerson("service", "e1", "entryUUID: 3e7197ba-7a1f-1041-89e7-8d6030eb426e"),
		addPerson("service", "e1", "entryUUID: junk"),
		addPerson("service", "e1", "memberOf: "+base),
		addPerson("service", "e1", "userPassword: short"),
		addPerson("service", "e1", "userPassword: long-enough-1", "userPassword: long-enough-2"),
		addPerson("service", "e1", "userPassword:"),
		addPerson("service", "e1", "manager: junk"),
		addPerson("service", "e1", "pwdAccountLockedTime: junk"),
		addPerson("service", "e1", "telephoneNumber: #"),
		addPerson("service", "e1", "mail: é@example.com"),
		addPerson("service", "e1", "objectClass: groupOfNames", "member: "+base),
		addPerson("service", "e1", "objectClass: posixAccount", "uidNumber: 007", "gidNumber: 1", "homeDirectory: x"),
		add("service", person("e1"), "objectClass: inetOrgPerson", "cn: x"),
		add("service", person("e1"), "objectClass: top", "cn: x"),
		add("service", person("e1"), "objectClass: posixAccount", "cn: x"),
		add("service", person("e1"), "cn: x", "sn: x"),
		add("service", "foo=e1,"+people, "objectClass: inetOrgPerson", "cn: x", "sn: x"),
		add("service", "cn=,"+people, "objectClass: inetOrgPerson", "sn: x"),
		add("service", "cn=a+cn=b,"+people, "objectClass: inetOrgPerson", "sn: x"),
		add("service", "junk", "objectClass: inetOrgPerson", "sn: x"),
		add("service", "", "objectClass: inetOrgPerson", "sn: x"),
		add("admin", "cn=Subschema", "objectClass: inetOrgPerson", "sn: x"),
		add("admin", nowhere, "objectClass: organization"),
		add("service", "uid=e1,ou=nix,"+people, "objectClass: inetOrgPerson", "cn: x", "sn: x"),
		add("service", "uid=e1,ou=nix,"+base, "objectClass: inetOrgPerson", "cn: x", "sn: x"),
		add("service", "uid=e1,"+services, "objectClass: inetOrgPerson", "cn: x", "sn: x"),
		add("service", "ou=more,"+base, "objectClass: organizationalUnit"),
		add(person("ada")+" ada-secret", person("e1"), "objectClass: inetOrgPerson", "cn: x", "sn: x"),
		add("service", "c=DEU,"+people, "objectClass: country"),
		add("service", "c=DE,"+people, "objectClass: country"),
		add("service", "dc=kiln,"+people, "objectClass: device", "objectClass: dcObject", "cn: x"),
	}
}

func bindSteps() []step {
	return []step{
		bind("", ""),
		bind(adminDN, adminPassword),
		bind(adminDN, "wrong"),
		bind(serviceDN, servicePassword),
		bind(serviceDN, "wrong"),
		bind("UID=Ada,OU=people,"+base, "ada-secret"),
		bind(person("ada"), "wrong"),
		bind(person("ada"), ""),
		bind(person("nobody"), "x"),
		bind(person("grace"), "x"),
		bind(person("barbara"), "short"),
		bind(people, "x"),
		bind("cn=x,"+nowhere, "x"),
		bind("junk", "x"),
		bind(person("linus"), "wrong while locked"),
		unknownExtension(),
	}
}

func searchSteps() []step {
	scoped := func(who, under string, scope int, attributes ...string) step {
		return query(who, ldap.SearchRequest{BaseDN: under, Scope: scope, Attributes: attributes})
	}
	steps := []step{
		scoped("service", person("ada"), ldap.ScopeBaseObject),
		scoped("admin", person("ada"), ldap.ScopeBaseObject, "*"),
		scoped("admin", person("ada"), ldap.ScopeBaseObject, "1.1"),
		scoped("admin", person("ada"), ldap.ScopeBaseObject, "CN", "commonName", "nonsuch", "hasSubordinates"),
		scoped("admin", person("ada"), ldap.ScopeBaseObject, "@person"),
		scoped("service", person("ada"), ldap.ScopeBaseObject, "userPassword", "uid"),
		scoped("service", people, ldap.ScopeSingleLevel, "1.1"),
		scoped("service", people, ldap.ScopeWholeSubtree, "1.1"),
		scoped("service", base, ldap.ScopeSingleLevel, "1.1"),
		scoped("service", base, ldap.ScopeBaseObject, "dc"),
		scoped("service", policies, ldap.ScopeWholeSubtree, "pwdLockout"),
		scoped("service", services, ldap.ScopeBaseObject),
		scoped("service", services, ldap.ScopeWholeSubtree),
		scoped("service", "uid=x,ou=y,"+people, ldap.ScopeBaseObject),
		scoped("service", "uid=x,"+services, ldap.ScopeBaseObject),
		scoped("admin", "uid=x,ou=y,"+people, ldap.ScopeBaseObject),
		scoped("admin", nowhere, ldap.ScopeBaseObject),
		scoped("admin", "junk", ldap.ScopeBaseObject),
		scoped("admin", "foo=bar,"+base, ldap.ScopeBaseObject),
		scoped("", base, ldap.ScopeWholeSubtree),
		scoped("", person("ada"), ldap.ScopeBaseObject),
		scoped("", "cn=Subschema", ldap.ScopeBaseObject, "cn"),
		scoped("admin", "cn=Subschema", ldap.ScopeBaseObject, "cn"),
		scoped("", "", ldap.ScopeBaseObject, "namingContexts", "supportedLDAPVersion", "subschemaSubentry"),
		scoped("admin", "", ldap.ScopeWholeSubtree),
		scoped(person("ada")+" ada-secret", person("ada"), ldap.ScopeBaseObject, "uid", "userPassword"),
		scoped(person("ada")+" ada-secret", person("grace"), ldap.ScopeBaseObject, "uid"),
		query("admin", ldap.SearchRequest{BaseDN: person("ada"), TypesOnly: true}),
		query("admin", ldap.SearchRequest{BaseDN: base, Scope: 2, SizeLimit: 2, Attributes: []string{"1.1"}}),
		query("service", ldap.SearchRequest{BaseDN: base, Scope: 2, SizeLimit: 3, Attributes: []string{"1.1"}}),
		query("service", ldap.SearchRequest{BaseDN: base, Scope: 2, SizeLimit: 100000, Attributes: []string{"1.1"}}),
		query("service", ldap.SearchRequest{BaseDN: base, SizeLimit: 1, Attributes: []string{"1.1"}}),
	}
	for _, filter := range []string{
		"(uid=ADA)", "(uid= ada )", "(userid=ada)", "(uid=a*)", "(uid=*a)", "(uid=*D*)", "(uid=a*d*a)", "(uid=*)", "(uid~=Ada)", "(!(uid=ada))",
		"(title=rear admiral)", "(title=Rear*Adm*)", "(title=rear   *)", "(telephoneNumber=+15550102-0)", "(telephoneNumber=*\\28555\\290*)",
		"(cn=LÍNUS)", "(cn=l\\c3\\adnus)", "(sn=)", "(!(sn=))",
		"(&(objectClass=inetOrgPerson)(mail=GRACE@EXAMPLE.COM))", "(|(uid=ada)(uid=grace))", "(|(uid=ada)(title=*))",
		"(&(uid=ada)(nonsuch=x))", "(|(uid=ada)(nonsuch=x))", "(!(nonsuch=x))", "(nonsuch=*)", "(!(nonsuch=*))", "(!(!(nonsuch=*)))",
		"(objectClass=person)", "(objectClass=top)", "(objectClass=nonsuch)", "(!(objectClass=nonsuch))", "(objectClass=2.5.6.6)", "(objectClass=pers*)",
		"(entryUUID=junk)", "(!(entryUUID=junk))", "(entryUUID=3e7197ba-7a1f-1041-89e7-8d6030eb426e)", "(entryUUID=*)",
		"(entryDN=" + person("ADA") + ")", "(!(entryDN=junk))", "(hasSubordinates=TRUE)", "(hasSubordinates=true)", "(subschemaSubentry=*)", "(entryDN=*)", "(hasSubordinates=*)",
		"(structuralObjectClass=inetOrgPerson)", "(createTimestamp>=20200101000000Z)", "(createTimestamp<=20200101000000Z)", "(createTimestamp>=junk)", "(!(createTimestamp>=junk))",
		"(entryCSN>=20200101000000.000000Z#000000#000#000000)", "(!(entryCSN=junk))",
		"(uidNumber>=999)", "(uidNumber<=999)", "(gidNumber<=-4)", "(gidNumber>=-4)", "(uidNumber=1000)", "(uidNumber=01000)", "(!(uidNumber=x))", "(uid>=a)", "(!(uid>=a))",
		"(pwdAccountLockedTime=" + always + ")", "(!(pwdAccountLockedTime=" + always + "))", "(pwdAccountLockedTime=*)", "(pwdLockout=TRUE)", "(!(pwdLockout=junk))",
		"(member=junk)", "(!(member=junk))", "(member=*x*)", "(!(member=*x*))", "(manager=*)", "(homeDirectory=/HOME/b)", "(homeDirectory=/home/b)", "(homeDirectory=/home*)",
		"(uid:=ADA)", "(uid:caseIgnoreMatch:=ADA)", "(uid:nonsuch:=ADA)", "(!(uid:nonsuch:=ADA))", "(dc=EXAMPLE)", "(c=de)",
	} {
		steps = append(steps, find(filter, "1.1"))
	}
	return append(steps,
		query("service", ldap.SearchRequest{BaseDN: base, Scope: 2, Filter: "(userPassword=*)", Attributes: []string{"1.1"}}),
		query("service", ldap.SearchRequest{BaseDN: base, Scope: 2, Filter: "(!(userPassword=*))", Attributes: []string{"1.1"}}),
		compare("admin", person("ada"), "uid", "ADA"),
		compare("admin", person("ada"), "uid", "grace"),
		compare("admin", person("ada"), "title", "x"),
		compare("admin", person("ada"), "nonsuch", "x"),
		compare("admin", person("ada"), "entryUUID", "junk"),
		compare("admin", person("ada"), "jpegPhoto", "x"),
		compare("admin", person("ada"), "objectClass", "person"),
		compare("admin", person("nobody"), "uid", "x"),
		compare("admin", "junk", "uid", "x"),
		compare("service", services, "ou", "services"),
		compare("", person("ada"), "uid", "ada"),
		compare("service", person("ada"), "userPassword", "ada-secret"),
		compare("admin", person("ada"), "userPassword", "ada-secret"),
	)
}

// nameSteps spells distinguished names in many ways.
func nameSteps() (steps []step) {
	for _, name := range []string{
		"  UID = ADA , ou=PEOPLE,dc=example , dc=com ", "userid=ada," + people, "0.9.2342.19200300.100.1.1=ada," + people,
		`uid=\61da,` + people, `uid=a\64\61,` + people, "uid=ada,ou=people;dc=example;dc=com",
		"uid=ada," + people + ",", ",uid=ada," + people, "uid=ada,," + people, "uid=ada+," + people, "uid=ada\\," + people, "uid," + people, "=ada," + people,
		"cn=two+sn=names," + people, "SN=Names+CN=Two," + people, "sn=names," + people, `cn=\#HASH,` + people, `cn=\ lead,` + people, `cn=\20lead,` + people,
		`cn=Doe\2c John \2B \"x\" \<y\>\; #z = \5cb \C3\A9,` + people, `cn=doe\, john \+ \"X\" \3cy\3e\3b #Z \= \\b É,` + people,
	} {
		steps = append(steps, query("admin", ldap.SearchRequest{BaseDN: name, Attributes: []string{"1.1"}}))
	}
	return steps
}
