package ldap

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// refusing makes slapd's answers to a bind those of another directory, without
// the password policy control: answer says the result code and the message for an account that is locked, or not.
func refusing(answer func(isLocked bool) (code int, text string)) func(int, []byte) []byte {
	// The value of the password policy control with the error accountLocked.
	locked := []byte{0x30, 0x03, 0x81, 0x01, 0x01}
	return func(operation int, message []byte) []byte {
		if operation != goldap.ApplicationBindResponse {
			return message
		}
		packet := ber.DecodePacket(message)
		code, text := goldap.LDAPResultSuccess, ""
		if packet.Children[1].Children[0].Value != int64(goldap.LDAPResultSuccess) {
			code, text = answer(bytes.Contains(message, locked))
		}
		response := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationBindResponse, nil, "")
		response.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
		response.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
		response.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, ""))
		changed := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		changed.AppendChild(packet.Children[0])
		changed.AppendChild(response)
		return changed.Bytes()
	}
}

// inactivating answers as 389 Directory Server does: without the password policy
// control, and otherwise where an account is locked, whatever the password.
var inactivating = refusing(func(isLocked bool) (int, string) {
	if isLocked {
		return goldap.LDAPResultUnwillingToPerform, "Account inactivated. Contact system administrator."
	}
	return goldap.LDAPResultInvalidCredentials, "Invalid credentials"
})

const genericHead = "directory generic {\nid entryUUID uuid\nversion entryCSN\nlock pwdAccountLockedTime 000001010000Z\n%s\n}\n"

// TestRule02AGenericDisableIsProven is rule 2 for a directory that nothing is
// known of but its configuration.
func TestRule02AGenericDisableIsProven(t *testing.T) {
	sameForAll := refusing(func(bool) (int, string) { return goldap.LDAPResultInvalidCredentials, "Sign-in failed" })
	for _, test := range []struct {
		name      string
		options   slapd.Options
		manner    func(int, []byte) []byte
		tells     string
		status    translators.ProofStatus
		detail    string
		canSignIn bool
		level     translators.Level
		finding   string
	}{
		{"told by code", slapd.Options{}, inactivating, "lock_tells 53", translators.Proven, "", false, translators.LevelOK, "is refused otherwise"},
		{"told by message", slapd.Options{}, inactivating, `lock_tells "account INACTIVATED"`, translators.Proven, "", false, translators.LevelOK, "is refused otherwise"},
		{"told by both", slapd.Options{}, inactivating, `lock_tells 53 inactivated`, translators.Proven, "", false, translators.LevelOK, "is refused otherwise"},
		{"told otherwise", slapd.Options{}, inactivating, `lock_tells 53 "Account disabled"`, translators.Refuted, "otherwise than lock_tells says", false, translators.LevelOK, "is refused otherwise"},
		{"not enforced", slapd.Options{NoLockout: true}, inactivating, "lock_tells 53", translators.Refuted, "otherwise than lock_tells says", true, translators.LevelOK, "is refused otherwise"},
		{"not told", slapd.Options{}, inactivating, "", translators.Unprovable, "by lock_tells", false, translators.LevelWarning, "Say it by lock_tells"},
		{"not told and not enforced", slapd.Options{NoLockout: true}, inactivating, "", translators.Unprovable, "by lock_tells", true, translators.LevelWarning, "Say it by lock_tells"},
		{"told of everybody", slapd.Options{}, sameForAll, "lock_tells sign-in", translators.Unprovable, "tells nothing", false, translators.LevelError, "tells nothing"},
		{"told of everybody, not enforced", slapd.Options{NoLockout: true}, sameForAll, "lock_tells sign-in", translators.Unprovable, "tells nothing", true, translators.LevelError, "tells nothing"},
		{"password policy control", slapd.Options{}, nil, "", translators.Proven, "", false, translators.LevelOK, "a password policy has a part"},
		{"password policy control, not enforced", slapd.Options{NoLockout: true}, nil, "", translators.Unprovable, "does not tell", true, translators.LevelOK, "a password policy has a part"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.NoSync = true
			server := slapd.Start(t, test.options)
			proxy := slapd.NewProxy(t, server.Addr())
			proxy.RewriteResponses(test.manner)
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+fmt.Sprintf(genericHead, test.tells), users(t, "disable lock"), groupsBlock)
			id := add(t, tr, tr.users, withPassword("ada"))
			for range 2 { // a repetition is no better
				_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
				if proof.Err != nil || proof.Status != test.status || !strings.Contains(proof.Detail, test.detail) {
					t.Errorf("the proof is %s %q (%v), want %s %q", proof.Status, proof.Detail, proof.Err, test.status, test.detail)
				}
			}
			if got := canSignIn(t, server, dnOf("ada"), password); got != test.canSignIn {
				t.Errorf("the account can sign in: %v, want %v", got, test.canSignIn)
			}
			has(t, tr.Check(t.Context()), test.level, test.finding)
			// And back.
			_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "true"}))
			if proof.Status != translators.Proven || !canSignIn(t, server, dnOf("ada"), password) {
				t.Errorf("the enable is %s %q", proof.Status, proof.Detail)
			}
		})
	}
}

