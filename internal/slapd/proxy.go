package slapd

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Action is what a Proxy does with a message.
type Action int

const (
	// Forward passes the message on.
	Forward Action = iota
	// Drop swallows the message; the connection stays open.
	Drop
	// Cut swallows the message and closes the connection on both sides.
	Cut
)

// Opaque is the operation of bytes that are not plain LDAP, of TLS for
// instance: they pass in pieces as they come.
const Opaque = -1

// Proxy stands before a server and misbehaves on request. What it is told
// applies to connections that are open and to those to come.
type Proxy struct {
	listener net.Listener
	target   string
	closed   chan struct{}
	running  sync.WaitGroup

	refuse   atomic.Bool
	mute     atomic.Bool
	deaf     atomic.Bool
	toDrop   atomic.Int64
	cutAfter atomic.Int64 // bytes of response still to pass, less than 0 for no limit
	delay    atomic.Int64
	accepted atomic.Int64
	asked    atomic.Int64 // bytes
	answered atomic.Int64 // bytes

	mu         sync.Mutex
	onRequest  func(operation int) Action
	onResponse func(operation int) Action
	rewrite    func(operation int, message []byte) []byte
	links      map[*link]struct{}
}

// NewProxy starts a proxy on a free port before target (host:port, as
// Server.Addr gives it). It ends with the test.
func NewProxy(t TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("starting a proxy: %v", err)
		return nil
	}
	p := &Proxy{listener: listener, target: target, closed: make(chan struct{}), links: map[*link]struct{}{}}
	p.cutAfter.Store(-1)
	p.running.Add(1)
	go p.accept()
	t.Cleanup(p.close)
	return p
}

// Addr is the proxy's host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL is ldap:// with Addr.
func (p *Proxy) URL() string { return "ldap://" + p.Addr() }

// TLSURL is ldaps:// with Addr, for a proxy before Server.TLSAddr.
func (p *Proxy) TLSURL() string { return "ldaps://" + p.Addr() }

// Accepted is how many connections were made so far, refused ones included.
func (p *Proxy) Accepted() int { return int(p.accepted.Load()) }

// Asked and Answered are how many bytes of requests and of answers came so far,
// whatever became of them.
func (p *Proxy) Asked() int { return int(p.asked.Load()) }

// Answered is described at Asked.
func (p *Proxy) Answered() int { return int(p.answered.Load()) }

// Connections is how many connections are open now.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// CutAll closes all connections.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for link := range p.links {
		link.close()
	}
}

// Refuse closes new connections at once.
func (p *Proxy) Refuse(on bool) { p.refuse.Store(on) }

// BlackHole accepts connections and forwards requests but drops every answer:
// the server does what it is asked and nobody hears of it.
func (p *Proxy) BlackHole(on bool) { p.mute.Store(on) }

// DropRequests accepts connections and drops every request: the server does
// nothing.
func (p *Proxy) DropRequests(on bool) { p.deaf.Store(on) }

// DropResponses drops the next n answers, counted over all connections.
func (p *Proxy) DropResponses(n int) { p.toDrop.Store(int64(n)) }

// CutAfter closes the connection after n further bytes of response, counted
// over all connections, once. What goes beyond is not passed on, so an answer
// can be cut in its middle. A negative n lifts it.
func (p *Proxy) CutAfter(n int) { p.cutAfter.Store(int64(n)) }

// Delay holds every message back for d, in both directions, one after the other.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// OnRequest lets decide say what happens to each request. The operation is the
// application tag of RFC 4511 (ldap.ApplicationModifyRequest and so on) or
// Opaque. It is called from several goroutines. Nil forwards all.
func (p *Proxy) OnRequest(decide func(operation int) Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onRequest = decide
}

// OnResponse is OnRequest for answers.
func (p *Proxy) OnResponse(decide func(operation int) Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onResponse = decide
}

// RewriteResponses lets rewrite say what is passed on in place of each answer, a
// whole LDAPMessage, before anything else is done with it. Nil passes them on as
// they are.
func (p *Proxy) RewriteResponses(rewrite func(operation int, message []byte) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rewrite = rewrite
}

func (p *Proxy) close() {
	close(p.closed)
	_ = p.listener.Close()
	p.CutAll()
	p.running.Wait()
}

func (p *Proxy) accept() {
	defer p.running.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.accepted.Add(1)
		if p.refuse.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{client: client, server: server, ended: make(chan struct{})}
		p.mu.Lock()
		p.links[l] = struct{}{}
		p.mu.Unlock()
		select {
		case <-p.closed: // CutAll may have come before this link was known.
			l.close()
		default:
		}
		p.running.Add(2)
		go p.pump(l, client, server, p.request)
		go p.pump(l, server, client, p.response)
	}
}

