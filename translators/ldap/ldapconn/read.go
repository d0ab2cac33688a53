package ldapconn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Option changes how a search is done.
type Option int

// IgnoreReferences takes an answer as complete although it refers to other
// servers, as Active Directory's does for searches from the domain's root.
const IgnoreReferences Option = 1

// Search runs a search on a shared connection and returns its whole result. It
// never returns entries with an error: a limit, a reference or a lost
// connection midway is an error. The request is not changed; its TimeLimit is
// lowered to the deadline of ctx and the RequestTimeout, and its SizeLimit, if
// any, is enforced also where the server does not.
//
// A search that got no answer is repeated once on a new connection.
func (p *Pool) Search(ctx context.Context, request *ldap.SearchRequest, options ...Option) (*ldap.SearchResult, error) {
	result, err := p.search(ctx, request, options)
	if isRepeatable(err) && ctx.Err() == nil {
		result, err = p.search(ctx, request, options)
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (p *Pool) search(ctx context.Context, request *ldap.SearchRequest, options []Option) (*ldap.SearchResult, error) {
	limited := p.limited(ctx, request)
	c, err := p.acquire(ctx, searching.op)
	if err != nil {
		return nil, err
	}
	result, err := do(ctx, p, c, searching, func(conn *ldap.Conn) (*ldap.SearchResult, error) { return conn.Search(limited) })
	if err != nil {
		return nil, err
	}
	return result, checkReferences(c, result, options)
}

// isRepeatable reports whether a request failed with its connection.
func isRepeatable(err error) bool {
	if err == nil {
		return false
	}
	var failure *Error
	return errors.As(err, &failure) && failure.isRepeatable
}

// limited returns a copy of a request with the limits that hold for it.
func (p *Pool) limited(ctx context.Context, request *ldap.SearchRequest) *ldap.SearchRequest {
	limited := *request
	left := p.config.RequestTimeout
	if deadline, has := ctx.Deadline(); has {
		left = min(left, time.Until(deadline))
	}
	// Whole seconds, and 0 is no limit (RFC 4511 section 4.5.1.5).
	seconds := max(1, int((left+time.Second-1)/time.Second))
	if limited.TimeLimit == 0 || limited.TimeLimit > seconds {
		limited.TimeLimit = seconds
	}
	limited.EnforceSizeLimit = true
	return &limited
}

func checkReferences(c *connection, result *ldap.SearchResult, options []Option) error {
	if len(result.Referrals) == 0 || slices.Contains(options, IgnoreReferences) {
		return nil
	}
	return &Error{Op: searching.op, Server: c.server.url, Outcome: Answered, Err: ErrReferences}
}

// SearchPaged runs a search in pages (RFC 2696) on a connection of its own and
// calls each for every entry, page by page. build returns the request anew for
// each page; the paging control is added to it. A page size of 0 asks for all
// entries at once, without the control.
//
// Of the Exclusive connections one is held until SearchPaged returns: a paged
// search within each needs another, and a context that ends if none comes free.
//
// An error means that the entries so far are not all there are. An error of
// each ends the search and is returned as it is. Only a first page that got no
// answer is repeated.
func (p *Pool) SearchPaged(ctx context.Context, build func() *ldap.SearchRequest, pageSize uint32, each func(*ldap.Entry) error, options ...Option) error {
	delivered := false
	once := func(entry *ldap.Entry) error {
		delivered = true
		return each(entry)
	}
	err := p.searchPaged(ctx, build, pageSize, once, options)
	if isRepeatable(err) && !delivered && ctx.Err() == nil {
		err = p.searchPaged(ctx, build, pageSize, once, options)
	}
	return err
}

func (p *Pool) searchPaged(ctx context.Context, build func() *ldap.SearchRequest, pageSize uint32, each func(*ldap.Entry) error, options []Option) error {
	c, err := p.acquireExclusive(ctx, searching.op)
	if err != nil {
		return err
	}
	isClean := false
	defer func() { p.releaseExclusive(c, isClean) }()
	for cookie := []byte(nil); ; {
		if ctx.Err() != nil {
			return interrupted(ctx, searching.op, c.server.url, Unknown)
		}
		request := build()
		result, err := p.page(ctx, c, request, pageSize, cookie)
		for tries := 0; len(cookie) > 0 && resultCode(err) == ldap.LDAPResultBusy && tries < busyTries; tries++ {
			if err := pause(ctx, time.Millisecond<<tries); err != nil {
				break
			}
			result, err = p.page(ctx, c, request, pageSize, cookie)
		}
		if err != nil {
			return err
		}
		if len(cookie) == 0 && !isSorted(request, result) {
			return &Error{Op: searching.op, Server: c.server.url, Outcome: Answered, Err: ErrSortingIgnored}
		}
		if err := checkReferences(c, result, options); err != nil {
			return err
		}
		for _, entry := range result.Entries {
			if err := each(entry); err != nil {
				return err
			}
		}
		if pageSize > 0 {
			control, is := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if !is {
				return &Error{Op: searching.op, Server: c.server.url, Outcome: Answered, Err: ErrPagingIgnored}
			}
			cookie = control.Cookie
		}
		if len(cookie) == 0 {
			isClean = true
			return nil
		}
	}
}

// busyTries is how often a further page is asked for again of a server that is
// busy, after 1, 2, 4 … ms: slapd's overlay sssvlv says so for a moment after it
// has sent the page before, and is ready then.
const busyTries = 9

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isSorted reports whether a server says that it has sorted, if it was asked to
// (RFC 2891 §1.2).
func isSorted(request *ldap.SearchRequest, result *ldap.SearchResult) bool {
	if ldap.FindControl(request.Controls, ldap.ControlTypeServerSideSorting) == nil {
		return true
	}
	answer, is := ldap.FindControl(result.Controls, ldap.ControlTypeServerSideSortingResult).(*ldap.ControlServerSideSortingResult)
	return is && answer.Result == ldap.ControlServerSideSortingCode(ldap.LDAPResultSuccess)
}

// page asks for one page.
func (p *Pool) page(ctx context.Context, c *connection, request *ldap.SearchRequest, size uint32, cookie []byte) (*ldap.SearchResult, error) {
	limited := p.limited(ctx, request)
	if size > 0 {
		paging := ldap.NewControlPaging(size)
		paging.SetCookie(cookie)
		limited.Controls = append(slices.Clone(limited.Controls), paging)
	}
	result, err := onExclusive(ctx, p, c, searching, func() (*ldap.SearchResult, error) { return c.ldap.Search(limited) })
	var failure *Error
	if errors.As(err, &failure) && resultCode(err) == ldap.LDAPResultAdminLimitExceeded && size > 0 {
		failure.Err = fmt.Errorf("the server does not allow this account pages of %d entries, or so many entries in all: %w", size, failure.Err)
	}
	return result, err
}

// Probe asks the active server for its root entry and returns nil if it
// answers: a health check over the same way as every request.
func (p *Pool) Probe(ctx context.Context) error {
	_, err := p.Search(ctx, rootDSERequest("1.1"))
	return err
}
