package directory

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// subschemaName is where the schema can be read.
const subschemaName = "cn=Subschema"

// virtualEntry makes the two entries that are not in the tree: the root DSE (RFC 4512 section 5.1) and
// the subschema (section 4.2). Anybody may read them.
func (s *Server) virtualEntry(base string) (*entry, bool) {
	switch {
	case base == "":
		return s.rootDSE(), true
	case strings.EqualFold(base, subschemaName):
		return s.subschema(), true
	}
	return nil, false
}

func (s *Server) rootDSE() *entry {
	extensions := []string{extendedPasswordModify, extendedWhoAmI}
	if s.options.TLS != nil {
		extensions = append(extensions, extendedStartTLS)
	}
	return s.virtual("", []namedValues{
		{"objectClass", []string{"top"}},
		{"namingContexts", []string{s.tree.suffix.String()}},
		{"supportedControl", supportedControls},
		{"supportedExtension", extensions},
		{"supportedFeatures", []string{"1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.2", "1.3.6.1.1.14"}},
		{"supportedLDAPVersion", []string{"3"}},
		{"vendorName", []string{"scimgate"}},
	})
}

func (s *Server) subschema() *entry {
	types, classes := namedValues{name: "attributeTypes"}, namedValues{name: "objectClasses"}
	for _, t := range s.schema.attributes {
		types.values = append(types.values, t.String())
	}
	for _, c := range s.schema.classes {
		classes.values = append(classes.values, c.String())
	}
	return s.virtual(subschemaName, []namedValues{{"objectClass", []string{"top", "subschema"}}, {"cn", []string{"Subschema"}}, classes, types})
}

// virtual makes an entry outside the tree. What is written here is valid by construction.
func (s *Server) virtual(name string, list []namedValues) *entry {
	e := &entry{name: name, norm: strings.ToLower(name)}
	for _, item := range list {
		a := &attribute{typ: s.schema.attribute[strings.ToLower(item.name)]}
		for i, value := range item.values {
			a.insert(i, value, strings.ToLower(value))
		}
		e.attributes = append(e.attributes, a)
	}
	return e
}

// searchVirtual answers for such an entry. A wider search from the root finds nothing: no entry has the
// empty name.
func (s *Server) searchVirtual(rq *request, query *searchRequest, e *entry) error {
	if query.scope != ldap.ScopeBaseObject {
		return fail(ldap.LDAPResultNoSuchObject, "")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.tree.match(query.filter, e, s.hides(rq.who)) == isTrue {
		rq.conn.send(encodeMessage(rq.id, s.encodeEntry(e, query.selection, query.typesOnly, rq.who), nil))
	}
	return nil
}

// String writes the description of RFC 4512 section 4.1.2.
func (t *AttributeType) String() string {
	rule := rules[t.Rule]
	var b strings.Builder
	fmt.Fprintf(&b, "( %s NAME %s", t.OID, quoted(t.Names))
	if rule.equality != "" {
		b.WriteString(" EQUALITY " + rule.equality)
	}
	if t.is(Ordered) && rule.ordering != "" {
		b.WriteString(" ORDERING " + rule.ordering)
	}
	if t.is(Substrings) && rule.substrings != "" {
		b.WriteString(" SUBSTR " + rule.substrings)
	}
	b.WriteString(" SYNTAX " + rule.syntax)
	if t.MaxLength > 0 {
		fmt.Fprintf(&b, "{%d}", t.MaxLength)
	}
	for _, flag := range []struct {
		flag Flags
		text string
	}{{SingleValued, " SINGLE-VALUE"}, {ReadOnly, " NO-USER-MODIFICATION"}, {Operational, " USAGE directoryOperation"}} {
		if t.is(flag.flag) {
			b.WriteString(flag.text)
		}
	}
	return b.String() + " )"
}

// String writes the description of RFC 4512 section 4.1.1.
func (c *ObjectClass) String() string {
	text := fmt.Sprintf("( %s NAME '%s'", c.OID, c.Name)
	if c.Superior != "" {
		text += " SUP " + c.Superior
	}
	text += [...]string{Abstract: " ABSTRACT", Structural: " STRUCTURAL", Auxiliary: " AUXILIARY"}[c.Kind]
	for _, list := range []struct {
		word  string
		names []string
	}{{" MUST ", c.Must}, {" MAY ", c.May}} {
		if len(list.names) > 0 {
			text += list.word + "( " + strings.Join(list.names, " $ ") + " )"
		}
	}
	return text + " )"
}

func quoted(names []string) string {
	if len(names) == 1 {
		return "'" + names[0] + "'"
	}
	return "( '" + strings.Join(names, "' '") + "' )"
}
