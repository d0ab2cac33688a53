package web

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Response is an answer that came whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // as it was sent, but for the content coding
	URL    string // that it came from, after redirects
	// IsRedirected is set where URL is not the one that was asked.
	IsRedirected bool
	// RetryAfter is that of the header, 0 without one, an hour at most.
	RetryAfter time.Duration
	// MaybeDone says that the request was sent before, that no answer came, and that it
	// may have been carried out then: of DELETE, not found may mean that it has done
	// its work.
	MaybeDone bool
}

// MayComeLate reports whether the request, or one that was sent before it and repeated, may
// be under way yet.
func (r *Response) MayComeLate() bool { return r.MaybeDone || r.isOfGateway() }

// redirect returns where an answer leads, or "".
func (r *Response) redirect() string {
	switch r.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return r.Header.Get("Location")
	}
	return ""
}

// isOfGateway reports whether a gateway before the application has not got an answer
// from it.
func (r *Response) isOfGateway() bool {
	return r.Status == http.StatusBadGateway || r.Status == http.StatusGatewayTimeout
}

var (
	errTooLarge = errors.New("it is too large")
	errCoding   = errors.New("it is compressed")
)

// readBody reads a body whole, or fails.
func readBody(answer *http.Response, limit int64) ([]byte, error) {
	if answer.Request.Method == http.MethodHead {
		return nil, nil
	}
	tooLarge := fmt.Errorf("the answer is larger than max_answer, %s: have the application answer less (page … limit), or raise max_answer: %w",
		humanize.IBytes(uint64(limit)), errTooLarge)
	if answer.ContentLength > limit {
		return nil, tooLarge
	}
	var body io.Reader = answer.Body
	coding := strings.ToLower(strings.TrimSpace(answer.Header.Get("Content-Encoding")))
	switch coding {
	case "", "identity":
	case "gzip", "x-gzip": // net/http reads only what it has asked for itself
		unzipped, err := gzip.NewReader(body)
		if errors.Is(err, io.EOF) { // no body at all, such as that of 204
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		body = unzipped
	default:
		return nil, fmt.Errorf("the answer is compressed by %q, which was not asked for: remove the header Accept-Encoding: %w", coding, errCoding)
	}
	if length := answer.ContentLength; length >= 0 && coding == "" {
		whole := make([]byte, length)
		if _, err := io.ReadFull(body, whole); err != nil {
			return nil, err
		}
		return whole, nil
	}
	whole, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(whole)) > limit {
		err = tooLarge
	}
	return whole, err
}

// maxRetryAfter bounds what is made of Retry-After.
const maxRetryAfter = time.Hour

// retryAfter reads the header Retry-After (RFC 9110 §10.2.3), seconds or a date. What
// can't be read is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(header.Get("Date")); err == nil {
		now = theirs // the clocks may differ
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
