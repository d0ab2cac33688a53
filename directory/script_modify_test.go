package directory_test

import (
	"github.com/go-ldap/ldap/v3"
)

func modifySteps() []step {
	ada := person("ada")
	return []step{
		modify("service", ada, put("title", "Countess"), more("description", "first", "second"), less("givenName")),
		modify("service", ada, more("description", "third"), less("description", "FIRST"), put("displayName", "Ada")),
		modify("service", ada, put("description")),
		modify("service", ada, put("description")),
		modify("service", "UID=ada,"+people, put("jpegPhoto", "\xff\xd8\x00")),
		modify("service", ada, put("manager", "UID=grace,  OU=People,"+base)),
		modify("service", ada, more("objectClass", "labeledURIObject"), put("labeledURI", "https://example.com")),
		modify("admin", person("barbara"), change(ldap.IncrementAttribute, "uidNumber", "41")),
		// refused, and without any effect
		modify("", ada, put("title", "x")),
		modify("service", ada, more("description", "x"), more("title", "countess")),
		modify("service", ada, less("description")),
		modify("service", ada, less("title", "nonsuch")),
		modify("service", ada, more("title", "x", "X")),
		modify("service", ada, more("title")),
		modify("service", ada, put("title", "")),
		modify("service", ada, put("title", "\xff")),
		modify("service", ada, put("nonsuch", "x")),
		modify("service", ada, less("nonsuch")),
		modify("service", ada, put("uidNumber", "1")),
		modify("service", ada, put("displayName", "a", "b")),
		modify("service", ada, more("displayName", "b")),
		modify("service", ada, put("displayName", "a"), more("displayName", "b")),
		modify("service", ada, less("sn")),
		modify("service", ada, less("uid")),
		modify("service", ada, put("uid", "other")),
		modify("service", ada, more("jpegPhoto", "x")),
		modify("service", ada, less("jpegPhoto", "\xff\xd8\x00")),
		modify("service", ada, put("manager", "junk")),
		modify("service", ada, put("objectClass", "groupOfNames")),
		modify("service", ada, put("objectClass", "person")),
		modify("service", ada, less("objectClass")),
		modify("service", ada, more("objectClass", "nonsuch")),
		modify("service", ada, less("objectClass", "labeledURIObject")),
		modify("service", ada, more("objectClass", "posixAccount")),
		modify("service", ada, put("entryUUID", "3e7197ba-7a1f-1041-89e7-8d6030eb426e")),
		modify("service", ada, put("entryUUID", "junk")),
		modify("service", ada, put("entryCSN", "junk")),
		modify("service", ada, put("memberOf", base)),
		modify("service", ada, put("modifyTimestamp", "20200101000000Z"), put("nonsuch", "x")),
		modify("service", ada, put("createTimestamp")),
		modify("service", ada, change(ldap.IncrementAttribute, "employeeNumber", "1")),
		modify("service", ada, change(ldap.IncrementAttribute, "uidNumber", "1")),
		modify("admin", person("barbara"), change(ldap.IncrementAttribute, "uidNumber", "x")),
		modify("service", person("nobody"), put("title", "x")),
		modify("service", person("nobody"), put("nonsuch", "x")),
		modify("service", "uid=x,ou=y,"+people, put("title", "x")),
		modify("service", services, put("description", "x")),
		modify("service", "uid=x,"+services, put("description", "x")),
		modify("service", people, put("description", "people")),
		modify("admin", nowhere, put("description", "x")),
		modify("admin", "junk", put("description", "x")),
		modify("admin", "", put("description", "x")),
		modify("admin", "cn=Subschema", put("description", "x")),
		modify(ada+" ada-secret", ada, put("title", "Queen")),
		modify("service", ada),
	}
}

