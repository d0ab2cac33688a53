package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Webhook sends messages as JSON by POST. They are signed as the specification
// "Standard Webhooks" has it.
type Webhook struct {
	// URL is where to. It may hold placeholders such as {env.WEBHOOK_URL}.
	URL string `json:"url"`
	// Header is sent besides. Its values may hold placeholders.
	Header map[string]string `json:"header,omitempty"`
	// Secret is the key by which messages are signed (HMAC-SHA256). Give it as a
	// placeholder such as {file./etc/scimgate/webhook}. Default: no signature.
	Secret string `json:"secret,omitempty"`
	// CA is a file of certificates (PEM) that the server's is trusted by. Default:
	// the system's.
	CA string `json:"ca,omitempty"`

	url    string
	header map[string]string
	secret []byte
	client *http.Client
}

func (w *Webhook) check() error {
	if !strings.Contains(w.URL, "{") {
		if err := isURL(w.URL); err != nil {
			return err
		}
	}
	for name := range w.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q is no name of a header", name)
		}
		switch strings.ToLower(name) {
		case "content-type", "content-length", "host", "webhook-id", "webhook-timestamp", "webhook-signature":
			return fmt.Errorf("the header %s is not free", name)
		}
	}
	return nil
}

func isURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the address is no URL such as https://hooks.example.com/scim")
	}
	return nil
}

// String names the webhook without what may be secret in its path or query.
func (w *Webhook) String() string {
	if u, err := url.Parse(w.URL); err == nil && u.Host != "" && !strings.Contains(w.URL, "{") {
		return "webhook " + u.Scheme + "://" + u.Host
	}
	return "webhook"
}

func (w *Webhook) key() string {
	sum := sha256.Sum256([]byte(w.URL))
	return "webhook " + hex.EncodeToString(sum[:8])
}

// secretPrefix marks a secret in base64, as Standard Webhooks writes it.
const secretPrefix = "whsec_"

func (w *Webhook) resolve() (err error) {
	if w.url, err = resolved(w.URL); err != nil {
		return fmt.Errorf("the address: %w", err)
	}
	if err := isURL(w.url); err != nil {
		return err
	}
	w.header = make(map[string]string)
	for name, text := range w.Header {
		if w.header[name], err = resolved(text); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
		if !httpguts.ValidHeaderFieldValue(w.header[name]) {
			return fmt.Errorf("the header %s holds what no header can", name)
		}
	}
	secret, err := resolved(w.Secret)
	if err != nil {
		return fmt.Errorf("the secret: %w", err)
	}
	w.secret = []byte(secret)
	if encoded, is := strings.CutPrefix(secret, secretPrefix); is {
		if w.secret, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return errors.New("the secret: behind whsec_ it is not base64")
		}
	}
	roots, err := rootsOf(w.CA)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // a message a month is no reason to keep a connection
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	w.client = &http.Client{
		Transport: transport,
		// The signature and what the header says are for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return nil
}

func (w *Webhook) send(ctx context.Context, m Message) error {
	content := map[string]any{"event": m.Event, "subject": m.Subject, "text": m.Text}
	maps.Copy(content, m.Data)
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, &body)
	if err != nil {
		return errors.New("the address is no URL")
	}
	for name, value := range w.header {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "scimgate")
	at := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Webhook-Id", m.ID)
	request.Header.Set("Webhook-Timestamp", at)
	if len(w.secret) > 0 {
		request.Header.Set("Webhook-Signature", "v1,"+sign(w.secret, m.ID, at, body.Bytes()))
	}
	response, err := w.client.Do(request)
	if err != nil {
		if wrapped, is := errors.AsType[*url.Error](err); is {
			err = wrapped.Err // the other part is the address, in which a secret may stand
		}
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return fmt.Errorf("it answers %s: redirects are not followed, give the address that it leads to", response.Status)
	case response.StatusCode >= 300:
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}

// sign is the signature of Standard Webhooks.
func sign(secret []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Interface guards
var _ way = (*Webhook)(nil)
