package ldapconn

import (
	"context"
	"errors"
	"slices"

	"github.com/go-ldap/ldap/v3"
)

// RootDSE is what a server says about itself (RFC 4512 section 5.1). It is
// shared: do not change it.
type RootDSE struct {
	// Server is the URL of the server.
	Server string
	// SupportedControls, SupportedExtensions and SupportedFeatures are OIDs.
	SupportedControls, SupportedExtensions, SupportedFeatures []string
	// NamingContexts are the DNs of the server's trees.
	NamingContexts []string
	// VendorName and VendorVersion are often empty, as OpenLDAP's are.
	VendorName, VendorVersion string
	// Entry holds all attributes, operational ones too.
	Entry *ldap.Entry
}

// HasControl reports whether the server advertises a control. Some servers
// know controls that they do not advertise.
func (r *RootDSE) HasControl(oid string) bool { return slices.Contains(r.SupportedControls, oid) }

// HasExtension reports whether the server advertises an extended operation.
func (r *RootDSE) HasExtension(oid string) bool { return slices.Contains(r.SupportedExtensions, oid) }

// RootDSE returns what the active server says about itself. The answer is
// remembered until the server is left or its connections fail.
func (p *Pool) RootDSE(ctx context.Context) (*RootDSE, error) {
	p.mu.Lock()
	known := p.active.rootDSE
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	result, err := p.rootDSE(ctx)
	if isRepeatable(err) && ctx.Err() == nil {
		result, err = p.rootDSE(ctx)
	}
	return result, err
}

func (p *Pool) rootDSE(ctx context.Context) (*RootDSE, error) {
	c, err := p.acquire(ctx, searching.op)
	if err != nil {
		return nil, err
	}
	request := p.limited(ctx, rootDSERequest("*", "+"))
	result, err := do(ctx, p, c, searching, func(conn *ldap.Conn) (*ldap.SearchResult, error) { return conn.Search(request) })
	if err != nil {
		return nil, err
	}
	if len(result.Entries) != 1 {
		return nil, &Error{Op: searching.op, Server: c.server.url, Outcome: Answered, Err: errors.New("the server hides its root entry from this account")}
	}
	entry := result.Entries[0]
	answer := &RootDSE{
		Server:              c.server.url,
		SupportedControls:   entry.GetEqualFoldAttributeValues("supportedControl"),
		SupportedExtensions: entry.GetEqualFoldAttributeValues("supportedExtension"),
		SupportedFeatures:   entry.GetEqualFoldAttributeValues("supportedFeatures"),
		NamingContexts:      entry.GetEqualFoldAttributeValues("namingContexts"),
		VendorName:          entry.GetEqualFoldAttributeValue("vendorName"),
		VendorVersion:       entry.GetEqualFoldAttributeValue("vendorVersion"),
		Entry:               entry,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.isUsable() {
		c.server.rootDSE = answer
	}
	return answer, nil
}

func rootDSERequest(attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes, nil)
}
