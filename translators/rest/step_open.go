package rest

import (
	"fmt"
	"regexp"
	"strings"
)

// looksSecret finds names of parameters and headers whose values are secrets: key alone may
// be anything.
var looksSecret = regexp.MustCompile(`(?i)(^|[-_])(authorization|cookie|api[-_]?key|(auth|access|api|session)[-_]?token|token|passwo?r?d|pwd|client[-_]?secret|secret)$`)

// checkOpen refuses a secret that stands in the clear where it would be printed: in plans,
// in the journal and in the log.
func checkOpen(c CallConfig, d CallDefaults) error {
	_, query, _ := strings.Cut(c.URL, "?")
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if err := checkOpenValue("query", name, value); err != nil {
			return fmt.Errorf("the URL: %w", err)
		}
	}
	for _, p := range append(d.Query[:len(d.Query):len(d.Query)], c.Query...) {
		if err := checkOpenValue("query", p.Name, p.Value); err != nil {
			return err
		}
	}
	for _, p := range append(d.Header[:len(d.Header):len(d.Header)], c.Header...) {
		if err := checkOpenValue("header", p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func checkOpenValue(word, name, value string) error {
	if value == "" || strings.Contains(value, "{") || !looksSecret.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%s has its value in the clear, which plans and the log would show: write auth %s %[1]s {file./run/secrets/x} in the block of the translator, or {file./run/secrets/x} instead of the value", name, word)
}
