package access

import (
	"hash/crc32"
	"regexp"
	"strings"
	"testing"
)

// A token is whole as it was made and in no other way.
func TestNewToken(t *testing.T) {
	pattern := regexp.MustCompile("^" + TokenPattern + "$")
	seen := make(map[string]bool)
	for range 200 {
		text, id, err := NewToken()
		if err != nil {
			t.Fatal(err)
		}
		if !pattern.MatchString(text) || seen[id] || CheckSecret(SchemeBearer, text) != nil {
			t.Fatalf("made %s with the id %s", text, id)
		}
		seen[id] = true
		if got, isWhole := idOf(text); got != id || !isWhole || !isIssued(text) {
			t.Fatalf("of %s read %q, %v", text, got, isWhole)
		}
		for i := range len(text) {
			other := byte('x')
			if text[i] == other {
				other = 'y'
			}
			if _, isWhole := idOf(text[:i] + string(other) + text[i+1:]); isWhole {
				t.Fatalf("%s is whole with another character at %d", text, i)
			}
			if _, isWhole := idOf(text[:i]); isWhole {
				t.Fatalf("%s is whole when it is cut off at %d", text, i)
			}
		}
	}
}

func FuzzIDOf(f *testing.F) {
	text, _, err := NewToken()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{text, "", "scimgate_", "scimgate_aaaaaaaa_", strings.Repeat("scimgate_", 100), text + "\x00", "scimgate_ÄÄÄÄ_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, isWhole := idOf(s)
		if isWhole && (!regexp.MustCompile("^scimgate_"+id+"_").MatchString(s) || len(s) != tokenLength) {
			t.Errorf("%q is whole, with the id %q", s, id)
		}
		if digits := checksum(s); string(digits[:]) != reference(crc32.ChecksumIEEE([]byte(s))) {
			t.Errorf("the checksum of %q is %s", s, digits)
		}
	})
}

// reference writes a number to the base of 62 the slow way.
func reference(n uint32) string {
	text := ""
	for range checksumLength {
		text = string(base62[n%62]) + text
		n /= 62
	}
	return text
}
