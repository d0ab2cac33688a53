package rest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
)

// The ways in which a list goes on.
const (
	pageOffset = "offset"
	pageNumber = "number"
	pageCursor = "cursor"
	pageLink   = "link"
	pageURL    = "url"
	pageNone   = "none"
)

var pageWays = []string{pageOffset, pageNumber, pageCursor, pageLink, pageURL, pageNone}

// check says what does not fit together.
func (p *PageConfig) check() error {
	if !slices.Contains(pageWays, p.By) {
		return fmt.Errorf("page: there is no way %s: there are offset, number, cursor, link, url and none", p.By)
	}
	isCounted := p.By == pageOffset || p.By == pageNumber
	switch {
	case p.By == pageNone && *p != (PageConfig{By: pageNone}):
		return errors.New("page none has no settings: remove them")
	case (p.By == pageCursor || p.By == pageURL) && p.Next == "":
		return fmt.Errorf("page %s: say where in the answer the next %s is: next <path>", p.By, map[string]string{pageCursor: "cursor", pageURL: "URL"}[p.By])
	case p.By != pageCursor && p.By != pageURL && p.Next != "":
		return fmt.Errorf("page %s has no next: it is for cursor and url", p.By)
	case p.More != "" && !isCounted && p.By != pageCursor:
		return fmt.Errorf("page %s has no more: it is for offset, number and cursor; a list that goes on by an address ends where there is none", p.By)
	case p.More != "" && p.Pages != "":
		return fmt.Errorf("page %s: more and pages both say where the list ends: keep one", p.By)
	case p.First != nil && !isCounted:
		return fmt.Errorf("page %s has no first: it is for offset and number", p.By)
	case p.Pages != "" && p.By != pageNumber:
		return fmt.Errorf("page %s has no pages: it is for number; say total and the number of all rows", p.By)
	case p.Parameter != "" && !isCounted && p.By != pageCursor:
		return fmt.Errorf("page %s has no parameter: the address of the next page comes whole", p.By)
	case p.Limit != "" && p.Limit == p.parameter():
		return fmt.Errorf("page %s: %s can't be both the position and the size of a page: name both parameters, such as page %[1]s %[2]s limit 100", p.By, p.Limit)
	case (p.Limit == "") != (p.Size == 0) || p.Size < 0:
		return fmt.Errorf("page %s: limit needs the query parameter and the number of rows: limit per_page 100", p.By)
	}
	return nil
}

// parameter is the query parameter of the position, unless templates name that.
func (p *PageConfig) parameter() string {
	if p.Parameter != "" {
		return p.Parameter
	}
	return map[string]string{pageOffset: "offset", pageNumber: "page", pageCursor: "cursor"}[p.By]
}

// pager is a compiled [PageConfig].
type pager struct {
	by           string
	parameter    string // "": it stands in the templates
	limit        string
	size         int // 0: the application chooses
	first        int
	total, pages *document.Path
	next         *document.Path
	more         *document.Path
}

// compilePage compiles how the list goes on.
func (s *step) compilePage(n *namer, c CallConfig, d CallDefaults) error {
	isList := s.op == OpSearch || s.op == OpList || s.op == OpMembers
	config := d.Page
	if c.Page != nil {
		if !isList {
			return fmt.Errorf("%s has no pages: page is for search, list and members", s.op)
		}
		config = c.Page
	}
	if !isList || config == nil || config.By == pageNone {
		return nil
	}
	if err := config.check(); err != nil {
		return err
	}
	p := &pager{by: config.By, parameter: config.Parameter, limit: config.Limit, size: config.Size}
	switch {
	case config.First != nil:
		p.first = *config.First
	case p.by == pageNumber:
		p.first = 1
	}
	for _, path := range []struct {
		target *(*document.Path)
		what   string
		text   string
	}{{&p.total, "total", config.Total}, {&p.pages, "pages", config.Pages}, {&p.next, "next", config.Next}, {&p.more, "more", config.More}} {
		if path.text == "" {
			continue
		}
		parsed, err := document.ParsePath(path.text)
		if err != nil {
			return fmt.Errorf("page: %s %s: %w", path.what, path.text, err)
		}
		*path.target = parsed
	}
	s.page = p
	return nil
}

// settlePage finds, once all templates are compiled, whether they say the position.
func (s *step) settlePage(n *namer) error {
	if s.page == nil {
		if n.has("page.") {
			return errors.New("a template names a page, and nothing says how the list goes on: add page offset, page number or page cursor")
		}
		return nil
	}
	own := (&PageConfig{By: s.page.by}).parameter()
	if s.page.parameter == "" && !n.has("page.offset") && !n.has("page.number") && !n.has("page.cursor") {
		s.page.parameter = own
	}
	return nil
}

// start is where a walk begins.
func (p *pager) start() *position {
	return &position{offset: p.first, number: p.first, limit: p.size}
}

// rowsOf returns the rows of a page.
func (s *step) rowsOf(a *answer) ([]gjson.Result, error) {
	switch {
	case a.fault != nil:
		return nil, a.fault
	case !a.doc.Exists():
		return nil, errors.New("it is empty, and rows were expected; if the application says so that there are none, write not_found and the status into the call")
	case s.items == nil && !a.doc.IsArray():
		return nil, fmt.Errorf("it is no array: %s; say with items where the rows are", shape(a.doc))
	}
	rows := a.doc.Array()
	if s.items != nil {
		var found document.Shape
		// An element of XML without children does not tell that it is a list.
		if rows, found = s.items.Items(a.doc); found == document.Missing || found == document.Absent && !a.isXML {
			return nil, fmt.Errorf("it has no items %s: %s; say with items where the rows are", s.items, shape(a.doc))
		}
	}
	for _, row := range rows {
		// Members may be references alone.
		if !row.IsObject() && (s.op != OpMembers || idText(row) == "") {
			return nil, fmt.Errorf("a row is no object: %s; say with items where the list of records is", shape(row))
		}
	}
	return rows, nil
}
