package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// firstAnswer is how many entries are asked for at once on a connection that
// other requests share. What finds more goes on in pages on one of its own.
const firstAnswer = 100

// Search implements [translators.Translator]. A filter that names no other
// resource takes one search, and one more for names among the values found.
func (t *Translator) Search(ctx context.Context, q translators.Query) (translators.Result, error) {
	k := t.kindOf(q.Type)
	asked, err := t.ask(ctx, k, q.Filter)
	if err != nil {
		return translators.Result{}, err
	}
	if asked.filter == nothing {
		return translators.Result{}, nil
	}
	s, limit := q.Selection, q.Limit
	if asked.rest != nil {
		s, limit = s.WithTargets(asked.rest), t.Candidates
	}
	found, more, err := t.searchUpTo(ctx, k, asked.filter, t.attributesOf(k, s), limit)
	if err != nil {
		return translators.Result{}, err
	}
	if asked.rest != nil && more {
		return translators.Result{}, t.tooWide(q.Filter)
	}
	entries, err := t.entriesOf(ctx, k, found, s)
	if err != nil {
		return translators.Result{}, err
	}
	if asked.rest != nil {
		entries = slices.DeleteFunc(entries, func(e *translators.Entry) bool { return !scim.Match(asked.rest, e.Resource) })
		for _, e := range entries {
			q.Selection.Trim(e.Resource)
		}
		if len(entries) > q.Limit {
			entries, more = entries[:q.Limit], true
		}
	}
	return translators.Result{Entries: entries, More: more}, nil
}

// tooWide is the refusal of a filter that can't be finished within the bound.
func (t *Translator) tooWide(f scim.Filter) error {
	return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"The directory can't evaluate %s by itself, and more than %d entries would have to be looked at. Narrow the filter, for example by userName eq, or raise candidates.", f, t.Candidates)}
}

// errEnough ends a walk that has seen what it wanted to see.
var errEnough = errors.New("enough entries were read")

// searchUpTo returns at most limit entries, and whether there are more. What may
// be many is read in pages, whose number the directory does not limit, and
// given up as soon as it is too many.
func (t *Translator) searchUpTo(ctx context.Context, k *kind, filter clause, attributes []string, limit int) (entries []*goldap.Entry, more bool, err error) {
	if filter != everything {
		most := min(limit, firstAnswer)
		entries, err := t.search(ctx, k.request(string(filter), attributes, most))
		switch {
		case err == nil:
			return entries, false, nil
		case resultCode(err) != goldap.LDAPResultSizeLimitExceeded:
			return nil, false, t.fault("searching "+k.served.Name, err)
		}
	}
	err = t.walk(ctx, k, filter, attributes, limit+1, func(e *goldap.Entry) error {
		if len(entries) == limit {
			more = true
			return errEnough
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, false, t.fault("searching "+k.served.Name, err)
	}
	return entries, more, nil
}

// walk calls each for the entries that satisfy filter, page by page, on a
// connection that no other request uses meanwhile. atMost is a hint, 0 for all.
//
// A directory may allow our account smaller pages than we ask for. What it refuses
// before the first entry is asked for again in smaller ones, and what it took is
// remembered for all configurations of the directory.
func (t *Translator) walk(ctx context.Context, k *kind, filter clause, attributes []string, atMost int, each func(*goldap.Entry) error, controls ...goldap.Control) error {
	text := string(filter)
	if filter == everything {
		text = ""
	}
	build := func() *goldap.SearchRequest {
		request := k.request(text, attributes, 0)
		request.Controls = controls
		return request
	}
	isBegun := false
	once := func(e *goldap.Entry) error {
		isBegun = true
		return each(e)
	}
	size := t.pageSize(ctx)
	if atMost > 0 {
		size = min(size, atMost)
	}
	err := t.pool.SearchPaged(ctx, build, uint32(size), once)
	for first := err; isTooLarge(err) && !isBegun; {
		if size = smallerPage(size); size == 0 {
			return first
		}
		err = t.pool.SearchPaged(ctx, build, uint32(size), once)
		if err == nil || isBegun {
			t.backend.largestPage.Store(int64(size))
		}
	}
	return err
}

// pageSize is the size of a page, 0 without the paging control.
func (t *Translator) pageSize(ctx context.Context) int {
	if t.control(ctx, t.profile.pagingControl) == "" {
		return 0
	}
	size := max(t.PageSize, 0)
	if largest := int(t.backend.largestPage.Load()); largest > 0 {
		size = min(size, largest)
	}
	return size
}

// isTooLarge reports whether a page may have been refused for its size.
func isTooLarge(err error) bool {
	code := resultCode(err)
	return code == goldap.LDAPResultAdminLimitExceeded || code == goldap.LDAPResultSizeLimitExceeded
}

// The smallest pages that are tried, the last of them once.
const (
	smallPage    = 100
	smallestPage = 50
)

// smallerPage is the size to try after one that was refused, 0 for none.
func smallerPage(size int) int {
	switch {
	case size > smallPage:
		return max(size/2, smallPage)
	case size > smallestPage:
		return smallestPage
	}
	return 0
}

// search makes one search on a shared connection. Its error is the pool's: the
// caller says what was being done. It never returns a part of the entries.
func (t *Translator) search(ctx context.Context, request *goldap.SearchRequest) ([]*goldap.Entry, error) {
	result, err := t.pool.Search(ctx, request)
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}
