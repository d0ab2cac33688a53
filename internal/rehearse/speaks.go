package rehearse

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// speaks looks at the first answer and returns an error when nothing can be learnt
// from going on: nobody answers, nobody is let in, or what answers is no SCIM 2.0.
func (r *run) speaks(ctx context.Context, x exchange) error {
	switch {
	case x.err != nil && !r.client.answered.Load():
		return fmt.Errorf("%w: %s does not answer: %w", ErrUnreachable, r.client.shown(), x.err)
	case x.err != nil || isSCIM(x) && x.status != http.StatusUnauthorized && x.status != http.StatusForbidden:
		return nil
	case x.status == http.StatusUnauthorized || x.status == http.StatusForbidden:
		return fmt.Errorf("%w: %s lets nobody in with this token: %d %s", ErrUnreachable, r.client.shown(), x.status, detail(x))
	case isOld(x):
		return r.old()
	}
	// One request alone may have met with a fault, or with a server that answers
	// an empty list so.
	for _, probe := range []request{
		{operation: "discovery", method: http.MethodGet, path: "/ServiceProviderConfig"},
		{operation: "list", method: http.MethodGet, kind: User, query: "startIndex=1&count=1"},
	} {
		y := r.client.do(ctx, probe)
		switch {
		case y.err != nil:
		case isOld(y):
			return r.old()
		case isSCIM(y) && y.status != http.StatusUnauthorized:
			return nil
		}
	}
	return fmt.Errorf("%w: %s was answered %d%s, and that is no SCIM. %s", ErrUnreachable, r.asked(ctx, x), x.status, kindOf(x), whatToTry(x))
}

func (r *run) old() error {
	return fmt.Errorf("%w: %s speaks SCIM 1.1, and Entra needs 2.0, which is what is rehearsed. Look for a tenant URL of SCIM 2.0 there, such as one that ends in /v2", ErrVersion, r.client.shown())
}

// asked is what was asked, in full but for the query.
func (r *run) asked(ctx context.Context, x exchange) string {
	full, err := r.client.request(ctx, x)
	if err != nil {
		return what(x)
	}
	text, _, _ := strings.Cut(full.URL.String(), "?")
	return x.method + " " + text
}

// kindOf is what kind of answer it was.
func kindOf(x exchange) string {
	if len(strings.TrimSpace(string(x.answer))) == 0 {
		return " without a body"
	}
	return " with " + media(x)
}

func whatToTry(x exchange) string {
	if to := x.header.Get("Location"); x.status/100 == 3 && to != "" {
		return "No provider follows a redirection: try the URL to which it leads, " + to
	}
	return "Try the tenant URL as the server's documents have it: it ends before /Users, often in /scim/v2, /scim or /v2"
}

// isSCIM reports whether an answer can be one of SCIM 2.0. For not found that takes
// a body of SCIM: everything else that serves the web says so, too.
func isSCIM(x exchange) bool {
	v, err := decode(x.answer)
	if err != nil || isOld(x) {
		return false
	}
	_, isObject := v.(map[string]any)
	return hasSchemaOf(v, "urn:ietf:params:scim:") || isObject && x.status != http.StatusNotFound
}

// isOld reports whether an answer is one of SCIM 1.1.
func isOld(x exchange) bool {
	v, err := decode(x.answer)
	if err != nil {
		return false
	}
	errors, _ := member(v, "Errors").([]any)
	return !hasSchemaOf(v, "urn:ietf:params:scim:") && (len(errors) > 0 || hasSchemaOf(v, "urn:scim:schemas:"))
}

// hasSchemaOf reports whether one of the schemas begins so.
func hasSchemaOf(v any, prefix string) bool {
	all, _ := member(v, "schemas").([]any)
	return slices.ContainsFunc(all, func(one any) bool {
		s, _ := one.(string)
		return strings.HasPrefix(strings.ToLower(s), prefix)
	})
}
