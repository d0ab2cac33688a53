package directory

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// failure is a result other than success, as the client gets it (RFC 4511 section 4.1.9).
type failure struct {
	code    uint16
	matched string // the nearest existing ancestor, for noSuchObject
	text    string
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s: %s", ldap.LDAPResultCodeMap[f.code], f.text)
}

func fail(code uint16, format string, args ...any) *failure {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

func protocolError(format string, args ...any) *failure {
	return fail(ldap.LDAPResultProtocolError, format, args...)
}

// Bounds on what is read. Strangers may send what slapd allows them.
const (
	maxAnonymousMessage = 256 << 10
	maxMessage          = 16 << 20
	maxNesting          = 64
)

// readMessage reads the bytes of one LDAPMessage, refusing more than limit before they are read.
func readMessage(r *bufio.Reader, limit int) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	headLen, length := 2, int(head[1])
	if head[0] != 0x30 || length == 0x80 || length > 0x84 {
		return nil, errors.New("reading a message: not an LDAPMessage")
	}
	if length > 0x80 {
		headLen += length - 0x80
		if head, err = r.Peek(headLen); err != nil {
			return nil, err
		}
		length = 0
		for _, b := range head[2:] {
			length = length<<8 | int(b)
		}
	}
	if length > limit {
		return nil, fmt.Errorf("reading a message: %d bytes are more than the limit of %d", length, limit)
	}
	message := make([]byte, headLen+length)
	_, err = io.ReadFull(r, message)
	return message, err
}

// checkNesting walks the elements without building anything. It bounds depth, because the decoder
// copies the content once for each level, and refuses the indefinite form, which LDAP forbids.
func checkNesting(b []byte, depth int) error {
	for len(b) > 0 {
		if depth == 0 {
			return errors.New("decoding a message: nested too deeply")
		}
		if len(b) < 2 || b[0]&0x1f == 0x1f || b[1] == 0x80 || b[1] > 0x84 {
			return errors.New("decoding a message: malformed element")
		}
		headLen, length := 2, int(b[1])
		if length > 0x80 {
			headLen += length - 0x80
			if len(b) < headLen {
				return errors.New("decoding a message: malformed length")
			}
			length = 0
			for _, octet := range b[2:headLen] {
				length = length<<8 | int(octet)
			}
		}
		if length > len(b)-headLen {
			return errors.New("decoding a message: element longer than what holds it")
		}
		if b[0]&0x20 != 0 {
			if err := checkNesting(b[headLen:headLen+length], depth-1); err != nil {
				return err
			}
		}
		b = b[headLen+length:]
	}
	return nil
}

// message is a decoded LDAPMessage.
type message struct {
	id       int64
	op       *ber.Packet
	controls *ber.Packet // nil if there are none
}

func decodeMessage(b []byte) (*message, error) {
	if err := checkNesting(b, maxNesting); err != nil {
		return nil, err
	}
	p, err := ber.DecodePacketErr(b)
	if err != nil {
		return nil, fmt.Errorf("decoding a message: %w", err)
	}
	in := fieldsOf(p)
	m := &message{id: in.integer(ber.TagInteger)}
	if m.op = in.any(); m.op != nil && m.op.ClassType != ber.ClassApplication {
		in.failed = true
	}
	m.controls = in.optional(ber.ClassContext, 0)
	if in.failed || m.id <= 0 || m.id > 1<<31-1 {
		return nil, errors.New("decoding a message: not an LDAPMessage")
	}
	return m, nil
}

// decodeValue decodes BER that travels inside an octet string, nil if it is none.
func decodeValue(b []byte) *ber.Packet {
	if checkNesting(b, maxNesting) != nil {
		return nil
	}
	p, err := ber.DecodePacketErr(b)
	if err != nil {
		return nil
	}
	return p
}

// fields reads the parts of a SEQUENCE one after the other. A part that is missing or of the wrong kind
// sets failed and reads as zero, so that callers check once.
type fields struct {
	rest   []*ber.Packet
	failed bool
}

func fieldsOf(p *ber.Packet) *fields { return &fields{rest: p.Children} }

// any takes the next part whatever it is.
func (f *fields) any() *ber.Packet {
	if len(f.rest) == 0 {
		f.failed = true
		return nil
	}
	p := f.rest[0]
	f.rest = f.rest[1:]
	return p
}

// take takes the next part, which must have the tag; it is never nil.
func (f *fields) take(class ber.Class, tag ber.Tag) *ber.Packet {
	p := f.optional(class, tag)
	if p == nil {
		f.failed = true
		return ber.Encode(class, ber.TypePrimitive, tag, nil, "")
	}
	return p
}

// optional takes the next part if it has the tag, else it returns nil.
func (f *fields) optional(class ber.Class, tag ber.Tag) *ber.Packet {
	if len(f.rest) == 0 || f.rest[0].ClassType != class || f.rest[0].Tag != tag {
		return nil
	}
	return f.any()
}

func (f *fields) octets() string { return f.take(ber.ClassUniversal, ber.TagOctetString).Data.String() }

func (f *fields) boolean() bool {
	v, ok := f.take(ber.ClassUniversal, ber.TagBoolean).Value.(bool)
	f.failed = f.failed || !ok
	return v
}

// integer takes an INTEGER or ENUMERATED.
func (f *fields) integer(tag ber.Tag) int64 {
	v, ok := f.take(ber.ClassUniversal, tag).Value.(int64)
	f.failed = f.failed || !ok
	return v
}

// attributeList takes a SEQUENCE OF partial attributes: a name and a SET of values each.
func (f *fields) attributeList() (list []namedValues) {
	for _, p := range f.take(ber.ClassUniversal, ber.TagSequence).Children {
		list = append(list, f.attribute(p))
	}
	return list
}

// namedValues is an attribute as a client writes it.
type namedValues struct {
	name   string
	values []string
}

func (f *fields) attribute(p *ber.Packet) namedValues {
	in := fieldsOf(p)
	a := namedValues{name: in.octets()}
	for _, v := range in.take(ber.ClassUniversal, ber.TagSet).Children {
		a.values = append(a.values, v.Data.String())
	}
	f.failed = f.failed || in.failed
	return a
}

func octetString(v string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, v, "")
}

func sequence(class ber.Class, tag ber.Tag, parts ...*ber.Packet) *ber.Packet {
	p := ber.Encode(class, ber.TypeConstructed, tag, nil, "")
	for _, part := range parts {
		p.AppendChild(part)
	}
	return p
}

// encodeMessage writes an LDAPMessage around a response.
func encodeMessage(id int64, op *ber.Packet, controls []*ber.Packet) []byte {
	m := sequence(ber.ClassUniversal, ber.TagSequence, ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""), op)
	if len(controls) > 0 {
		m.AppendChild(sequence(ber.ClassContext, 0, controls...))
	}
	return m.Bytes()
}

// encodeResult writes the LDAPResult that ends an operation; tail is what some results carry besides.
func encodeResult(tag ber.Tag, err error, tail ...*ber.Packet) *ber.Packet {
	f := &failure{}
	if err != nil && !errors.As(err, &f) {
		f = &failure{code: ldap.LDAPResultOther, text: "internal error"}
	}
	op := sequence(ber.ClassApplication, tag,
		ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(f.code), ""), octetString(f.matched), octetString(f.text))
	for _, part := range tail {
		op.AppendChild(part)
	}
	return op
}
