package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// cursor says where a list that is paged by cursors goes on (RFC 9865): at a place
// in a walk and, where that walk is not kept, beside the resource that was seen
// last. What was asked for is not in it, but it is good for that alone: see tag.
type cursor struct {
	made     time.Time // in whole seconds
	backward bool      // the page ends here; else it begins here
	mark     uint32    // of the walk
	position int       // how many of the walk are before this place
	count    int       // resources on a page
	part     uint8     // the type of the resource beside this place: the one before it,
	id       string    // or of a backward cursor the one behind it
	value    uint32    // a digest of what that resource was sorted by
}

// The layout of a cursor: a byte of version and flags, the time in seconds, mark
// and digest, then position, count and part as varints, the id, and the tag.
const (
	cursorVersion   = 1 << 4
	cursorBackward  = 1 << 0
	cursorUUID      = 1 << 1 // the id is a UUID, in 16 bytes
	cursorFixed     = 1 + 3*4
	cursorTag       = 8
	longestCursor   = 2048
	cursorBeginAnew = "Begin again with an empty cursor."
)

// encode writes a cursor in characters that need no escaping in a URL.
func (c cursor) encode(list []byte) string {
	b := make([]byte, cursorFixed, 64+len(c.id))
	b[0] = cursorVersion
	if c.backward {
		b[0] |= cursorBackward
	}
	binary.BigEndian.PutUint32(b[1:], uint32(c.made.Unix()))
	binary.BigEndian.PutUint32(b[5:], c.mark)
	binary.BigEndian.PutUint32(b[9:], c.value)
	for _, n := range []int{c.position, c.count, int(c.part)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	if u, err := uuid.Parse(c.id); err == nil && u.String() == c.id {
		b[0] |= cursorUUID
		b = append(b, u[:]...)
	} else {
		b = append(b, c.id...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, tagOf(list, b)...))
}

// tagOf ties a cursor to the list that it was given for. It is a checksum, no
// signature: a cursor lets nobody see what the list itself would not show.
func tagOf(list, cursor []byte) []byte {
	sum := sha256.New()
	_, _ = sum.Write(list)
	_, _ = sum.Write(cursor)
	return sum.Sum(nil)[:cursorTag]
}

// decodeCursor reads a cursor that was given for the list. What was mangled, and
// what was given for another list, is the same to it.
func decodeCursor(text string, list []byte) (c cursor, ok bool) {
	if len(text) > longestCursor {
		return c, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < cursorFixed+cursorTag || base64.RawURLEncoding.EncodeToString(b) != text {
		return c, false
	}
	b, tag := b[:len(b)-cursorTag], b[len(b)-cursorTag:]
	flags := b[0]
	if string(tagOf(list, b)) != string(tag) || flags&^(cursorBackward|cursorUUID) != cursorVersion {
		return c, false
	}
	c = cursor{
		made: time.Unix(int64(binary.BigEndian.Uint32(b[1:])), 0), mark: binary.BigEndian.Uint32(b[5:]),
		value: binary.BigEndian.Uint32(b[9:]), backward: flags&cursorBackward != 0,
	}
	var numbers [3]int
	b = b[cursorFixed:]
	for i, most := range []uint64{math.MaxInt, math.MaxInt, math.MaxUint8} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > most {
			return c, false
		}
		numbers[i], b = int(n), b[size:]
	}
	c.position, c.count, c.part = numbers[0], numbers[1], uint8(numbers[2])
	c.id = string(b)
	if flags&cursorUUID != 0 {
		u, err := uuid.FromBytes(b)
		if err != nil {
			return c, false
		}
		c.id = u.String()
	}
	return c, true
}

// identity is all that must be the same for each page of a list: the gateway, who
// asks, what is searched for, its order, and what is shown of it.
func (l *listing) identity(gateway string) []byte {
	key := l.key()
	b := []byte(strconv.Quote(gateway) + strconv.Quote(key.caller) + strconv.Quote(key.list))
	for _, part := range l.parts {
		for _, targets := range [][]scim.Target{part.Projection.Include, part.Projection.Exclude} {
			if targets != nil {
				b = append(b, '(')
			}
			for _, target := range targets {
				b = append(append(b, target.String()...), ',')
			}
			b = append(b, ';')
		}
	}
	return b
}

// cursorOf returns the cursor that a page was asked for by, or why it is none
// (RFC 9865 §2.1); nil for the first page.
func (x *exchange) cursorOf(l *listing) (*cursor, error) {
	if !l.isByCursor() || l.isFirst() {
		return nil, nil
	}
	c, ok := decodeCursor(*l.query.Cursor, l.identity(x.h.Name))
	if !ok {
		return nil, scim.Invalid(scim.InvalidCursor, "The cursor is none that this list gave: it was changed, or it belongs to another request. "+
			"Send nextCursor or previousCursor as it was answered, with the same path, filter, sortBy, sortOrder, attributes, excludedAttributes and credential. "+cursorBeginAnew)
	}
	if age := x.h.walks.now().Sub(c.made); age > walkLife {
		return nil, scim.Invalid(scim.ExpiredCursor, "The cursor is older than %d seconds. "+cursorBeginAnew, int(walkLife/time.Second))
	}
	if c.count != l.count {
		return nil, scim.Invalid(scim.InvalidCount, "The cursor was given for pages of %d; count is the same for all pages of a list. "+cursorBeginAnew, c.count)
	}
	return &c, nil
}

// placeOf returns where in the walk the cursor stands. In a walk that is not the
// one it was given for, that is beside the resource seen last: in a walk by ids
// always, in another one if that resource can tell.
func (x *exchange) placeOf(ctx context.Context, l *listing, w *walk, c *cursor) (int, error) {
	if c.mark == w.mark && c.position <= w.len() {
		return c.position, nil
	}
	if w.order != orderByValue {
		place, isThere := w.place(c.part, c.id)
		if isThere && !c.backward {
			place++
		}
		return place, nil
	}
	place := w.find(c.part, c.id)
	isSame := place >= 0
	if isSame {
		var err error
		if isSame, err = x.standsAsBefore(ctx, l, c); err != nil {
			return 0, err
		}
	}
	if !isSame {
		return 0, scim.Invalid(scim.ExpiredCursor, "The list changed where the cursor stands, and is not kept as it was. "+cursorBeginAnew)
	}
	if !c.backward {
		place++
	}
	return place, nil
}

// standsAsBefore reports whether the resource of the cursor still has the value by
// which it stood where it did.
func (x *exchange) standsAsBefore(ctx context.Context, l *listing, c *cursor) (bool, error) {
	part := int(c.part)
	entries, err := x.h.translator.Read(ctx, l.parts[part].Type, []string{c.id}, withSort(translators.Selection{}, l.sortOf(part)))
	if err != nil || len(entries) == 0 {
		return false, err
	}
	return digestOf(l.keyOf(entries[0].Resource)) == c.value, nil
}

func digestOf(key scim.SortKey) uint32 { return crc32.ChecksumIEEE(key.Append(nil)) }

// turn puts the cursors of the pages before and behind into an answer. There is
// one behind as long as there are resources behind, were they deleted meanwhile
// or not.
func (x *exchange) turn(page *scim.Page, l *listing, w *walk, start, end int, entries []*translators.Entry) {
	if l.count == 0 {
		return
	}
	list := l.identity(x.h.Name)
	at := func(position, beside int, read *translators.Entry) cursor {
		c := cursor{made: x.h.walks.now(), mark: w.mark, position: position, count: l.count, part: w.part(beside), id: w.id(beside)}
		if w.order == orderByValue && read != nil {
			c.part, c.id, c.value = uint8(l.partOf(read.Resource.Type)), read.Resource.ID, digestOf(l.keyOf(read.Resource))
		}
		return c
	}
	var first, last *translators.Entry
	if len(entries) > 0 {
		first, last = entries[0], entries[len(entries)-1]
	}
	if end < w.len() && end > 0 {
		page.Next = at(end, end-1, last).encode(list)
	}
	if start > 0 && start < w.len() {
		c := at(start, start, first)
		c.backward = true
		page.Previous = c.encode(list)
	}
}
