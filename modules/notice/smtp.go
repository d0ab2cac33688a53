package notice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/wneessen/go-mail"

	"github.com/scimgate/scimgate/internal/terminal"
)

// How the connection to a mail server is encrypted.
const (
	TLSStart    = "starttls" // it must be, by STARTTLS
	TLSImplicit = "implicit" // it is from its beginning
	TLSNone     = "none"     // it is not
)

var smtpPorts = map[string]string{TLSStart: "587", TLSImplicit: "465", TLSNone: "25"}

// SMTP sends messages as e-mail (RFC 5321).
type SMTP struct {
	// Server is the host and the port of the mail server. Default of the port: 587,
	// 465 with implicit TLS, 25 without TLS.
	Server string `json:"server"`
	// From is the sender's address, and To are those of the receivers.
	From string   `json:"from"`
	To   []string `json:"to"`
	// User and Password sign in, if the server asks for it. Give the password as a
	// placeholder such as {file./etc/scimgate/smtp}.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	// TLS is starttls, implicit or none. Default: starttls, without which nothing is
	// sent.
	TLS string `json:"tls,omitempty"`
	// CA is a file of certificates (PEM) that the server's is trusted by. Default:
	// the system's.
	CA string `json:"ca,omitempty"`

	host     string
	port     int
	password string
	roots    *x509.CertPool
}

// check checks what can be checked without reading anything.
func (s *SMTP) check() error {
	if s.TLS == "" {
		s.TLS = TLSStart
	}
	port, known := smtpPorts[s.TLS]
	if !known {
		return fmt.Errorf("tls %q is none of starttls, implicit and none", s.TLS)
	}
	s.host = s.Server
	if host, given, err := net.SplitHostPort(s.Server); err == nil {
		s.host, port = host, given
	}
	var err error
	if s.port, err = strconv.Atoi(port); err != nil || s.port < 1 || s.port > 65535 || s.host == "" || strings.ContainsAny(s.host, " /@\r\n") {
		return fmt.Errorf("the server %q is no host and port such as mail.example.com:587", s.Server)
	}
	if s.From == "" || len(s.To) == 0 {
		return errors.New("it takes from <address> and to <address>...")
	}
	for _, address := range append([]string{s.From}, s.To...) {
		if _, err := netmail.ParseAddress(address); err != nil {
			return fmt.Errorf("%q is no e-mail address", address)
		}
	}
	if (s.User == "") != (s.Password == "") {
		return errors.New("user and password go together")
	}
	if s.User != "" && s.TLS == TLSNone {
		return errors.New("with tls none the password could be read on the way: use starttls or implicit, or leave user and password away")
	}
	return nil
}

func (s *SMTP) String() string { return "smtp " + s.Server }

func (*SMTP) key() string { return "smtp" }

func (s *SMTP) resolve() (err error) {
	if s.password, err = resolved(s.Password); err != nil {
		return fmt.Errorf("the password: %w", err)
	}
	s.roots, err = rootsOf(s.CA)
	return err
}

// resolved returns a text with its placeholders replaced, without the line end of a
// file behind it.
func resolved(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	text, err := caddy.NewReplacer().ReplaceOrErr(text, true, true)
	return strings.TrimRight(text, "\r\n"), err
}

// rootsOf reads certificates; "" is nil, the system's.
func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca: %s holds no certificate (PEM)", file)
	}
	return roots, nil
}

func (s *SMTP) send(ctx context.Context, m Message) error {
	mailed, err := s.compose(m)
	if err != nil {
		return err
	}
	options := []mail.Option{
		mail.WithPort(s.port), mail.WithTimeout(sendTimeout), mail.WithTLSConfig(s.encryption()),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			return s.dial(ctx, dialing, network, address)
		}),
	}
	switch s.TLS {
	case TLSStart:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLSImplicit:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic)) // dial has seen to it
	case TLSNone:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.password))
	}
	client, err := mail.NewClient(s.host, options...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, mailed)
}

func (s *SMTP) encryption() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// dial connects, and has the connection end when sending does: a server that goes
// silent half way holds nobody up.
func (s *SMTP) dial(sending, dialing context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(dialing, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(sending, func() { _ = conn.Close() })
	if s.TLS != TLSImplicit {
		return conn, nil
	}
	encrypted := tls.Client(conn, s.encryption())
	if err := encrypted.HandshakeContext(dialing); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return encrypted, nil
}

// compose writes the mail. What stands in its head is one line each, whatever the
// message says.
func (s *SMTP) compose(m Message) (*mail.Msg, error) {
	mailed := mail.NewMsg()
	if err := mailed.From(s.From); err != nil {
		return nil, fmt.Errorf("from %q: %w", s.From, err)
	}
	if err := mailed.To(s.To...); err != nil {
		return nil, fmt.Errorf("to %q: %w", s.To, err)
	}
	mailed.Subject(terminal.OneLine(m.Subject))
	mailed.SetDate()
	mailed.SetMessageIDWithValue(m.ID + "@scimgate.invalid")
	mailed.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers
	mailed.SetBodyString(mail.TypeTextPlain, m.Text)
	return mailed, nil
}

// Interface guards
var _ way = (*SMTP)(nil)
