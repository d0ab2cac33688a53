package ldapconn_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

func everybody() *ldap.SearchRequest {
	return ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, 0, false, "(objectClass=inetOrgPerson)", []string{"uid"}, nil)
}

// walk counts the distinct uids of a paged search.
func walk(ctx context.Context, pool *ldapconn.Pool, size uint32, between func() error) (int, error) {
	seen := map[string]bool{}
	err := pool.SearchPaged(ctx, everybody, size, func(entry *ldap.Entry) error {
		seen[entry.GetAttributeValue("uid")] = true
		return between()
	})
	return len(seen), err
}

func TestPagedSearchesDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LDIF: people(300)})
	pool := newPool(t, nil, s.URL())
	// More walks than connections for them, and plain requests between.
	var walks sync.WaitGroup
	for i := range 8 {
		walks.Go(func() {
			n, err := walk(t.Context(), pool, uint32(20+i), func() error { return nil })
			if err != nil || n != 301 {
				t.Errorf("walk %d: %d entries, %v", i, n, err)
			}
		})
	}
	for range 100 {
		mustFind(t, pool)
	}
	walks.Wait()
}

func TestPagedSearchWithinPagedSearch(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LDIF: people(50)})
	pool := newPool(t, nil, s.URL())
	inner := 0
	outer, err := walk(t.Context(), pool, 10, func() error {
		n, err := walk(t.Context(), pool, 10, func() error { return nil })
		inner += n
		return err
	})
	if err != nil || outer != 51 || inner != 51*51 {
		t.Errorf("%d entries outside, %d inside, %v", outer, inner, err)
	}
}

func TestPagedSearchEnds(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LDIF: people(50)})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, nil, proxy.URL())
	enough := errors.New("enough")
	if _, err := walk(t.Context(), pool, 10, func() error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v, want the error of the callback", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := walk(ctx, pool, 10, func() error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	cut := false
	_, err := walk(t.Context(), pool, 10, func() error {
		if !cut {
			cut = true
			proxy.CutAll()
		}
		return nil
	})
	if got := (*ldapconn.Error)(nil); !errors.As(err, &got) || got.Outcome == ldapconn.Answered {
		t.Errorf("cut after the first page: got %v, want a fault", err)
	}
	if n, err := walk(t.Context(), pool, 10, func() error { return nil }); err != nil || n != 51 {
		t.Errorf("afterwards: %d entries, %v", n, err)
	}
}

func TestIncompleteAnswersAreErrors(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{SizeLimit: 30, PageLimit: 20, LDIF: people(50)})
	pool := newPool(t, nil, s.URL())
	s.Add(t, "dn: ou=elsewhere,"+slapd.Groups+"\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://other.example.com/"+slapd.Groups+"\n")
	limited := everybody()
	limited.SizeLimit = 2
	groups := ldap.NewSearchRequest(slapd.Groups, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"ou"}, nil)
	below := ldap.NewSearchRequest("cn=x,ou=elsewhere,"+slapd.Groups, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil)

	for name, test := range map[string]struct {
		request *ldap.SearchRequest
		code    uint16
	}{
		"server's size limit": {everybody(), ldap.LDAPResultSizeLimitExceeded},
		"own size limit":      {limited, ldap.LDAPResultSizeLimitExceeded},
		"references":          {groups, 0},
		"referral":            {below, ldap.LDAPResultReferral},
	} {
		result, err := pool.Search(t.Context(), test.request)
		if result != nil {
			t.Errorf("%s: entries with an error", name)
		}
		failure(t, err, ldapconn.Answered)
		if test.code != 0 && !ldap.IsErrorWithCode(err, test.code) || test.code == 0 && !errors.Is(err, ldapconn.ErrReferences) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if limited.TimeLimit != 0 || limited.EnforceSizeLimit {
		t.Errorf("the caller's request was changed: %+v", limited)
	}
	if result, err := pool.Search(t.Context(), groups, ldapconn.IgnoreReferences); err != nil || len(result.Entries) != 1 {
		t.Errorf("ignoring references: %v", err)
	}
	_, err := walk(t.Context(), pool, 21, func() error { return nil })
	failure(t, err, ldapconn.Answered)
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultAdminLimitExceeded) {
		t.Errorf("page too large: %v", err)
	}
	_, err = walk(t.Context(), pool, 0, func() error { return nil })
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		t.Errorf("without paging: %v", err)
	}
	if n, err := walk(t.Context(), pool, 20, func() error { return nil }); err != nil || n != 51 {
		t.Errorf("pages of 20: %d entries, %v", n, err)
	}
}

