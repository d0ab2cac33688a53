package signin

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// wordsMax bounds what is quoted of an answer, in characters.
const wordsMax = 200

// Hide takes secrets out of a text, written as they are and in the ways in which they
// are sent or repeated: encoded for URLs, for JSON, for HTML, in base64. Where the text
// was cut off, behind which stands an ellipsis, the beginning of one is taken out too. One
// that is so short that it may be a part of any word stays.
func Hide(text string, secrets ...string) string {
	var all []string
	for _, secret := range secrets {
		if utf8.RuneCountInString(secret) >= leastHidden {
			all = append(all, writings(secret)...)
		}
	}
	if text == "" || len(all) == 0 {
		return text
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(all))
	for _, one := range slices.Compact(all) {
		pairs = append(pairs, one, "***")
	}
	parts := strings.Split(strings.NewReplacer(pairs...).Replace(text), "…")
	for i := range len(parts) - 1 {
		parts[i] = withoutBeginning(parts[i], all)
	}
	return strings.Join(parts, "…")
}

// leastHidden is how many characters a secret has, or its beginning, that is hidden.
const leastHidden = 3

// withoutBeginning takes the beginning of a secret off the end of a text that was cut.
func withoutBeginning(text string, secrets []string) string {
	longest := 0
	end := strings.TrimRight(text, " ")
	for _, secret := range secrets {
		for n := min(len(secret)-1, len(end)); n >= leastHidden && n > longest; n-- {
			if strings.HasSuffix(end, secret[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return text
	}
	return end[:len(end)-longest] + "***"
}

// writings are the ways in which a secret is written.
func writings(secret string) []string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		quoted = []byte(`""`) // a string always can be written
	}
	goes, plain := strconv.Quote(secret), gjson.AppendJSONString(nil, secret)
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	return []string{
		secret, html.EscapeString(secret), query, path, lowerHex(query), lowerHex(path), strings.ReplaceAll(query, "+", "%20"),
		goes[1 : len(goes)-1], string(quoted[1 : len(quoted)-1]), string(plain[1 : len(plain)-1]),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

// lowerHex writes what is encoded for a URL with small letters.
func lowerHex(text string) string {
	out := []byte(text)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:i+3], bytes.ToLower(out[i+1:i+3]))
		}
	}
	return string(out)
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
	text = Hide(text, valuesOf(secrets)...)
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
