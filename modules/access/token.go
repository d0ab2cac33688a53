package access

import (
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
)

// The text of an issued token is
//
//	scimgate_<id>_<secret><checksum>
//
// with an id of a letter, a digit and six of either, which is public, a secret of 40 digits to the
// base of 62, and as 6 more such digits the CRC-32 of all before them. By prefix and
// checksum a scanner finds one that has leaked, and a mistyped one is told from one
// that was revoked.
const (
	tokenPrefix    = "scimgate_"
	tokenIDLength  = 8
	secretLength   = 40
	checksumLength = 6
	tokenLength    = len(tokenPrefix) + tokenIDLength + 1 + secretLength + checksumLength
)

// TokenPattern is the regular expression by which scanners find issued tokens.
const TokenPattern = `scimgate_[a-z0-9]{8}_[0-9A-Za-z]{46}`

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	base62  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewToken returns the text of a new token, and its id.
func NewToken() (text, id string, err error) {
	for _, part := range []struct {
		alphabet string
		length   int
	}{{letters, 1}, {digits, 1}, {letters + digits, tokenIDLength - 2}} {
		more, err := random(part.alphabet, part.length)
		if err != nil {
			return "", "", err
		}
		id += more
	}
	secret, err := random(base62, secretLength)
	if err != nil {
		return "", "", err
	}
	text = tokenPrefix + id + "_" + secret
	sum := checksum(text)
	return text + string(sum[:]), id, nil
}

// random returns so many characters of an alphabet.
func random(alphabet string, length int) (string, error) {
	text := make([]byte, length)
	for i := range text {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", fmt.Errorf("making a token: %w", err)
		}
		text[i] = alphabet[n.Int64()]
	}
	return string(text), nil
}

func checksum(text string) (digits [checksumLength]byte) {
	crc := ^uint32(0)
	for i := range len(text) { // crc32.ChecksumIEEE would want a copy
		crc = crc32.IEEETable[byte(crc)^text[i]] ^ (crc >> 8)
	}
	crc = ^crc
	for i := checksumLength - 1; i >= 0; i-- {
		digits[i] = base62[crc%uint32(len(base62))]
		crc /= uint32(len(base62))
	}
	return digits
}

// isIssued reports whether a text is meant to be an issued token.
func isIssued(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// idOf returns the id of an issued token, and whether the checksum is right: if it is
// not, the token is mistyped or cut off, and the id may be wrong or "".
func idOf(text string) (id string, isWhole bool) {
	rest := strings.TrimPrefix(text, tokenPrefix)
	if len(rest) < tokenIDLength {
		return "", false
	}
	id = rest[:tokenIDLength]
	if strings.Trim(id, letters+digits) != "" {
		return "", false
	}
	if len(text) != tokenLength {
		return id, false
	}
	body, digits := text[:tokenLength-checksumLength], checksum(text[:tokenLength-checksumLength])
	return id, body+string(digits[:]) == text
}