func TestMistakesBlameNoConnection(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	proxy := slapd.NewProxy(t, s.Addr())
	pool := newPool(t, nil, proxy.URL())
	for range 5 {
		request := findAda()
		request.Filter = "(uid=ada"
		_, err := pool.Search(t.Context(), request)
		failure(t, err, ldapconn.NotSent)
		mustFind(t, pool)
	}
	if n := proxy.Accepted(); n != 1 {
		t.Errorf("%d connections were made, want 1", n)
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{})
	pool := newPool(t, nil, s.URL())
	ctx := t.Context()

	add := ldap.NewAddRequest("uid=grace,"+slapd.People, nil)
	for name, value := range map[string]string{"objectClass": "inetOrgPerson", "uid": "grace", "cn": "Grace", "sn": "Hopper"} {
		add.Attribute(name, []string{value})
	}
	if err := pool.Add(ctx, add); err != nil {
		t.Fatal(err)
	}
	err := pool.Add(ctx, add)
	failure(t, err, ldapconn.Answered)
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
		t.Errorf("adding again: %v", err)
	}
	if err := pool.ModifyDN(ctx, ldap.NewModifyDNRequest("uid=grace,"+slapd.People, "uid=hopper", true, slapd.Disabled)); err != nil {
		t.Fatal(err)
	}
	dn := "uid=hopper," + slapd.Disabled
	if result, err := pool.PasswordModify(ctx, ldap.NewPasswordModifyRequest(dn, "", "")); err != nil || result.GeneratedPassword == "" {
		t.Errorf("asking for a password: %v", err)
	}
	if _, err := pool.PasswordModify(ctx, ldap.NewPasswordModifyRequest(dn, "", "nanosecond")); err != nil {
		t.Fatal(err)
	}
	if result, err := pool.TestBind(ctx, dn, "nanosecond"); err != nil || !result.Accepted {
		t.Errorf("binding with the new password: %+v, %v", result, err)
	}
	// Post-read (RFC 4527) of description; the value is SEQUENCE { "description" }.
	postRead := ldap.NewControlString("1.3.6.1.1.13.2", true, "\x30\x0d\x04\x0bdescription")
	modify := ldap.NewModifyRequest(dn, []ldap.Control{postRead})
	modify.Replace("description", []string{"debugged"})
	controls, err := pool.Modify(ctx, modify)
	if err != nil {
		t.Fatal(err)
	}
	if control := ldap.FindControl(controls, "1.3.6.1.1.13.2"); control == nil {
		t.Errorf("the answer's controls are %v, want post-read", controls)
	}
	if err := pool.Delete(ctx, ldap.NewDelRequest(dn, nil)); err != nil {
		t.Fatal(err)
	}
	// An assertion (RFC 4528) of (uid=other), which is false.
	assertion := ldap.NewControlString("1.3.6.1.1.12", true, "\xa3\x0c\x04\x03uid\x04\x05other")
	_, err = pool.Modify(ctx, ldap.NewModifyRequest(adaDN, []ldap.Control{assertion}))
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultAssertionFailed) {
		t.Errorf("a false assertion: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := startServer(t, slapd.Options{LDIF: people(60)})
	pool := newPool(t, nil, s.URL())
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			for j := range 20 {
				var err error
				switch (i + j) % 4 {
				case 0:
					err = find(t.Context(), pool)
				case 1:
					request := ldap.NewModifyRequest(fmt.Sprintf("uid=u%04d,%s", i, slapd.People), nil)
					request.Replace("description", []string{fmt.Sprint(j)})
					_, err = pool.Modify(t.Context(), request)
				case 2:
					_, err = walk(t.Context(), pool, 25, func() error { return nil })
				default:
					_, err = pool.RootDSE(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
}
