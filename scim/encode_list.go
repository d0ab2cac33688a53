package scim

import (
	"iter"
	"strconv"
)

// ListEncoder appends the answer to a search (RFC 7644 §3.4.2), one resource
// after the other.
//
//	list := scim.NewListEncoder(dst, page, out)
//	for … { err := list.Add(resource, projection, members) }
//	body := list.Finish()
type ListEncoder struct {
	e     encoder
	page  Page
	count int
}

// Page says which part of a list an answer is.
type Page struct {
	Total      int // resources that the search found
	StartIndex int // the position of the first one in this answer, counted from 1; by cursor: 0
	// Next and Previous are the cursors of the pages behind and before this one,
	// "" where there is none (RFC 9865 §2).
	Next, Previous string
}

// NewListEncoder begins a list.
func NewListEncoder(dst []byte, page Page, out Output) *ListEncoder {
	l := &ListEncoder{e: encoder{dst: dst, base: out.Base, dialect: out.Dialect}, page: page}
	urn := MessageList
	if out.Dialect == V1 {
		urn = SchemaCoreV1
	}
	l.e.dst = append(append(append(l.e.dst, `{"schemas":["`...), urn...), `"],"totalResults":`...)
	l.e.dst = strconv.AppendInt(l.e.dst, int64(page.Total), 10)
	if page.StartIndex > 0 {
		l.e.dst = append(l.e.dst, `,"startIndex":`...)
		l.e.dst = strconv.AppendInt(l.e.dst, int64(page.StartIndex), 10)
	}
	l.e.dst = append(l.e.dst, `,"Resources":[`...)
	return l
}

// Add appends r with its members (see [AppendResource]). When it fails, the
// list is as it was before.
func (l *ListEncoder) Add(r *Resource, p Projection, members iter.Seq2[Member, error]) error {
	mark := len(l.e.dst)
	l.next()
	dst, err := AppendResource(l.e.dst, r, p, Output{l.e.base, l.e.dialect}, members)
	if err != nil {
		l.e.dst = l.e.dst[:mark]
		l.count--
		return err
	}
	l.e.dst = dst
	return nil
}

func (l *ListEncoder) next() {
	if l.count > 0 {
		l.e.dst = append(l.e.dst, ',')
	}
	l.count++
}

// Finish ends the list with the number of resources in it and returns dst with
// all of it. Resources is there also when it is empty, because clients look
// into it.
func (l *ListEncoder) Finish() []byte {
	l.e.dst = append(l.e.dst, `],"itemsPerPage":`...)
	l.e.dst = strconv.AppendInt(l.e.dst, int64(l.count), 10)
	for _, cursor := range []struct{ name, value string }{{"nextCursor", l.page.Next}, {"previousCursor", l.page.Previous}} {
		if cursor.value != "" {
			l.e.dst = append(appendString(append(l.e.dst, ','), cursor.name), ':')
			l.e.dst = appendString(l.e.dst, cursor.value)
		}
	}
	return append(l.e.dst, '}')
}
