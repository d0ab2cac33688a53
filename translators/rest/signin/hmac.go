package signin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/scimgate/scimgate/translators/rest/template"
)

// hmacScheme signs what is sent.
type hmacScheme struct {
	*signature
	config *HMAC
	secret *secret
	// now is the clock, another one in tests.
	now func() time.Time
}

// signature is what of an [HMAC] is compiled from the configuration alone.
type signature struct {
	hash    func() hash.Hash
	message *template.Template
	places  []place
}

// hashes are the algorithms by their names. MD5 and SHA-1 are what old applications
// know; in an HMAC they are not broken.
var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

// encodings write bytes as text.
var encodings = map[string]func([]byte) string{
	"hex":       hex.EncodeToString,
	"base64":    base64.StdEncoding.EncodeToString,
	"base64url": base64.RawURLEncoding.EncodeToString,
}

// requestNames are what the templates of a signature may name. Each is computed once
// for each sending.
var requestNames = []string{
	"request.method", "request.host", "request.target", "request.path", "request.query", "request.sorted_query",
	"request.body", "request.timestamp", "request.timestamp_ms", "request.timestamp_rfc1123", "request.timestamp_rfc3339",
	"request.nonce", "request.uuid",
}

const (
	bodyDigestPrefix    = "request.body_"
	requestHeaderPrefix = "request.header."
)

const requestNamesKnown = "{request.method}, {request.host}, {request.target}, {request.path}, {request.query}, {request.sorted_query}, {request.header.<name>}, " +
	"{request.body}, {request.body_sha256} (hex) and {request.body_sha256_base64} (the same with md5, sha1, sha384 and sha512), {request.timestamp} (Unix seconds), " +
	"{request.timestamp_ms}, {request.timestamp_rfc1123}, {request.timestamp_rfc3339}, {request.nonce} and {request.uuid}"

// compile finds mistakes in the configuration.
func (c *HMAC) compile() (*signature, error) {
	if c == nil || c.Secret == "" {
		return nil, errors.New("the secret is missing: write auth hmac sha256 {env.KEY} { … }")
	}
	s := &signature{hash: hashes[c.Algorithm]}
	switch {
	case s.hash == nil:
		return nil, fmt.Errorf("the algorithm %s is not known: it is sha256, sha384, sha512, sha1 or md5", c.Algorithm)
	case !oneOf(c.Key, "raw", "base64", "hex"):
		return nil, fmt.Errorf("key %s is not known: it is raw, base64 or hex", c.Key)
	case c.Encode != "" && encodings[c.Encode] == nil:
		return nil, fmt.Errorf("encode %s is not known: it is hex, base64 or base64url", c.Encode)
	case c.Message == "":
		return nil, errors.New("what is signed is missing: write message and a template such as `{request.method}\\n{request.target}\\n{request.timestamp}\\n{request.body_sha256}`")
	case len(c.Send) == 0:
		return nil, errors.New("where the signature goes is missing: write send header <name> {signature}")
	}
	var err error
	if s.message, err = newTemplate("message", unescape(c.Message), template.Text, isRequestName, requestNamesKnown); err != nil {
		return nil, err
	}
	isKnown := func(name string) bool { return name == "signature" || isRequestName(name) }
	if s.places, err = newPlaces(c.Send, isKnown, "{signature}, "+requestNamesKnown); err != nil {
		return nil, err
	}
	isSent := slices.ContainsFunc(s.places, func(p place) bool { return slices.Contains(p.value.Names(), "signature") })
	if !isSent {
		return nil, errors.New("no send has {signature} in it: write send header <name> {signature}")
	}
	return s, nil
}

// isRequestName reports whether templates of a signature may name it.
func isRequestName(name string) bool {
	if slices.Contains(requestNames, name) {
		return true
	}
	if header, is := strings.CutPrefix(name, requestHeaderPrefix); is {
		return isToken(header)
	}
	digest, is := strings.CutPrefix(name, bodyDigestPrefix)
	return is && hashes[strings.TrimSuffix(digest, "_base64")] != nil
}

// unescape writes \n, \t and \\ of the configuration as what they mean: a Caddyfile
// has no line breaks in arguments but those that are written as they are.
func unescape(text string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(text)
}

func newHMAC(c *HMAC) (*hmacScheme, error) {
	compiled, err := c.compile()
	if err != nil {
		return nil, err
	}
	h := &hmacScheme{signature: compiled, config: c, now: time.Now}
	if h.secret, err = newSecret("secret", c.Secret); err != nil {
		return nil, err
	}
	_, err = h.key()
	return h, err
}

