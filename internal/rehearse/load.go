package rehearse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Load is a run with many users at a time.
type Load struct {
	Users   int `json:"users"`   // how many are created, changed and removed
	Clients int `json:"clients"` // how many at a time. Default: 1
}

// Progress is how far a load run is.
type Progress struct {
	Done, Users      int
	Requests, Errors int
	Elapsed          time.Duration
}

// LoadResult is how a load run ended.
type LoadResult struct {
	Users        int         `json:"users"` // who went through everything
	Requests     int         `json:"requests"`
	Errors       []LoadError `json:"errors"`
	Milliseconds float64     `json:"milliseconds"`
	PerSecond    float64     `json:"requests_per_second"`
	// Waited is how often the server asked to wait, and was obeyed.
	Waited int    `json:"waited"`
	Note   string `json:"note,omitempty"`
}

// LoadError is one kind of errors.
type LoadError struct {
	Operation string `json:"operation"`
	Error     string `json:"error"` // a status or why there was no answer
	Count     int    `json:"count"`
	Detail    string `json:"detail,omitempty"` // of the first one
}

// mostClients and mostUsers are more than anybody needs: a mistake in typing must
// not fill a directory.
const (
	mostClients = 1_000
	mostUsers   = 1_000_000
)

// mostLeft is how many users may be left over before a run gives up: what can't be
// removed should not become much.
const mostLeft = 1_000

func (l *Load) complete() error {
	if l.Clients == 0 {
		l.Clients = 1
	}
	if l.Users < 1 || l.Users > mostUsers {
		return fmt.Errorf("--users %d: 1 to %d are possible", l.Users, mostUsers)
	}
	if l.Clients < 1 || l.Clients > mostClients {
		return fmt.Errorf("--clients %d: 1 to %d are possible", l.Clients, mostClients)
	}
	l.Clients = min(l.Clients, l.Users)
	return nil
}

// mayLoad refuses to load a server that is on another machine, unless the
// operator has said that it is theirs.
func (o Options) mayLoad() error {
	if o.Load == nil || o.Owned {
		return nil
	}
	u, err := parseURL(o.URL)
	if err != nil {
		return err
	}
	if c := (&client{base: u}); !c.isLocal() {
		return fmt.Errorf("%s is not this machine: a load run against it needs --yes-i-own-it, and the consent of whoever runs it", u.Hostname())
	}
	return nil
}

// loader is a load run.
type loader struct {
	*run
	groupID string
	note    string

	next, finished, done, waited atomic.Int64

	mu     sync.Mutex
	errors map[LoadError]*LoadError // by operation and error
	failed int
	stop   error // why it gave up
}

