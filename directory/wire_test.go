package directory_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// raw is a connection without a client library, for what libraries do not send.
type raw struct {
	t testing.TB
	net.Conn
}

func dialRaw(t testing.TB, addr string) raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return raw{t, c}
}

func octets(v string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, v, "")
}

func integer(tag ber.Tag, n int) *ber.Packet {
	return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, tag, n, "")
}

func constructed(class ber.Class, tag ber.Tag, parts ...*ber.Packet) *ber.Packet {
	p := ber.Encode(class, ber.TypeConstructed, tag, nil, "")
	for _, part := range parts {
		p.AppendChild(part)
	}
	return p
}

func envelope(id int, op *ber.Packet, controls ...*ber.Packet) []byte {
	m := constructed(ber.ClassUniversal, ber.TagSequence, integer(ber.TagInteger, id), op)
	if len(controls) > 0 {
		m.AppendChild(constructed(ber.ClassContext, 0, controls...))
	}
	return m.Bytes()
}

func bindMessage(id, version int, dn, password string) []byte {
	return envelope(id, constructed(ber.ClassApplication, ldap.ApplicationBindRequest,
		integer(ber.TagInteger, version), octets(dn), ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, password, "")))
}

func searchMessage(id int, under string, scope int, filter *ber.Packet, controls ...*ber.Packet) []byte {
	return envelope(id, constructed(ber.ClassApplication, ldap.ApplicationSearchRequest,
		octets(under), integer(ber.TagEnumerated, scope), integer(ber.TagEnumerated, 0), integer(ber.TagInteger, 0), integer(ber.TagInteger, 0),
		ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""), filter, constructed(ber.ClassUniversal, ber.TagSequence)), controls...)
}

var present = ber.NewString(ber.ClassContext, ber.TypePrimitive, ldap.FilterPresent, "objectClass", "")

func (r raw) send(messages ...[]byte) {
	r.t.Helper()
	for _, m := range messages {
		if _, err := r.Write(m); err != nil {
			r.t.Fatal(err)
		}
	}
}

// receive reads one message: its id, the tag of the response and, if it is a result, the code.
func (r raw) receive() (id int64, tag ber.Tag, code int64) {
	r.t.Helper()
	p, err := ber.ReadPacket(r)
	if err != nil {
		r.t.Fatal(err)
	}
	id, tag = p.Children[0].Value.(int64), p.Children[1].Tag
	if tag != ldap.ApplicationSearchResultEntry {
		code = p.Children[1].Children[0].Value.(int64)
	}
	return id, tag, code
}

func (r raw) expectClosed() {
	r.t.Helper()
	if n, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		r.t.Errorf("reading gave %d bytes and %v, want the connection closed", n, err)
	}
}

func TestBindRequests(t *testing.T) {
	_, addr := start(t, options(), seed)
	for name, test := range map[string]struct {
		message []byte
		code    int64
	}{
		"simple":     {bindMessage(1, 3, adminDN, adminPassword), 0},
		"anonymous":  {bindMessage(1, 3, "", ""), 0},
		"version 2":  {bindMessage(1, 2, adminDN, adminPassword), ldap.LDAPResultProtocolError},
		"no name":    {bindMessage(1, 3, "", "x"), ldap.LDAPResultInvalidCredentials},
		"SASL":       {envelope(1, constructed(ber.ClassApplication, 0, integer(ber.TagInteger, 3), octets(""), constructed(ber.ClassContext, 3, octets("PLAIN")))), ldap.LDAPResultAuthMethodNotSupported},
		"incomplete": {envelope(1, constructed(ber.ClassApplication, 0, integer(ber.TagInteger, 3))), ldap.LDAPResultProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			r := dialRaw(t, addr)
			r.send(test.message)
			if id, tag, code := r.receive(); id != 1 || tag != ldap.ApplicationBindResponse || code != test.code {
				t.Errorf("got message %d tag %d code %d, want code %d", id, tag, code, test.code)
			}
		})
	}
}

func TestMalformedRequestsAreAnswered(t *testing.T) {
	_, addr := start(t, options(), seed)
	r := dialRaw(t, addr)
	r.send(bindMessage(1, 3, adminDN, adminPassword))
	r.receive()
	for i, op := range []ber.Tag{
		ldap.ApplicationSearchRequest, ldap.ApplicationModifyRequest, ldap.ApplicationAddRequest, ldap.ApplicationDelRequest,
		ldap.ApplicationModifyDNRequest, ldap.ApplicationCompareRequest, ldap.ApplicationExtendedRequest,
	} {
		r.send(envelope(i+2, constructed(ber.ClassApplication, op, integer(ber.TagInteger, 1))))
		if id, _, code := r.receive(); id != int64(i+2) || code != ldap.LDAPResultProtocolError {
			t.Errorf("malformed operation %d: message %d code %d, want code 2", op, id, code)
		}
	}
}

