package ldapconn

import (
	"net"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// maxMessage bounds a single answer: an entry with some 500,000 members.
const maxMessage = 64 << 20

func init() {
	// The library's own bound is 2 GiB and there is no other way to set it.
	ber.MaxPacketLengthBytes = maxMessage
}

// connection is a bound connection to a server.
type connection struct {
	server  *server
	ldap    *ldap.Conn
	socket  *socket
	expires time.Time

	// Guarded by Pool.mu.
	epoch    int
	inFlight int
	timeouts int
	retired  bool
	idleAt   time.Time
}

// isUsable reports whether new requests may go out on it.
func (c *connection) isUsable() bool {
	return !c.retired && c.epoch == c.server.epoch && !c.ldap.IsClosing()
}

// close ends an unused connection in good order.
func (c *connection) close() {
	c.ldap.SetTimeout(time.Second)
	if c.ldap.Unbind() != nil {
		_ = c.ldap.Close()
	}
	c.kill()
}

// kill closes the socket under go-ldap: every request on it fails at once,
// whatever the library is waiting for.
func (c *connection) kill() { _ = c.socket.Conn.Close() }

// socket gives go-ldap what it lacks: a deadline on writes, and an end of the
// connection when one fails, since half a message has then been sent.
type socket struct {
	net.Conn
	writeTimeout time.Duration
	lastRead     atomic.Int64 // since start
	start        time.Time
}

func newSocket(conn net.Conn, writeTimeout time.Duration) *socket {
	return &socket{Conn: conn, writeTimeout: writeTimeout, start: time.Now()}
}

func (s *socket) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(s.writeTimeout)); err != nil {
		_ = s.Close()
		return 0, err
	}
	n, err := s.Conn.Write(b)
	if err != nil {
		_ = s.Close()
	}
	return n, err
}

func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 {
		s.lastRead.Store(int64(time.Since(s.start)))
	}
	return n, err
}

// isSilent reports whether nothing was received for the latter half of the time
// since started: not the answer waited for, nor any other.
func (s *socket) isSilent(started time.Time) bool {
	half := started.Add(time.Since(started) / 2)
	return s.start.Add(time.Duration(s.lastRead.Load())).Before(half)
}

// Interface guards
var _ net.Conn = (*socket)(nil)
