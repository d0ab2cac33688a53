package main

import (
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/store"
)

// After several rotations the oldest token is compared with the one that is used, not
// with one in between that the provider never got.
func TestSuccessor(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	token := func(id, replaces string, isRevoked bool) store.Token {
		made := store.Token{ID: id, Gateway: "directory", Name: "entra", Replaces: replaces}
		if isRevoked {
			made.Revoked = now
		}
		return made
	}
	for _, c := range []struct {
		name string
		all  []store.Token
		used []string
		want string // of a; "": none
	}{
		{"not rotated", []store.Token{token("a", "", false), token("x", "", false)}, nil, ""},
		{"once", []store.Token{token("a", "", false), token("b", "a", false)}, nil, "b"},
		{"twice, neither used", []store.Token{token("a", "", false), token("b", "a", false), token("c", "b", false)}, nil, "c"},
		{"twice, the last one used", []store.Token{token("a", "", false), token("b", "a", false), token("c", "b", false)}, []string{"c"}, "c"},
		{"twice, the one between used", []store.Token{token("a", "", false), token("b", "a", false), token("c", "b", false)}, []string{"b"}, "b"},
		{"the one between revoked", []store.Token{token("a", "", false), token("b", "a", true), token("c", "b", false)}, nil, "c"},
		{"the only one revoked", []store.Token{token("a", "", false), token("b", "a", true)}, nil, ""},
	} {
		used := make(map[[2]string]store.Usage)
		for _, id := range c.used {
			used[[2]string{"directory", id}] = store.Usage{Uses: 1, LastUsed: now}
		}
		got := ""
		if next := successor(&c.all[0], c.all, used); next != nil {
			got = next.ID
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
