package directory

import (
	"encoding/binary"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// searchRequest is a decoded search (RFC 4511 section 4.5.1).
type searchRequest struct {
	base      string
	scope     int64
	sizeLimit int
	typesOnly bool
	filter    *filter
	selection selection
}

// pagedSearch is where a connection's paged search stands. Like slapd, a connection has one at most.
type pagedSearch struct {
	cookie uint64 // the one that asks for the next page
	rest   []*entry
	base   *entry
	sent   int
}

// searchBatch is how many entries are looked at before the lock is given up and what matched is sent.
const searchBatch = 256

func (s *Server) search(rq *request) error {
	query, err := s.decodeSearch(rq.op)
	if err != nil {
		return err
	}
	if virtual, ok := s.virtualEntry(query.base); ok {
		return s.searchVirtual(rq, query, virtual)
	}
	base, err := s.schema.parseDN(query.base)
	if err != nil {
		return fail(ldap.LDAPResultInvalidDNSyntax, "invalid DN")
	}
	limit, err := s.searchLimit(rq, query.sizeLimit)
	if err != nil {
		return err
	}

	s.mu.RLock()
	top, err := s.find(rq.who, base)
	if err == nil && rq.controls.assertion != nil {
		err = s.tree.assert(rq.controls.assertion, top, s.hides(rq.who))
	}
	var list []*entry
	page := rq.controls.paging
	if err == nil && (page == nil || page.cookie == "") {
		list = s.tree.inScope(top, query)
	}
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	if rq.controls.sort != nil {
		list = s.sortMatches(rq, query, top, list)
		rq.answer = append(rq.answer, encodeSorted())
	}
	if page != nil {
		return s.searchPage(rq, query, top, list, limit)
	}
	_, _, err = s.sendMatches(rq, query, top, list, limit)
	return err
}

func (s *Server) decodeSearch(op *ber.Packet) (*searchRequest, error) {
	in := fieldsOf(op)
	query := &searchRequest{base: in.octets(), scope: in.integer(ber.TagEnumerated)}
	in.integer(ber.TagEnumerated) // there are no aliases to dereference
	query.sizeLimit = int(in.integer(ber.TagInteger))
	in.integer(ber.TagInteger) // every search is done long before a time limit
	query.typesOnly = in.boolean()
	condition := in.any()
	names := in.take(ber.ClassUniversal, ber.TagSequence)
	if in.failed || query.scope < ldap.ScopeBaseObject || query.scope > ldap.ScopeWholeSubtree || query.sizeLimit < 0 {
		return nil, protocolError("search request not understood")
	}
	var err error
	if query.filter, err = s.schema.compileFilter(condition); err != nil {
		return nil, err
	}
	wanted, err := attributeNames(names)
	if err != nil {
		return nil, err
	}
	query.selection = s.schema.newSelection(wanted)
	return query, nil
}

// searchLimit returns how many entries the search may send, or a negative number for all.
func (s *Server) searchLimit(rq *request, asked int) (int, error) {
	page := rq.controls.paging
	switch {
	case rq.who.isRoot() && asked == 0:
		return -1, nil
	case rq.who.isRoot():
		return asked, nil
	case page != nil && s.options.MaxPageSize > 0 && page.size > s.options.MaxPageSize:
		return 0, fail(ldap.LDAPResultAdminLimitExceeded, "illegal pagedResults page size")
	case s.options.MaxSizeLimit > 0 && asked > s.options.MaxSizeLimit:
		return s.options.MaxSizeLimit, nil
	case asked > 0:
		return asked, nil
	case s.options.SizeLimit > 0 && page == nil:
		return s.options.SizeLimit, nil
	}
	return -1, nil
}

// inScope returns the entries in which the search has to look, oldest first. The caller holds the lock
// and may keep the list.
func (t *tree) inScope(top *entry, query *searchRequest) []*entry {
	if query.scope == ldap.ScopeBaseObject {
		return []*entry{top}
	}
	inside := func(e *entry) bool {
		return query.scope == ldap.ScopeWholeSubtree && e.isBelow(top) || e.parent == top
	}
	var list []*entry
	if found, indexed := t.candidates(query.filter); indexed {
		for _, e := range found {
			if inside(e) {
				list = append(list, e)
			}
		}
	} else if query.scope == ldap.ScopeSingleLevel {
		for e := range top.children {
			list = append(list, e)
		}
	} else {
		top.walk(func(e *entry) { list = append(list, e) })
	}
	sortByID(list)
	return slices.Compact(list)
}

// sendMatches sends what matches of the list, up to the limit. It returns what it has not looked at and
// how many it sent; having to stop at the limit is result 4.
func (s *Server) sendMatches(rq *request, query *searchRequest, top *entry, list []*entry, limit int) (rest []*entry, sent int, err error) {
	hidden := s.hides(rq.who)
	for len(list) > 0 && err == nil {
		var out []byte
		s.mu.RLock()
		batch := list[:min(searchBatch, len(list))]
		for _, e := range batch {
			// The entry may have left since the list was made.
			if !e.gone && e.isBelow(top) && rq.who.sees(e) && s.tree.match(query.filter, e, hidden) == isTrue {
				if sent == limit {
					err = fail(ldap.LDAPResultSizeLimitExceeded, "")
					break
				}
				sent++
				op := s.encodeEntry(e, query.selection, query.typesOnly, rq.who)
				out = append(out, encodeMessage(rq.id, op, nil)...)
			}
			list = list[1:]
		}
		s.mu.RUnlock()
		if len(out) > 0 {
			rq.conn.send(out)
		}
	}
	return list, sent, err
}

// searchPage sends one page (RFC 2696). A cookie is good for the connection and the search that it came
// from, once.
func (s *Server) searchPage(rq *request, query *searchRequest, top *entry, list []*entry, limit int) error {
	c, page := rq.conn, rq.controls.paging
	c.pageMu.Lock()
	defer c.pageMu.Unlock()
	state := &pagedSearch{base: top, rest: list}
	if page.cookie != "" {
		if state = c.page; state == nil || len(page.cookie) != 8 {
			return protocolError("paged results cookie is invalid")
		}
		switch cookie := binary.BigEndian.Uint64([]byte(page.cookie)); {
		case cookie < state.cookie:
			return fail(ldap.LDAPResultUnwillingToPerform, "paged results cookie is invalid or old")
		case cookie > state.cookie, state.base != top:
			return protocolError("paged results cookie is invalid")
		}
	}
	c.page = nil
	if page.size == 0 { // the client gives the search up
		rq.answer = append(rq.answer, encodePaging(0))
		return nil
	}
	bound, limited := page.size, false
	if limit >= 0 && limit-state.sent <= bound {
		bound, limited = limit-state.sent, true
	}
	rest, sent, err := s.sendMatches(rq, query, top, state.rest, bound)
	if err == nil { // nothing left
		rq.answer = append(rq.answer, encodePaging(0))
		return nil
	}
	if limited {
		return err
	}
	c.page = &pagedSearch{cookie: rest[0].id, rest: rest, base: top, sent: state.sent + sent}
	rq.answer = append(rq.answer, encodePaging(c.page.cookie))
	return nil
}

// selection is which attributes a client wants to see (RFC 4511 section 4.5.1.8).
type selection struct {
	user, operational bool
	named             []*AttributeType
}

func (s *schema) newSelection(names []string) selection {
	sel := selection{user: len(names) == 0}
	for _, name := range names {
		switch {
		case name == "*":
			sel.user = true
		case name == "+":
			sel.operational = true
		case strings.HasPrefix(name, "@"):
			if c := s.class[name[1:]]; c != nil {
				sel.named = append(sel.named, c.attributes()...)
			}
		default:
			if t := s.attribute[name]; t != nil && !slices.Contains(sel.named, t) {
				sel.named = append(sel.named, t)
			}
		}
	}
	return sel
}

// attributes returns what an entry of the class may carry.
func (c *class) attributes() (list []*AttributeType) {
	for ; c != nil; c = c.superior {
		for _, set := range []map[*AttributeType]bool{c.must, c.may} {
			for t := range set {
				list = append(list, t)
			}
		}
	}
	return list
}

func (sel selection) includes(t *AttributeType) bool {
	if t.is(Operational) && sel.operational || !t.is(Operational) && sel.user {
		return true
	}
	return slices.Contains(sel.named, t)
}

// encodeEntry writes an entry as far as it is selected and the client may see it.
func (s *Server) encodeEntry(e *entry, sel selection, typesOnly bool, who identity) *ber.Packet {
	hidden := s.hides(who)
	list := sequence(ber.ClassUniversal, ber.TagSequence)
	appendAttribute := func(a *attribute) {
		if a == nil || hidden(a.typ) || !sel.includes(a.typ) {
			return
		}
		values := a.pretty
		if typesOnly {
			values = nil
		}
		list.AppendChild(encodeAttribute(a.typ.Name(), values))
	}
	for _, a := range e.attributes {
		appendAttribute(a)
	}
	known := &s.schema.known
	for _, t := range []*AttributeType{known.entryDN, known.subschemaSubentry, known.hasSubordinates, known.memberOf} {
		if sel.includes(t) {
			appendAttribute(s.tree.values(e, t))
		}
	}
	return sequence(ber.ClassApplication, ldap.ApplicationSearchResultEntry, octetString(e.name), list)
}

func encodeAttribute(name string, values []string) *ber.Packet {
	set := sequence(ber.ClassUniversal, ber.TagSet)
	for _, v := range values {
		set.AppendChild(octetString(v))
	}
	return sequence(ber.ClassUniversal, ber.TagSequence, octetString(name), set)
}
