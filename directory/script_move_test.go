package directory_test

import (
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

func groupSteps() []step {
	staff := group("staff")
	return []step{
		addGroup("service", "staff", person("ada"), person("grace")),
		addGroup("service", "sole", "UID=grace,"+people),
		addGroup("service", "empty"),
		addGroup("service", "blank", ""),
		addGroup("service", "ghost", "cn=never,"+base),
		add("service", group("unique"), "objectClass: groupOfUniqueNames", "uniqueMember: "+person("ada"), "uniqueMember: "+person("grace")+"#'0101'B"),
		add("service", group("posix"), "objectClass: posixGroup", "gidNumber: 5", "memberUid: ada", "memberUid: ADA"),
		add("service", group("posix2"), "objectClass: posixGroup", "gidNumber: 6"),
		find("(memberOf="+staff+")", "1.1"),
		find("(memberOf=*)", "memberOf"),
		find("(!(memberOf="+staff+"))", "1.1"),
		find("(member="+person("ADA")+")", "cn"),
		find("(uniqueMember="+person("ada")+")", "cn"),
		find("(memberUid=ada)", "cn"),
		modify("service", staff, more("member", person("linus"), person("barbara"))),
		modify("service", staff, less("member", person("linus"))),
		modify("service", staff, more("member", person("nobody"))),
		modify("service", staff, less("member", person("nobody"))),
		modify("service", staff, more("member", person("ADA"))),
		modify("service", staff, more("member", person("linus"), person("ADA"))),
		modify("service", staff, less("member", person("linus"))),
		modify("service", staff, put("member")),
		modify("service", staff, less("member")),
		modify("service", group("sole"), less("member", person("grace"))),
		modify("service", staff, more("member", "junk")),
		modify("service", staff, put("member", person("ada"), person("grace"), person("barbara"), person("linus"))),
		modify("service", group("sole"), less("member", person("grace")), more("member", person("grace"))),
		modify("service", group("posix"), less("memberUid", "ADA")),
		modify("service", group("posix"), less("memberUid", "ADA")),
		modify("service", person("linus"), put("manager", person("barbara"))),
		modify("service", staff, put("owner", person("barbara"))),
	}
}

// largeGroupSteps has a group beyond the size where values are looked up in a map, and undoes changes
// to it.
func largeGroupSteps() []step {
	large, member := group("large"), func(i int) string { return fmt.Sprintf("cn=m%d,%s", i, base) }
	var members []string
	for i := range 60 {
		members = append(members, member(i))
	}
	return []step{
		addGroup("service", "large", members...),
		modify("service", large, more("member", member(60), member(61)), less("member", member(0), member(30), member(61)), less("member", member(59))),
		modify("service", large, less("member", member(1), member(58), member(2)), more("member", member(0)), more("member", member(3))),
		modify("service", large, put("member", member(7)), more("member", member(7))),
		modify("service", large, less("member"), more("member", members[:40]...), less("member", member(50))),
		modify("service", large, less("member", members[1:30]...), less("sn")),
		modify("service", large, less("member", members[1:30]...)),
		modify("service", large, more("member", members[1:30]...)),
		find("(member="+member(17)+")", "1.1"),
		find("(member="+member(59)+")", "1.1"),
		modify("service", large, put("member", members...), less("member", members...)),
		modify("service", large, put("member", member(2))),
		remove("service", large),
	}
}

func renameSteps() []step {
	return []step{
		rename("service", person("grace"), "uid=hopper", true, ""),
		rename("service", person("hopper"), "uid=Grace", false, ""),
		rename("service", person("grace"), "uid=Grace+cn=Grace", true, ""),
		rename("service", "cn=Grace+uid=Grace,"+people, "uid=grace", true, ""),
		rename("service", "cn=Grace+uid=Grace,"+people, "uid=grace", false, ""),
		rename("service", person("grace"), "uid=GRACE", true, ""),
		rename("service", person("grace"), "uid=grace", true, "ou=branch,"+people),
		rename("service", "uid=grace,ou=branch,"+people, "uid=grace", true, people),
		rename("service", person("barbara"), "uid=liskov", true, ""),
		rename("service", group("staff"), "cn=workers", true, ""),
		rename("service", group("workers"), "cn=staff", true, ""),
		rename("service", "ou=branch,"+people, "ou=twig", true, ""),
		modify("service", "uid=Leaf,ou=twig,"+people, put("manager", "uid=leaf,ou=twig,"+people)),
		addGroup("service", "leaves", "uid=leaf,ou=twig,"+people, person("ada")),
		rename("service", "ou=twig,"+people, "ou=branch", true, groups),
		rename("service", "ou=branch,"+groups, "ou=branch", true, people),
		// refused
		rename("service", person("ada"), "uid=linus", true, ""),
		rename("service", person("ada"), "uid=ada", true, services),
		rename("service", person("ada"), "uid=ada", true, "ou=nix,"+people),
		rename("service", person("ada"), "uid=ada", true, "ou=nix,"+base),
		rename("service", person("ada"), "uid=ada", true, nowhere),
		rename("service", person("ada"), "uid=ada", true, "junk"),
		rename("service", person("ada"), "uidNumber=5", true, ""),
		rename("service", person("ada"), "nonsuch=5", true, ""),
		rename("service", person("ada"), "junk", true, ""),
		rename("service", person("ada"), "uid=a,uid=b", true, ""),
		rename("service", person("ada"), "", true, ""),
		rename("service", person("nobody"), "uid=x", true, ""),
		rename("service", people, "ou=persons", true, ""),
		rename("service", "cn=loose,"+policies, "cn=x", true, ""),
		rename("admin", "ou=branch,"+people, "ou=branch", true, "uid=leaf,ou=branch,"+people),
		rename("admin", "ou=branch,"+people, "ou=branch", true, "ou=branch,"+people),
		rename("admin", base, "dc=other", true, ""),
		rename("admin", nowhere, "o=x", true, ""),
		rename("", person("ada"), "uid=x", true, ""),
		rename("service", person("ada"), "cn=ada", true, ""),
		rename("service", "cn=ada,"+people, "uid=ada", false, ""),
		rename("service", "cn=two+sn=names,"+people, "cn=two", true, ""),
		rename("service", "cn=two+sn=names,"+people, "cn=three", false, ""),
	}
}

func controlSteps() []step {
	ada := person("ada")
	permissive := with(ldap.NewControlString("1.2.840.113556.1.4.1413", true, ""))
	return []step{
		modifyWith("service", ada, versionGuard(ada, "(entryCSN=NOW)"), put("title", "guarded")),
		modifyWith("service", ada, versionGuard(ada, "(!(entryCSN=NOW))"), put("title", "stale")),
		modifyWith("service", ada, versionGuard(ada, "(nonsuch=x)"), put("title", "undefined")),
		modifyWith("service", ada, versionGuard(ada, "(!(nonsuch=x))"), put("title", "undefined")),
		modifyWith("service", ada, versionGuard(ada, "(title=nonsuch)"), less("title", "nonsuch")),
		modifyWith("service", ada, with(ldap.NewControlString("1.2.3.4", true, "")), put("title", "x")),
		modifyWith("service", ada, with(ldap.NewControlString("1.2.3.4", false, "")), put("title", "ignored control")),
		modifyWith("service", ada, with(ldap.NewControlManageDsaIT(true)), put("title", "managed")),
		modifyWith("service", ada, permissive, more("title", "managed", "also")),
		modifyWith("service", ada, permissive, less("description")),
		modifyWith("service", ada, permissive, less("description", "x")),
		modifyWith("service", ada, permissive, less("title", "x", "also")),
		modifyWith("service", ada, permissive, less("title", "managed", "x")),
		modifyWith("service", ada, permissive, less("title", "x")),
		modifyWith("service", group("staff"), permissive, more("member", ada)),
		modifyWith("service", group("staff"), permissive, less("member", person("nobody"))),
		reads(ada, []string{"title", "uid", "memberOf", "userPassword", "entryCSN"}, put("title", "read")),
		reads(ada, []string{}, put("title", "read again")),
		reads(ada, []string{"*", "entryUUID"}, less("title")),
		reads(ada, []string{"1.1"}, more("title", "x")),
		reads(ada, []string{"title"}, more("title", "X")),
		query("service", ldap.SearchRequest{BaseDN: ada, Controls: []ldap.Control{ldap.NewControlString("1.2.3.4", true, "")}}),
		query("service", ldap.SearchRequest{BaseDN: ada, Attributes: []string{"1.1"}, Controls: []ldap.Control{ldap.NewControlString("1.2.3.4", false, "")}}),
		walk("service", 3, ldap.SearchRequest{BaseDN: base, Scope: 2, Filter: "(objectClass=*)", Attributes: []string{"1.1"}}),
		walk("service", 200, ldap.SearchRequest{BaseDN: base, Scope: 2, Filter: "(objectClass=person)", Attributes: []string{"cn"}}),
		walk("service", 201, ldap.SearchRequest{BaseDN: base, Scope: 2, Filter: "(objectClass=*)", Attributes: []string{"1.1"}}),
		walk("service", 3, ldap.SearchRequest{BaseDN: base, Scope: 2, SizeLimit: 4, Filter: "(objectClass=*)", Attributes: []string{"entryDN"}}),
		walk("service", 1, ldap.SearchRequest{BaseDN: people, Scope: 1, Filter: "(uid=*)", Attributes: []string{"1.1"}}),
		walk("service", 5, ldap.SearchRequest{BaseDN: person("nobody"), Scope: 1, Filter: "(uid=*)", Attributes: []string{"1.1"}}),
		walk("admin", 1000, ldap.SearchRequest{BaseDN: base, Scope: 2, Filter: "(objectClass=*)", Attributes: []string{"1.1"}}),
		crossedWalks(),
	}
}

func deleteSteps() []step {
	return []step{
		remove("", person("ada")),
		remove("service", people),
		remove("admin", people),
		remove("service", "ou=branch,"+people),
		remove("service", person("nobody")),
		remove("service", "uid=x,ou=y,"+people),
		remove("service", "uid=x,"+services),
		remove("service", services),
		remove("service", "cn=loose,"+policies),
		remove("admin", nowhere),
		remove("admin", "junk"),
		remove("admin", ""),
		remove("admin", base),
		remove("service", person("ada"), ldap.NewControlString("1.2.840.113556.1.4.805", true, "")),
		remove("service", person("liskov")),
		remove("service", person("grace")),
		remove("service", "uid=leaf,ou=branch,"+people),
		remove("service", "uid=u1,ou=branch,"+people),
		remove("service", "ou=branch,"+people),
		remove("service", group("staff")),
		remove("service", group("sole")),
		remove("service", person("ada")),
		addPerson("service", "liskov"), // whose memberships went with the deleted entry
		remove("admin", "cn=loose,"+policies),
	}
}
