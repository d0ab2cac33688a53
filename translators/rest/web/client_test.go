package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestDo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Key")+" "+string(body))
	}))
	defer server.Close()
	c, err := New(Config{}, server.URL+"/api/", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destruct()
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/users.json?name=a%20b", Header: http.Header{"X-Key": {"k"}}, Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(response.Body), "POST /api/users.json?name=a%20b k {}"; got != want || response.Status != 201 || response.URL != server.URL+"/api/users.json?name=a%20b" {
		t.Errorf("got %d %q from %s, want 201 %q", response.Status, got, response.URL, want)
	}
}
