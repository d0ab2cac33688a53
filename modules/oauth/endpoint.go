package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is a request for an access token (RFC 6749 §4.4.2) as it was read.
type Request struct {
	ClientID  string // may be empty beside an assertion
	Secret    string // either this
	Assertion string // or this
	// Verbatim are id and secret as they stand in the header, where that is something
	// else: not every client encodes them.
	Verbatim *Pair
	Scopes   []string
	// ByHeader is set when the client showed itself by HTTP Basic (client_secret_basic).
	ByHeader bool
}

// Pair is an id and a secret.
type Pair struct{ ClientID, Secret string }

// Answer is an access token that was given (RFC 6749 §5.1).
type Answer struct {
	AccessToken string
	Life        time.Duration
	Scopes      []string // empty: everything that there is at the gateway
}

// Error is an answer that gives no access token (RFC 6749 §5.2).
type Error struct {
	Code        string // invalid_client and so on
	Description string // for the client's administrator; no secrets
	RetryAfter  time.Duration
	// Status is that of the answer. Default: 401 for invalid_client, 503 for
	// temporarily_unavailable, else 400.
	Status int
	// ByHeader has a 401 name the scheme that the client used.
	ByHeader bool
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// The codes of an [Error].
const (
	InvalidRequest       = "invalid_request"
	InvalidClient        = "invalid_client"
	UnauthorizedClient   = "unauthorized_client"
	UnsupportedGrantType = "unsupported_grant_type"
	Unavailable          = "temporarily_unavailable"
	ServerError          = "server_error"
)

// assertionType is that of RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// longestRequest is the longest body of a request for an access token, in bytes.
const longestRequest = 64 << 10

// Serve answers a request at a token endpoint: it reads it, and has give find out who
// asks and make the token. An error of give that is no [*Error] is a server_error.
func Serve(w http.ResponseWriter, r *http.Request, give func(context.Context, Request) (Answer, error)) error {
	request, err := read(w, r)
	var answer Answer
	if err == nil {
		answer, err = give(r.Context(), request)
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "application/json")
	if err != nil {
		refuse(w, err)
		return err
	}
	scope := strings.Join(answer.Scopes, " ")
	if scope == "" {
		scope = everythingScope
	}
	return json.NewEncoder(w).Encode(struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
		Scope       string `json:"scope"`
	}{answer.AccessToken, "Bearer", int64(answer.Life / time.Second), scope})
}

// everythingScope is the scope that means no restriction. Entra sends it when its
// administrator wrote nothing else.
const everythingScope = "scim"

func refuse(w http.ResponseWriter, err error) {
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		refusal = &Error{Code: ServerError, Description: "The gateway failed.", Status: http.StatusInternalServerError}
	}
	status := refusal.Status
	switch {
	case status != 0:
	case refusal.Code == InvalidClient:
		status = http.StatusUnauthorized
	case refusal.Code == Unavailable:
		status = http.StatusServiceUnavailable
	default:
		status = http.StatusBadRequest
	}
	if status == http.StatusUnauthorized && refusal.ByHeader {
		w.Header().Set("WWW-Authenticate", `Basic realm="SCIM token endpoint", charset="UTF-8"`)
	}
	if refusal.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((refusal.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": refusal.Code, "error_description": refusal.Description})
}

func invalid(description string) error { return &Error{Code: InvalidRequest, Description: description} }

// read reads a request. Where client id and secret came by header and in the body,
// which Entra offers, both must be the same.
func read(w http.ResponseWriter, r *http.Request) (Request, error) {
	if r.Method != http.MethodPost {
		return Request{}, &Error{Code: InvalidRequest, Description: "Ask for a token with POST.", Status: http.StatusMethodNotAllowed}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return Request{}, invalid("The body must be a form: Content-Type: application/x-www-form-urlencoded.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestRequest))
	if err != nil {
		return Request{}, invalid("The body could not be read to its end, or is too large.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Request{}, invalid("The body is no form.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return Request{}, invalid("A parameter is there more than once.")
		}
		if values[0] == "" {
			delete(form, name) // as if it were not there (RFC 6749 §3.2)
		}
	}
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		if grant == "" {
			return Request{}, invalid("grant_type is missing: it must be client_credentials.")
		}
		return Request{}, &Error{Code: UnsupportedGrantType, Description: "The only grant type is client_credentials."}
	}
	request := Request{ClientID: form.Get("client_id"), Secret: form.Get("client_secret"), Scopes: strings.Fields(form.Get("scope"))}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		if form.Get("client_assertion_type") != assertionType {
			return Request{}, invalid("client_assertion_type must be " + assertionType + ".")
		}
		if request.Assertion = form.Get("client_assertion"); request.Assertion == "" {
			return Request{}, invalid("client_assertion is missing.")
		}
		if request.Secret != "" || r.Header.Get("Authorization") != "" {
			return Request{}, invalid("Show either an assertion or a secret.")
		}
		return request, nil
	}
	if err := request.byHeader(r); err != nil {
		return Request{}, err
	}
	request.Secret = strings.TrimRight(request.Secret, "\r\n") // of a file that a script sends
	if request.ClientID == "" || request.Secret == "" {
		return Request{}, &Error{Code: InvalidClient, ByHeader: true,
			Description: "The client must show its id and secret, by header or in the body, or an assertion."}
	}
	return request, nil
}

// byHeader takes client id and secret from the header. They are encoded as in a form
// there (RFC 6749 §2.3.1), which not every client does.
func (q *Request) byHeader(r *http.Request) error {
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		return invalid("There is more than one Authorization header.")
	}
	value := strings.Join(values, "")
	if value == "" {
		return nil
	}
	scheme, credentials, _ := strings.Cut(value, " ")
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	id, secret, ok := strings.Cut(string(text), ":")
	if !strings.EqualFold(scheme, "Basic") || err != nil || !ok {
		return &Error{Code: InvalidClient, ByHeader: true, Description: "The Authorization header must be of the scheme Basic."}
	}
	verbatim := Pair{id, secret}
	encoded := Pair{unescaped(id), unescaped(secret)}
	isNot := func(p Pair) bool {
		return q.ClientID != "" && q.ClientID != p.ClientID || q.Secret != "" && q.Secret != p.Secret
	}
	switch {
	case isNot(encoded) && isNot(verbatim):
		return invalid("Header and body name different clients or secrets.")
	case isNot(encoded):
		encoded = verbatim
	}
	if verbatim != encoded && !isNot(verbatim) {
		q.Verbatim = &verbatim
	}
	q.ClientID, q.Secret, q.ByHeader = encoded.ClientID, encoded.Secret, true
	return nil
}

// unescaped undoes the encoding of a form. What is not encoded so stays as it is.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
