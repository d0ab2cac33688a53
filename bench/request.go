package main

import (
	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// The requests to the directory that both yardsticks make.

func idFilter(id string) string { return "(entryUUID=" + ldap.EscapeFilter(id) + ")" }

// userSearch searches for users that satisfy the filter, "" for all.
func userSearch(filter string, attributes []string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, 0, false, "(&(objectClass=inetOrgPerson)"+filter+")", attributes, nil)
}

// readBack reads a user by name.
func readBack(dn string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		0, 0, false, "(objectClass=inetOrgPerson)", userAttributes, nil)
}

func addRequest(login string) *ldap.AddRequest {
	request := ldap.NewAddRequest("uid="+login+","+slapd.People, nil)
	request.Attribute("objectClass", []string{"inetOrgPerson"})
	for _, a := range person(login) {
		request.Attribute(a[0], []string{a[1]})
	}
	return request
}

func lockRequest(dn string) *ldap.ModifyRequest {
	request := ldap.NewModifyRequest(dn, nil)
	request.Replace("pwdAccountLockedTime", []string{locked})
	return request
}

func addMemberRequest(group, member string) *ldap.ModifyRequest {
	request := ldap.NewModifyRequest(group, nil)
	request.Add("member", []string{member})
	return request
}
