package notice

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func hook(t *testing.T, w *Webhook) *Webhook {
	t.Helper()
	if err := w.check(); err != nil {
		t.Fatal(err)
	}
	if err := w.resolve(); err != nil {
		t.Fatal(err)
	}
	return w
}

// What comes is signed: over its id, its time and its body.
func TestWebhook(t *testing.T) {
	t.Setenv("SCIMGATE_HOOK_KEY", "header-value")
	secret := base64.StdEncoding.EncodeToString([]byte("the key of the hook"))
	for name, key := range map[string]string{"the-plain-key": "the-plain-key", "whsec_" + secret: "the key of the hook", "": ""} {
		t.Run(name, func(t *testing.T) {
			var header http.Header
			var body []byte
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				header = r.Header
				body, _ = io.ReadAll(r.Body)
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			w := hook(t, &Webhook{URL: server.URL + "/in?key=secret", Secret: name, CA: ca, Header: map[string]string{"X-Key": "{env.SCIMGATE_HOOK_KEY}"}})
			m := someMessage
			m.Data = map[string]any{"gateway": "directory", "token": "<entra>", "days_left": 7}
			if err := w.send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			var got struct {
				Event, Subject, Text, Gateway, Token string
				DaysLeft                             int `json:"days_left"`
			}
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			if got.Event != EventExpiring || got.Gateway != "directory" || got.Token != "<entra>" || got.DaysLeft != 7 || got.Text != m.Text {
				t.Errorf("it came as %+v", got)
			}
			if header.Get("X-Key") != "header-value" || header.Get("Content-Type") != "application/json" || header.Get("Webhook-Id") != m.ID {
				t.Errorf("its header is %v", header)
			}
			want := ""
			if key != "" {
				mac := hmac.New(sha256.New, []byte(key))
				mac.Write([]byte(m.ID + "." + header.Get("Webhook-Timestamp") + "." + string(body)))
				want = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
			}
			if header.Get("Webhook-Signature") != want {
				t.Errorf("it is signed %q, want %q", header.Get("Webhook-Signature"), want)
			}
		})
	}
}

// A redirect takes the signature nowhere, and the address, in which a secret may
// stand, is in no error.
func TestWebhookFails(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	release := make(chan struct{})
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, "redirects are not followed"},
		"a fault":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "it answers 503"},
		"a refusal":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "it answers 404"},
		"no answer":        {func(_ http.ResponseWriter, r *http.Request) { <-release }, "deadline"},
		"a cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			if name == "no answer" {
				defer close(release)
			}
			w := hook(t, &Webhook{URL: server.URL + "/in?key=secret-in-the-address", Secret: "a-key"})
			ctx := t.Context()
			if name == "no answer" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
			}
			err := w.send(ctx, someMessage)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret-in-the-address") {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
	if elsewhere > 0 {
		t.Errorf("%d requests came elsewhere", elsewhere)
	}
}
