package directory

import (
	"encoding/binary"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// The controls that the server knows; go-ldap has no names for the last four.
const (
	controlPaging         = ldap.ControlTypePaging
	controlPasswordPolicy = ldap.ControlTypeBeheraPasswordPolicy
	controlManageDSAIT    = ldap.ControlTypeManageDsaIT
	controlSort           = ldap.ControlTypeServerSideSorting
	controlSortResult     = ldap.ControlTypeServerSideSortingResult
	controlAssertion      = "1.3.6.1.1.12"            // RFC 4528
	controlPreRead        = "1.3.6.1.1.13.1"          // RFC 4527
	controlPostRead       = "1.3.6.1.1.13.2"          // RFC 4527
	controlPermissive     = "1.2.840.113556.1.4.1413" // permissive modify; slapd hides it too
)

var supportedControls = []string{controlPaging, controlPasswordPolicy, controlManageDSAIT, controlAssertion, controlPreRead, controlPostRead, controlSort}

// controls are what came with a request.
type controls struct {
	paging            *paging
	assertion         *filter
	preRead, postRead []string // nil: not asked for
	passwordPolicy    bool
	permissive        bool
	sort              []sortKey
}

// paging is the request half of RFC 2696.
type paging struct {
	size   int
	cookie string
}

// decodeControls reads a request's controls. A critical one that is unknown, or has no meaning for the
// operation, is result 12 (RFC 4511 section 4.1.11).
func (s *schema) decodeControls(p *ber.Packet, op ber.Tag) (c controls, err error) {
	if p == nil {
		return c, nil
	}
	for _, part := range p.Children {
		in := fieldsOf(part)
		oid := in.octets()
		critical := false
		if len(in.rest) > 0 && in.rest[0].Tag == ber.TagBoolean {
			critical = in.boolean()
		}
		value := in.optional(ber.ClassUniversal, ber.TagOctetString)
		if in.failed || len(in.rest) > 0 {
			return c, protocolError("control not understood")
		}
		if !suits(oid, op) {
			if critical {
				return c, fail(ldap.LDAPResultUnavailableCriticalExtension, "critical extension is not recognized")
			}
			continue
		}
		if err := s.decodeControl(&c, oid, value); err != nil {
			return c, err
		}
	}
	return c, nil
}

// suits reports whether the server knows the control for the operation.
func suits(oid string, op ber.Tag) bool {
	switch oid {
	case controlPaging, controlSort:
		return op == ldap.ApplicationSearchRequest
	case controlPasswordPolicy:
		return op == ldap.ApplicationBindRequest || op == ldap.ApplicationAddRequest || op == ldap.ApplicationModifyRequest || op == ldap.ApplicationExtendedRequest
	case controlManageDSAIT:
		return op != ldap.ApplicationBindRequest && op != ldap.ApplicationExtendedRequest
	case controlAssertion:
		return op == ldap.ApplicationSearchRequest || op == ldap.ApplicationCompareRequest || op == ldap.ApplicationModifyRequest ||
			op == ldap.ApplicationModifyDNRequest || op == ldap.ApplicationDelRequest || op == ldap.ApplicationAddRequest
	case controlPreRead:
		return op == ldap.ApplicationModifyRequest || op == ldap.ApplicationModifyDNRequest || op == ldap.ApplicationDelRequest
	case controlPostRead:
		return op == ldap.ApplicationModifyRequest || op == ldap.ApplicationModifyDNRequest || op == ldap.ApplicationAddRequest
	case controlPermissive:
		return op == ldap.ApplicationModifyRequest
	}
	return false
}

func (s *schema) decodeControl(c *controls, oid string, value *ber.Packet) error {
	var inner *ber.Packet
	if value != nil {
		inner = decodeValue(value.Data.Bytes())
	}
	switch oid {
	case controlPasswordPolicy:
		c.passwordPolicy = true
		return nil
	case controlPermissive:
		c.permissive = true
		return nil
	case controlManageDSAIT:
		return nil // there are no referrals to manage
	}
	if inner == nil {
		return protocolError("value of control %s not understood", oid)
	}
	var err error
	switch oid {
	case controlPaging:
		in := fieldsOf(inner)
		c.paging = &paging{int(in.integer(ber.TagInteger)), in.octets()}
		if in.failed || c.paging.size < 0 {
			err = protocolError("paged results control could not be decoded")
		}
	case controlSort:
		c.sort, err = s.decodeSort(inner)
	case controlAssertion:
		c.assertion, err = s.compileFilter(inner)
	case controlPreRead:
		c.preRead, err = attributeNames(inner)
	case controlPostRead:
		c.postRead, err = attributeNames(inner)
	}
	return err
}

// attributeNames reads an attribute selection; the result is never nil.
func attributeNames(p *ber.Packet) ([]string, error) {
	names := []string{}
	for _, child := range p.Children {
		if child.ClassType != ber.ClassUniversal || child.Tag != ber.TagOctetString {
			return nil, protocolError("attribute selection not understood")
		}
		names = append(names, strings.ToLower(child.Data.String()))
	}
	return names, nil
}

func encodeControl(oid string, value *ber.Packet) *ber.Packet {
	return sequence(ber.ClassUniversal, ber.TagSequence, octetString(oid), octetString(string(value.Bytes())))
}

// encodePaging answers a page; cookie 0 says that it was the last.
func encodePaging(cookie uint64) *ber.Packet {
	value := ""
	if cookie != 0 {
		value = string(binary.BigEndian.AppendUint64(nil, cookie))
	}
	return encodeControl(controlPaging, sequence(ber.ClassUniversal, ber.TagSequence,
		ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 0, ""), octetString(value)))
}

// encodePolicyError answers the password policy control; code is one of go-ldap's Behera constants, or
// negative for "nothing to say".
func encodePolicyError(code int) *ber.Packet {
	value := sequence(ber.ClassUniversal, ber.TagSequence)
	if code >= 0 {
		value.AppendChild(ber.NewInteger(ber.ClassContext, ber.TypePrimitive, 1, code, ""))
	}
	return encodeControl(controlPasswordPolicy, value)
}
