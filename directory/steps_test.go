package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// step is one operation of the script and what the client sees of it.
type step struct {
	name   string
	writes bool
	run    func(*player) any
}

func person(uid string) string { return "uid=" + uid + "," + people }

func group(cn string) string { return "cn=" + cn + "," + groups }

// parseAttributes reads "name: value" lines.
func parseAttributes(lines []string) (list []ldap.Attribute) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		if i := slices.IndexFunc(list, func(a ldap.Attribute) bool { return a.Type == name }); i >= 0 {
			list[i].Vals = append(list[i].Vals, value)
			continue
		}
		list = append(list, ldap.Attribute{Type: name, Vals: []string{value}})
	}
	return list
}

func add(who, dn string, lines ...string) step {
	return step{fmt.Sprintf("%s adds %s %v", who, dn, lines), true, func(p *player) any {
		return outcome(p.t, p.as(who).Add(&ldap.AddRequest{DN: dn, Attributes: parseAttributes(lines)}))
	}}
}

// addPerson adds an inetOrgPerson with what that needs.
func addPerson(who, uid string, lines ...string) step {
	return add(who, person(uid), append([]string{"objectClass: inetOrgPerson", "uid: " + uid, "cn: " + uid, "sn: " + uid}, lines...)...)
}

func addGroup(who, cn string, members ...string) step {
	lines := []string{"objectClass: groupOfNames", "cn: " + cn}
	for _, m := range members {
		lines = append(lines, "member: "+m)
	}
	return add(who, group(cn), lines...)
}

func modify(who, dn string, changes ...ldap.Change) step { return modifyWith(who, dn, nil, changes...) }

func modifyWith(who, dn string, controls func(*player) []ldap.Control, changes ...ldap.Change) step {
	return step{fmt.Sprintf("%s modifies %s %v", who, dn, changes), true, func(p *player) any {
		var list []ldap.Control
		if controls != nil {
			list = controls(p)
		}
		return outcome(p.t, p.as(who).Modify(modifyRequest(dn, list, changes...)))
	}}
}

func remove(who, dn string, controls ...ldap.Control) step {
	return step{fmt.Sprintf("%s deletes %s", who, dn), true, func(p *player) any {
		return outcome(p.t, p.as(who).Del(&ldap.DelRequest{DN: dn, Controls: controls}))
	}}
}

func rename(who, dn, rdn string, deleteOld bool, superior string) step {
	return step{fmt.Sprintf("%s renames %s to %s %s (delete old: %v)", who, dn, rdn, superior, deleteOld), true, func(p *player) any {
		return outcome(p.t, p.as(who).ModifyDN(&ldap.ModifyDNRequest{DN: dn, NewRDN: rdn, DeleteOldRDN: deleteOld, NewSuperior: superior}))
	}}
}

// find searches below the suffix, as admin unless said otherwise.
func find(filter string, attributes ...string) step {
	return query("admin", ldap.SearchRequest{BaseDN: base, Scope: ldap.ScopeWholeSubtree, Filter: filter, Attributes: attributes})
}

func query(who string, request ldap.SearchRequest) step {
	if request.Filter == "" {
		request.Filter = "(objectClass=*)"
	}
	name := fmt.Sprintf("%s searches %q scope %d limit %d for %s %v", who, request.BaseDN, request.Scope, request.SizeLimit, request.Filter, request.Attributes)
	return step{name, false, func(p *player) any {
		fresh := request
		result, err := p.as(who).Search(&fresh)
		end := outcome(p.t, err)
		return append(describe(result.Entries), end)
	}}
}

func compare(who, dn, attribute, value string) step {
	return step{fmt.Sprintf("%s compares %s of %s with %s", who, attribute, dn, value), false, func(p *player) any {
		same, err := p.as(who).Compare(dn, attribute, value)
		return fmt.Sprint(same, " ", outcome(p.t, err))
	}}
}

// bind binds on a connection of its own, asking for the reason in the password policy control.
func bind(dn, password string) step {
	return step{fmt.Sprintf("bind as %q with %q", dn, password), false, func(p *player) any {
		c := dial(p.t, p.addr, "", "")
		defer c.Close()
		request := ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
		request.AllowEmptyPassword = true
		result, err := c.SimpleBind(request)
		reason := "no control"
		if control, ok := ldap.FindControl(result.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy); ok {
			reason = fmt.Sprint("policy error ", control.Error)
		}
		who, whoErr := c.WhoAmI(nil)
		return fmt.Sprint(outcome(p.t, err), " ", reason, " then ", who, " ", whoErr)
	}}
}