func TestBrokenStreamsAreDisconnected(t *testing.T) {
	_, addr := start(t, options(), seed)
	deep := bytes.Repeat([]byte{0x30, 0x80}, 100)
	nested := []byte{0xa2, 0x00}
	for len(nested) < 400 {
		nested = constructed(ber.ClassContext, ldap.FilterNot, ber.DecodePacket(nested)).Bytes()
	}
	for name, data := range map[string][]byte{
		"not LDAP":          []byte("GET / HTTP/1.1\r\n\r\n"),
		"indefinite length": deep,
		"nested too deeply": searchMessage(1, "", 0, ber.DecodePacket(nested)),
		"too long":          {0x30, 0x84, 0x01, 0x00, 0x00, 0x00, 0, 0},
		"no operation":      {0x30, 0x03, 0x02, 0x01, 0x01},
		"message id 0":      bindMessage(0, 3, "", ""),
		"unknown operation": envelope(1, constructed(ber.ClassApplication, 30)),
	} {
		t.Run(name, func(t *testing.T) {
			r := dialRaw(t, addr)
			r.send(data)
			if id, tag, code := r.receive(); id != 0 || tag != ldap.ApplicationExtendedResponse || code != ldap.LDAPResultProtocolError {
				t.Errorf("got message %d tag %d code %d, want a notice of disconnection", id, tag, code)
			}
			r.expectClosed()
		})
	}
}

func TestLargeMessages(t *testing.T) {
	_, addr := start(t, options(), seed)
	value := string(bytes.Repeat([]byte("x"), 1<<20))
	if err := admin(t, addr).Modify(modifyRequest("uid=ada,"+people, nil, put("description", value))); err != nil {
		t.Errorf("a megabyte from a bound client: %v", err)
	}
	r := dialRaw(t, addr)
	r.send(bindMessage(1, 3, adminDN, value)[:1000])
	if id, _, code := r.receive(); id != 0 || code != ldap.LDAPResultProtocolError {
		t.Errorf("a megabyte from a stranger: message %d code %d, want a notice of disconnection", id, code)
	}
}

// TestTrueAndFalseFilters is RFC 4526, which go-ldap cannot write.
func TestTrueAndFalseFilters(t *testing.T) {
	_, addr := start(t, options(), seed)
	r := dialRaw(t, addr)
	r.send(bindMessage(1, 3, adminDN, adminPassword))
	r.receive()
	for name, test := range map[string]struct {
		filter *ber.Packet
		finds  bool
	}{
		"and of nothing": {constructed(ber.ClassContext, ldap.FilterAnd), true},
		"or of nothing":  {constructed(ber.ClassContext, ldap.FilterOr), false},
		"not true":       {constructed(ber.ClassContext, ldap.FilterNot, constructed(ber.ClassContext, ldap.FilterAnd)), false},
	} {
		r.send(searchMessage(2, base, ldap.ScopeBaseObject, test.filter))
		_, tag, _ := r.receive()
		if found := tag == ldap.ApplicationSearchResultEntry; found != test.finds {
			t.Errorf("%s: found %v, want %v", name, found, test.finds)
		} else if found {
			r.receive()
		}
	}
}

func TestPipelinedRequests(t *testing.T) {
	_, addr := start(t, options(), seed)
	r := dialRaw(t, addr)
	var all [][]byte
	all = append(all, bindMessage(1, 3, adminDN, adminPassword))
	const searches = 500
	for i := range searches {
		all = append(all, searchMessage(i+2, base, ldap.ScopeBaseObject, present))
	}
	go r.Write(bytes.Join(all, nil))
	entries, done := map[int64]int{}, map[int64]int{}
	for len(done) < searches+1 {
		switch id, tag, code := r.receive(); {
		case tag == ldap.ApplicationSearchResultEntry:
			entries[id]++
		case code != 0:
			t.Fatalf("message %d ended in code %d", id, code)
		default:
			done[id]++
		}
	}
	if len(entries) != searches {
		t.Errorf("%d of %d searches found the entry", len(entries), searches)
	}
}

func TestAbandonIsSilentAndUnbindCloses(t *testing.T) {
	_, addr := start(t, options(), seed)
	r := dialRaw(t, addr)
	r.send(envelope(1, ber.NewInteger(ber.ClassApplication, ber.TypePrimitive, ldap.ApplicationAbandonRequest, 7, "")),
		searchMessage(2, "", ldap.ScopeBaseObject, present))
	if id, tag, _ := r.receive(); id != 2 || tag != ldap.ApplicationSearchResultEntry {
		t.Errorf("got message %d tag %d, want the search's entry", id, tag)
	}
	r.receive()
	r.send(envelope(3, ber.Encode(ber.ClassApplication, ber.TypePrimitive, ldap.ApplicationUnbindRequest, nil, "")))
	r.expectClosed()
}