// load takes users through create, lookup, change, disable, enable, membership
// and deletion, several at a time.
func (r *run) load(ctx context.Context) (*LoadResult, error) {
	l := &loader{run: r, errors: make(map[LoadError]*LoadError)}
	started := time.Now()
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var clients sync.WaitGroup
	for range r.Load.Clients {
		clients.Go(func() {
			for n := l.next.Add(1); n <= int64(r.Load.Users) && ctx.Err() == nil; n = l.next.Add(1) {
				l.user(ctx, int(n))
				l.finished.Add(1)
				if l.givesUp() {
					cancel()
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { clients.Wait(); close(finished) }()
	l.watch(started, finished)
	return l.result(started)
}

// prepare looks whether anybody answers, and creates the group.
func (l *loader) prepare(ctx context.Context) error {
	x := l.client.do(ctx, request{operation: "lookup", method: http.MethodGet, kind: User, query: "filter=" + escape(equals("userName", randomID()))})
	if ctx.Err() != nil {
		return nil
	}
	if err := l.speaks(ctx, x); err != nil {
		return err
	}
	if l.NoGroups {
		l.note = "without groups, because of --no-groups"
		return nil
	}
	name := l.own.prefix + "-load group"
	x = l.client.do(ctx, request{
		operation: "create a group", method: http.MethodPost, kind: Group, name: name,
		body: object{"schemas", list{groupURN}, "displayName", name},
	})
	v, err := decode(x.answer)
	if x.status/100 == 2 && err == nil && l.confirm(ctx, Group, text(v, "id"), name) == nil {
		l.groupID = text(v, "id")
		return nil
	}
	l.note = fmt.Sprintf("without groups: POST /Groups was answered %d %s", x.status, detail(x))
	return nil
}

// user takes one user through everything. What fails is counted, and the user
// removed all the same.
func (l *loader) user(ctx context.Context, n int) {
	name := fmt.Sprintf("%s-load-%d@%s", l.own.prefix, n, l.Domain)
	body := object{
		"schemas", list{userURN, enterprise}, "externalId", randomID(), "userName", name, "active", true, "displayName", "Rehearsal Person",
		"emails", list{object{"primary", true, "type", "work", "value", name}},
		"name", object{"formatted", "Rehearsal Person", "familyName", "Person", "givenName", "Rehearsal"},
	}
	x, ok := l.ask(ctx, request{operation: "create", method: http.MethodPost, kind: User, name: name, body: body}, http.StatusCreated, http.StatusOK)
	v, err := decode(x.answer)
	id := text(v, "id")
	if !ok || err != nil || l.confirm(ctx, User, id, name) != nil {
		if ok && ctx.Err() == nil {
			l.failedWith("create", "the answer does not lead to what was created", "")
		}
		return
	}
	steps := []struct {
		operation  string
		kind       Kind
		id         string
		operations list
	}{
		{"update", User, id, list{op("Replace", "displayName", "Rehearsal Changed"), op("Replace", "name.familyName", "Changed")}},
		{"add a member", Group, l.groupID, list{op("Add", "members", list{object{"$ref", nil, "value", id}})}},
		{"disable", User, id, list{op("Replace", "active", "False")}},
		{"enable", User, id, list{op("Replace", "active", "True")}},
		{"remove a member", Group, l.groupID, list{op("Remove", "members", list{object{"$ref", nil, "value", id}})}},
	}
	isWhole := l.lookup(ctx, name, id)
	for _, s := range steps {
		if s.id == "" || ctx.Err() != nil {
			continue
		}
		_, ok := l.ask(ctx, request{
			operation: s.operation, method: http.MethodPatch, kind: s.kind, id: s.id,
			body: object{"schemas", list{patchURN}, "Operations", s.operations},
		}, http.StatusOK, http.StatusNoContent)
		isWhole = isWhole && ok
	}
	if _, ok = l.ask(ctx, request{operation: "delete", method: http.MethodDelete, kind: User, id: id}, http.StatusNoContent); !ok {
		return // it is removed in the end
	}
	if x, ok = l.ask(ctx, request{operation: "read", method: http.MethodGet, kind: User, id: id}, http.StatusNotFound, http.StatusOK); ok && x.status == http.StatusNotFound {
		l.own.forget(User, id)
	}
	if isWhole && ok {
		l.done.Add(1)
	}
}

func (l *loader) lookup(ctx context.Context, name, id string) bool {
	x, ok := l.ask(ctx, request{operation: "lookup", method: http.MethodGet, kind: User, query: "filter=" + escape(equals("userName", name))}, http.StatusOK)
	if !ok {
		return false
	}
	v, _ := decode(x.answer)
	if found, _ := member(v, "Resources").([]any); len(found) != 1 || text(found[0], "id") != id {
		l.failedWith("lookup", fmt.Sprintf("found %d in place of 1", len(found)), "")
		return false
	}
	return true
}

// ask sends a request and counts how it ended.
func (l *loader) ask(ctx context.Context, r request, statuses ...int) (exchange, bool) {
	if ctx.Err() != nil {
		return exchange{}, false
	}
	x := l.client.do(ctx, r)
	if ctx.Err() != nil {
		return x, false // what was cut off is no error of the server
	}
	if x.waited > 0 {
		l.waited.Add(1)
	}
	if wait, isAsked := retryAfter(x); isAsked && wait > longestWait {
		l.giveUp(fmt.Errorf("the server asks to wait %s: %s", wait, detail(x)))
	}
	switch {
	case x.err != nil:
		l.failedWith(r.operation, brief(x.err), "")
		return x, false
	case !slices.Contains(statuses, x.status):
		l.failedWith(r.operation, fmt.Sprintf("%d %s", x.status, http.StatusText(x.status)), detail(x))
		return x, false
	}
	return x, true
}

// brief is an error without addresses, so that many are one kind.
func brief(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && !errors.Is(err, errForeign) {
		text = text[i+2:]
	}
	return text
}

func (l *loader) failedWith(operation, what, detail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := LoadError{Operation: operation, Error: what}
	one := l.errors[key]
	if one == nil {
		one = &LoadError{Operation: operation, Error: what, Detail: detail}
		l.errors[key] = one
	}
	one.Count++
	l.failed++
}

func (l *loader) giveUp(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil {
		l.stop = why
	}
}

// givesUp reports whether to go on would do more harm than show anything.
func (l *loader) givesUp() bool {
	if l.own.count() > mostLeft+l.Load.Clients {
		l.giveUp(fmt.Errorf("more than %d users could not be removed", mostLeft))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop != nil
}

// watch reports how far the run is until it is over.
func (l *loader) watch(started time.Time, finished <-chan struct{}) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for isOver := false; ; {
		l.mu.Lock()
		failed := l.failed
		l.mu.Unlock()
		l.Report.Loading(Progress{
			Done: int(l.finished.Load()), Users: l.Load.Users, Requests: l.client.stats.total(), Errors: failed, Elapsed: time.Since(started),
		})
		if isOver {
			return
		}
		select {
		case <-ticker.C:
		case <-finished:
			isOver = true
		}
	}
}

func (l *loader) result(started time.Time) (*LoadResult, error) {
	took := time.Since(started)
	r := &LoadResult{
		Users: int(l.done.Load()), Requests: l.client.stats.total(), Errors: []LoadError{}, Milliseconds: milliseconds(took),
		PerSecond: float64(int(float64(l.client.stats.total())/took.Seconds()*10)) / 10, Waited: int(l.waited.Load()), Note: l.note,
	}
	for _, one := range l.errors {
		r.Errors = append(r.Errors, *one)
	}
	slices.SortFunc(r.Errors, func(x, y LoadError) int {
		return strings.Compare(x.Operation+x.Error, y.Operation+y.Error)
	})
	switch {
	case l.stop != nil:
		return r, fmt.Errorf("the load run gave up: %w", l.stop)
	case l.failed > 0:
		return r, ErrMissing
	}
	return r, nil
}

// escape is a value in a query.
func escape(value string) string { return url.QueryEscape(value) }
