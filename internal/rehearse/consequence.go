package rehearse

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// consequence is what a finding means: what the provider does because of it, and
// what is to be changed. Either may be "".
type consequence struct{ otherwise, remedy string }

// notKept is what comes of a value that the server has no place for.
var notKept = consequence{
	"The value does not arrive; nothing else happens.",
	"Map it at the server, or take it out of the mapping at the provider.",
}

// its is what the check says of itself.
func (c Check) its() consequence { return consequence{c.Otherwise, c.Remedy} }

// mild is for what a provider can do without.
func (s *step) mild() consequence {
	return consequence{otherwise: s.provider.Name() + " goes on; other clients may not."}
}

// unavailable is what a provider does when nobody answers, or nobody lets it in.
func (s *scene) unavailable() string {
	switch {
	case s.hasAnswers && s.provider == Okta:
		return oktaFails
	case s.hasAnswers:
		return entraRetries
	case s.provider == Okta:
		return "The configuration can't be saved. " + oktaFails
	}
	return "Test Connection fails with SystemForCrossDomainIdentityManagementCredentialValidationUnavailable, and a job that runs goes into quarantine: nobody is off-boarded any more."
}

// incompatible is what a provider does when something answers that is no SCIM.
func (s *scene) incompatible() string {
	if s.hasAnswers || s.provider == Okta {
		return s.unavailable()
	}
	return entraIncompatible
}

// meaning is what an answer means that should have been another. What is wrong
// with the connection, the token or the URL is not what the check is about.
func (s *step) meaning(x exchange) consequence {
	switch {
	case x.bare && x.err == nil || errors.Is(x.err, errForeign):
		return s.check.its()
	case x.err != nil:
		return consequence{s.unavailable(), "See that the server runs, and that its name, a firewall, a proxy and the certificate let the provider reach it; its log tells what became of a request that came that far."}
	case x.status == http.StatusUnauthorized:
		return consequence{s.unavailable(), "Show the token that the server expects, and see that no proxy in front takes the header Authorization away."}
	case x.status == http.StatusForbidden:
		return consequence{s.unavailable(), "Permit at the server what this token is to do, or show another one."}
	case x.status/100 == 3:
		return consequence{s.incompatible(), strings.TrimSpace("No provider follows a redirection: use the URL itself to which it leads. " + x.header.Get("Location"))}
	case x.status == http.StatusNotFound && !isSCIM(x):
		return consequence{s.incompatible(), "See that the tenant URL is right and that a proxy in front passes on everything below it: what answered is no SCIM."}
	case x.status == http.StatusTooManyRequests:
		return consequence{s.unavailable(), "Allow more requests: providers send 25 a second."}
	case isOld(x):
		return consequence{s.incompatible(), "Look for a tenant URL of SCIM 2.0 there: this one speaks 1.1."}
	case x.status/100 == 2 && media(x) == "text/html":
		return consequence{s.incompatible(), "See that the tenant URL is right: a web page answered."}
	case x.status >= http.StatusInternalServerError && x.status != http.StatusNotImplemented:
		return consequence{s.unavailable(), "Look into the server's log for this request: " + http.StatusText(x.status) + " is a fault of the server, or of what is behind it."}
	}
	return s.check.its()
}

// isHeld reports whether the server asks to wait longer than anybody watches: a
// brake holds, or the caller was too fast for long. The first time it is a
// finding.
func (s *step) isHeld(x exchange) bool {
	wait, isAsked := retryAfter(x)
	if !isAsked || wait <= longestWait {
		return false
	}
	if s.held == nil {
		s.held = heldBack(x, wait)
		s.findAs(consequence{
			"The provider is held back so, too, and repeats the request later: whoever leaves in the meantime keeps the account.",
			"Wait, or allow more; in a gateway of scimgate that is its brake.",
		}, Required, "%v", s.held)
	}
	return true
}

// heldBack is the error for an answer that asks to wait too long.
func heldBack(x exchange, wait time.Duration) error {
	return fmt.Errorf("%w: %s was answered %d, with %s to wait%s", ErrHeld, what(x), x.status, wait, because(x))
}

// because is what an error says, behind a colon.
func because(x exchange) string {
	if said := detail(x); said != "" {
		return ": " + said
	}
	return ""
}
