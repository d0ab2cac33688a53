package rest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// The bounds of a walk: of pages in all, and of pages without rows one after the other,
// which some applications send where they have filtered a page.
const (
	mostPages      = 100_000
	mostEmptyPages = 100
)

// rows yields the rows of a search, a list or the members of a group, page after page,
// each id once. An error ends it; what came before is then not the answer. What is out of
// order is an error: a page that came before, fewer rows than the total, a URL of another
// host. No page is asked for before the rows of the one before it were taken.
func (t *Translator) rows(ctx context.Context, s *step, with *scope) iter.Seq2[gjson.Result, error] {
	return func(yield func(gjson.Result, error) bool) {
		l := &lookup{t: t, s: s, with: with}
		isDue, err := l.isDue()
		if err != nil {
			yield(gjson.Result{}, err)
		}
		if !isDue || err != nil {
			return
		}
		w := &walk{t: t, s: s, with: with, yield: yield}
		err = w.through(ctx)
		if errors.Is(err, errShifted) {
			// Somebody came or went while the pages were read, so that rows moved from one
			// page to another. What was yielded is not yielded again.
			err = w.through(ctx)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(gjson.Result{}, w.failure(err))
		}
	}
}

// walk goes through the pages of a list.
type walk struct {
	t     *Translator
	s     *step
	with  *scope
	yield func(gjson.Result, error) bool
	last  *answer

	// yielded are the ids that were. It is made when there is more than one row: most
	// searches find one at most.
	yielded map[string]bool
	sole    []gjson.Result // the row that was yielded before
}

var (
	errStopped = errors.New("the caller has enough")
	errShifted = errors.New("the rows and their total have not agreed, twice")
)

// failure is the error of a walk.
func (w *walk) failure(err error) error {
	if known, is := errors.AsType[*translators.Error](err); is {
		return known
	}
	if errors.Is(err, errShifted) {
		return &translators.Error{Kind: translators.Unavailable, Err: fmt.Errorf("%s: %w", w.s, err),
			Detail: "The list of the application does not come whole: its rows and its total do not agree, or change while they are read. Try again."}
	}
	return (&lookup{t: w.t, s: w.s, with: w.with}).clean(w.s.broken(w.last, err))
}

// pass is what one walk through all pages has seen.
type pass struct {
	pages, rows  int
	again        int             // rows whose ids a page before had
	largest      int             // rows of a page
	empty        int             // pages, those without rows at the end
	total        int             // -1: not known
	isLast       bool            // the total says that nothing comes any more
	ids, visited map[string]bool // rows; cursors and URLs
	position     *position
}

// through walks from the first page to the last.
func (w *walk) through(ctx context.Context) error {
	with := *w.with
	l := &lookup{t: w.t, s: w.s, with: &with}
	p := &pass{total: -1}
	if w.sole != nil {
		w.remember(nil)
	}
	if w.s.page != nil {
		p.position = w.s.page.start()
		with.page = p.position
	}
	target := ""
	for {
		rows, err := w.get(ctx, l, target)
		if err != nil {
			return err
		}
		fresh, err := w.take(p, rows)
		if err != nil || w.s.page == nil {
			return err
		}
		var goesOn bool
		if target, goesOn, err = w.next(p, len(rows), fresh); err != nil {
			return err
		}
		if !goesOn {
			if p.total >= 0 && p.rows-p.again < p.total {
				return errShifted
			}
			return nil
		}
	}
}

// get asks for a page; target is its URL where the application has given it.
func (w *walk) get(ctx context.Context, l *lookup, target string) ([]gjson.Result, error) {
	r, err := l.request()
	if err != nil {
		return nil, l.s.notSent(err)
	}
	if target != "" {
		r.URL = target
	}
	a, err := w.t.send(ctx, l, r)
	if err != nil {
		if a != nil && a.verdict == VerdictNotFound && a.isSaid {
			w.last = a // the configuration says that this means that there is none
			return nil, nil
		}
		return nil, err
	}
	w.last = a
	rows, err := l.s.rowsOf(a)
	if err != nil {
		return nil, l.clean(l.s.broken(a, err))
	}
	return rows, nil
}

