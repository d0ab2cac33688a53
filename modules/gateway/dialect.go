package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/scimgate/scimgate/scim"
)

// The second base of a gateway, below which SCIM 1.1 is spoken. What stands
// between Decode and Encode does not know of it.

// checkBaseV1 checks the second base and cuts slashes off its end. The first one
// may not have been read yet.
func (h *Handler) checkBaseV1() error {
	if h.BaseV1 == "" {
		return nil
	}
	h.BaseV1 = strings.TrimRight(h.BaseV1, "/")
	if !isBase(h.BaseV1) {
		return fmt.Errorf("scim_gateway %s: base_v1 %q must be a path such as /scim/v1", h.Name, h.BaseV1)
	}
	if strings.EqualFold(h.BaseV1, strings.TrimRight(h.Base, "/")) {
		return fmt.Errorf("scim_gateway %s: base_v1 %s is the base too, where SCIM 2.0 is spoken: it needs a path of its own, such as /scim/v1", h.Name, h.BaseV1)
	}
	return nil
}

// Bases returns the paths below which the gateway answers.
func (h *Handler) Bases() []string {
	if h.BaseV1 == "" {
		return []string{h.Base}
	}
	return []string{h.Base, h.BaseV1}
}

// base returns the path below which a dialect is spoken.
func (h *Handler) base(d scim.Dialect) string {
	if d == scim.V1 {
		return h.BaseV1
	}
	return h.Base
}

// externalURL returns the tenant URL for a dialect where the operator gave one. It
// is that of the first base, so that of the second one is made from it: what stands
// before the first base stands before the second, too.
func (h *Handler) externalURL(d scim.Dialect) string {
	if d == scim.V2 {
		return h.ExternalURL
	}
	if before, ok := strings.CutSuffix(h.ExternalURL, h.Base); ok {
		return before + h.BaseV1
	}
	u, err := url.Parse(h.ExternalURL)
	if err != nil {
		return h.ExternalURL
	}
	return u.Scheme + "://" + u.Host + h.BaseV1
}

// speaks says in which dialect request and answer are. The method is then the one
// that is meant: in SCIM 1.1 a POST may stand for another.
func (x *exchange) speaks(d scim.Dialect) {
	if d == scim.V2 {
		return
	}
	x.dialect, x.conn.dialect = d, d
	request := scim.Request{Method: x.method, MethodOverride: x.conn.r.Header.Get(methodOverride)}
	x.method, _ = request.EffectiveMethod(d) // Decode says what is wrong
}

// methodOverride is the header by which a POST stands for another method.
const methodOverride = "X-HTTP-Method-Override"

// deleted answers a DELETE that was done. In SCIM 1.1 that is 200 (draft-scim-api-01
// §3.4), on which its clients insist; the empty object is for those that read JSON
// from every 200.
func (x *exchange) deleted() {
	if x.dialect == scim.V1 {
		x.answer(http.StatusOK, []byte("{}"))
		return
	}
	x.answer(http.StatusNoContent, nil)
}

// commonBase returns what the paths of both bases begin with: a route has one path
// to match, since Caddy sorts only those by length. What is below it and below
// neither base goes on to the next handler.
func (h *Handler) commonBase() string {
	if h.BaseV1 == "" {
		return h.Base
	}
	other := []rune(h.BaseV1)
	for i, r := range []rune(h.Base) {
		if i == len(other) || unicode.ToLower(r) != unicode.ToLower(other[i]) {
			return string([]rune(h.Base)[:i])
		}
	}
	return h.Base
}

// hides reports whether a gateway would answer for another one: a base of the other
// lies within one of its own, and it is not asked later, since what its bases have
// in common is no shorter. Where no gateway has two bases, the longer one is asked
// first.
func (p place) hides(other place) (mine, theirs string, is bool) {
	if p.handler.BaseV1 == "" && other.handler.BaseV1 == "" || len(p.handler.commonBase()) < len(other.handler.commonBase()) {
		return "", "", false
	}
	for _, mine := range p.handler.Bases() {
		for _, theirs := range other.handler.Bases() {
			if _, is := behind(mine, theirs); is {
				return mine, theirs, true
			}
		}
	}
	return "", "", false
}
