package postgres

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	// The places where a DSN can have a password, or one to a key.
	passwords = []*regexp.Regexp{
		regexp.MustCompile(`^\s*postgres(?:ql)?://[^/?#@]*:([^/?#@]+)@`),
		regexp.MustCompile(`[?&](?:password|sslpassword)=([^&#\s]+)`),
		regexp.MustCompile(`(?:^|\s)(?:password|sslpassword)\s*=\s*'((?:[^'\\]|\\.)+)'`),
		regexp.MustCompile(`(?:^|\s)(?:password|sslpassword)\s*=\s*([^'\s][^\s]*)`),
	}
)

// holdsPassword reports whether a DSN, as it is written in the configuration, has a
// password that is no placeholder.
func holdsPassword(dsn string) bool {
	dsn = placeholder.ReplaceAllString(dsn, "")
	for _, p := range passwords {
		if p.MatchString(dsn) {
			return true
		}
	}
	return false
}

// reason says why a DSN can't be read, without a word of it where it may be a
// password.
func reason(err error) string {
	const form = "write it as postgres://user@host:5432/database, with what a URL can't hold percent-encoded, or as host=… user=… dbname=…"
	parsing, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if !ok {
		return form
	}
	// "cannot parse `…`: reason (cause)"
	text := parsing.Error()
	text = text[strings.LastIndex(text, "`: ")+len("`: "):]
	if strings.HasPrefix(text, "failed to parse") || strings.HasPrefix(text, "invalid port") || strings.HasPrefix(text, "could not match") {
		return form
	}
	return text
}