// take yields the rows that were not yielded before, and counts. fresh are the rows that
// no page before had.
func (w *walk) take(p *pass, rows []gjson.Result) (fresh int, err error) {
	p.pages++
	p.rows += len(rows)
	p.largest = max(p.largest, len(rows))
	if p.empty++; len(rows) > 0 {
		p.empty = 0
	}
	if p.pages == 1 && len(rows) <= 1 && w.yielded == nil {
		w.sole = rows
		if len(rows) == 1 && !w.yield(rows[0], nil) {
			return 0, errStopped
		}
		return len(rows), nil
	}
	w.remember(p)
	ids := make([]string, len(rows))
	for i, row := range rows {
		id := w.s.idOfRow(row)
		ids[i] = id
		if p.ids[id] {
			p.again++
		} else {
			fresh++
		}
		if w.yielded[id] {
			continue
		}
		w.yielded[id] = true
		if !w.yield(row, nil) {
			return 0, errStopped
		}
	}
	for _, id := range ids {
		p.ids[id] = true
	}
	return fresh, nil
}

// remember begins to remember ids, that of the first row too.
func (w *walk) remember(p *pass) {
	if w.yielded == nil {
		w.yielded = make(map[string]bool)
	}
	if p != nil && p.ids == nil {
		p.ids = make(map[string]bool)
	}
	for _, row := range w.sole {
		id := w.s.idOfRow(row)
		w.yielded[id] = true
		if p != nil {
			p.ids[id] = true
		}
	}
	w.sole = nil
}

// idOfRow tells a row from others: by its id, or by all of it where it has none.
func (s *step) idOfRow(row gjson.Result) string {
	if id := idText(s.kind.id.Value(row)); id != "" {
		return id
	}
	return row.Raw
}

// next moves on to the next page: target is its URL where that comes from the
// application. n are the rows of the page that came.
func (w *walk) next(p *pass, n, fresh int) (target string, goesOn bool, err error) {
	g := w.s.page
	switch {
	case w.last.verdict == VerdictNotFound:
		return "", false, nil
	case n > 0 && fresh == 0 && p.pages > 1:
		return "", false, fmt.Errorf("the same page came again: %s", g.asked())
	case p.isLast && n > 0:
		return "", false, fmt.Errorf("total %s is the number of rows of a page, and not of all: leave it out, or name the path of the number of all rows", g.total)
	case p.pages >= mostPages || p.empty > mostEmptyPages:
		return "", false, fmt.Errorf("the list has not ended after %d pages, the last %d of them without a row: %s", p.pages, p.empty, g.asked())
	}
	if g.total != nil {
		total, err := w.number("total", g.total)
		if err != nil {
			return "", false, err
		}
		if p.total >= 0 && p.total != total {
			return "", false, errShifted
		}
		p.total = total
	}
	if g.more != nil {
		if goesOn, err = w.hasMore(); !goesOn {
			return "", false, err
		}
	}
	switch g.by {
	case pageOffset, pageNumber:
		if g.more == nil {
			goesOn, err = w.goesOn(p, n)
		}
		p.position.offset += n
		p.position.number++
		return "", goesOn, err
	case pageCursor:
		return w.nextCursor(p)
	}
	return w.nextURL(p)
}

// asked says by what the pages are asked for.
func (p *pager) asked() string {
	switch {
	case p.by == pageLink || p.by == pageURL:
		return "the application says itself which page is next"
	case p.parameter == "":
		return "see whether {page." + p.by + "} stands where the application expects it"
	}
	return fmt.Sprintf("see whether %s is the parameter by which the application takes the %s: page %s <parameter>",
		p.parameter, map[string]string{pageOffset: "number of rows to skip", pageNumber: "number of the page", pageCursor: "cursor"}[p.by], p.by)
}