// TestALockWithTwoValues checks a lock that says of everybody whether they are
// locked, and that the case of its values does not matter.
func TestALockWithTwoValues(t *testing.T) {
	head := "directory generic {\nid entryUUID uuid\nlock employeeType Locked Open\n}\n"
	server := slapd.Start(t, slapd.Options{NoSync: true})
	block := strings.Replace(users(t, "disable lock"), "map userType employeeType", "", 1)
	tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+head, block, groupsBlock)
	id := add(t, tr, tr.users, withPassword("ada"))
	value := func() string { return stored(t, server, "(uid=ada)").GetAttributeValue("employeeType") }
	for _, want := range []struct{ active, value string }{{"false", "Locked"}, {"true", "Open"}, {"false", "Locked"}} {
		change(t, tr, tr.users, id, values{"active": want.active})
		if got := value(); got != want.value {
			t.Errorf("after active %s the lock is %q, want %q", want.active, got, want.value)
		}
	}
	modify := goldap.NewModifyRequest(dnOf("ada"), nil)
	modify.Replace("employeeType", []string{"LOCKED"})
	if err := server.Admin(t).Modify(modify); err != nil {
		t.Fatal(err)
	}
	if active, _ := read(t, tr, tr.users, id).Resource.IsActive(); active {
		t.Error("LOCKED is not taken for Locked")
	}
	if got := names(tr.users, find(t, tr, tr.users, "active eq false").Entries); len(got) != 1 {
		t.Errorf("active eq false finds %q", got)
	}
}

// guidSchema is Active Directory's id, for slapd.
const guidSchema = `attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'hasGUID' SUP top AUXILIARY MUST objectGUID )
`

// TestIDForms reads, finds and changes entries by ids of every form.
func TestIDForms(t *testing.T) {
	schema := filepath.Join(t.TempDir(), "guid.schema")
	if err := os.WriteFile(schema, []byte(guidSchema), 0o600); err != nil {
		t.Fatal(err)
	}
	octets := map[string][]byte{
		"plain":   []byte("0123456789abcdef"),
		"signs":   []byte("*()\\\x00\n\r #,+\"<>;="),
		"high":    {0xff, 0xfe, 0x80, 0xc3, 0x28, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
		"zero":    make([]byte, 16),
		"newline": []byte("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"),
	}
	var ldif strings.Builder
	for login, id := range octets {
		fmt.Fprintf(&ldif, "dn: uid=%[1]s,%[2]s\nobjectClass: inetOrgPerson\nobjectClass: hasGUID\nuid: %[1]s\ncn: x\nsn: x\nobjectGUID:: %[3]s\n\n",
			login, slapd.People, base64.StdEncoding.EncodeToString(id))
	}
	server := slapd.Start(t, slapd.Options{NoSync: true, Schemas: []string{schema}, LDIF: ldif.String()})
	for form, want := range map[string]map[string]string{
		"objectGUID guid": {
			"plain": "33323130-3534-3736-3839-616263646566", "zero": "00000000-0000-0000-0000-000000000000",
			"high": "c380feff-0028-0000-0102-030405060708",
		},
		"objectGUID binary": {"plain": "30313233343536373839616263646566", "newline": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"},
		"entryUUID uuid":    {},
		"entryUUID":         {},
	} {
		t.Run(form, func(t *testing.T) {
			head := "directory generic {\nid " + form + "\n}\n"
			tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+head, users(t, byAttribute), groupsBlock)
			for login := range octets {
				id := idOf(t, tr, tr.users, `userName eq "`+login+`"`)
				if want[login] != "" && id != want[login] {
					t.Errorf("%s has the id %q, want %q", login, id, want[login])
				}
				if got := idOf(t, tr, tr.users, `id eq "`+id+`"`); got != id {
					t.Errorf("id eq %q finds %q", id, got)
				}
				title := form + login
				change(t, tr, tr.users, id, values{"title": title})
				if got := stored(t, server, "(uid="+login+")").GetAttributeValue("title"); got != title {
					t.Errorf("%s has the title %q, want %q", login, got, title)
				}
				// Not written as it is: nobody's.
				if other := strings.ToUpper(id); other != id {
					if got := find(t, tr, tr.users, `id eq "`+other+`"`).Entries; len(got) != 0 {
						t.Errorf("id eq %q finds %q", other, names(tr.users, got))
					}
					if got, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{other}, whole); err != nil || len(got) != 0 {
						t.Errorf("reading %q: %d entries, %v", other, len(got), err)
					}
				}
			}
			for _, odd := range []string{"", "x", "*", "33323130-3534-3736-3839-61626364656", strings.Repeat("a", 1000), "a\x00b", "ä)(uid=*"} {
				if got, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{odd}, whole); err != nil || len(got) != 0 {
					t.Errorf("reading %q: %d entries, %v", odd, len(got), err)
				}
			}
		})
	}
}

