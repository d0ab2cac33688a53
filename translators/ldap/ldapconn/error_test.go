package ldapconn

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// go-ldap tells some things in words only. These tests make it say them.

// pipe returns a connection to a peer that is the test.
func pipe(t *testing.T, writeTimeout time.Duration) (*ldap.Conn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	conn := ldap.NewConn(newSocket(near, writeTimeout), false)
	conn.Start()
	t.Cleanup(func() {
		_ = far.Close()
		_ = conn.Close()
	})
	return conn, far
}

func TestJudgeUnsent(t *testing.T) {
	t.Parallel()
	conn, _ := pipe(t, 20*time.Millisecond)
	// The peer reads nothing: the write runs into its deadline.
	outcome, err := judge(conn.Del(ldap.NewDelRequest("cn=a", nil)))
	if outcome != NotSent || !strings.HasPrefix(err.Error(), textUnsent) {
		t.Errorf("an unread request: %s, %v", outcome, err)
	}
	// The socket is closed with it, since half a message is on it.
	for deadline := time.Now().Add(10 * time.Second); !conn.IsClosing(); {
		if time.Now().After(deadline) {
			t.Fatal("the connection stays open")
		}
	}
	outcome, err = judge(conn.Del(ldap.NewDelRequest("cn=a", nil)))
	if outcome != NotSent || err.Error() != textClosed {
		t.Errorf("a request on a closed connection: %s, %v", outcome, err)
	}
}

func TestJudgeTimeout(t *testing.T) {
	t.Parallel()
	conn, far := pipe(t, time.Second)
	go func() { _, _ = io.Copy(io.Discard, far) }()
	conn.SetTimeout(20 * time.Millisecond)
	outcome, err := judge(conn.Del(ldap.NewDelRequest("cn=a", nil)))
	if outcome != Unknown || !errors.Is(err, errNoAnswer) || !(&Error{Err: err}).Timeout() {
		t.Errorf("an unanswered request: %s, %v", outcome, err)
	}
}

func TestJudgeLost(t *testing.T) {
	t.Parallel()
	conn, far := pipe(t, time.Second)
	go func() {
		_, _ = ber.ReadPacket(far)
		_ = far.Close()
	}()
	outcome, err := judge(conn.Del(ldap.NewDelRequest("cn=a", nil)))
	if outcome != Unknown || errors.Is(err, errNoAnswer) {
		t.Errorf("a request on a lost connection: %s, %v", outcome, err)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want Outcome
		code uint16
	}{
		"server's answer":     {ldap.NewError(ldap.LDAPResultNoSuchObject, errors.New("gone")), Answered, ldap.LDAPResultNoSuchObject},
		"filter":              {ldap.NewError(ldap.ErrorFilterCompile, errors.New("bad")), NotSent, 0},
		"too many entries":    {ldap.ErrSizeLimitExceeded, Answered, ldap.LDAPResultSizeLimitExceeded},
		"channel closed":      {ldap.NewError(ldap.ErrorNetwork, errors.New("ldap: response channel closed")), Unknown, 0},
		"malformed":           {ldap.NewError(ldap.ErrorMalformedPacket, ldap.ErrMalformedPacket), Unknown, 0},
		"unexpected":          {errors.New("ldap: unexpected response: 9"), Unknown, 0},
		"words of the future": {ldap.NewError(ldap.ErrorNetwork, errors.New("ldap: something new")), Unknown, 0},
	} {
		outcome, err := judge(test.err)
		if outcome != test.want || resultCode(err) != test.code {
			t.Errorf("%s: %s, code %d, want %s, code %d", name, outcome, resultCode(err), test.want, test.code)
		}
	}
}

// fakeServer answers each request on a pipe by what respond returns: the
// message's operations, in order.
func fakeServer(t *testing.T, respond func(operation ber.Tag) []*ber.Packet) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				for {
					request, err := ber.ReadPacket(conn)
					if err != nil {
						return
					}
					for _, operation := range respond(request.Children[1].Tag) {
						message := ber.NewSequence("message")
						message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, request.Children[0].Value, "id"))
						message.AppendChild(operation)
						if _, err := conn.Write(message.Bytes()); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return "ldap://" + listener.Addr().String()
}

// result is an LDAPResult (RFC 4511 section 4.1.9).
func result(operation ber.Tag, code uint16) *ber.Packet {
	packet := ber.Encode(ber.ClassApplication, ber.TypeConstructed, operation, nil, "result")
	packet.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, uint64(code), "code"))
	packet.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", "matched"))
	packet.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", "text"))
	return packet
}

func entry(dn string) *ber.Packet {
	packet := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "entry")
	packet.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, dn, "dn"))
	packet.AppendChild(ber.NewSequence("attributes"))
	return packet
}

func fakePool(t *testing.T, respond func(operation ber.Tag) []*ber.Packet) *Pool {
	t.Helper()
	pool, err := New(Config{Servers: []string{fakeServer(t, respond)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func TestPagingIgnored(t *testing.T) {
	t.Parallel()
	pool := fakePool(t, func(ber.Tag) []*ber.Packet {
		return []*ber.Packet{entry("cn=a"), result(ldap.ApplicationSearchResultDone, 0)}
	})
	build := func() *ldap.SearchRequest { return rootDSERequest("*") }
	err := pool.SearchPaged(t.Context(), build, 10, func(*ldap.Entry) error { return nil })
	if !errors.Is(err, ErrPagingIgnored) {
		t.Errorf("got %v, want that paging is ignored", err)
	}
	if err := pool.SearchPaged(t.Context(), build, 0, func(*ldap.Entry) error { return nil }); err != nil {
		t.Errorf("without paging: %v", err)
	}
}

func TestSizeLimitIgnored(t *testing.T) {
	t.Parallel()
	pool := fakePool(t, func(ber.Tag) []*ber.Packet {
		return []*ber.Packet{entry("cn=a"), entry("cn=b"), entry("cn=c"), result(ldap.ApplicationSearchResultDone, 0)}
	})
	request := rootDSERequest("*")
	request.SizeLimit = 2
	found, err := pool.Search(t.Context(), request)
	if found != nil || !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		t.Errorf("got %v, want the size limit", err)
	}
}

func TestShuttingDownServer(t *testing.T) {
	t.Parallel()
	searches := 0 // the first is that of the connection's making
	pool := fakePool(t, func(ber.Tag) []*ber.Packet {
		if searches++; searches == 2 {
			return []*ber.Packet{result(ldap.ApplicationSearchResultDone, ldap.LDAPResultUnavailable)}
		}
		return []*ber.Packet{entry("cn=a"), result(ldap.ApplicationSearchResultDone, 0)}
	})
	if found, err := pool.Search(t.Context(), rootDSERequest("*")); err != nil || len(found.Entries) != 1 {
		t.Errorf("a read that a server refused while shutting down: %v", err)
	}
}
