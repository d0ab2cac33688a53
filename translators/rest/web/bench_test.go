package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkDo compares Do with the same request made by a plain http.Client: what the
// limits, the breaker and the certainty about what was sent cost.
func BenchmarkDo(b *testing.B) {
	body := strings.Repeat(`{"id":5,"login":"ada"},`, 40)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	defer server.Close()
	b.Run("plain", func(b *testing.B) {
		plain := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
		defer plain.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			request, err := http.NewRequestWithContext(b.Context(), "GET", server.URL+"/users.json?name=ada", nil)
			if err != nil {
				b.Fatal(err)
			}
			request.Header.Set("X-Key", "k")
			answer, err := plain.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadAll(answer.Body); err != nil {
				b.Fatal(err)
			}
			_ = answer.Body.Close()
		}
	})
	b.Run("do", func(b *testing.B) {
		c, err := New(Config{}, server.URL, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Destruct()
		header := http.Header{"X-Key": {"k"}}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Do(b.Context(), &Request{Method: "GET", URL: "/users.json?name=ada", Header: header, IsRepeatable: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
