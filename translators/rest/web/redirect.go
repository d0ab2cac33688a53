package web

import (
	"fmt"
	"net/http"
	"net/url"
)

// redirect returns where a request is to be sent instead. Its sign-in goes along: so
// it never goes to another host, nor from https to http. A write is never turned
// into a GET, which would look like success.
func (c *Client) redirect(r *Request, from *url.URL, response *Response, location string) (*url.URL, *Error) {
	fail := func(maybeSent bool, format string, args ...any) (*url.URL, *Error) {
		return nil, &Error{MaybeSent: maybeSent, Reason: reasonRedirect, Err: fmt.Errorf(format, args...)}
	}
	isKept := response.Status == http.StatusTemporaryRedirect || response.Status == http.StatusPermanentRedirect
	mayBeDone := !r.isRead() && !isKept
	to, err := from.Parse(location)
	if err != nil {
		return fail(mayBeDone, "reading where the application redirects (%d) to: %w", response.Status, withoutURL(err))
	}
	to.Fragment, to.RawFragment, to.RawQuery = "", "", escapeQuery(to.RawQuery)
	switch {
	case to.Scheme != c.base.Scheme || withoutDefaultPort(to) != c.base.Host:
		return fail(mayBeDone, "the application redirects (%d) from %s://%s to %s://%s: requests go to one host alone, because they are signed in: "+
			"if the API is there, make that the address of the translator", response.Status, from.Scheme, from.Host, to.Scheme, to.Host)
	case to.User != nil:
		return fail(mayBeDone, "the application redirects (%d) to a URL with a user in it", response.Status)
	case mayBeDone:
		return fail(true, "the application redirects (%d) this %s to %s, and a write is not sent again as something else: "+
			"make that the URL of the call if the API is there, or write success %d if so the application says that it is done",
			response.Status, r.Method, to.EscapedPath(), response.Status)
	}
	if err := checkPath(to); err != nil {
		return fail(false, "following a redirect (%d): %w", response.Status, err)
	}
	to.Host = c.base.Host
	return to, nil
}
