package gateway

import (
	"net/url"
	"testing"
	"time"
)

// What is written is read, in unreserved characters; nothing else is.
func FuzzCursor(f *testing.F) {
	f.Add("7a4f7a5e-0b1c-4a55-9f6e-0d3f7d1c2b3a", uint32(1_790_000_000), uint32(7), uint32(8), 10, 100, uint8(0), false, "")
	f.Add("not a UUID", uint32(0), uint32(0), uint32(0), 0, 0, uint8(255), true, "AAAA")
	f.Add("", uint32(1), uint32(1), uint32(1), 1<<40, 1, uint8(1), true, "")
	f.Add("7A4F7A5E-0B1C-4A55-9F6E-0D3F7D1C2B3A", uint32(1), uint32(1), uint32(1), 1, 1, uint8(1), false, "EGq")
	f.Fuzz(func(t *testing.T, id string, made, mark, value uint32, position, count int, part uint8, backward bool, other string) {
		c := cursor{
			made: time.Unix(int64(made), 0), backward: backward, mark: mark, position: max(position, 0), count: max(count, 0),
			part: part, id: id[:min(len(id), 1000)], value: value,
		}
		text := c.encode([]byte("list"))
		if url.QueryEscape(text) != text {
			t.Errorf("%s needs escaping", text)
		}
		if got, ok := decodeCursor(text, []byte("list")); !ok || got != c {
			t.Errorf("%+v is read as %+v, %t", c, got, ok)
		}
		if _, ok := decodeCursor(text, []byte("another list")); ok {
			t.Error("a cursor is good for another list")
		}
		if got, ok := decodeCursor(other, []byte("list")); ok && got.encode([]byte("list")) != other {
			t.Errorf("%s is read as %+v, which is written otherwise", other, got)
		}
	})
}

// A cursor has some sixty characters where ids are UUIDs.
func TestCursorIsShort(t *testing.T) {
	c := cursor{made: time.Now(), mark: 1 << 31, position: 999_999, count: 1000, id: userID, value: 1 << 31}
	if text := c.encode([]byte("list")); len(text) > 64 {
		t.Errorf("%s has %d characters", text, len(text))
	}
}
