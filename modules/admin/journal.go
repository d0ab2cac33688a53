package admin

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
)

// How many entries an answer has.
const (
	usualEntries = 100
	mostEntries  = 1000
)

// journalPage is a page of the journal.
type journalPage struct {
	Entries []journal.Entry `json:"entries"`
	// Cursor is what to ask for the next page with; absent: there is none.
	Cursor string `json:"cursor,omitempty"`
}

// serveJournal answers GET /scim/journal, whose parameters are those of
// journal.Query: person, group, gateway, token, operation, outcome, request, since
// and until (RFC 3339), order (asc or desc, which is the default), limit (100; at
// most 1000) and cursor.
func serveJournal(w http.ResponseWriter, r *http.Request, a *app.App) error {
	q, err := journalQuery(r.URL.RawQuery)
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	page := journalPage{Entries: []journal.Entry{}}
	for entry, err := range journal.Read(r.Context(), a.Store(), q) {
		switch {
		case errors.Is(err, journal.ErrTooMany):
			return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
		case errors.Is(err, store.ErrUnavailable):
			return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
		case err != nil:
			return err
		}
		if len(page.Entries) == limit {
			page.Cursor = page.Entries[limit-1].Cursor().String()
			break
		}
		page.Entries = append(page.Entries, entry)
	}
	return answer(w, http.StatusOK, page)
}

// journalQuery reads the parameters.
func journalQuery(raw string) (journal.Query, error) {
	q := journal.Query{Descending: true, Limit: usualEntries}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fmt.Errorf("reading the query: %w", err)
	}
	texts := map[string]*string{
		"person": &q.Person, "group": &q.Group, "gateway": &q.Gateway, "token": &q.Token,
		"operation": &q.Operation, "outcome": &q.Outcome, "request": &q.Request,
	}
	times := map[string]*time.Time{"since": &q.Since, "until": &q.Until}
	for name, given := range values {
		if len(given) != 1 || given[0] == "" {
			return q, fmt.Errorf("the parameter %q must have one value", name)
		}
		value := given[0]
		switch {
		case texts[name] != nil:
			*texts[name] = value
		case times[name] != nil:
			if *times[name], err = time.Parse(time.RFC3339, value); err != nil {
				return q, fmt.Errorf("%s is %q, which is no time such as 2026-11-21T14:00:00Z", name, value)
			}
		case name == "order" && (value == "asc" || value == "desc"):
			q.Descending = value == "desc"
		case name == "order":
			return q, fmt.Errorf("order is %q: write asc or desc", value)
		case name == "limit":
			if q.Limit, err = strconv.Atoi(value); err != nil || q.Limit < 1 || q.Limit > mostEntries {
				return q, fmt.Errorf("limit is %q: write a number from 1 to %d", value, mostEntries)
			}
		case name == "cursor":
			if q.After, err = journal.ParseCursor(value); err != nil {
				return q, err
			}
		default:
			known := slices.Concat([]string{"cursor", "limit", "order", "since", "until"}, slices.Collect(maps.Keys(texts)))
			slices.Sort(known)
			return q, fmt.Errorf("there is no parameter %q; there is %s", name, strings.Join(known, ", "))
		}
	}
	return q, q.Check()
}