// TestWithoutAssertionTheEntryIsMeant checks that a write meets the entry that was
// read although another has taken its name since.
func TestWithoutAssertionTheEntryIsMeant(t *testing.T) {
	for _, assertion := range []string{"off", "on"} {
		t.Run("assertion "+assertion, func(t *testing.T) {
			head := "directory generic {\nid entryUUID uuid\nassertion " + assertion + "\n}\n"
			server := slapd.Start(t, slapd.Options{NoSync: true})
			tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+head, users(t, byAttribute), groupsBlock)
			id := add(t, tr, tr.users, person("ada"))
			plans := map[string]*translators.Plan{
				"change": planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"title": "Countess"})),
				"delete": planOf(t, tr, translators.Intent{Action: "delete", Type: tr.users.served.ResourceType, ID: id, Before: read(t, tr, tr.users, id)}),
			}
			admin := server.Admin(t)
			if err := admin.ModifyDN(goldap.NewModifyDNRequest(dnOf("ada"), "uid=countess", true, "")); err != nil {
				t.Fatal(err)
			}
			server.Add(t, "dn: "+dnOf("ada")+"\nobjectClass: inetOrgPerson\nuid: ada\ncn: Another\nsn: Another\n")
			if report := translators.Execute(t.Context(), plans["change"]); report.Outcome != translators.Applied {
				t.Errorf("the change is %s: %v", report.Outcome, report.Err)
			}
			if a, b := stored(t, server, "(uid=ada)").GetAttributeValue("title"), stored(t, server, "(uid=countess)").GetAttributeValue("title"); a != "" || b != "Countess" {
				t.Errorf("the title of the other is %q, that of the one who is meant %q", a, b)
			}
			if report := translators.Execute(t.Context(), plans["delete"]); report.Outcome != translators.Applied {
				t.Errorf("the delete is %s: %v", report.Outcome, report.Err)
			}
			if exists(t, server, "(uid=countess)") || !exists(t, server, "(uid=ada)") {
				t.Error("another than the one who is meant was deleted")
			}
		})
	}
}

