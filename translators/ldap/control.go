package ldap

import (
	"errors"
	"fmt"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// assertionControl returns the control that lets a write happen only to an entry that
// satisfies the filter (RFC 4528). go-ldap has no type for it.
func assertionControl(oid, filter string) (goldap.Control, error) {
	packet, err := goldap.CompileFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("making the assertion %s: %w", filter, err)
	}
	return goldap.NewControlString(oid, true, string(packet.Bytes())), nil
}

// sorting returns the control that has a search sorted (RFC 2891 §1.1). It is
// critical: a server that can't do it says so, and sends nothing.
func sorting(oid string, by sortKey) goldap.Control {
	key := ber.NewSequence("SortKey")
	key.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, by.field, "attributeType"))
	key.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, by.rule, "orderingRule"))
	if by.isReverse {
		key.AppendChild(ber.NewBoolean(ber.ClassContext, ber.TypePrimitive, 1, true, "reverseOrder"))
	}
	keys := ber.NewSequence("SortKeyList")
	keys.AppendChild(key)
	return goldap.NewControlString(oid, true, string(keys.Bytes()))
}

// postRead returns the control that asks for attributes of the entry as a
// modification leaves it (RFC 4527 §3.2). It is not critical: a server that does
// not know it is asked afterwards.
func postRead(oid string, attributes []string) goldap.Control {
	names := ber.NewSequence("AttributeSelection")
	for _, name := range attributes {
		names.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, name, "attribute"))
	}
	return goldap.NewControlString(oid, false, string(names.Bytes()))
}

// postReadEntry returns the entry that came with an answer, nil if none did.
func postReadEntry(oid string, controls []goldap.Control) (*goldap.Entry, error) {
	control, ok := goldap.FindControl(controls, oid).(*goldap.ControlString)
	if !ok {
		return nil, nil
	}
	e, err := decodeEntry(control.ControlValue)
	if err != nil {
		return nil, fmt.Errorf("reading the entry after a modification: %w", err)
	}
	return e, nil
}

var errMalformedEntry = errors.New("the server sent an entry that can't be read")

// decodeEntry reads a SearchResultEntry (RFC 4511 §4.5.2).
func decodeEntry(raw string) (*goldap.Entry, error) {
	packet, err := ber.DecodePacketErr([]byte(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformedEntry, err)
	}
	if len(packet.Children) < 2 {
		return nil, errMalformedEntry
	}
	e := &goldap.Entry{DN: packet.Children[0].Data.String()}
	for _, attribute := range packet.Children[1].Children {
		if len(attribute.Children) < 2 {
			return nil, errMalformedEntry
		}
		a := &goldap.EntryAttribute{Name: attribute.Children[0].Data.String()}
		for _, value := range attribute.Children[1].Children {
			raw := value.Data.Bytes()
			a.Values = append(a.Values, string(raw))
			a.ByteValues = append(a.ByteValues, raw)
		}
		e.Attributes = append(e.Attributes, a)
	}
	return e, nil
}
