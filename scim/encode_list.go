package scim

import (
	"iter"
	"strconv"
)

// ListEncoder appends the answer to a search (RFC 7644 §3.4.2), one resource
// after the other.
//
//	list := scim.NewListEncoder(dst, total, startIndex, query.Projection, base)
//	for … { err := list.Add(resource, members) }
//	body := list.Finish()
type ListEncoder struct {
	e     encoder
	count int
}

// NewListEncoder begins a list. total is the number of resources that the
// search found, startIndex the position of the first one in this answer,
// counted from 1; p and base are as in [AppendResource].
func NewListEncoder(dst []byte, total, startIndex int, p Projection, base string) *ListEncoder {
	l := &ListEncoder{e: encoder{dst: dst, base: base, projection: p}}
	l.e.dst = append(l.e.dst, `{"schemas":["`+MessageList+`"],"totalResults":`...)
	l.e.dst = strconv.AppendInt(l.e.dst, int64(total), 10)
	l.e.dst = append(l.e.dst, `,"startIndex":`...)
	l.e.dst = strconv.AppendInt(l.e.dst, int64(startIndex), 10)
	l.e.dst = append(l.e.dst, `,"Resources":[`...)
	return l
}

// Add appends r with its members (see [AppendResource]). When it fails, the
// list is as it was before.
func (l *ListEncoder) Add(r *Resource, members iter.Seq2[Member, error]) error {
	mark := len(l.e.dst)
	l.next()
	dst, err := AppendResource(l.e.dst, r, l.e.projection, l.e.base, members)
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
	return append(l.e.dst, '}')
}