// TestControlsAreDetected checks that a control that a directory does not
// advertise is not sent.
func TestControlsAreDetected(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	for _, isAdvertised := range []bool{true, false} {
		t.Run(fmt.Sprint(isAdvertised), func(t *testing.T) {
			proxy := slapd.NewProxy(t, server.Addr())
			used := make(map[string]bool)
			if !isAdvertised {
				proxy.RewriteResponses(func(_ int, message []byte) []byte { // other numbers, as long
					for _, oid := range []string{openLDAP.assertionControl, openLDAP.postReadControl, openLDAP.pagingControl} {
						message = bytes.ReplaceAll(message, []byte(oid), bytes.Repeat([]byte("9"), len(oid)))
					}
					return message
				})
			}
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+fmt.Sprintf(genericHead, ""), users(t, "disable lock"), groupsBlock)
			for _, oid := range []string{openLDAP.assertionControl, openLDAP.postReadControl, openLDAP.pagingControl} {
				used[oid] = tr.control(t.Context(), oid) != ""
			}
			want := map[string]bool{openLDAP.assertionControl: isAdvertised, openLDAP.postReadControl: isAdvertised, openLDAP.pagingControl: isAdvertised}
			if diff := cmp.Diff(want, used); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			login := fmt.Sprintf("ada%v", isAdvertised)
			id := add(t, tr, tr.users, withPassword(login))
			change(t, tr, tr.users, id, values{"title": "Countess"})
			find(t, tr, tr.users, "")
			level := translators.LevelOK
			if !isAdvertised {
				level = translators.LevelWarning
				has(t, tr.Check(t.Context()), level, "does not advertise the assertion control")
				has(t, tr.Check(t.Context()), level, "a list is read at once")
			}
		})
	}
}

func TestGenericMistakes(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        []string
	}{
		{"no id", "version x", []string{":2", "id is missing", "id entryUUID uuid"}},
		{"an unknown form", "id entryUUID hex", []string{":2", "text, uuid, guid or binary"}},
		{"two ids", "id a\nid b", []string{":4", "id is given twice"}},
		{"no attribute", "id (x=*)", []string{":2", "is not the name of an attribute"}},
		{"an unknown word", "id a\nids b", []string{":4", "there is no ids here", "lock_tells"}},
		{"neither on nor off", "id a\npaging maybe", []string{":4", "write paging on, or paging off"}},
		{"a lock without its value", "id a\nlock nsAccountLock", []string{":4", "value of a locked account"}},
		{"a lock that is none", "id a\nlock l TRUE true", []string{":2", "can't mean both"}},
		{"a code that everybody gets", "id a\nlock l TRUE\nlock_tells 49", []string{":2", "the answer to any wrong password"}},
		{"words that everybody gets", "id a\nlock l TRUE\nlock_tells 49 \"Invalid Credentials\"", []string{":2", "the answer to any wrong password"}},
		{"a word that everybody gets", "id a\nlock l TRUE\nlock_tells password", []string{":2", "the answer to any wrong password"}},
		{"Active Directory's wrong password", "id a\nlock l TRUE\nlock_tells 49 \"data 52e\"", []string{":2", "the answer to any wrong password"}},
		{"a code of success", "id a\nlock l TRUE\nlock_tells 0", []string{":5", "write lock_tells <result code>"}},
		{"a code that is no refusal", "id a\nlock l TRUE\nlock_tells 32", []string{":2", "19, 48, 49 or 53"}},
		{"words without quotes", "id a\nlock l TRUE\nlock_tells account is off", []string{":5", "write lock_tells <result code>"}},
		{"telling of no lock", "id a\nlock_tells 53", []string{":2", "add lock <attribute> <value>"}},
		{"disable lock without lock", "id a", []string{"disable lock: no lock is named"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "ldap ldap://localhost {\ndirectory generic {\n" + c.lines + "\n}\n" + users(t, "disable lock") + "\n}"
			err := new(Translator).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
	for text, want := range map[string]string{
		"directory openldap {\nid x\n}\n" + users(t, byPolicy):                            "directory openldap has no settings",
		"directory generic\n" + users(t, byPolicy):                                        "id is missing",
		"directory generic {\nid x\nlock l y\n}\n" + users(t, byPolicy):                   "write disable lock",
		"directory openldap\n" + users(t, "disable lock"):                                 "write disable password_policy",
		"directory generic {\nid x\nlock l y\n}\nplaceholder x\n" + users(t, byAttribute): "there is no placeholder here",
	} {
		err := new(Translator).UnmarshalCaddyfile(caddyfile.NewTestDispenser("ldap ldap://localhost {\n" + text + "\n}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	tr := unprovisioned(t, "ldap://127.0.0.1:1 {\ndirectory generic {\nid x\n}\npassword_policy cn=x\n", users(t, byAttribute), groupsBlock)
	if err := provision(t, tr); err == nil || !strings.Contains(err.Error(), "password_policy: it is for directory openldap") {
		t.Errorf("password_policy: %v", err)
	}
}