// syntaxSteps writes values at the edges of their syntaxes and looks for them in other spellings.
func syntaxSteps() []step {
	ada := person("ada")
	steps := []step{
		modify("service", ada, put("x121Address", "12 34"), put("postalAddress", "1 Main  Street$Anytown"), put("seeAlso", "cn=a,"+base, "CN=B , "+base)),
		find("(x121Address=1234)", "x121Address"),
		find("(x121Address=1 2*)", "x121Address"),
		find("(postalAddress=1 MAIN street$anytown)", "postalAddress"),
		find("(seeAlso=CN=A,"+base+")", "seeAlso"),
		modify("service", ada, more("seeAlso", "cn=A, "+base)),
		modify("service", ada, put("x121Address", "12a")),
		modify("service", ada, put("x121Address"), put("postalAddress"), put("seeAlso")),
	}
	for _, value := range []string{
		"20200101000000Z", "20200101000000.5Z", "20200101000000,50Z", "202001010000Z", "2020010100Z", "20200101000000+0100", "2020010100-01",
		"20200101000000", "20201301000000Z", "20200230000000Z", "20200101250000Z", "20200101000000.Z", "2020Z", "20200101000000Zx", "",
	} {
		steps = append(steps, modify("service", ada, put("pwdAccountLockedTime", value)),
			find("(pwdAccountLockedTime="+value+")", "pwdAccountLockedTime"), find("(pwdAccountLockedTime>=20191231230000Z)", "1.1"))
	}
	steps = append(steps, modify("service", ada, put("pwdAccountLockedTime")))
	for _, value := range []string{"-1", "0", "-0", "00", "+1", "", " 1", "1 ", "0x1", "123456789012345678901234567890", "-12", "-", "12"} {
		steps = append(steps, modify("admin", person("barbara"), put("gidNumber", value)))
		for _, filter := range []string{"(gidNumber=" + value + ")", "(gidNumber>=-3)", "(gidNumber<=11)", "(gidNumber>=" + value + ")"} {
			steps = append(steps, find(filter, "gidNumber"))
		}
	}
	return append(steps, modify("admin", person("barbara"), put("gidNumber", "-5")))
}

