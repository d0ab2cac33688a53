package web

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ParseBase reads the address of an application, to whose end the URLs of requests
// are joined. What it refuses it says how to write.
func ParseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the address is not a URL such as https://tickets.example.com/api: %w", withoutURL(err))
	case u.User != nil:
		return nil, errors.New("the address holds a user: remove it, and write auth basic <user> <password> for it")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("the address %s has no host or another scheme: write it as https://tickets.example.com/api", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		u.RawQuery, u.ForceQuery, u.Fragment = "", false, "" // which may be a secret
		return nil, fmt.Errorf("the address %s ends in a query or a fragment: write query <name> <value> in a line of its own, or auth query <name> <value> where it signs in", u)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), withoutDefaultPort(u)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, checkPath(u)
}

// Resolve returns the absolute URL that a reference means. One from the
// configuration (from is "") is joined to the end of the base, whether it begins with
// a slash or not; one that was found in an answer is relative to the URL that the
// answer came from (RFC 3986 §5). A host other than that of the base is an error; the
// scheme is always that of the base, since applications behind a proxy often do not
// know their own.
func (c *Client) Resolve(from, reference string) (string, error) {
	u, err := c.resolve(from, reference)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

func (c *Client) resolve(from, reference string) (*url.URL, error) {
	u, err := url.Parse(reference)
	if err != nil {
		return nil, fmt.Errorf("reading a URL: %w", withoutURL(err))
	}
	switch {
	case u.Host != "" || u.Scheme != "" || u.Opaque != "":
		if withoutDefaultPort(u) != c.base.Host || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "" {
			return nil, fmt.Errorf("a URL leads to %s://%s, away from %s://%s: requests go to that host alone", u.Scheme, u.Host, c.base.Scheme, c.base.Host)
		}
		if u.User != nil {
			return nil, errors.New("a URL holds a user")
		}
	case from != "":
		origin, err := url.Parse(from)
		if err != nil {
			return nil, fmt.Errorf("reading a URL: %w", withoutURL(err))
		}
		u = origin.ResolveReference(u)
	default:
		raw := u.EscapedPath()
		if raw != "" {
			raw = "/" + strings.TrimLeft(raw, "/")
		}
		path, err := url.PathUnescape(raw)
		if err != nil {
			return nil, fmt.Errorf("reading a URL: %w", err)
		}
		u.Path, u.RawPath = c.base.Path+path, c.base.EscapedPath()+raw
	}
	if err := checkPath(u); err != nil {
		return nil, err
	}
	u.Scheme, u.Host, u.Fragment, u.RawFragment = c.base.Scheme, c.base.Host, "", ""
	u.RawQuery = escapeQuery(u.RawQuery)
	return u, nil
}

// checkPath refuses the segments . and .., which a server takes away together with
// one before them: a value that is one of these would name something else.
func checkPath(u *url.URL) error {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("the path of a URL holds the segment %q, which names another path than it says", segment)
		}
	}
	return nil
}

// escapeQuery encodes what a request line can't hold.
func escapeQuery(query string) string {
	if strings.IndexFunc(query, func(c rune) bool { return c <= ' ' || c >= 0x7f }) < 0 {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// withoutDefaultPort is the host and the port, in small letters, without the port
// that the scheme has anyway.
func withoutDefaultPort(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return host
}

// withoutURL is the cause alone: a URL may hold values.
func withoutURL(err error) error {
	if e, is := errors.AsType[*url.Error](err); is {
		return e.Err
	}
	return err
}
