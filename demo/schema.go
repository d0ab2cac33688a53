package demo

import (
	"fmt"
	"strings"

	"github.com/scimgate/scimgate/directory"
)

// The auxiliary classes that give the attributes of SCIM a place which
// inetOrgPerson and groupOfNames have none for. The object identifiers stand
// below OpenLDAP's arc for experiments: before production use, give them
// identifiers of your own.
const oidArc = "1.3.6.1.4.1.4203.666.11.7643"

// attribute is one attribute type of the auxiliary classes.
type attribute struct {
	name, description string
	rule              directory.Rule
	multi             bool
}

var attributes = []attribute{
	{"scimExternalId", "externalId: the identifier that the provider gave", directory.CaseIgnore, false},
	{"scimMiddleName", "name.middleName", directory.CaseIgnore, false},
	{"scimHonorificPrefix", "name.honorificPrefix", directory.CaseIgnore, false},
	{"scimHonorificSuffix", "name.honorificSuffix", directory.CaseIgnore, false},
	{"scimNickName", "nickName", directory.CaseIgnore, false},
	{"scimLocale", "locale", directory.CaseIgnore, false},
	{"scimTimezone", "timezone", directory.CaseIgnore, false},
	{"scimWorkMailPrimary", "whether the work address is the primary one", directory.Boolean, false},
	{"scimOtherMail", "emails of the type other", directory.CaseIgnore, false},
	{"scimOtherMailPrimary", "whether the other address is the primary one", directory.Boolean, false},
	{"scimWorkPhonePrimary", "whether the work number is the primary one", directory.Boolean, false},
	{"scimMobilePrimary", "whether the mobile number is the primary one", directory.Boolean, false},
	{"scimFaxPrimary", "whether the fax number is the primary one", directory.Boolean, false},
	{"scimAddressFormatted", "addresses of the type work: formatted", directory.CaseIgnore, false},
	{"scimCountry", "addresses of the type work: country", directory.CaseIgnore, false},
	{"scimAddressPrimary", "whether the work address is the primary one", directory.Boolean, false},
	{"scimRole", "roles, one JSON object each", directory.CaseExact, true},
	{"scimCostCenter", "enterprise: costCenter", directory.CaseIgnore, false},
	{"scimOrganization", "enterprise: organization", directory.CaseIgnore, false},
	{"scimDivision", "enterprise: division", directory.CaseIgnore, false},
	{"scimDepartment", "enterprise: department", directory.CaseIgnore, false},
	{"scimEntitlementName", "entitlements, by the names of their entries", directory.DN, true},
	{"scimRoleName", "roles, by the names of their entries", directory.DN, true},
}

const (
	userClass  = "scimUser"
	groupClass = "scimGroup"
)

func userAttributes() []string {
	var names []string
	for _, a := range attributes {
		names = append(names, a.name)
	}
	return names
}

// Schema returns the auxiliary classes for the embedded directory.
func Schema() directory.Schema {
	var s directory.Schema
	for i, a := range attributes {
		t := directory.AttributeType{Names: []string{a.name}, OID: attributeOID(i), Rule: a.rule}
		if a.rule == directory.CaseIgnore || a.rule == directory.CaseExact {
			t.Flags |= directory.Substrings
		}
		if !a.multi {
			t.Flags |= directory.SingleValued
		}
		s.Attributes = append(s.Attributes, t)
	}
	s.Classes = []directory.ObjectClass{
		{Name: userClass, OID: oidArc + ".2.1", Superior: "top", Kind: directory.Auxiliary, May: userAttributes()},
		{Name: groupClass, OID: oidArc + ".2.2", Superior: "top", Kind: directory.Auxiliary, May: []string{"scimExternalId"}},
	}
	return s
}

func attributeOID(i int) string { return fmt.Sprintf("%s.1.%d", oidArc, i+1) }

// OpenLDAPSchema returns the same classes in the form that slapd includes.
func OpenLDAPSchema() string {
	equality := map[directory.Rule]string{
		directory.CaseIgnore: "EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15",
		directory.CaseExact:  "EQUALITY caseExactMatch SUBSTR caseExactSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15",
		directory.DN:         "EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12",
		directory.Boolean:    "EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7",
	}
	var b strings.Builder
	b.WriteString("# Auxiliary classes for what SCIM has and inetOrgPerson and groupOfNames have no place for.\n")
	b.WriteString("# Before production use, replace the object identifiers by ones of your own arc.\n")
	for i, a := range attributes {
		single := " SINGLE-VALUE"
		if a.multi {
			single = ""
		}
		fmt.Fprintf(&b, "\nattributetype ( %s NAME '%s'\n\tDESC '%s'\n\t%s%s )\n", attributeOID(i), a.name, a.description, equality[a.rule], single)
	}
	fmt.Fprintf(&b, "\nobjectclass ( %s.2.1 NAME '%s' SUP top AUXILIARY\n\tMAY ( %s ) )\n", oidArc, userClass, strings.Join(userAttributes(), " $ "))
	fmt.Fprintf(&b, "\nobjectclass ( %s.2.2 NAME '%s' SUP top AUXILIARY\n\tMAY scimExternalId )\n", oidArc, groupClass)
	return b.String()
}
