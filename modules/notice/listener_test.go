package notice

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// received is a mail as a server got it.
type received struct {
	from string
	to   []string
	user string // who had signed in
	tls  bool
	text string // with its head
}

// mailServer speaks SMTP (RFC 5321) with whoever connects.
type mailServer struct {
	address string
	tls     *tls.Config
	mode    string
	users   map[string]string // name -> password; nil: nobody signs in
	silent  bool              // says nothing behind its greeting
	refuses bool              // every receiver

	mu    sync.Mutex
	mails []received
}

// certificate returns one for 127.0.0.1, and the file that it is trusted by.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: server.TLS.Certificates}, file
}

// start listens until the test ends.
func (s *mailServer) start(t *testing.T) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.mode == TLSImplicit {
		l = tls.NewListener(l, s.tls)
	}
	s.address = l.Addr().String()
	var all sync.WaitGroup
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				s.speak(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return s
}

func (s *mailServer) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

func (s *mailServer) speak(conn net.Conn) {
	reader := bufio.NewReader(conn)
	say := func(format string, arguments ...any) { fmt.Fprintf(conn, format+"\r\n", arguments...) }
	say("220 test ESMTP")
	mail := received{tls: s.mode == TLSImplicit}
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		if s.silent {
			continue
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-test")
			if s.mode == TLSStart && !mail.tls {
				say("250-STARTTLS")
			}
			if s.users != nil && (mail.tls || s.mode == TLSNone) {
				say("250-AUTH PLAIN LOGIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			encrypted := tls.Server(conn, s.tls)
			if encrypted.Handshake() != nil {
				return
			}
			conn, reader, mail.tls = encrypted, bufio.NewReader(encrypted), true
		case "AUTH":
			_, encoded, _ := strings.Cut(rest, " ")
			text, _ := base64.StdEncoding.DecodeString(encoded)
			parts := strings.Split(string(text), "\x00")
			if len(parts) != 3 || s.users[parts[1]] == "" || s.users[parts[1]] != parts[2] {
				say("535 no")
				continue
			}
			mail.user = parts[1]
			say("235 yes")
		case "MAIL":
			if s.users != nil && mail.user == "" {
				say("530 sign in first")
				continue
			}
			mail.from = between(line)
			say("250 ok")
		case "RCPT":
			if s.refuses {
				say("550 nobody of that name")
				continue
			}
			mail.to = append(mail.to, between(line))
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := reader.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, ".")) // RFC 5321 §4.5.2
			}
			mail.text = text.String()
			s.mu.Lock()
			s.mails = append(s.mails, mail)
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func between(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	address, _, _ := strings.Cut(rest, ">")
	return address
}