func setPassword(who, dn, old, fresh string) step {
	return step{fmt.Sprintf("%s sets the password of %q from %q to %q", who, dn, old, fresh), true, func(p *player) any {
		result, err := p.as(who).PasswordModify(ldap.NewPasswordModifyRequest(dn, old, fresh))
		generated := err == nil && result.GeneratedPassword != ""
		return fmt.Sprint(outcome(p.t, err), " generated ", generated)
	}}
}

// walk reads page by page, on a connection of its own.
func walk(who string, size uint32, request ldap.SearchRequest) step {
	return step{fmt.Sprintf("%s walks %s in pages of %d, limit %d", who, request.BaseDN, size, request.SizeLimit), false, func(p *player) any {
		dn, password := adminDN, adminPassword
		if who == "service" {
			dn, password = serviceDN, servicePassword
		}
		c := dial(p.t, p.addr, dn, password)
		defer c.Close()
		paging := ldap.NewControlPaging(size)
		var pages []string
		for {
			fresh := request
			fresh.Controls = []ldap.Control{paging}
			result, err := c.Search(&fresh)
			end := outcome(p.t, err)
			pages = append(pages, describe(result.Entries)...)
			control, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if err != nil || !ok || len(control.Cookie) == 0 {
				slices.Sort(pages)
				return append(pages, end)
			}
			paging.SetCookie(control.Cookie)
		}
	}}
}

// crossedWalks begins a second walk on a connection and goes on with the first.
func crossedWalks() step {
	return step{"two paged walks on one connection", false, func(p *player) any {
		c := dial(p.t, p.addr, adminDN, adminPassword)
		defer c.Close()
		page := func(cookie []byte) ([]byte, string) {
			paging := ldap.NewControlPaging(2)
			paging.SetCookie(cookie)
			result, err := c.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", []string{"1.1"}, []ldap.Control{paging}))
			if control, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
				cookie = control.Cookie
			}
			return cookie, outcome(p.t, err)
		}
		first, one := page(nil)
		second, two := page(nil)
		_, three := page(first)
		_, four := page(second)
		_, five := page([]byte("junk"))
		return []string{one, two, three, four, five}
	}}
}

// versionGuard asserts the entry's CSN as it is now, which another write may then have outdated.
func versionGuard(dn string, filter string) func(*player) []ldap.Control {
	return func(p *player) []ldap.Control {
		csn := search(p.t, p.as("admin"), dn, "(objectClass=*)", "entryCSN")[0].GetAttributeValue("entryCSN")
		return []ldap.Control{assertion(p.t, strings.ReplaceAll(filter, "NOW", csn))}
	}
}

func with(controls ...ldap.Control) func(*player) []ldap.Control {
	return func(*player) []ldap.Control { return controls }
}

// reads modifies with pre- and post-read and shows what came back.
func reads(dn string, attributes []string, changes ...ldap.Change) step {
	const pre, post = "1.3.6.1.1.13.1", "1.3.6.1.1.13.2"
	return step{fmt.Sprintf("modify %s %v reading %v", dn, changes, attributes), true, func(p *player) any {
		controls := []ldap.Control{readControl(pre, attributes...), readControl(post, attributes...)}
		result, err := p.as("service").ModifyWithResult(modifyRequest(dn, controls, changes...))
		if err != nil {
			return outcome(p.t, err)
		}
		return slices.Concat(describe([]*ldap.Entry{readEntry(p.t, result.Controls, pre)}), describe([]*ldap.Entry{readEntry(p.t, result.Controls, post)}))
	}}
}

// unknownExtension sends an extended operation that no server has.
func unknownExtension() step {
	return step{"unknown extended operation", false, func(p *player) any {
		_, err := p.as("admin").Extended(&ldap.ExtendedRequest{Name: "1.2.3.4"})
		if err == nil {
			return errors.New("no error")
		}
		return outcome(p.t, err)
	}}
}
