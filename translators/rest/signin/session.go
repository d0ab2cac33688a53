package signin

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/scimgate/scimgate/translators/rest/web"
)

// session is what signing in brought. Only its cookies change afterwards, as a
// browser's do.
type session struct {
	number  uint64 // tells the sessions of a keeper apart
	token   string
	cookies http.CookieJar // nil without
	// values are those of the cookies.
	values []string
	// named are further values for templates, by their names there.
	named map[string]string
	began time.Time
	// until is when it is no longer used; zero when only a refusal ends it.
	until time.Time
	// isGoodFor is set when a request with it was let in.
	isGoodFor atomic.Bool
}

// isGood reports whether the session can be used at this time.
func (s *session) isGood(now time.Time) bool {
	return s != nil && (s.until.IsZero() || now.Before(s.until))
}

// keepCookies keeps the cookies of an answer as a browser would (RFC 6265 §5.3): those
// for another host, those that are over, and those that are Secure where the address
// is not, are not sent. It returns the address of the answer.
func (s *session) keepCookies(answer *web.Response) (*url.URL, error) {
	from, err := url.Parse(answer.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the address of an answer: %w", err)
	}
	sent := cookiesOf(answer)
	if s.cookies == nil && len(sent) > 0 {
		if s.cookies, err = cookiejar.New(nil); err != nil {
			return nil, fmt.Errorf("keeping cookies: %w", err)
		}
	}
	if s.cookies != nil {
		s.cookies.SetCookies(from, sent)
	}
	for _, c := range sent {
		s.values = append(s.values, c.Value)
	}
	return from, nil
}

// cookiesFor are the cookies that are sent to an address.
func (s *session) cookiesFor(address *url.URL) []*http.Cookie {
	if s.cookies == nil {
		return nil
	}
	return s.cookies.Cookies(address)
}

// hasCookie reports whether a cookie of this name is sent to an address.
func (s *session) hasCookie(name string, address *url.URL) bool {
	return slices.ContainsFunc(s.cookiesFor(address), func(c *http.Cookie) bool { return c.Name == name })
}

// sessionKey is the key in a request's context of the session that it was signed
// with by a keeper.
type sessionKey struct{ of *keeper }

// note remembers in the request what it was signed with.
func (s *session) note(r *http.Request, by *keeper) {
	*r = *r.WithContext(context.WithValue(r.Context(), sessionKey{by}, s))
}

// sessionOf returns what the request was signed with, or nil.
func sessionOf(r *http.Request, by *keeper) *session {
	s, _ := r.Context().Value(sessionKey{by}).(*session)
	return s
}