func passwordSteps() []step {
	ada, linus := person("ada"), person("linus")
	own := ada + " ada-secret"
	return []step{
		modify("service", ada, put("pwdAccountLockedTime", always)),
		bind(ada, "ada-secret"),
		bind(ada, "wrong"),
		find("(pwdAccountLockedTime="+always+")", "pwdAccountLockedTime"),
		modify("service", ada, put("userPassword", "ada-secret-2")),
		bind(ada, "ada-secret-2"),
		modify("service", ada, put("userPassword", "ada-secret-3"), put("pwdAccountLockedTime", always)),
		bind(ada, "ada-secret-3"),
		modify("service", ada, put("pwdAccountLockedTime", always), put("userPassword", "ada-secret-4")),
		bind(ada, "ada-secret-4"),
		modify("service", ada, put("pwdAccountLockedTime", always)),
		modify("service", ada, put("userPassword", "ada-secret-4"), put("pwdAccountLockedTime", always)),
		modify("service", ada, put("pwdAccountLockedTime", always)),
		modify("service", ada, put("userPassword", "ada-secret-4"), less("pwdAccountLockedTime"), more("pwdAccountLockedTime", always)),
		modify("service", ada, less("pwdAccountLockedTime"), more("pwdAccountLockedTime", always), put("userPassword", "ada-secret-4")),
		modify("service", ada, put("pwdAccountLockedTime"), put("userPassword", "ada-secret-4")),
		modify("service", ada, less("pwdAccountLockedTime"), put("userPassword", "ada-secret-4")),
		modify("service", ada, put("pwdAccountLockedTime", always)),
		modify("service", ada, put("pwdAccountLockedTime")),
		modify("service", ada, put("pwdAccountLockedTime")),
		modify("service", ada, less("pwdAccountLockedTime")),
		bind(ada, "ada-secret-4"),
		modify("service", ada, put("pwdAccountLockedTime", "20200101000000Z")),
		bind(ada, "ada-secret-4"),
		modify("service", ada, put("pwdAccountLockedTime", "junk")),
		modify("service", ada, put("userPassword", "short")),
		modify("service", ada, put("userPassword", "")),
		modify("service", ada, put("userPassword", "long-enough-1", "long-enough-2")),
		modify("admin", ada, put("userPassword", "long-enough-1", "long-enough-2")),
		modify("admin", ada, put("userPassword", "short")),
		modify("service", ada, put("pwdAccountLockedTime", always)),
		modify("service", ada, less("userPassword")),
		modify("service", ada, less("userPassword")),
		modify("service", ada, more("userPassword", "ada-secret-5")),
		bind(ada, "ada-secret-5"),
		modify("service", ada, less("userPassword", "wrong"), more("userPassword", "ada-secret-6")),
		modify("service", ada, less("userPassword", "wrong")),
		modify("service", ada, put("pwdAccountLockedTime", always)),
		modify("service", ada, put("userPassword")),
		modify("admin", ada, put("userPassword")),
		modify("admin", ada, more("userPassword", "ada-secret-5"), put("pwdAccountLockedTime", always)),
		modify("admin", ada, less("userPassword")),
		modify("service", ada, more("userPassword", "ada-secret-5")),
		modify("admin", ada, less("userPassword", "wrong"), more("userPassword", "ada-secret-6")),
		modify("service", ada, less("userPassword", "ada-secret-5"), more("userPassword", "ada-secret")),
		setPassword("service", ada, "", "short"),
		setPassword("service", ada, "wrong", "ada-secret-7"),
		setPassword("service", ada, "ada-secret", "ada-secret-7"),
		bind(ada, "ada-secret-7"),
		modify("service", ada, put("pwdAccountLockedTime", always)),
		setPassword("service", ada, "", "ada-secret-8"),
		bind(ada, "ada-secret-8"),
		setPassword("service", ada, "", ""),
		setPassword("service", person("nobody"), "", "long-enough-1"),
		setPassword("service", services, "", "long-enough-1"),
		setPassword("service", "junk", "", "long-enough-1"),
		setPassword("", "junk", "", "long-enough-1"),
		setPassword("", ada, "", "long-enough-1"),
		setPassword("service", ada, "", "ada-secret"),
		setPassword(own, "", "", "ada-secret"),
		setPassword(own, linus, "", "ada-secret"),
		modify(own, ada, put("userPassword", "ada-secret-9")),
		modify(own, ada, put("userPassword", "ada-secret"), put("title", "Queen")),
		modify("service", linus, put("pwdAccountLockedTime")),
		setPassword("admin", linus, "", "linus-secret"),
		modify("service", linus, put("pwdAccountLockedTime", always)),
		// a policy that does not lock
		add("admin", "cn=loose,"+policies, "objectClass: device", "objectClass: pwdPolicy", "pwdAttribute: userPassword", "pwdLockout: FALSE", "pwdMaxAge: 1000000"),
		modify("admin", linus, put("pwdPolicySubentry", "cn=loose,"+policies)),
		bind(linus, "linus-secret"),
		modify("service", linus, put("userPassword", "tiny")),
		addPerson("admin", "young", "pwdPolicySubentry: cn=loose,"+policies, "userPassword: tiny"),
		modify("admin", linus, put("pwdPolicySubentry", "cn=gone,"+policies)),
		modify("service", linus, put("userPassword", "tiny2"), put("pwdAccountLockedTime", always)),
		bind(linus, "tiny2"),
		modify("service", linus, put("userPassword", "tiny2", "tiny3")),
		modify("service", linus, put("pwdAccountLockedTime", always)),
		modify("service", linus, put("userPassword", "tiny2")),
		modify("service", linus, put("pwdAccountLockedTime", always)),
		modify("admin", linus, put("pwdPolicySubentry")),
		bind(linus, "tiny2"),
		modify("admin", "cn=loose,"+policies, put("pwdLockout", "yes")),
		modify("service", "cn=loose,"+policies, put("pwdLockout", "TRUE")),
	}
}

func uniqueSteps() []step {
	return []step{
		addPerson("service", "u1", "mail: U@example.com"),
		addPerson("service", "u2", "mail: u@EXAMPLE.com"),
		add("service", "cn=u2,"+people, "objectClass: inetOrgPerson", "sn: x", "uid: U1"),
		add("admin", "cn=u2,"+groups, "objectClass: inetOrgPerson", "sn: x", "uid: U1", "mail: u@example.com"),
		addPerson("service", "u3"),
		modify("service", person("u3"), put("mail", "u@example.COM")),
		modify("service", person("u3"), put("mail", "x@example.com", "u@example.com")),
		modify("service", person("u1"), put("mail", "u@EXAMPLE.COM")),
		modify("service", person("u3"), more("uid", "u1")),
		modify("admin", person("u3"), more("uid", "u1")),
		modify("service", person("u3"), less("mail", "u@example.com")),
		rename("service", person("u3"), "uid=U1", true, ""),
		rename("service", person("u3"), "uid=U1+cn=x", true, ""),
		rename("admin", "cn=u2,"+groups, "uid=u1", false, people),
		rename("admin", "cn=u2,"+groups, "cn=u2", false, people),
		rename("admin", person("u1"), "uid=u1", true, groups),
		add("service", "uid=u1,ou=branch,"+people, "objectClass: inetOrgPerson", "cn: x", "sn: x"),
	}
}
