package legacy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// found are the rows that a list of users has for its parameters.
func (a *App) found(params url.Values) []any {
	match := func(record) bool { return true }
	switch a.options.Search {
	case Whole, Exact:
		isEqual := strings.EqualFold
		if a.options.Search == Exact {
			isEqual = func(a, b string) bool { return a == b }
		}
		if login := params.Get("login"); login != "" && a.options.Search == Whole && a.options.LagReads == 0 && a.options.Lag == 0 && !a.options.Retires {
			u := a.logins[strings.ToLower(login)]
			if u == nil {
				return nil
			}
			return []any{a.row(u, u.now)}
		}
		match = func(r record) bool {
			for _, name := range []string{"login", "mail", "personnel_no"} {
				if wanted := params.Get(name); wanted != "" && !isEqual(fmt.Sprint(r[name]), wanted) {
					return false
				}
			}
			return true
		}
	case Substring:
		part := strings.ToLower(params.Get("q"))
		match = func(r record) bool {
			return strings.Contains(texts(r), part) && (params.Get("status") == "all" || !isLocked(r))
		}
	}
	var rows []any
	for _, u := range a.ordered {
		if s := u.shown(); s != nil && match(s.fields) {
			rows = append(rows, a.row(u, s))
		}
	}
	return rows
}

// page is the part of a list that was asked for.
func (a *App) page(r *request, name string, rows []any) (*reply, error) {
	number := func(parameter string, otherwise, least, most int) int {
		n, err := strconv.Atoi(r.params.Get(parameter))
		if err != nil || n < least {
			return otherwise
		}
		return min(n, most)
	}
	out := &reply{status: 200, header: http.Header{}, root: name}
	limit := number("limit", min(25, a.options.MaxPage), 1, a.options.MaxPage)
	total := len(rows)
	var start int
	var body record
	switch a.options.Paging {
	case ByOffset:
		start = number("offset", 0, 0, total)
		body = record{"total": count(total), "offset": count(start), "limit": count(limit)}
	case ByNumber, ByLink, ByURL:
		limit = number("per_page", min(25, a.options.MaxPage), 1, a.options.MaxPage)
		page := number("page", 1, 1, 1<<30)
		start = min((page-1)*limit, total)
		if a.options.Paging == ByNumber {
			body = record{"page": count(page), "pages": count((total + limit - 1) / limit)}
			break
		}
		next := ""
		if start+limit < total {
			query := r.http.URL.Query()
			query.Set("page", strconv.Itoa(page+1))
			next = "http://" + r.http.Host + r.http.URL.Path + "?" + query.Encode()
		}
		body = record{"next": nil}
		if next != "" {
			body["next"] = next
		}
	case ByCursor:
		if cursor := r.params.Get("cursor"); cursor != "" {
			text, err := base64.RawURLEncoding.DecodeString(cursor)
			if start, err = strconv.Atoi(strings.TrimPrefix(string(text), "row:")); err != nil || start > total {
				return nil, invalid("the cursor is none of ours")
			}
		}
		body = record{"next_cursor": nil}
		if start+limit < total {
			body["next_cursor"] = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "row:%d", start+limit))
		}
	case Unpaged:
		limit, body = total, record{}
	}
	if r.fault.is(RepeatedPage) {
		start = 0
	}
	if r.fault.is(LyingTotal) && body["total"] != nil {
		body["total"] = count(total + 7)
	}
	if r.fault.is(NextElsewhere) {
		body["next"] = r.fault.Location
	}
	part := rows[start:min(start+limit, total)]
	if part == nil {
		part = []any{}
	}
	if a.options.Paging == ByLink {
		if next, is := body["next"].(string); is {
			out.header.Set("Link", fmt.Sprintf(`<%s>; rel="next", <http://%s%s>; rel="first"`, next, r.http.Host, r.http.URL.Path))
		}
		out.body = part
		return out, nil
	}
	body[name] = part
	out.body = body
	return out, nil
}

func count(n int) json.Number { return json.Number(strconv.Itoa(n)) }
