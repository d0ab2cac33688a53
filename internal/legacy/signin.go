package legacy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signedIn checks who asks. An answer or an error is a refusal.
func (a *App) signedIn(r *request, h *http.Request, body []byte) (*answer, error) {
	isRight := false
	switch a.options.SignIn {
	case ByKey:
		isRight = h.Header.Get("X-Api-Key") == Key
	case ByBasic:
		user, password, _ := h.BasicAuth()
		isRight = user == User && password == Password
	case ByBearer:
		isRight = h.Header.Get("Authorization") == "Bearer "+Key
	case ByQuery:
		isRight = h.URL.Query().Get("key") == Key
	case ByLogin:
		isRight = a.use(h.Header.Get("X-Session"))
	case ByCookie:
		cookie, err := h.Cookie("session")
		if err != nil || !a.use(cookie.Value) {
			return (&Fault{Kind: LoginPage}).instead(h, nil), nil
		}
		return nil, nil
	case ByOAuth:
		token, is := strings.CutPrefix(h.Header.Get("Authorization"), "Bearer ")
		isRight = is && a.use(token)
	case ByHMAC:
		isRight = a.isSigned(h, body)
	}
	if !isRight {
		return nil, &failure{401, "not_signed_in", "sign in first"}
	}
	return nil, nil
}

// open makes a session, or an access token.
func (a *App) open() string {
	token := rand.Text()
	a.opened = append(a.opened, token)
	a.sessions[token] = -1
	if a.options.TokenUses > 0 {
		a.sessions[token] = a.options.TokenUses
	}
	return token
}

// use uses a session once.
func (a *App) use(token string) bool {
	left := a.sessions[token]
	if left > 0 {
		a.sessions[token]--
	}
	return left != 0
}

// EndSessions ends all sessions and access tokens.
func (a *App) EndSessions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.sessions)
}

// Sessions are all sessions and access tokens that were given out.
func (a *App) Sessions() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.opened)
}

// openSession is the call that signs in.
func (a *App) openSession(r *request) (*reply, error) {
	if r.body["user"] != User || r.body["password"] != Password {
		return nil, &failure{401, "not_signed_in", "user and password do not match"}
	}
	token := a.open()
	if a.options.SignIn == ByCookie {
		cookie := http.Cookie{Name: "session", Value: token, Path: "/", HttpOnly: true}
		return &reply{status: 204, header: http.Header{"Set-Cookie": {cookie.String()}}}, nil
	}
	return &reply{status: 200, body: record{"token": token}, root: "session"}, nil
}

// grant is the token endpoint of OAuth 2.
func (a *App) grant(h *http.Request, body []byte) *answer {
	form, err := url.ParseQuery(string(body))
	user, password, isBasic := h.BasicAuth()
	if !isBasic {
		user, password = form.Get("client_id"), form.Get("client_secret")
	}
	header := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
	if err != nil || form.Get("grant_type") != "client_credentials" || user != User || password != Password {
		return &answer{400, header, []byte(`{"error":"invalid_client"}`)}
	}
	return &answer{200, header, []byte(`{"access_token":"` + a.open() + `","token_type":"Bearer","expires_in":3600}`)}
}

// isSigned checks a signature: of the header X-Signature, which is the HMAC with
// SHA-256, in base64, of
//
//	<method> LF <path and query> LF <X-Timestamp, seconds> LF <X-Nonce> LF <SHA-256 of the body, in hex>
func (a *App) isSigned(h *http.Request, body []byte) bool {
	stamp, nonce := h.Header.Get("X-Timestamp"), h.Header.Get("X-Nonce")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute || nonce == "" || a.nonces[nonce] {
		return false
	}
	sum := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(Secret))
	mac.Write([]byte(h.Method + "\n" + h.URL.RequestURI() + "\n" + stamp + "\n" + nonce + "\n" + hex.EncodeToString(sum[:])))
	given, err := base64.StdEncoding.DecodeString(h.Header.Get("X-Signature"))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return false
	}
	a.nonces[nonce] = true
	return true
}
