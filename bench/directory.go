package main

import (
	"errors"
	"fmt"
	"sync"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// directory is a private slapd with a fixture in it, as the one who puts it
// back between the rounds sees it.
type directory struct {
	*slapd.Server
	fixture
	admins []*ldap.Conn
}

// adminConnections is how many requests of the restoring go out at a time.
const adminConnections = 4

// startDirectory loads the fixture into a new slapd. Its files go to dir.
func startDirectory(dir string, f fixture, noSync bool) (*directory, error) {
	server, err := slapd.Run(dir, slapd.Options{
		NoSync: noSync,
		// A page may be as large as the default page_size of scimgate asks for.
		PageLimit: 1000,
		LDIF:      f.ldif(),
	})
	if err != nil {
		return nil, err
	}
	d := &directory{Server: server, fixture: f}
	for range adminConnections {
		conn, err := server.DialAdmin()
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.admins = append(d.admins, conn)
	}
	return d, nil
}

func (d *directory) close() error {
	for _, conn := range d.admins {
		_ = conn.Close()
	}
	return d.Server.Close()
}

// removeCreated removes the users that were created.
func (d *directory) removeCreated(used, done int) error {
	if err := d.expect("users created", "(uid=new*)", done); err != nil {
		return err
	}
	return d.each(used, func(conn *ldap.Conn, n int) error {
		err := conn.Del(ldap.NewDelRequest("uid="+newUID(n)+","+slapd.People, nil))
		if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			return nil // it was begun and failed
		}
		return err
	})
}

// enable unlocks the users that were disabled.
func (d *directory) enable(used, done int) error {
	if err := d.expect("users disabled", "(pwdAccountLockedTime="+locked+")", done); err != nil {
		return err
	}
	return d.each(used, func(conn *ldap.Conn, n int) error {
		unlock := ldap.NewModifyRequest(userDN(n), nil)
		unlock.Replace("pwdAccountLockedTime", nil)
		return conn.Modify(unlock)
	})
}

// takeOut takes the added members out of the first group.
func (d *directory) takeOut(used, done int) error {
	return d.shrink(firstGroup, d.GroupSize, used, done)
}

// takeOutOfEverybody takes the added members out of the group of everybody.
func (d *directory) takeOutOfEverybody(used, done int) error {
	return d.shrink(everybody, d.everybodySize(), used, done)
}

func (d *directory) shrink(group, size, used, done int) error {
	members, err := d.members(group)
	if err != nil {
		return err
	}
	if len(members) != size+done {
		return fmt.Errorf("%d members added: the group has %d, not %d", done, len(members), size+done)
	}
	is := make(map[string]bool, len(members))
	for _, name := range members {
		is[name] = true
	}
	var added []string
	for n := range used {
		if name := userDN(d.fresh(group, n)); is[name] {
			added = append(added, name)
		}
	}
	if len(added) == 0 {
		return nil
	}
	remove := ldap.NewModifyRequest(groupDN(group), nil)
	remove.Delete("member", added)
	return d.admins[0].Modify(remove)
}

func (d *directory) members(group int) ([]string, error) {
	result, err := d.admins[0].Search(ldap.NewSearchRequest(groupDN(group), ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		0, 0, false, "(objectClass=*)", []string{"member"}, nil))
	if err != nil {
		return nil, fmt.Errorf("looking at the members: %w", err)
	}
	if len(result.Entries) != 1 {
		return nil, errors.New("looking at the members: the group is gone")
	}
	return result.Entries[0].GetAttributeValues("member"), nil
}

// expect checks that so many users satisfy the filter: that what was answered
// with success was really done.
func (d *directory) expect(what, filter string, want int) error {
	result, err := d.admins[0].Search(ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, 0, false, filter, []string{"1.1"}, nil))
	if err != nil {
		return fmt.Errorf("counting %s: %w", what, err)
	}
	if got := len(result.Entries); got != want {
		return fmt.Errorf("%d %s were answered with success, and the directory has %d", want, what, got)
	}
	return nil
}

// each calls do for 0 to count-1, a few at a time.
func (d *directory) each(count int, do func(conn *ldap.Conn, n int) error) error {
	failures := make([]error, len(d.admins))
	var workers sync.WaitGroup
	for worker, conn := range d.admins {
		workers.Go(func() {
			for n := worker; n < count && failures[worker] == nil; n += len(d.admins) {
				failures[worker] = do(conn, n)
			}
		})
	}
	workers.Wait()
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("putting the directory back: %w", err)
	}
	return nil
}