func TestConcurrentClients(t *testing.T) {
	_, addr := start(t, options(), seed)
	var clients sync.WaitGroup
	for n := range 8 {
		c := admin(t, addr)
		for m := range 4 {
			clients.Go(func() {
				uid := fmt.Sprintf("u%d-%d", n, m)
				dn := "uid=" + uid + "," + people
				err := errors.Join(
					c.Add(&ldap.AddRequest{DN: dn, Attributes: parseAttributes([]string{"objectClass: inetOrgPerson", "cn: x", "sn: x"})}),
					c.Modify(modifyRequest(dn, nil, put("title", uid))),
					c.ModifyDN(ldap.NewModifyDNRequest(dn, "uid="+uid+"-renamed", true, "")),
					c.Modify(modifyRequest(people, nil, more("description", uid))))
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	clients.Wait()
	found := search(t, admin(t, addr), people, "(title=u*)", "uid")
	descriptions := search(t, admin(t, addr), people, "(ou=people)", "description")[0].GetAttributeValues("description")
	if len(found) != 32 || len(descriptions) != 32 {
		t.Errorf("%d entries and %d descriptions after 32 of each were written", len(found), len(descriptions))
	}
}

func TestStartTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	o := options()
	o.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	_, addr := start(t, o, seed)

	c := dial(t, addr, "", "")
	if err := c.StartTLS(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Bind(adminDN, adminPassword); err != nil {
		t.Fatal(err)
	}
	if found := search(t, c, base, "(uid=ada)", "1.1"); len(found) != 1 {
		t.Errorf("found %d entries over TLS, want 1", len(found))
	}
	_, plain := start(t, options(), seed)
	if got := code(t, dial(t, plain, "", "").StartTLS(&tls.Config{InsecureSkipVerify: true})); got != ldap.LDAPResultProtocolError {
		t.Errorf("StartTLS without a certificate: code %d, want 2", got)
	}
}

// TestReadControlsOnAddDeleteAndRename is about controls in answers that go-ldap throws away.
func TestReadControlsOnAddDeleteAndRename(t *testing.T) {
	_, addr := start(t, options(), seed)
	r := dialRaw(t, addr)
	r.send(bindMessage(1, 3, adminDN, adminPassword))
	r.receive()
	control := func(oid string) *ber.Packet {
		names := constructed(ber.ClassUniversal, ber.TagSequence, octets("uid"), octets("ENTRYUUID"))
		return constructed(ber.ClassUniversal, ber.TagSequence, octets(oid), octets(string(names.Bytes())))
	}
	attribute := func(name string, values ...string) *ber.Packet {
		set := constructed(ber.ClassUniversal, ber.TagSet)
		for _, v := range values {
			set.AppendChild(octets(v))
		}
		return constructed(ber.ClassUniversal, ber.TagSequence, octets(name), set)
	}
	exchange := func(message []byte) *ldap.Entry {
		t.Helper()
		r.send(message)
		p, err := ber.ReadPacket(r)
		if err != nil {
			t.Fatal(err)
		}
		if code := p.Children[1].Children[0].Value.(int64); code != 0 || len(p.Children) != 3 {
			t.Fatalf("code %d with %d parts, want success with a control", code, len(p.Children))
		}
		found, err := ldap.DecodeControl(p.Children[2].Children[0])
		if err != nil {
			t.Fatal(err)
		}
		return readEntry(t, []ldap.Control{found}, found.GetControlType())
	}
	added := exchange(envelope(2, constructed(ber.ClassApplication, ldap.ApplicationAddRequest, octets("uid=new,"+people),
		constructed(ber.ClassUniversal, ber.TagSequence, attribute("objectClass", "inetOrgPerson"), attribute("cn", "x"), attribute("sn", "x"))), control("1.3.6.1.1.13.2")))
	id := added.GetAttributeValue("entryUUID")
	want := []string{"entryUUID: " + id, "uid: new"}
	if diff := cmp.Diff(want, attributesOf(added)); diff != "" || len(id) != 36 || added.DN != "uid=new,"+people {
		t.Errorf("post-read of the add of %s: %s", added.DN, diff)
	}
	renamed := exchange(envelope(3, constructed(ber.ClassApplication, ldap.ApplicationModifyDNRequest, octets("uid=new,"+people), octets("uid=newer"),
		ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, "")), control("1.3.6.1.1.13.2")))
	if renamed.DN != "uid=newer,"+people || renamed.GetAttributeValue("entryUUID") != id {
		t.Errorf("post-read of the rename: %s %v", renamed.DN, attributesOf(renamed))
	}
	deleted := exchange(envelope(4, ber.NewString(ber.ClassApplication, ber.TypePrimitive, ldap.ApplicationDelRequest, "uid=newer,"+people, ""), control("1.3.6.1.1.13.1")))
	if deleted.GetAttributeValue("uid") != "newer" || deleted.GetAttributeValue("entryUUID") != id {
		t.Errorf("pre-read of the delete: %v", attributesOf(deleted))
	}
}
