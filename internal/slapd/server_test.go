package slapd_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.uber.org/goleak"

	"github.com/scimgate/scimgate/internal/slapd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ada = `dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
mail: ada@example.com
userPassword: analytical
`

const engineers = `dn: cn=engineers,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: engineers
member: uid=ada,ou=people,dc=example,dc=com

dn: cn=poets,ou=groups,dc=example,dc=com
objectClass: groupOfUniqueNames
cn: poets
uniqueMember: uid=ada,ou=people,dc=example,dc=com
`

const adaDN = "uid=ada,ou=people,dc=example,dc=com"

func dial(t *testing.T, url string) *ldap.Conn {
	t.Helper()
	conn, err := ldap.DialURL(url)
	if err != nil {
		t.Fatalf("dialling %s: %v", url, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	conn.SetTimeout(10 * time.Second)
	return conn
}

func service(t *testing.T, url string) *ldap.Conn {
	t.Helper()
	conn := dial(t, url)
	if err := conn.Bind(slapd.ServiceDN, slapd.ServicePassword); err != nil {
		t.Fatalf("binding as the service account: %v", err)
	}
	return conn
}

// canBind reports whether ada's password is accepted.
func canBind(t *testing.T, s *slapd.Server) bool {
	t.Helper()
	err := dial(t, s.URL()).Bind(adaDN, "analytical")
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Fatalf("binding as ada: %v", err)
	}
	return err == nil
}

func lock(t *testing.T, conn *ldap.Conn) {
	t.Helper()
	request := ldap.NewModifyRequest(adaDN, nil)
	request.Replace("pwdAccountLockedTime", []string{"000001010000Z"})
	if err := conn.Modify(request); err != nil {
		t.Fatalf("locking ada: %v", err)
	}
}

// read returns an attribute of ada's entry as conn sees it.
func read(t *testing.T, conn *ldap.Conn, attribute string) []string {
	t.Helper()
	result, err := conn.Search(ldap.NewSearchRequest(adaDN, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		1, 0, false, "(objectClass=*)", []string{attribute}, nil))
	if err != nil {
		t.Fatalf("reading ada: %v", err)
	}
	return result.Entries[0].GetAttributeValues(attribute)
}

func TestLockStopsBind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options slapd.Options
		locked  bool
		visible bool
	}{
		"with policy":            {slapd.Options{}, true, true},
		"without lockout":        {slapd.Options{NoLockout: true}, false, true},
		"without default policy": {slapd.Options{NoDefaultPolicy: true}, false, true},
		"with hidden lock":       {slapd.Options{HideLock: true}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.options.NoSync = true
			s := slapd.Start(t, test.options)
			s.Add(t, ada)
			if !canBind(t, s) {
				t.Fatal("ada can't bind before the lock")
			}
			conn := service(t, s.URL())
			lock(t, conn)
			if got := !canBind(t, s); got != test.locked {
				t.Errorf("bind refused: %t, want %t", got, test.locked)
			}
			if got := len(read(t, conn, "pwdAccountLockedTime")) == 1; got != test.visible {
				t.Errorf("lock visible to the service account: %t, want %t", got, test.visible)
			}
		})
	}
}

func TestWithoutPolicyLockIsUnknown(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{NoPolicy: true, NoSync: true})
	s.Add(t, ada)
	request := ldap.NewModifyRequest(adaDN, nil)
	request.Replace("pwdAccountLockedTime", []string{"000001010000Z"})
	err := service(t, s.URL()).Modify(request)
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultUndefinedAttributeType) {
		t.Fatalf("got %v, want undefined attribute type", err)
	}
}

func TestMemberOf(t *testing.T) {
	t.Parallel()
	want := []string{"cn=engineers,ou=groups,dc=example,dc=com", "cn=poets,ou=groups,dc=example,dc=com"}
	for name, start := range map[string]func(t *testing.T) *slapd.Server{
		"added": func(t *testing.T) *slapd.Server {
			s := slapd.Start(t, slapd.Options{NoSync: true})
			s.Add(t, ada)
			s.Add(t, engineers)
			return s
		},
		"loaded": func(t *testing.T) *slapd.Server {
			return slapd.Start(t, slapd.Options{NoSync: true, LDIF: ada + "\n" + engineers})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			got := read(t, service(t, s.URL()), "memberOf")
			if len(got) != 2 || !strings.EqualFold(got[0], want[0]) || !strings.EqualFold(got[1], want[1]) {
				t.Errorf("memberOf is %q, want %q", got, want)
			}
		})
	}
}

func TestRefintNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ nothing, want string }{
		"without placeholder": {"", adaDN},
		"with placeholder":    {"cn=nobody,dc=example,dc=com", "cn=nobody,dc=example,dc=com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := slapd.Start(t, slapd.Options{NoSync: true, RefintNothing: test.nothing})
			s.Add(t, ada)
			s.Add(t, engineers)
			conn := service(t, s.URL())
			if err := conn.Del(ldap.NewDelRequest(adaDN, nil)); err != nil {
				t.Fatalf("deleting ada: %v", err)
			}
			// refint works after the answer, in a task of its own.
			waitFor(t, "the last member to be "+test.want, func() bool {
				result, err := conn.Search(ldap.NewSearchRequest("cn=engineers,"+slapd.Groups, ldap.ScopeBaseObject,
					ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"member"}, nil))
				if err != nil {
					t.Fatalf("reading the group: %v", err)
				}
				got := result.Entries[0].GetAttributeValues("member")
				return len(got) == 1 && got[0] == test.want
			})
		})
	}
}

func TestServiceAccountIsLimited(t *testing.T) {
	t.Parallel()
	var people strings.Builder
	for i := range 12 {
		fmt.Fprintf(&people, "dn: uid=u%d,%s\nobjectClass: inetOrgPerson\nuid: u%d\ncn: u%d\nsn: u\n\n", i, slapd.People, i, i)
	}
	s := slapd.Start(t, slapd.Options{NoSync: true, SizeLimit: 5, PageLimit: 4, LDIF: people.String()})
	conn := service(t, s.URL())
	search := func(controls ...ldap.Control) (*ldap.SearchResult, error) {
		return conn.Search(ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
			0, 0, false, "(objectClass=inetOrgPerson)", []string{"uid"}, controls))
	}
	if result, err := search(); !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || len(result.Entries) != 5 {
		t.Errorf("unpaged search: %v, want the size limit after 5 entries", err)
	}
	if _, err := search(ldap.NewControlPaging(5)); !ldap.IsErrorWithCode(err, ldap.LDAPResultAdminLimitExceeded) {
		t.Errorf("page of 5: %v, want the administrative limit", err)
	}
	if result, err := search(ldap.NewControlPaging(4)); err != nil || len(result.Entries) != 4 {
		t.Errorf("page of 4: %v", err)
	}
	request := ldap.NewModifyRequest(slapd.ServiceDN, nil)
	request.Replace("description", []string{"mine"})
	if err := conn.Modify(request); !ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights) &&
		!ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Errorf("writing outside people and groups: %v, want a refusal", err)
	}
	again := ldap.NewAddRequest("cn=other,"+slapd.People, nil)
	again.Attribute("objectClass", []string{"inetOrgPerson"})
	again.Attribute("cn", []string{"other"})
	again.Attribute("sn", []string{"other"})
	again.Attribute("uid", []string{"U1"})
	if err := conn.Add(again); !ldap.IsErrorWithCode(err, ldap.LDAPResultConstraintViolation) {
		t.Errorf("second uid: %v, want a constraint violation", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{NoSync: true, RequireTLS: true})
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the CA file")
	}
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}

	conn := dial(t, s.URL())
	if err := conn.Bind(slapd.ServiceDN, slapd.ServicePassword); !ldap.IsErrorWithCode(err, ldap.LDAPResultConfidentialityRequired) {
		t.Errorf("bind in the clear: %v, want confidentiality required", err)
	}
	if err := conn.StartTLS(config); err != nil {
		t.Fatalf("StartTLS: %v", err)
	}
	if err := conn.Bind(slapd.ServiceDN, slapd.ServicePassword); err != nil {
		t.Errorf("bind after StartTLS: %v", err)
	}
	secure, err := ldap.DialURL(s.TLSURL(), ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots}))
	if err != nil {
		t.Fatalf("dialling %s: %v", s.TLSURL(), err)
	}
	defer func() { _ = secure.Close() }()
	if err := secure.Bind(slapd.ServiceDN, slapd.ServicePassword); err != nil {
		t.Errorf("bind over ldaps: %v", err)
	}
	if _, err := ldap.DialURL(s.TLSURL()); err == nil {
		t.Error("the system's roots accept the test authority")
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{NoSync: true, LogStats: true})
	s.Add(t, ada)
	pid := s.PID()

	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	frozen := dial(t, s.URL())
	frozen.SetTimeout(50 * time.Millisecond)
	if err := frozen.Bind(slapd.ServiceDN, slapd.ServicePassword); !ldap.IsErrorWithCode(err, ldap.ErrorNetwork) {
		t.Errorf("bind to a frozen server: %v, want a timeout", err)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	service(t, s.URL())

	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("signalling the killed process: %v, want that it is gone", err)
	}
	if _, err := ldap.DialURL(s.URL()); err == nil {
		t.Error("a killed server is reachable")
	}
	url := s.URL()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if s.URL() != url {
		t.Errorf("restarted on %s, was on %s", s.URL(), url)
	}
	if got := read(t, service(t, s.URL()), "uid"); len(got) != 1 {
		t.Errorf("uid after the restart: %q", got)
	}
	if !strings.Contains(s.Log(), `BIND dn="`+slapd.ServiceDN+`"`) {
		t.Error("the log shows no bind of the service account")
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if s.PID() != 0 {
		t.Errorf("process %d after Stop", s.PID())
	}
}

func TestLDIF(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{NoSync: true})
	s.Add(t, "# a comment\ndn: uid=ada,ou=people,\n dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: ada\ncn:: QWTDqSBMb3ZlbGFjZQ==\nsn: L\n")
	if got := read(t, s.Admin(t), "cn"); len(got) != 1 || got[0] != "Adé Lovelace" {
		t.Errorf("cn is %q", got)
	}
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}