// key is the key as bytes.
func (h *hmacScheme) key() ([]byte, error) {
	text := h.secret.get()
	key, err := []byte(text), error(nil)
	switch h.config.Key {
	case "hex":
		key, err = hex.DecodeString(strings.TrimSpace(text))
	case "base64":
		plain := strings.TrimRight(strings.TrimSpace(text), "=")
		if key, err = base64.RawStdEncoding.DecodeString(plain); err != nil {
			key, err = base64.RawURLEncoding.DecodeString(plain)
		}
	}
	switch {
	case err != nil: // the cause would tell characters of it
		return nil, fmt.Errorf("the secret is not %s, as key says", h.config.Key)
	case len(key) == 0:
		return nil, errors.New("the secret is empty")
	}
	return key, nil
}

// secretKey is the key in a request's context of the secret that it was signed with.
type secretKey struct{ of *hmacScheme }

func (h *hmacScheme) sign(_ context.Context, r *http.Request, body []byte) ([]byte, error) {
	used := h.secret.get()
	key, err := h.key()
	if err != nil {
		return nil, err
	}
	*r = *r.WithContext(context.WithValue(r.Context(), secretKey{h}, used))
	facts := &facts{request: r, body: body, now: h.now().UTC(), known: make(map[string]string)}
	message, err := h.message.Execute(facts.lookup)
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	mac := hmac.New(h.hash, key)
	mac.Write([]byte(message))
	encode := encodings["hex"]
	if h.config.Encode != "" {
		encode = encodings[h.config.Encode]
	}
	facts.known["signature"] = encode(mac.Sum(nil))
	// A header or a parameter that holds the signature is no part of what it signs, so
	// that all are put when all are known.
	for _, p := range h.places {
		if err := p.put(r, facts.lookup); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (h *hmacScheme) refused(r *http.Request) bool {
	used, _ := r.Context().Value(secretKey{h}).(string)
	if used == h.secret.get() {
		h.secret.renew()
	}
	return used != h.secret.get()
}

func (h *hmacScheme) masked() []Masked            { return maskedPlaces(h.places) }
func (h *hmacScheme) hidden() []string            { return []string{h.secret.get()} }
func (h *hmacScheme) close(context.Context) error { return nil }

// facts are what is known of one sending of a request.
type facts struct {
	request *http.Request
	body    []byte
	now     time.Time
	known   map[string]string
}

func (f *facts) lookup(name string) (template.Value, bool, error) {
	value, is := f.known[name]
	if !is {
		var ok bool
		if value, ok = f.tell(name); !ok {
			return template.Value{}, false, nil
		}
		f.known[name] = value
	}
	return textValue(value), true, nil
}

// tell finds a fact out.
func (f *facts) tell(name string) (string, bool) {
	if header, is := strings.CutPrefix(name, requestHeaderPrefix); is {
		if strings.EqualFold(header, "Host") {
			return f.host(), true
		}
		values := f.request.Header.Values(header)
		return strings.Join(values, ", "), len(values) > 0
	}
	if digest, is := strings.CutPrefix(name, bodyDigestPrefix); is {
		algorithm, isBase64 := strings.CutSuffix(digest, "_base64")
		h := hashes[algorithm]()
		h.Write(f.body)
		if isBase64 {
			return encodings["base64"](h.Sum(nil)), true
		}
		return encodings["hex"](h.Sum(nil)), true
	}
	switch name {
	case "request.method":
		return f.request.Method, true
	case "request.host":
		return f.host(), true
	case "request.target":
		return f.request.URL.RequestURI(), true
	case "request.path":
		path, _, _ := strings.Cut(f.request.URL.RequestURI(), "?")
		return path, true
	case "request.query":
		return f.request.URL.RawQuery, true
	case "request.sorted_query":
		parts := strings.Split(f.request.URL.RawQuery, "&")
		slices.Sort(parts)
		return strings.Join(parts, "&"), true
	case "request.body":
		return string(bytes.ToValidUTF8(f.body, []byte("\uFFFD"))), true
	case "request.timestamp":
		return strconv.FormatInt(f.now.Unix(), 10), true
	case "request.timestamp_ms":
		return strconv.FormatInt(f.now.UnixMilli(), 10), true
	case "request.timestamp_rfc1123":
		return f.now.Format(http.TimeFormat), true
	case "request.timestamp_rfc3339":
		return f.now.Format(time.RFC3339), true
	case "request.nonce":
		return strings.ToLower(rand.Text()), true
	case "request.uuid":
		return uuid.NewString(), true
	}
	return "", false
}

// host is the header Host as it is sent.
func (f *facts) host() string {
	if f.request.Host != "" {
		return f.request.Host
	}
	return f.request.URL.Host
}