// link is a client's connection and the server's that belongs to it.
type link struct {
	client, server net.Conn
	once           sync.Once
	ended          chan struct{}
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.ended)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

func (p *Proxy) pump(l *link, from io.Reader, to io.Writer, judge func([]byte, int) (Action, []byte)) {
	defer p.running.Done()
	defer func() {
		l.close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	reader := bufio.NewReaderSize(from, 64<<10)
	for {
		message, operation, err := readMessage(reader)
		if err != nil {
			return
		}
		if d := time.Duration(p.delay.Load()); d > 0 {
			timer := time.NewTimer(d)
			select {
			case <-timer.C:
			case <-l.ended:
				timer.Stop()
				return
			}
		}
		action, message := judge(message, operation)
		if action != Drop && len(message) > 0 {
			if _, err := to.Write(message); err != nil {
				return
			}
		}
		if action == Cut {
			return
		}
	}
}

// request and response judge a message; what they return of it is passed on,
// also before a cut.
func (p *Proxy) request(message []byte, operation int) (Action, []byte) {
	p.asked.Add(int64(len(message)))
	p.mu.Lock()
	decide := p.onRequest
	p.mu.Unlock()
	action := Forward
	if decide != nil {
		action = decide(operation)
	}
	if action == Forward && p.deaf.Load() {
		action = Drop
	}
	return passed(action, message)
}

func (p *Proxy) response(message []byte, operation int) (Action, []byte) {
	p.answered.Add(int64(len(message)))
	p.mu.Lock()
	decide, rewrite := p.onResponse, p.rewrite
	p.mu.Unlock()
	if rewrite != nil {
		message = rewrite(operation, message)
	}
	action := Forward
	if decide != nil {
		action = decide(operation)
	}
	if action == Forward && (p.mute.Load() || takeOne(&p.toDrop)) {
		action = Drop
	}
	if action == Forward {
		for left := p.cutAfter.Load(); left >= 0; left = p.cutAfter.Load() {
			if int64(len(message)) > left {
				if p.cutAfter.CompareAndSwap(left, -1) {
					return Cut, message[:left]
				}
			} else if p.cutAfter.CompareAndSwap(left, left-int64(len(message))) {
				break
			}
		}
	}
	return passed(action, message)
}

func passed(action Action, message []byte) (Action, []byte) {
	if action == Forward {
		return action, message
	}
	return action, nil
}

// takeOne lowers a counter that is above zero and reports whether it did.
func takeOne(counter *atomic.Int64) bool {
	for n := counter.Load(); n > 0; n = counter.Load() {
		if counter.CompareAndSwap(n, n-1) {
			return true
		}
	}
	return false
}

// readMessage reads one LDAPMessage (RFC 4511 section 4.1.1) and the
// application tag of its operation, or what there is of anything else.
func readMessage(reader *bufio.Reader) ([]byte, int, error) {
	first, err := reader.Peek(1)
	if err != nil {
		return nil, Opaque, err
	}
	if first[0] != 0x30 {
		chunk := make([]byte, reader.Buffered())
		_, err := io.ReadFull(reader, chunk)
		return chunk, Opaque, err
	}
	head, length, err := readHeader(reader)
	if err != nil {
		return nil, Opaque, err
	}
	message := make([]byte, len(head)+length)
	copy(message, head)
	body := message[len(head):]
	if _, err := io.ReadFull(reader, body); err != nil {
		return nil, Opaque, err
	}
	// INTEGER messageID (always in short form), then the operation.
	if len(body) < 2 || body[0] != 0x02 || len(body) < 3+int(body[1]) {
		return message, Opaque, nil
	}
	return message, int(body[2+int(body[1])] & 0x1f), nil
}

// readHeader reads the tag and the length of a BER element.
func readHeader(reader *bufio.Reader) ([]byte, int, error) {
	head := make([]byte, 2, 6)
	if _, err := io.ReadFull(reader, head); err != nil {
		return nil, 0, err
	}
	if head[1] < 0x80 {
		return head, int(head[1]), nil
	}
	size := int(head[1] & 0x7f)
	if size == 0 || size > 4 {
		return nil, 0, errors.New("reading an LDAP message: its length makes no sense")
	}
	head = head[:2+size]
	if _, err := io.ReadFull(reader, head[2:]); err != nil {
		return nil, 0, err
	}
	length := 0
	for _, b := range head[2:] {
		length = length<<8 | int(b)
	}
	return head, length, nil
}
