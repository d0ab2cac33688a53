package main

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/scimgate/scimgate/internal/slapd"
)

// fixture says what the directory holds. All of it can be computed from the
// numbers, entryUUIDs too, so that nothing has to be asked or handed about:
// user 7 has the same name and id in every process.
type fixture struct {
	Users int // at least twice GroupSize
	// GroupSize is how many members the two groups have that are measured:
	// the first one the users from 0, the second the next.
	GroupSize int
	// Everybody is whether there is a third group that has all users but
	// the last spare ones.
	Everybody bool
}

// spare is how many users are not in the group of everybody.
const spare = 500

// The groups of a fixture.
const (
	firstGroup = iota
	secondGroup
	everybody
)

func (f fixture) everybodySize() int { return f.Users - spare }

func uid(user int) string    { return fmt.Sprintf("user%06d", user) }
func userDN(user int) string { return "uid=" + uid(user) + "," + slapd.People }
func userID(user int) string { return identify("user", user) }
func groupName(group int) string {
	return [...]string{"Staff North", "Staff South", "Everybody"}[group]
}
func groupDN(group int) string { return "cn=" + groupName(group) + "," + slapd.Groups }
func groupID(group int) string { return identify("group", group) }

// newUID is the login name of the nth user that a round creates.
func newUID(n int) string { return fmt.Sprintf("new%06d", n) }

// identify makes an entryUUID.
func identify(kind string, number int) string {
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d", kind, number))
	return uuid.NewSHA1(uuid.NameSpaceOID, sum[:]).String()
}

// person are the attributes of a user, but for object class and lock, in the
// order in which they are written. Both the loaded users and the created ones
// are made of it.
func person(login string) [][2]string {
	given, family := "Given "+login, "Family "+login
	return [][2]string{
		{"uid", login},
		{"cn", given + " " + family},
		{"sn", family},
		{"givenName", given},
		{"displayName", given + " " + family},
		{"mail", login + "@example.com"},
		{"title", "Engineer"},
		{"employeeNumber", "n-" + login},
	}
}

// ldif are the users and groups. The containers are there already.
func (f fixture) ldif() string {
	var text bytes.Buffer
	for user := range f.Users {
		fmt.Fprintf(&text, "dn: %s\nobjectClass: inetOrgPerson\nentryUUID: %s\n", userDN(user), userID(user))
		for _, a := range person(uid(user)) {
			fmt.Fprintf(&text, "%s: %s\n", a[0], a[1])
		}
		text.WriteByte('\n')
	}
	f.group(&text, firstGroup, 0, f.GroupSize)
	f.group(&text, secondGroup, f.GroupSize, 2*f.GroupSize)
	if f.Everybody {
		f.group(&text, everybody, 0, f.everybodySize())
	}
	return text.String()
}

func (f fixture) group(text *bytes.Buffer, group, from, to int) {
	fmt.Fprintf(text, "dn: %s\nobjectClass: groupOfNames\nentryUUID: %s\ncn: %s\n", groupDN(group), groupID(group), groupName(group))
	for user := from; user < to; user++ {
		fmt.Fprintf(text, "member: %s\n", userDN(user))
	}
	text.WriteByte('\n')
}

// fresh is the nth user that can be added to the group because it is not in it.
func (f fixture) fresh(group, n int) int {
	if group == everybody {
		return f.everybodySize() + n
	}
	return f.GroupSize + n
}

// userAttributes and groupAttributes are what the yardsticks ask the directory
// for: the same as scimgate does with the mapping in scimgate.Caddyfile.
var (
	userAttributes = strings.Fields(`entryUUID createTimestamp modifyTimestamp entryCSN uid cn sn givenName
		displayName mail title employeeNumber memberOf pwdAccountLockedTime`)
	groupAttributes = strings.Fields("entryUUID createTimestamp modifyTimestamp entryCSN cn member")
)

// locked is the value of pwdAccountLockedTime that means for ever.
const locked = "000001010000Z"
