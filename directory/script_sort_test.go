package directory_test

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// sortSteps sort in every way (RFC 2891). What has the same value comes in any order, so that the values
// are compared and not the entries.
func sortSteps() []step {
	var steps []step
	for i, name := range []string{"Zoe", "adam", "Adam2", "a_b", "ab", "aB c", "ab  d", "äpfel", "Äpfel2", "z", "ñ", "10", "9", "ßeta", "日本", "Zoe", "ZOE"} {
		lines := []string{"displayName: " + name, fmt.Sprintf("employeeNumber: %d", i*37%100)}
		if i%3 > 0 {
			lines = append(lines, "title: "+name, fmt.Sprintf("mail: m%d.%c@example.com", i, 'z'-i))
		}
		if i%4 == 0 {
			lines = append(lines, "title: 0"+name)
		}
		if i%2 == 0 {
			lines = append(lines, "objectClass: posixAccount", fmt.Sprintf("uidNumber: %d", (i-6)*111), "gidNumber: 1", "homeDirectory: /")
		}
		steps = append(steps, addPerson("admin", fmt.Sprintf("u%02d", i), lines...))
	}
	for _, reverse := range []bool{false, true} {
		for _, by := range []ldap.SortKey{
			{AttributeType: "displayName", MatchingRule: "2.5.13.3"}, {AttributeType: "DISPLAYNAME", MatchingRule: "caseIgnoreOrderingMatch"},
			{AttributeType: "displayName", MatchingRule: "2.5.13.6"}, {AttributeType: "title", MatchingRule: "2.5.13.3"},
			{AttributeType: "mail", MatchingRule: "2.5.13.3"}, {AttributeType: "uid", MatchingRule: "2.5.13.3"},
			{AttributeType: "uidNumber"}, {AttributeType: "uidNumber", MatchingRule: "2.5.13.15"},
			{AttributeType: "telephoneNumber", MatchingRule: "2.5.13.3"}, {AttributeType: "employeeNumber", MatchingRule: "2.5.13.3"},
			// refused
			{AttributeType: "displayName"}, {AttributeType: "nonsuch"}, {AttributeType: "displayName", MatchingRule: "nonsuch"},
			{AttributeType: ""},
		} {
			by.Reverse = reverse
			for _, who := range []string{"admin", "service"} {
				steps = append(steps, sorted(who, 0, by), sorted(who, 4, by))
			}
		}
		steps = append(steps,
			sorted("admin", 0, ldap.SortKey{AttributeType: "title", MatchingRule: "2.5.13.3", Reverse: reverse}, ldap.SortKey{AttributeType: "uid", MatchingRule: "2.5.13.3"}),
			sorted("admin", 3, ldap.SortKey{AttributeType: "title", MatchingRule: "2.5.13.3"}, ldap.SortKey{AttributeType: "uid", MatchingRule: "2.5.13.3", Reverse: reverse}))
	}
	for _, attribute := range []string{"createTimestamp", "modifyTimestamp", "entryUUID", "entryCSN"} {
		steps = append(steps, sorted("service", 0, ldap.SortKey{AttributeType: attribute}))
	}
	many := make([]ldap.SortKey, 6)
	for i := range many {
		many[i] = ldap.SortKey{AttributeType: "uidNumber"}
	}
	return append(steps, sorted("admin", 0, many[:5]...), sorted("admin", 0, many...), sorted("admin", 0))
}

// sorted reads people sorted, page by page unless the page is 0, on a connection of its own.
func sorted(who string, page uint32, keys ...ldap.SortKey) step {
	return step{fmt.Sprintf("%s sorts by %v in pages of %d", who, keys, page), false, func(p *player) any {
		dn, password := adminDN, adminPassword
		if who == "service" {
			dn, password = serviceDN, servicePassword
		}
		c := dial(p.t, p.addr, dn, password)
		defer c.Close()
		list := make([]*ldap.SortKey, len(keys))
		attributes := []string{"1.1"}
		for i := range keys {
			list[i] = &keys[i]
			attributes = append(attributes, keys[i].AttributeType)
		}
		sorting := ldap.NewControlServerSideSortingWithSortKeys(list)
		paging := ldap.NewControlPaging(page)
		var lines []string
		for {
			request := ldap.NewSearchRequest(people, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=inetOrgPerson)", attributes, []ldap.Control{sorting})
			if page > 0 {
				request.Controls = append(request.Controls, paging)
			}
			result, err := c.Search(request)
			// slapd's overlay is busy for a moment after each page.
			for page > 0 && len(paging.Cookie) > 0 && ldap.IsErrorWithCode(err, ldap.LDAPResultBusy) && p.t.Context().Err() == nil {
				result, err = c.Search(request)
			}
			for _, e := range result.Entries {
				lines = append(lines, valuesOf(e, attributes))
			}
			if answer, ok := ldap.FindControl(result.Controls, ldap.ControlTypeServerSideSortingResult).(*ldap.ControlServerSideSortingResult); ok {
				lines = append(lines, fmt.Sprint("sorting result ", answer.Result))
			}
			control, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if err != nil || !ok || len(control.Cookie) == 0 {
				return append(lines, outcome(p.t, err))
			}
			paging.SetCookie(control.Cookie)
		}
	}}
}

// valuesOf shows what an entry was sorted by; of what differs between servers by nature, that it is there.
func valuesOf(e *ldap.Entry, attributes []string) string {
	var values []string
	for _, name := range attributes {
		list := e.GetEqualFoldAttributeValues(name)
		if strings.HasSuffix(name, "Timestamp") || strings.HasPrefix(name, "entry") {
			list = []string{fmt.Sprint(len(list))}
		}
		values = append(values, fmt.Sprintf("%q", list))
	}
	return strings.Join(values, " ")
}
