// Package signin signs requests in to an application: by a header, Basic, a bearer
// token, a query parameter, OAuth 2, a login call, or a signature.
package signin

import "github.com/caddyserver/caddy/v2"

// Config is how requests are signed in. What is secret may be a placeholder, such as
// {file./run/secrets/key}, which is read anew when the application refuses.
type Config struct {
	// Schemes are applied to each request one after the other, signatures last,
	// whatever the order.
	Schemes []Scheme `json:"schemes,omitempty"`
}

// Scheme is one way of signing in. Every text of header, query, basic and bearer may
// hold placeholders.
type Scheme struct {
	// Method is header, query, basic, bearer, oauth2, login or hmac. Required.
	Method string `json:"method"`
	// Name is that of the header or of the query parameter.
	Name string `json:"name,omitempty"`
	// Value is that of the header or the query parameter, or the bearer token.
	Value string `json:"value,omitempty"`
	// User and Password are for basic (RFC 7617, in UTF-8).
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`

	OAuth2 *OAuth2 `json:"oauth2,omitempty"`
	Login  *Login  `json:"login,omitempty"`
	HMAC   *HMAC   `json:"hmac,omitempty"`
}

// OAuth2 fetches access tokens (RFC 6749) and sends them as RFC 6750 §2.1 says. The
// grant is client_credentials, or refresh_token where there is one.
type OAuth2 struct {
	// TokenURL is the token endpoint: a URL, which may be of another host than the
	// application, or a path of the application. Placeholders are accepted. Required.
	TokenURL string `json:"token_url"`
	// ClientID and ClientSecret are the client's; placeholders are accepted. The secret
	// may be missing where a certificate (RFC 8705) says who the client is.
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
	// ClientAuth is how the client's id and secret are sent: header (Basic) or body.
	// Default: header.
	ClientAuth string `json:"client_auth,omitempty"`
	// Scopes and Audience ask for what the token is to be good for.
	Scopes   []string `json:"scopes,omitempty"`
	Audience string   `json:"audience,omitempty"`
	// Parameters are further ones of the request for a token. Values may hold
	// placeholders. grant_type replaces the grant.
	Parameters []Parameter `json:"parameters,omitempty"`
	// RefreshToken is the first refresh token; placeholders are accepted. One that an
	// answer brings is used from then on, and is kept in memory alone.
	RefreshToken string `json:"refresh_token,omitempty"`
	// Send says where requests have the token. Default: the header Authorization with
	// "Bearer {token}".
	Send []Placement `json:"send,omitempty"`
	// Early is how long before its end a token is no longer used. Default: 30s, but no
	// more than a quarter of its life.
	Early caddy.Duration `json:"early,omitempty"`
	// Valid is how long a token is good whose answer does not say it. Default: until
	// the application refuses it.
	Valid caddy.Duration `json:"valid,omitempty"`
}

// Parameter is a name with a value.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Login signs in with a call whose answer has a session token or cookies, which is
// made again when the application refuses the session.
type Login struct {
	// HTTPMethod and URL are those of the call; URL is a template, a path of the
	// application. Required.
	HTTPMethod string `json:"http_method"`
	URL        string `json:"url"`
	// User and Password are {user} and {password} in the templates. Placeholders are
	// accepted.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	// Before is a call that is made before, for what the login call needs to be taken: a
	// cookie, which is sent with it, or a value that its templates name. Default: none.
	Before *Before `json:"before,omitempty"`
	// Header are headers of the call; the values are templates.
	Header []Parameter `json:"header,omitempty"`
	// Body is the form of the body, json, form, xml or text, and Template its text.
	// Default: no body.
	Body     string `json:"body,omitempty"`
	Template string `json:"template,omitempty"`

	// Token is where in the answer the token is (a path of package document), and
	// TokenHeader the header that it is in.
	Token       string `json:"token,omitempty"`
	TokenHeader string `json:"token_header,omitempty"`
	// Cookies says that the session is in cookies, which must come. Default: that there
	// is no token. Cookie is the name of the one that must. Default: any. Cookies that
	// come are sent in any case.
	Cookies bool   `json:"cookies,omitempty"`
	Cookie  string `json:"cookie,omitempty"`
	// Answer is the form of the answer: json, xml, form or text. Default: what the
	// Content-Type says.
	Answer string `json:"answer,omitempty"`
	// Success and Failed are answers that mean so. Of both, Failed comes first. Default:
	// success is 2xx, and for cookies 3xx too, that has the token or the cookie.
	Success []Answer `json:"success,omitempty"`
	Failed  []Answer `json:"failed,omitempty"`
	// Error are paths of which one with a value that is not null, false, 0 or empty
	// means that signing in failed.
	Error []string `json:"error,omitempty"`

	// Send says where requests have the token. Default: the header Authorization with
	// "Bearer {token}" where there is a token. One that is In none is where calls name
	// {session} themselves.
	Send []Placement `json:"send,omitempty"`
	// Valid is how long a session is used. Default: until the application refuses it.
	Valid caddy.Duration `json:"valid,omitempty"`
	// LogoutMethod and LogoutURL end the session, when the gateway stops.
	LogoutMethod string `json:"logout_method,omitempty"`
	LogoutURL    string `json:"logout_url,omitempty"`
}

// Before is a call before the login call.
type Before struct {
	HTTPMethod string `json:"http_method"`
	URL        string `json:"url"` // a template
}

// Answer describes answers. All that is given must apply.
type Answer struct {
	Statuses []string `json:"statuses,omitempty"` // 422, 4xx, 200-204; none: any
	// Text is a part of the body or of the header Location, compared without case.
	Text string `json:"text,omitempty"`
	// When is a CEL expression that sees status, body (the answer as it was read) and
	// header, whose names are in small letters.
	When string `json:"when,omitempty"`
}

// Placement is where a request has a value.
type Placement struct {
	// In is header or query.
	In   string `json:"in"`
	Name string `json:"name,omitempty"`
	// Value is a template.
	Value string `json:"value,omitempty"`
}

// HMAC signs each request with a secret that both sides know.
type HMAC struct {
	// Algorithm is sha1, sha256, sha384, sha512 or md5. Required.
	Algorithm string `json:"algorithm"`
	// Secret is the key; placeholders are accepted. Required.
	Secret string `json:"secret"`
	// Key says how Secret is written: raw, base64 or hex. Default: raw.
	Key string `json:"key,omitempty"`
	// Message is a template of what is signed. Required.
	Message string `json:"message"`
	// Encode is how the signature is written: hex, base64 or base64url. Default: hex.
	Encode string `json:"encode,omitempty"`
	// Send are headers and query parameters with templates of {signature} and of what
	// the message knows. Required.
	Send []Placement `json:"send"`
}
