package directory_test

import (
	"io"
	"net"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// FuzzRequests sends arbitrary bytes as root: whatever they are, the server keeps serving.
func FuzzRequests(f *testing.F) {
	filter, err := ldap.CompileFilter("(&(uid=a*b)(!(cn~=x))(|(uidNumber>=1)(sn:caseIgnoreMatch:=x)))")
	if err != nil {
		f.Fatal(err)
	}
	change := constructed(ber.ClassUniversal, ber.TagSequence, integer(ber.TagEnumerated, 0),
		constructed(ber.ClassUniversal, ber.TagSequence, octets("title"), constructed(ber.ClassUniversal, ber.TagSet, octets("x"))))
	paging := constructed(ber.ClassUniversal, ber.TagSequence, octets("1.2.840.113556.1.4.319"),
		octets(string(constructed(ber.ClassUniversal, ber.TagSequence, integer(ber.TagInteger, 2), octets("")).Bytes())))
	sorting := constructed(ber.ClassUniversal, ber.TagSequence, octets("1.2.840.113556.1.4.473"),
		octets(string(constructed(ber.ClassUniversal, ber.TagSequence, constructed(ber.ClassUniversal, ber.TagSequence, octets("uid"),
			ber.NewString(ber.ClassContext, 0, 0, "2.5.13.3", ""), ber.NewString(ber.ClassContext, 0, 1, "\xff", ""))).Bytes())))
	for _, message := range [][]byte{
		searchMessage(2, base, 2, filter),
		searchMessage(2, base, 2, filter, sorting, paging),
		append(searchMessage(2, base, 2, present), searchMessage(3, "", 0, present)...),
		envelope(2, constructed(ber.ClassApplication, ldap.ApplicationModifyRequest, octets("uid=ada,"+people), constructed(ber.ClassUniversal, ber.TagSequence, change))),
		envelope(2, constructed(ber.ClassApplication, ldap.ApplicationModifyDNRequest, octets("uid=ada,"+people), octets("uid=x"), ber.NewLDAPBoolean(0, 0, ber.TagBoolean, true, ""))),
		envelope(2, ber.NewString(ber.ClassApplication, ber.TypePrimitive, ldap.ApplicationDelRequest, "uid=ada,"+people, ""), paging),
		envelope(2, constructed(ber.ClassApplication, ldap.ApplicationExtendedRequest, ber.NewString(ber.ClassContext, 0, 0, "1.3.6.1.4.1.4203.1.11.1", ""), ber.NewString(ber.ClassContext, 0, 1, "\x30\x00", ""))),
		{0x30, 0x80, 0x02, 0x01},
	} {
		f.Add(message)
	}
	_, addr := start(f, options(), seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write(bindMessage(1, 3, adminDN, adminPassword))
		c.Write(data)
		c.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("the server neither answered nor closed the connection: %v", err)
		}
		// A panic in the server would have ended the process; a deadlock would show here.
		dial(t, addr, adminDN, adminPassword).Close()
	})
}
