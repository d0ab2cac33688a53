package signin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordsMax bounds what is quoted of an answer, in characters.
const wordsMax = 200

// scrub takes secrets out of a text. One that is so short that it may be a part of any
// word stays.
func scrub(text string, hidden []string) string {
	for _, value := range hidden {
		if len(value) > 3 {
			text = strings.ReplaceAll(text, value, "***")
		}
	}
	return text
}

// valuesOf are the values of secrets.
func valuesOf(secrets []*secret) []string {
	var values []string
	for _, s := range secrets {
		if s != nil {
			values = append(values, s.get())
		}
	}
	return values
}

// safeWords makes what an application says fit for our log: in one line, bounded,
// without control characters and without the secrets.
func safeWords(text string, secrets ...*secret) string {
	text = scrub(text, valuesOf(secrets))
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > wordsMax {
		text = string(runes[:wordsMax]) + " …"
	}
	return text
}

// quoted is what an application says, after a colon, or nothing.
func quoted(text string, secrets ...*secret) string {
	if text = safeWords(text, secrets...); text == "" {
		return ""
	}
	return ": " + text
}
