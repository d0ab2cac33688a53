package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// child returns the name of the entry rdn below parent.
func child(parent *goldap.DN, rdn *goldap.RelativeDN) *goldap.DN {
	return &goldap.DN{RDNs: append([]*goldap.RelativeDN{rdn}, parent.RDNs...)}
}

// parentOf returns the name of the entry above dn.
func parentOf(dn *goldap.DN) *goldap.DN {
	return &goldap.DN{RDNs: dn.RDNs[min(1, len(dn.RDNs)):]}
}

// newRDN names an entry by one attribute.
func newRDN(name, value string) *goldap.RelativeDN {
	return &goldap.RelativeDN{Attributes: []*goldap.AttributeTypeAndValue{{Type: name, Value: value}}}
}

// renamed returns the RDN that an entry must get for the fields to hold what
// they are to hold, and nil when it can stay: an attribute that is part of the
// name is changed by renaming alone (RFC 4511 §4.6). It looks at the name that
// the entry has, whatever attribute new entries are named by, and keeps those
// parts of a multi-valued RDN that do not change.
func renamed(k *kind, rdn *goldap.RelativeDN, fields []fieldChange) (*goldap.RelativeDN, error) {
	isRenamed := false
	parts := make([]*goldap.AttributeTypeAndValue, len(rdn.Attributes))
	for i, part := range rdn.Attributes {
		parts[i] = part
		at := slices.IndexFunc(fields, func(f fieldChange) bool { return strings.EqualFold(f.name, part.Type) })
		if at < 0 || slices.Contains(fields[at].after, part.Value) {
			continue
		}
		if len(fields[at].after) == 0 {
			path := k.rdn.Path.String()
			if l := k.mapping.LeafOf(part.Type); l != nil {
				path = l.Path.String()
			}
			return nil, &translators.Error{Kind: translators.Invalid, Path: path,
				Detail: path + ": the entry is named by it in the directory, so that it can't be without a value. Send one."}
		}
		parts[i] = &goldap.AttributeTypeAndValue{Type: part.Type, Value: fields[at].after[0]}
		isRenamed = true
	}
	if !isRenamed {
		return nil, nil
	}
	return &goldap.RelativeDN{Attributes: parts}, nil
}

// isNaming reports whether the attribute is part of the name.
func isNaming(rdn *goldap.RelativeDN, name string) bool {
	return valueInRDN(rdn, name) != nil
}

// valueInRDN returns the part of the name that the attribute is, or nil.
func valueInRDN(rdn *goldap.RelativeDN, name string) *goldap.AttributeTypeAndValue {
	for _, part := range rdn.Attributes {
		if strings.EqualFold(part.Type, name) {
			return part
		}
	}
	return nil
}
