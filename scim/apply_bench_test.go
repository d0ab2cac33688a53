package scim

import (
	"fmt"
	"strings"
	"testing"
)

// many returns a PATCH of n operations, each made from format and a number.
func many(n int, format string) []byte {
	operations := make([]string, n)
	for i := range operations {
		operations[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i))
	}
	return []byte(`{"Operations":[` + strings.Join(operations, ",") + `]}`)
}

const (
	addEmail      = `{"op":"add","path":"emails","value":[{"type":"work","value":"#@example.com"}]}`
	addEmailPhone = addEmail + `,{"op":"add","path":"phoneNumbers","value":[{"type":"work","value":"#"}]}`
	setEmail      = `{"op":"replace","path":"emails[type eq \"#\"].value","value":"#@example.com"}`
	removeEmail   = `{"op":"remove","path":"emails","value":[{"value":"#@example.com"}]}`
)

// BenchmarkApply reads a PATCH and applies it, as the gateway does.
func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"10000 adds of an element", many(10_000, addEmail)},
		{"10000 adds in turns", many(5_000, addEmailPhone)},
		{"1000 elements selected one by one", many(1_000, setEmail)},
		{"10000 elements selected one by one, refused", many(10_000, setEmail)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				op, err := everything().Decode(Request{Method: "PATCH", Path: "/Users/1", Body: c.body})
				if err != nil {
					b.Fatal(err)
				}
				if _, err = Apply(NewResource(op.Type), op.Changes); err != nil && !strings.Contains(c.name, "refused") {
					b.Fatal(err)
				}
			}
		})
	}
}
