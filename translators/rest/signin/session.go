package signin

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
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
