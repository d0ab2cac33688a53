package ldap

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
)

// idText is the form of ids that are any text.
const idText = "text"

// longestID bounds what is looked up as an id.
const longestID = 512

// idForms are the forms of [GenericConfig.IDForm]: for each the functions of a
// profile whose id is in that attribute.
var idForms = map[string]func(attribute string) (
	assert func(id string) (value string, ok bool), read func(e *goldap.Entry) (id string, ok bool)){
	"": textID, idText: textID, "uuid": uuidID, "guid": guidID, "binary": binaryID,
}

func textID(attribute string) (func(string) (string, bool), func(*goldap.Entry) (string, bool)) {
	assert := func(id string) (string, bool) { return id, isTextID(id) }
	return assert, func(e *goldap.Entry) (string, bool) {
		id := e.GetEqualFoldAttributeValue(attribute)
		return id, isTextID(id)
	}
}

// isTextID reports whether a text can be an id: not empty, and of letters that
// can be seen, so that it can stand in a URL and a log.
func isTextID(id string) bool {
	return id != "" && len(id) <= longestID && utf8.ValidString(id) && !strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsGraphic(r) })
}

func uuidID(attribute string) (func(string) (string, bool), func(*goldap.Entry) (string, bool)) {
	assert := func(id string) (string, bool) { return id, isUUID(id) }
	return assert, func(e *goldap.Entry) (string, bool) {
		id := strings.ToLower(e.GetEqualFoldAttributeValue(attribute))
		return id, isUUID(id)
	}
}

func guidID(attribute string) (func(string) (string, bool), func(*goldap.Entry) (string, bool)) {
	assert := func(id string) (string, bool) {
		if !isUUID(id) {
			return "", false
		}
		octets, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
		if err != nil {
			return "", false
		}
		swapGUID(octets)
		return string(octets), true
	}
	return assert, func(e *goldap.Entry) (string, bool) {
		octets := octetsOf(e, attribute)
		if len(octets) != 16 {
			return "", false
		}
		octets = slices.Clone(octets)
		swapGUID(octets)
		text := hex.EncodeToString(octets)
		return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-"), true
	}
}

// swapGUID turns the octets of a GUID as Active Directory stores them into those
// of its text, and back: its first three numbers are little-endian ([MS-DTYP]
// §2.3.4).
func swapGUID(octets []byte) {
	slices.Reverse(octets[:4])
	slices.Reverse(octets[4:6])
	slices.Reverse(octets[6:8])
}

func binaryID(attribute string) (func(string) (string, bool), func(*goldap.Entry) (string, bool)) {
	assert := func(id string) (string, bool) {
		octets, err := hex.DecodeString(id)
		return string(octets), err == nil && id != "" && len(id) <= longestID && id == strings.ToLower(id)
	}
	return assert, func(e *goldap.Entry) (string, bool) {
		octets := octetsOf(e, attribute)
		return hex.EncodeToString(octets), len(octets) > 0 && 2*len(octets) <= longestID
	}
}

// octetsOf is the first value of an attribute, as it came.
func octetsOf(e *goldap.Entry, attribute string) []byte {
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, attribute) && len(a.ByteValues) > 0 {
			return a.ByteValues[0]
		}
	}
	return nil
}
