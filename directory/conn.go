package directory

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// maxInFlight bounds how many requests of one connection are carried out at the same time; the rest
// wait in the socket.
const maxInFlight = 128

// conn is one client connection. One goroutine reads; each request has a goroutine of its own, except
// those that change the connection itself, which wait until they are alone.
type conn struct {
	server   *Server
	socket   net.Conn // the TCP connection, below TLS if there is any
	stream   net.Conn // what is read and written; changed only by StartTLS
	reader   *bufio.Reader
	who      identity // changed only by Bind, while nothing else is in flight
	inFlight sync.WaitGroup
	slots    chan struct{}

	writeMu sync.Mutex
	pageMu  sync.Mutex
	page    *pagedSearch // the one paged search that may be under way
}

func newConn(s *Server, socket net.Conn) *conn {
	return &conn{server: s, socket: socket, stream: socket, reader: bufio.NewReader(socket), slots: make(chan struct{}, maxInFlight)}
}

// request is one operation on its way through the server.
type request struct {
	conn     *conn
	who      identity
	id       int64
	op       *ber.Packet
	controls controls
	tail     []*ber.Packet // what the result carries behind its standard fields
	answer   []*ber.Packet // response controls
	after    func()        // runs once the result is sent
}

// operations maps each request to its response and to what carries it out.
var operations = map[ber.Tag]struct {
	response ber.Tag
	handle   func(*Server, *request) error
}{
	ldap.ApplicationBindRequest:     {ldap.ApplicationBindResponse, (*Server).bind},
	ldap.ApplicationSearchRequest:   {ldap.ApplicationSearchResultDone, (*Server).search},
	ldap.ApplicationModifyRequest:   {ldap.ApplicationModifyResponse, (*Server).modify},
	ldap.ApplicationAddRequest:      {ldap.ApplicationAddResponse, (*Server).add},
	ldap.ApplicationDelRequest:      {ldap.ApplicationDelResponse, (*Server).delete},
	ldap.ApplicationModifyDNRequest: {ldap.ApplicationModifyDNResponse, (*Server).modifyDN},
	ldap.ApplicationCompareRequest:  {ldap.ApplicationCompareResponse, (*Server).compare},
	ldap.ApplicationExtendedRequest: {ldap.ApplicationExtendedResponse, (*Server).extended},
}

func (c *conn) serve() {
	defer func() {
		c.inFlight.Wait() // a client that only stopped sending still gets its answers
		c.socket.Close()
		c.server.connMu.Lock()
		delete(c.server.conns, c)
		c.server.connMu.Unlock()
	}()
	for {
		limit := maxMessage
		if c.who.isAnonymous() {
			limit = maxAnonymousMessage
		}
		m, err := c.read(limit)
		if err != nil {
			c.disconnect(err)
			return
		}
		if !c.server.faults.pass() || m.op.Tag == ldap.ApplicationUnbindRequest {
			return
		}
		if m.op.Tag == ldap.ApplicationAbandonRequest {
			continue // what it names runs to its end, which RFC 4511 section 4.11 allows
		}
		if _, known := operations[m.op.Tag]; !known {
			c.disconnect(protocolError("operation not known"))
			return
		}
		if changesConnection(m.op) {
			c.inFlight.Wait()
			c.handle(m)
			continue
		}
		c.slots <- struct{}{}
		c.inFlight.Go(func() {
			c.handle(m)
			<-c.slots
		})
	}
}

func (c *conn) read(limit int) (*message, error) {
	b, err := readMessage(c.reader, limit)
	if err != nil {
		return nil, err
	}
	return decodeMessage(b)
}

func changesConnection(op *ber.Packet) bool {
	return op.Tag == ldap.ApplicationBindRequest || op.Tag == ldap.ApplicationExtendedRequest && extendedName(op) == extendedStartTLS
}

func (c *conn) handle(m *message) {
	if !c.server.faults.wait() {
		return
	}
	operation := operations[m.op.Tag]
	rq := &request{conn: c, who: c.who, id: m.id, op: m.op}
	var err error
	if rq.controls, err = c.server.schema.decodeControls(m.controls, m.op.Tag); err == nil {
		err = operation.handle(c.server, rq)
	}
	c.send(encodeMessage(m.id, encodeResult(operation.response, err, rq.tail...), rq.answer))
	if rq.after != nil {
		rq.after()
	}
}

// send writes whole messages. A client that cannot be written to is gone; the reader notices.
func (c *conn) send(messages []byte) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if !c.server.faults.pass() {
		return
	}
	if _, err := c.stream.Write(messages); err != nil {
		c.socket.Close()
	}
}

// disconnect says why the connection ends (RFC 4511 section 4.4.1), unless the client ended it.
func (c *conn) disconnect(err error) {
	var network net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network) {
		return
	}
	name := ber.NewString(ber.ClassContext, ber.TypePrimitive, 10, "1.3.6.1.4.1.1466.20036", "")
	c.send(encodeMessage(0, encodeResult(ldap.ApplicationExtendedResponse, protocolError("message not understood"), name), nil))
}

// startTLS wraps the connection once the client has been told to go ahead.
func (c *conn) startTLS(config *tls.Config) {
	secure := tls.Server(c.socket, config)
	if err := secure.Handshake(); err != nil {
		c.socket.Close()
		return
	}
	c.stream, c.reader = secure, bufio.NewReader(secure)
}
