package slapd

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
)

// Options changes what a server is like. The zero value is the directory of a
// careful operator: password policy with lockout, memberof, refint and unique
// overlays, a service account that may write below ou=people and ou=groups only.
type Options struct {
	// NoPolicy leaves the password policy overlay out: pwdAccountLockedTime
	// is then an unknown attribute.
	NoPolicy bool
	// NoOverlay loads the module of the password policy, which defines
	// pwdAccountLockedTime, and leaves the overlay out of the database: a lock
	// is then written, and nothing looks at it.
	NoOverlay bool
	// NoDefaultPolicy loads the overlay but names no default policy: a lock is
	// then written and enforced by nobody.
	NoDefaultPolicy bool
	// NoLockout sets pwdLockout to FALSE in the default policy: a lock is then
	// written, and the account can still bind.
	NoLockout bool
	// NoUseLockout leaves ppolicy_use_lockout out: a locked account is refused
	// without a word about why.
	NoUseLockout bool
	// NoMemberOf leaves the memberof overlay out.
	NoMemberOf bool
	// NoRefint leaves the referential integrity overlay out.
	NoRefint bool
	// RefintNothing is the DN that refint leaves in place of a group's last
	// member when that is deleted. Empty: the dangling value stays.
	RefintNothing string
	// Sorting loads the overlay sssvlv: searches are sorted on demand.
	Sorting bool
	// HideLock lets the service account write pwdAccountLockedTime but not
	// read or search it.
	HideLock bool
	// NoSync does not wait for the disk on writes.
	NoSync bool
	// SizeLimit is how many entries an unpaged search of the service account
	// may return; default 500.
	SizeLimit int
	// PageLimit is the largest page of a paged search of the service account;
	// default 200. The pages together may return everything.
	PageLimit int
	// RequireTLS refuses every request over a plain TCP connection (code 13).
	RequireTLS bool
	// LogStats writes a line for each operation to Server.Log.
	LogStats bool
	// Schemas are further schemas: names in /etc/ldap/schema without the
	// suffix, or paths.
	Schemas []string
	// Global and Database are further lines for the global and the database
	// section of slapd.conf.
	Global, Database string
	// LDIF holds content records that are loaded before the first start, past
	// the overlays: nothing is checked for uniqueness, but memberOf is added
	// to loaded entries for loaded groupOfNames and groupOfUniqueNames.
	LDIF string
}

// configuration is the text of slapd.conf for a server whose files are in dir.
func configuration(dir string, options Options) string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }

	for _, name := range append([]string{"core", "cosine", "nis", "inetorgperson"}, options.Schemas...) {
		if !strings.ContainsRune(name, filepath.Separator) {
			name = filepath.Join("/etc/ldap/schema", name+".schema")
		}
		line("include %s", name)
	}
	line("pidfile %s/slapd.pid", dir)
	line("argsfile %s/slapd.args", dir)
	line("modulepath /usr/lib/ldap")
	for _, name := range []string{"back_mdb", "ppolicy", "memberof", "refint", "unique", "syncprov"} {
		if name != "ppolicy" || !options.NoPolicy {
			line("moduleload %s", name)
		}
	}
	if options.Sorting {
		line("moduleload sssvlv")
	}
	line("TLSCACertificateFile %s/ca.crt", dir)
	line("TLSCertificateFile %s/server.crt", dir)
	line("TLSCertificateKeyFile %s/server.key", dir)
	line("TLSVerifyClient never")
	line("sizelimit %d", cmp.Or(options.SizeLimit, 500))
	if options.RequireTLS {
		// 71 is what slapd counts an ldapi connection for.
		line("security ssf=71")
	}
	line("%s", options.Global)

	line("database mdb")
	line("maxsize %d", 4<<30)
	line("suffix %q", Base)
	line("rootdn %q", AdminDN)
	line("rootpw %s", AdminPassword)
	line("directory %s/db", dir)
	if options.NoSync {
		line("dbnosync")
	}
	line("index objectClass,entryUUID,entryCSN eq")
	line("index uid,mail,employeeNumber,employeeType,uidNumber,gidNumber,memberUid eq")
	line("index cn,sn,givenName eq,sub")
	line("index member,uniqueMember,manager,owner eq")
	if !options.NoMemberOf {
		line("index memberOf eq")
	}
	if !options.NoPolicy {
		line("index pwdAccountLockedTime pres,eq")
	}
	soft := cmp.Or(options.SizeLimit, 500)
	line("limits dn.exact=%q size.soft=%d size.hard=%d size.pr=%d size.prtotal=unlimited",
		ServiceDN, soft, max(soft, 1000), cmp.Or(options.PageLimit, 200))
	text.WriteString(accessRules(options))
	text.WriteString(overlays(options))
	line("%s", options.Database)
	return text.String()
}

// accessRules lets the service account write below ou=people and ou=groups,
// set passwords without reading them, and read the password policies.
func accessRules(options Options) string {
	var text strings.Builder
	rule := func(what string, by ...string) {
		fmt.Fprintf(&text, "access to %s\n", what)
		for _, who := range append(by, "* none") {
			fmt.Fprintf(&text, "  by %s\n", who)
		}
	}
	service := fmt.Sprintf("dn.exact=%q", ServiceDN)
	people := fmt.Sprintf("dn.subtree=%q", People)
	rule(people+" attrs=userPassword", service+" =wx", "self =wx", "anonymous auth")
	rule("attrs=userPassword", "anonymous auth")
	if options.HideLock && !options.NoPolicy {
		rule(people+" attrs=pwdAccountLockedTime", service+" =w")
	}
	rule(people, service+" write", "self read")
	rule(fmt.Sprintf("dn.subtree=%q", Groups), service+" write")
	rule(fmt.Sprintf("dn.base=%q", Base), service+" read")
	rule(fmt.Sprintf("dn.subtree=%q", Policies), service+" read")
	rule("*")
	return text.String()
}

func overlays(options Options) string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	if !options.NoPolicy && !options.NoOverlay {
		line("overlay ppolicy")
		if !options.NoDefaultPolicy {
			line("ppolicy_default %q", DefaultPolicy)
		}
		if !options.NoUseLockout {
			line("ppolicy_use_lockout")
		}
	}
	if !options.NoMemberOf {
		for _, group := range [][2]string{{"groupOfNames", "member"}, {"groupOfUniqueNames", "uniqueMember"}} {
			line("overlay memberof")
			line("memberof-group-oc %s", group[0])
			line("memberof-member-ad %s", group[1])
			line("memberof-memberof-ad memberOf")
			line("memberof-refint TRUE")
		}
	}
	if !options.NoRefint {
		line("overlay refint")
		line("refint_attributes member uniqueMember manager owner")
		if options.RefintNothing != "" {
			line("refint_nothing %q", options.RefintNothing)
		}
	}
	line("overlay unique")
	line("unique_uri ldap:///%s?uid?sub", People)
	line("unique_uri ldap:///%s?mail?sub", People)
	if options.Sorting {
		line("overlay sssvlv")
	}
	line("overlay syncprov")
	line("syncprov-checkpoint 100 10")
	return text.String()
}
