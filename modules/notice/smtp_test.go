package notice

import (
	"context"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var someMessage = Message{
	ID: "0123", Event: EventExpiring,
	Subject: "scimgate: the token entra\r\nBcc: everybody@example.com\r\n\r\nof directory",
	Text:    "First line.\n.\nRCPT TO:<everybody@example.com>\nÄ last one.\n",
}

// What stands in a message stays in the message, over each kind of connection.
func TestSMTP(t *testing.T) {
	encryption, ca := certificate(t)
	for name, test := range map[string]struct {
		server *mailServer
		way    SMTP
	}{
		"starttls, signed in": {&mailServer{mode: TLSStart, users: map[string]string{"scimgate": "pass word"}}, SMTP{User: "scimgate", Password: "pass word", CA: ca}},
		"implicit, signed in": {&mailServer{mode: TLSImplicit, users: map[string]string{"scimgate": "pass word"}}, SMTP{TLS: TLSImplicit, User: "scimgate", Password: "pass word", CA: ca}},
		"starttls":            {&mailServer{mode: TLSStart}, SMTP{TLS: TLSStart, CA: ca}},
		"none":                {&mailServer{mode: TLSNone}, SMTP{TLS: TLSNone}},
	} {
		t.Run(name, func(t *testing.T) {
			server := test.server
			server.tls = encryption
			server.start(t)
			way := test.way
			way.Server, way.From, way.To = server.address, "scimgate@example.com", []string{"ops@example.com", "Night Shift <night@example.com>"}
			if err := way.check(); err != nil {
				t.Fatal(err)
			}
			if err := way.resolve(); err != nil {
				t.Fatal(err)
			}
			if err := way.send(t.Context(), someMessage); err != nil {
				t.Fatal(err)
			}
			mails := server.got()
			if len(mails) != 1 {
				t.Fatalf("%d mails came", len(mails))
			}
			got := mails[0]
			if got.from != way.From || !cmp.Equal(got.to, []string{"ops@example.com", "night@example.com"}) || got.user != way.User || got.tls != (way.TLS != TLSNone) {
				t.Errorf("it came as %+v", got)
			}
			mail, err := netmail.ReadMessage(strings.NewReader(got.text))
			if err != nil {
				t.Fatal(err)
			}
			if mail.Header.Get("Bcc") != "" || mail.Header.Get("Subject") != "scimgate: the token entra Bcc: everybody@example.com  of directory" ||
				mail.Header.Get("Auto-Submitted") != "auto-generated" || mail.Header.Get("Message-Id") != "<0123@scimgate.invalid>" {
				t.Errorf("its head is %v", mail.Header)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(mail.Body))
			if err != nil || strings.ReplaceAll(string(body), "\r\n", "\n") != someMessage.Text {
				t.Errorf("its text is %q, %v", body, err)
			}
		})
	}
}

func TestSMTPFails(t *testing.T) {
	encryption, ca := certificate(t)
	for name, test := range map[string]struct {
		server *mailServer
		way    SMTP
		want   string
	}{
		"no STARTTLS":                    {&mailServer{mode: TLSNone}, SMTP{}, "STARTTLS"},
		"a certificate nobody trusts":    {&mailServer{mode: TLSStart}, SMTP{}, "certificate"},
		"implicit, nobody trusts it":     {&mailServer{mode: TLSImplicit}, SMTP{TLS: TLSImplicit}, "certificate"},
		"wrong password":                 {&mailServer{mode: TLSStart, users: map[string]string{"scimgate": "right"}}, SMTP{User: "scimgate", Password: "wrong-one", CA: ca}, "535"},
		"a receiver nobody knows":        {&mailServer{mode: TLSNone, refuses: true}, SMTP{TLS: TLSNone}, "nobody of that name"},
		"a server that says no more":     {&mailServer{mode: TLSNone, silent: true}, SMTP{TLS: TLSNone}, ""},
		"a sign-in that nobody asks for": {&mailServer{mode: TLSStart}, SMTP{User: "scimgate", Password: "wrong-one", CA: ca}, "AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			server := test.server
			server.tls = encryption
			server.start(t)
			way := test.way
			way.Server, way.From, way.To = server.address, "scimgate@example.com", []string{"ops@example.com"}
			if err := way.check(); err != nil {
				t.Fatal(err)
			}
			if err := way.resolve(); err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			if server.silent {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
			}
			err := way.send(ctx, someMessage)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "wrong-one") {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			if len(server.got()) > 0 {
				t.Error("a mail came")
			}
		})
	}
}