// goesOn reports whether there is a page behind that of n rows, where nothing but the rows
// and what is counted tells it.
func (w *walk) goesOn(p *pass, n int) (bool, error) {
	g := w.s.page
	isFull := n >= g.size && g.size > 0 || mayBeFull(n)
	switch {
	case n == 0 || p.isLast:
		return false, nil
	case g.pages != nil:
		pages, err := w.number("pages", g.pages)
		return err == nil && p.pages < pages, err
	case p.total >= 0:
		// A total that counts the page alone would end the list after the first one.
		p.isLast = p.pages == 1 && n == p.total && isFull
		return p.rows < p.total || p.isLast, nil
	case p.pages > 1:
		return n >= p.largest, nil
	case g.size > 0:
		return isFull, nil
	}
	return n >= leastSize, nil
}

// leastSize is the size that no page is smaller than.
const leastSize = 5

// mayBeFull reports whether a page of n rows may be as large as the application gives
// them out: many give fewer rows than are asked for, and sizes of pages are round.
func mayBeFull(n int) bool {
	return n >= leastSize && (n%5 == 0 || n%8 == 0 || n%12 == 0)
}

// number reads a number that is said beside the rows.
func (w *walk) number(what string, p *document.Path) (int, error) {
	if n, err := strconv.Atoi(p.Value(w.last.doc).String()); err == nil && n >= 0 {
		return n, nil
	}
	return 0, fmt.Errorf("it has no number at %s %s: %s; say with %[1]s where it is, or leave it out", what, p, shapeAt(p, w.last.doc))
}

func (w *walk) nextCursor(p *pass) (target string, goesOn bool, err error) {
	cursor, err := w.after()
	switch {
	case err != nil:
		return "", false, err
	case cursor == "" && w.s.page.more != nil:
		return "", false, fmt.Errorf("more %s says that there is another page, and there is nothing at next %s", w.s.page.more, w.s.page.next)
	case cursor == "":
		return "", false, nil
	}
	if !p.visit(cursor) {
		return "", false, fmt.Errorf("the cursor of a page before came again: see whether next %s is that of the next page; %s", w.s.page.next, w.s.page.asked())
	}
	p.position.cursor = cursor
	p.position.offset += p.rows
	p.position.number++
	return "", true, nil
}

// hasMore is what the answer says of whether there is another page.
func (w *walk) hasMore() (bool, error) {
	more := w.s.page.more
	switch v := more.Value(w.last.doc); {
	case v.Type == gjson.True || v.Type == gjson.String && strings.EqualFold(v.Str, "true"):
		return true, nil
	case v.Type == gjson.False || v.Type == gjson.String && strings.EqualFold(v.Str, "false"):
		return false, nil
	}
	return false, fmt.Errorf("it has neither true nor false at more %s: %s", more, shapeAt(more, w.last.doc))
}

// after is the cursor or the URL that the answer has; "" at the end.
func (w *walk) after() (string, error) {
	v := w.s.page.next.Value(w.last.doc)
	switch v.Type {
	case gjson.Null, gjson.False: // or missing
		return "", nil
	case gjson.String, gjson.Number:
		return idText(v), nil
	}
	return "", fmt.Errorf("what it has at next %s is neither a text nor a number: %s", w.s.page.next, shape(v))
}

func (w *walk) nextURL(p *pass) (target string, goesOn bool, err error) {
	reference := ""
	if w.s.page.by == pageLink {
		reference, err = nextLink(w.last.header.Values("Link"))
	} else {
		reference, err = w.after()
	}
	if reference == "" || err != nil {
		return "", false, err
	}
	if target, err = w.t.backend.client.Resolve(w.last.url, reference); err != nil {
		return "", false, fmt.Errorf("the next page: %w", err)
	}
	if !p.visit(target) {
		return "", false, errors.New("the URL of a page before came again: the application leads in a circle, or what page names is not the URL of the next page")
	}
	return target, true, nil
}

// visit notes a place; it reports whether it is a new one.
func (p *pass) visit(place string) bool {
	if p.visited == nil {
		p.visited = make(map[string]bool)
	}
	if p.visited[place] {
		return false
	}
	p.visited[place] = true
	return true
}
