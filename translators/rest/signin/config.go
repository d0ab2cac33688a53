// Package signin signs requests in to an application: by a header, Basic, a bearer
// token, a query parameter, OAuth 2, a login call, or a signature.
package signin

// Config is how requests are signed in. What is secret may be a placeholder, such as
// {file./run/secrets/key}, which is read anew when the application refuses.
type Config struct {
	// Method is one of header, query, basic, bearer, oauth2, login, hmac.
	Method string `json:"method"`
}
