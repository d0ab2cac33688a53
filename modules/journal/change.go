package journal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scimgate/scimgate/scim"
)

// Changes returns the differences that an operation makes as an entry keeps them, in
// their order. Of a secret it says only that it was changed. In the place of each
// private value stands its HMAC-SHA256 with the key, cut to 64 bits: equal values of
// an attribute are seen to be equal, and nothing else. So does a text longer than
// 1 KiB, followed by its length in bytes. Without a key nothing is kept of private
// values.
//
// The same value of an attribute gives the same text in each entry that is made with
// the key, so that what stands in a backend can be compared with it (see
// [SameValue]).
func Changes(differences []scim.Difference, key []byte) []Change {
	changes := make([]Change, 0, len(differences))
	for _, d := range differences {
		c := Change{Attribute: d.Attribute.String()}
		if isSecret(d.Attribute) {
			c.Secret = true
		} else {
			c.Private = IsPrivate(d.Attribute)
		}
		if !c.Secret && (!c.Private || len(key) > 0) {
			c.From, c.To = ValueText(d.Attribute, d.Before, key), ValueText(d.Attribute, d.After, key)
		}
		changes = append(changes, c)
	}
	return changes
}

// IsPrivate reports whether an attribute, or a part of it, is private.
func IsPrivate(a *scim.Attribute) bool {
	return a.Private || slices.ContainsFunc(a.SubAttributes, IsPrivate)
}

// ValueText returns a value of an attribute as [Changes] writes it; nil for an absent
// one.
func ValueText(a *scim.Attribute, v scim.Value, key []byte) json.RawMessage {
	if v.IsAbsent() {
		return nil
	}
	return appendValue(nil, a, v, key)
}

// longText is from how many bytes on of a text only its hash is kept. What is so long
// is a picture or a certificate.
const longText = 1024

func appendValue(dst []byte, a *scim.Attribute, v scim.Value, key []byte) []byte {
	if v.Kind() == scim.KindList {
		dst = append(dst, '[')
		for i, item := range v.Items() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, a, item, key)
		}
		return append(dst, ']')
	}
	if a.Private {
		return appendText(dst, hashed(a, v, key))
	}
	switch v.Kind() {
	case scim.KindBool:
		return strconv.AppendBool(dst, v.IsTrue())
	case scim.KindNumber:
		if !json.Valid([]byte(v.Text())) {
			return appendText(dst, v.Text())
		}
		return append(dst, v.Text()...)
	case scim.KindComplex:
		dst = append(dst, '{')
		for _, f := range v.Fields() {
			if !isGiven(f.Attribute) {
				continue
			}
			if dst[len(dst)-1] != '{' {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, f.Attribute.Name), ':')
			dst = appendValue(dst, f.Attribute, f.Value, key)
		}
		return append(dst, '}')
	}
	if text := usual(a, v.Text()); len(text) <= longText {
		return appendText(dst, text)
	}
	return appendText(dst, hashed(a, v, key)+" ("+strconv.Itoa(len(v.Text()))+" bytes)")
}

// isGiven reports whether a part of a complex value is given by who writes it, and may
// be told: what the backend adds, the address of a reference and secrets are not.
func isGiven(a *scim.Attribute) bool {
	return a.Mutability != scim.ReadOnly && a.Name != "$ref" && !isSecret(a)
}

func isSecret(a *scim.Attribute) bool {
	return a.Mutability == scim.WriteOnly || a.Returned == scim.ReturnedNever
}

// usual is the usual spelling of a text that has several: it may read back in another
// than it was sent in.
func usual(a *scim.Attribute, text string) string {
	switch a.Type {
	case scim.TypeBinary:
		if octets, err := scim.DecodeBinary(text); err == nil {
			return base64.StdEncoding.EncodeToString(octets)
		}
	case scim.TypeDateTime:
		if t, err := scim.ParseDateTime(text); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return text
}

func appendText(dst []byte, text string) []byte {
	encoded, _ := json.Marshal(text) // of a text it can't fail
	return append(dst, encoded...)
}

// hashed is a value that is not a list, or all of a complex one.
func hashed(a *scim.Attribute, v scim.Value, key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(appendPlain([]byte(strings.ToLower(a.String())+"\x00"), a, v))
	return "hmac:" + hex.EncodeToString(mac.Sum(nil)[:8])
}

// IsHash reports whether a text stands in an entry for one that was too long.
func IsHash(text string) bool { return hashText.MatchString(text) }

var hashText = regexp.MustCompile(`^hmac:[0-9a-f]{16} \([0-9]+ bytes\)$`)

// appendPlain writes a value so that two have one text if and only if they are equal
// but for the order of fields and lists.
func appendPlain(dst []byte, a *scim.Attribute, v scim.Value) []byte {
	part := func(dst []byte, kind byte, text string) []byte {
		return append(strconv.AppendInt(append(dst, kind), int64(len(text)), 10), ":"+text...)
	}
	var parts []string
	switch v.Kind() {
	case scim.KindComplex:
		for _, f := range v.Fields() {
			if isGiven(f.Attribute) {
				parts = append(parts, string(appendPlain(part(nil, 'f', strings.ToLower(f.Attribute.Name)), f.Attribute, f.Value)))
			}
		}
	case scim.KindList:
		for _, item := range v.Items() {
			parts = append(parts, string(appendPlain(nil, a, item)))
		}
	case scim.KindBool:
		return part(dst, 'b', strconv.FormatBool(v.IsTrue()))
	case scim.KindNumber:
		return part(dst, 'n', v.Text())
	default:
		return part(dst, 's', usual(a, v.Text()))
	}
	slices.Sort(parts)
	return part(dst, 'l', strings.Join(parts, ""))
}

// SameValue reports whether two values, as [ValueText] writes them, are equal but for
// the order of fields and lists. Absent and empty are the same.
func SameValue(v, w json.RawMessage) bool {
	return string(canonical(v)) == string(canonical(w))
}

// canonical sorts the fields and lists of a JSON text, at all depths. What is no JSON
// stays as it is.
func canonical(text []byte) []byte {
	var v any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber() // to the letter
	if len(text) == 0 || decoder.Decode(&v) != nil || decoder.More() {
		return text
	}
	return sorted(v)
}

func sorted(v any) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = string(sorted(item))
		}
		slices.Sort(parts)
		return []byte("[" + strings.Join(parts, ",") + "]")
	case map[string]any:
		parts := make([]string, 0, len(v))
		for name, value := range v {
			parts = append(parts, strconv.Quote(strings.ToLower(name))+":"+string(sorted(value)))
		}
		slices.Sort(parts)
		return []byte("{" + strings.Join(parts, ",") + "}")
	}
	encoded, _ := json.Marshal(v) // of what was JSON it can't fail
	return encoded
}
