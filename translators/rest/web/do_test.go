package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
)

func TestDo(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, r.Method, " ", r.Host == "tickets.test", " ", r.URL, " ", r.Header.Get("X-Key"), " ", r.UserAgent(), " ", string(body))
	})
	c, seen := client(t, base+"/api/", Config{})
	response, err := c.Do(t.Context(), &Request{
		Method: "POST", URL: "users.json?name=a%20b", Header: http.Header{"X-Key": {"k"}, "Host": {"tickets.test"}}, Body: []byte("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &Response{Status: 201, Header: response.Header, URL: base + "/api/users.json?name=a%20b", RetryAfter: 7 * time.Second,
		Body: []byte("POST true /api/users.json?name=a%20b k scimgate {}")}
	if diff := cmp.Diff(want, response); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"POST 2xx"}, seen.all()); diff != "" {
		t.Error(diff)
	}
}

// TestConnectionsAreKept: requests that follow each other share a connection, those
// at the same time have one each, and those are kept too.
func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int32
	all := make(chan struct{})
	var under atomic.Int32
	base := listen(t, func(_ int, c net.Conn) {
		opened.Add(1)
		for in := bufio.NewReader(c); ; {
			request, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if request.URL.Path == "/together" && under.Add(1) == 4 {
				close(all)
			}
			if request.URL.Path == "/together" {
				<-all
			}
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	c, _ := client(t, base, Config{Connections: 4})
	for range 5 {
		if _, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/alone"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("%d connections were opened for requests one after the other, want 1", got)
	}
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/together"})
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for range 5 {
		if _, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/alone"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := opened.Load(); got != 4 {
		t.Errorf("%d connections were opened, want 4", got)
	}
}

// answers are what a raw server says to a request, before it closes the connection.
func TestAnswersThatAreNotWhole(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, strings.Repeat(`{"users":[]}`, 1000))
	_ = z.Close()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	tests := []struct{ name, answer, reason, says string }{
		{"nothing", "", "cut", "no whole answer"},
		{"half a status line", "HTTP/1.", "cut", "no whole answer"},
		{"half the headers", head, "cut", "no whole answer"},
		{"half the body", head + "Content-Length: 20\r\n\r\n[{},{}", "cut", "no whole answer"},
		{"half of the chunks", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n[{},{\r\n", "cut", "after 5 bytes"},
		{"half a chunk", head + "Transfer-Encoding: chunked\r\n\r\n50\r\n[{},{\r\n", "cut", "no whole answer"},
		{"no last chunk's end", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n[{},{\r\n0\r\n", "cut", "no whole answer"},
		{"a wrong chunk", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n[{},{\r\n0\r\n\r\n", "cut", "no whole answer"},
		{"half of what is zipped", head + "Content-Encoding: gzip\r\n\r\n" + zipped.String()[:zipped.Len()-9], "cut", "no whole answer"},
		{"no gzip", head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "cut", "no whole answer"},
		{"another protocol", "220 mail.example.com ESMTP\r\n", "cut", "no whole answer"},
		{"headers without end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20), "too_large", "headers are too large"},
		{"another compression", head + "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", "coding", `"br"`},
	}
	for _, test := range tests {
		for _, method := range []string{"GET", "POST"} {
			t.Run(test.name+" "+method, func(t *testing.T) {
				var got atomic.Int32
				base := listen(t, func(_ int, c net.Conn) {
					request, err := http.ReadRequest(bufio.NewReader(c))
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					got.Add(1)
					_, _ = io.WriteString(c, test.answer)
				})
				c, seen := client(t, base, Config{})
				response, err := c.Do(t.Context(), &Request{Method: method, URL: "/users", Body: []byte("{}"), IsRepeatable: method == "GET"})
				e := failure(t, response, err)
				if e.Reason != test.reason || !e.MaybeSent || !strings.Contains(e.Error(), test.says) {
					t.Errorf("got reason %s, sent %t: %v; want %s, true, %q", e.Reason, e.MaybeSent, e, test.reason, test.says)
				}
				times := int32(1)
				if method == "GET" && test.reason == "cut" {
					times = 3
				}
				if got.Load() != times || len(seen.all()) != int(times) {
					t.Errorf("it was sent %d times and observed as %q, want %d", got.Load(), seen.all(), times)
				}
			})
		}
	}
}

// TestNotSent: what certainly was not sent is repeated, whatever it is, and says so.
func TestNotSent(t *testing.T) {
	for name, base := range map[string]string{"refused": closedPort(t), "no such host": "http://no-such-host.invalid"} {
		t.Run(name, func(t *testing.T) {
			c, seen := client(t, base, Config{})
			response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/users", Body: []byte("{}")})
			e := failure(t, response, err)
			if e.Reason != "connect" || e.MaybeSent {
				t.Errorf("got reason %s, sent %t (%v), want connect, false", e.Reason, e.MaybeSent, e)
			}
			if diff := cmp.Diff([]string{"POST connect", "POST connect", "POST connect"}, seen.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKeptConnectionIsGone: a connection that the server has closed since does not
// cost a write.
func TestKeptConnectionIsGone(t *testing.T) {
	closed := make(chan struct{}, 1)
	var posts atomic.Int32
	base := listen(t, func(_ int, c net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if request.Method == "POST" {
			posts.Add(1)
		}
		_, _ = io.Copy(io.Discard, request.Body)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		_ = c.Close()
		closed <- struct{}{}
	})
	c, _ := client(t, base, Config{Retries: -1})
	for range 20 {
		if _, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/", IsRepeatable: true}); err != nil {
			t.Fatal(err)
		}
		<-closed
		// The end of the connection is on its way: the write goes to the old one or to a new
		// one, and either way it is made once, or it is said that this is not known.
		before := posts.Load()
		response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/", Body: []byte("{}")})
		if err != nil {
			if e := failure(t, response, err); !e.MaybeSent && posts.Load() != before {
				t.Errorf("it was carried out and is said not to have been sent: %v", err)
			}
			continue
		}
		<-closed
		if got := posts.Load() - before; got != 1 {
			t.Errorf("it was carried out %d times", got)
		}
	}
}

// TestNetHTTPRepeatsNothing: a GET that must not be repeated is sent once, also where
// net/http would repeat it by itself.
func TestNetHTTPRepeatsNothing(t *testing.T) {
	for _, isRepeatable := range []bool{false, true} {
		t.Run(strconv.FormatBool(isRepeatable), func(t *testing.T) {
			var got atomic.Int32
			base := listen(t, func(_ int, c net.Conn) {
				in := bufio.NewReader(c)
				for n := 1; ; n++ {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					if got.Add(1); n == 2 {
						return // no answer on a connection that was used before
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			})
			c, _ := client(t, base, Config{Retries: -1})
			if _, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/"}); err != nil {
				t.Fatal(err)
			}
			response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/", IsRepeatable: isRepeatable})
			if isRepeatable {
				if err != nil || got.Load() != 3 {
					t.Errorf("got %v after %d requests, want an answer after 3", err, got.Load())
				}
				return
			}
			if e := failure(t, response, err); e.Reason != "cut" || !e.MaybeSent || got.Load() != 2 {
				t.Errorf("got %s, sent %t, after %d requests, want cut, true, 2", e.Reason, e.MaybeSent, got.Load())
			}
		})
	}
}

func TestMaxAnswer(t *testing.T) {
	zeros := make([]byte, 1<<20)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 50 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", strconv.Itoa(50<<20))
			for range 50 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/chunks":
			for range 50 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/most":
			_, _ = w.Write(zeros)
		}
	})
	c, _ := client(t, base, Config{MaxAnswer: 1 << 20})
	for _, path := range []string{"/length", "/chunks", "/bomb"} {
		for _, header := range []http.Header{nil, {"Accept-Encoding": {"gzip"}}} {
			response, err := c.Do(t.Context(), &Request{Method: "GET", URL: path, Header: header, IsRepeatable: true})
			if e := failure(t, response, err); e.Reason != "too_large" || !strings.Contains(e.Error(), "max_answer, 1.0 MiB") {
				t.Errorf("%s: got %s: %v", path, e.Reason, e)
			}
		}
	}
	response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/most"})
	if err != nil || len(response.Body) != 1<<20 {
		t.Errorf("an answer of just that size: got %v", err)
	}
	if response, err := c.Do(t.Context(), &Request{Method: "HEAD", URL: "/length"}); err != nil || response.Header.Get("Content-Length") != strconv.Itoa(50<<20) {
		t.Errorf("HEAD: got %+v, %v", response, err)
	}
}

// TestCompression: an answer is unzipped, whoever asked for that, and one without a
// body has none.
func TestCompression(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.Method == "DELETE" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"id":1}`)
		_ = z.Close()
	})
	c, _ := client(t, base, Config{})
	for _, header := range []http.Header{nil, {"Accept-Encoding": {"gzip"}}, {"Accept-Encoding": {"identity"}}} {
		response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/", Header: header})
		if err != nil || string(response.Body) != `{"id":1}` {
			t.Errorf("%v: got %+v, %v", header, response, err)
		}
		response, err = c.Do(t.Context(), &Request{Method: "DELETE", URL: "/", Header: header})
		if err != nil || len(response.Body) != 0 || response.Status != 204 {
			t.Errorf("%v: got %+v, %v", header, response, err)
		}
	}
}

// TestRepeat: what is repeated, how often, and what is known at the end.
func TestRepeat(t *testing.T) {
	const ok, cut = "200", "cut"
	tests := []struct {
		name       string
		method     string
		repeatable bool
		answers    []string // of the server, one after the other
		sent       int
		status     int    // of the answer
		maybeDone  bool   // beside it
		reason     string // of the error
		maybeSent  bool
	}{
		{"a read after a cut", "GET", true, []string{cut, ok}, 2, 200, true, "", false},
		{"a write after a cut", "POST", false, []string{cut, ok}, 1, 0, false, "cut", true},
		{"a repeatable write after a cut", "PUT", true, []string{cut, ok}, 2, 200, true, "", false},
		{"not found after a cut", "DELETE", true, []string{cut, "404"}, 2, 404, true, "", false},
		{"always cut", "PUT", true, []string{cut, cut, cut, ok}, 3, 0, false, "cut", true},
		{"busy", "POST", false, []string{"429", "503", ok}, 3, 200, false, "", false},
		{"always busy", "POST", false, []string{"429", "503", "503", ok}, 3, 503, false, "", false},
		{"busy after a cut", "PUT", true, []string{cut, "503", "429"}, 3, 0, false, "busy", true},
		{"busy with so long a wait", "POST", false, []string{"429 3600", ok}, 1, 429, false, "", false},
		{"a gateway without an answer", "GET", true, []string{"502", "504", ok}, 3, 200, true, "", false},
		{"a write through that", "POST", false, []string{"504", ok}, 1, 504, false, "", false},
		{"broken", "GET", true, []string{"500", ok}, 1, 500, false, "", false},
		{"wrong", "PUT", true, []string{"422", ok}, 1, 422, false, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sent atomic.Int32
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) != "{}" {
					t.Errorf("got the body %q", body)
				}
				status, after, _ := strings.Cut(test.answers[sent.Add(1)-1], " ")
				if status == cut {
					panic(http.ErrAbortHandler)
				}
				if after != "" {
					w.Header().Set("Retry-After", after)
				}
				n, _ := strconv.Atoi(status)
				w.WriteHeader(n)
			})
			c, _ := client(t, base, Config{})
			response, err := c.Do(t.Context(), &Request{Method: test.method, URL: "/", Body: []byte("{}"), IsRepeatable: test.repeatable})
			if int(sent.Load()) != test.sent {
				t.Errorf("it was sent %d times, want %d", sent.Load(), test.sent)
			}
			if test.reason != "" {
				if e := failure(t, response, err); e.Reason != test.reason || e.MaybeSent != test.maybeSent {
					t.Errorf("got %s, sent %t (%v); want %s, %t", e.Reason, e.MaybeSent, e, test.reason, test.maybeSent)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if response.Status != test.status || response.MaybeDone != test.maybeDone {
				t.Errorf("got %d, maybe done %t; want %d, %t", response.Status, response.MaybeDone, test.status, test.maybeDone)
			}
		})
	}
}

// TestRetryAfterIsHonoured: the wait is as long as the application says.
func TestRetryAfterIsHonoured(t *testing.T) {
	var mu sync.Mutex
	var first, second time.Time
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if first.IsZero() {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		second = time.Now()
	})
	c, _ := client(t, base, Config{})
	response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/"})
	mu.Lock()
	defer mu.Unlock()
	if err != nil || response.Status != 200 || second.Sub(first) < time.Second {
		t.Errorf("got %+v, %v after %s", response, err, second.Sub(first))
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		text, date string
		want       time.Duration
	}{
		{"", "", 0}, {"0", "", 0}, {"5", "", 5 * time.Second}, {"-5", "", 0}, {"5.5", "", 0}, {"soon", "", 0},
		{"3601", "", time.Hour}, {"99999999999999999999999", "", time.Hour}, {"18446744073709551615", "", time.Hour},
		{"Sun, 22 Nov 2026 12:00:30 GMT", "", 30 * time.Second},
		{"Sun, 22 Nov 2026 11:00:30 GMT", "", 0},
		{"Mon, 22 Nov 2027 11:00:30 GMT", "", time.Hour},
		{"Sun, 22 Nov 2026 12:00:30 GMT", "Sun, 22 Nov 2026 12:00:20 GMT", 10 * time.Second},
	} {
		header := http.Header{}
		header.Set("Retry-After", test.text)
		if test.date != "" {
			header.Set("Date", test.date)
		}
		if got := retryAfter(header, now); got != test.want {
			t.Errorf("%q at %q: got %s, want %s", test.text, test.date, got, test.want)
		}
	}
}

// TestSilence: an application that says nothing, or not all, costs the timeout and no
// more; a write is then not known to be done.
func TestSilence(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":         "",
		"half the answer": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			base := listen(t, func(_ int, c net.Conn) {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, answer)
				_, _ = c.Read(make([]byte, 1)) // until the client goes
			})
			c, seen := client(t, base, Config{Timeout: caddy.Duration(50 * time.Millisecond)})
			response, err := c.Do(t.Context(), &Request{Method: "POST", URL: "/"})
			e := failure(t, response, err)
			if e.Reason != "timeout" || !e.MaybeSent || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(e.Error(), "in time") {
				t.Errorf("got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
			}
			if diff := cmp.Diff([]string{"POST timeout"}, seen.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSlowBody: bytes that come in time one by one do not make a request last.
func TestSlowBody(t *testing.T) {
	base := listen(t, func(_ int, c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
		drip := time.NewTicker(time.Millisecond)
		defer drip.Stop()
		for range drip.C {
			if _, err := io.WriteString(c, " "); err != nil {
				return
			}
		}
	})
	c, _ := client(t, base, Config{})
	response, err := c.Do(t.Context(), &Request{Method: "GET", URL: "/", Timeout: 50 * time.Millisecond, IsRepeatable: true})
	if e := failure(t, response, err); e.Reason != "timeout" {
		t.Errorf("got %s: %v", e.Reason, e)
	}
}

// TestCallerGoes: a request ends when its caller has gone.
func TestCallerGoes(t *testing.T) {
	got := make(chan struct{})
	base := listen(t, func(_ int, c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		close(got)
		_, _ = c.Read(make([]byte, 1))
	})
	c, _ := client(t, base, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-got
		cancel()
	}()
	response, err := c.Do(ctx, &Request{Method: "POST", URL: "/"})
	if e := failure(t, response, err); e.Reason != "canceled" || !e.MaybeSent || !errors.Is(err, context.Canceled) {
		t.Errorf("got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
	}
	response, err = c.Do(ctx, &Request{Method: "POST", URL: "/"})
	if e := failure(t, response, err); e.Reason != "canceled" || e.MaybeSent {
		t.Errorf("gone before: got %s, sent %t: %v", e.Reason, e.MaybeSent, e)
	}
}

// TestRequestsThatCannotBe: nothing is sent that could become another request.
func TestRequestsThatCannotBe(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	c, _ := client(t, base+"/api", Config{})
	for name, r := range map[string]*Request{
		"a line break in a header":  {Method: "GET", URL: "/", Header: http.Header{"X": {"a\r\nY: b"}}},
		"a newline in a header":     {Method: "GET", URL: "/", Header: http.Header{"X": {"a\nb"}}},
		"a zero byte in a header":   {Method: "GET", URL: "/", Header: http.Header{"X": {"a\x00"}}},
		"a line break in a name":    {Method: "GET", URL: "/", Header: http.Header{"X\r\nY": {"a"}}},
		"a colon in a name":         {Method: "GET", URL: "/", Header: http.Header{"X:": {"a"}}},
		"no name":                   {Method: "GET", URL: "/", Header: http.Header{"": {"a"}}},
		"no method":                 {URL: "/"},
		"a space in the method":     {Method: "GET /x", URL: "/"},
		"a line break in the URL":   {Method: "GET", URL: "/a\r\nX: y"},
		"another host":              {Method: "GET", URL: "http://other.test/"},
		"a user":                    {Method: "GET", URL: strings.Replace(base, "http://", "http://u:p@", 1)},
		"a way out of the base":     {Method: "GET", URL: "/../admin"},
		"a hidden way out":          {Method: "GET", URL: "/%2e%2E/admin"},
		"a way out that is encoded": {Method: "GET", URL: "/..%2fadmin"},
		"a bad escape":              {Method: "GET", URL: "/%zz"},
		"another scheme":            {Method: "GET", URL: "file:///etc/passwd"},
	} {
		response, err := c.Do(t.Context(), r)
		if e := failure(t, response, err); e.Reason != "invalid" || e.MaybeSent {
			t.Errorf("%s: got %s, sent %t: %v", name, e.Reason, e.MaybeSent, e)
		}
	}
}
