package signin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/translators/rest/web"
)

// Cookies are kept as RFC 6265 §5.3 says; one that is not is told with its reason. (The
// host is no loopback address, for which Secure counts as fulfilled.)
func TestCookies(t *testing.T) {
	tests := []struct{ name, url, cookie, want string }{
		{"plain", "http://app.internal/session", "sid=1", ""},
		{"for a path below", "http://app.internal/session", "sid=1; Path=/api/v1; HttpOnly; SameSite=Strict", ""},
		{"of the domain", "https://app.example.com/session", "sid=1; Domain=example.com; Secure", ""},
		{"Secure by http", "http://app.internal/session", "sid=1; Secure", "begins with http://: use https://"},
		{"of another domain", "https://app.example.com/session", "sid=1; Domain=app.example.org", "is for the domain app.example.org"},
		{"of a host below", "https://example.com/session", "sid=1; Domain=app.example.com", "is for the domain app.example.com"},
		{"over", "https://app.internal/session", "sid=1; Max-Age=0", "over as soon as it is set"},
		{"empty", "https://app.internal/session", "sid=", "set to nothing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j, err := newJudge(&Login{Cookie: "sid"})
			if err != nil {
				t.Fatal(err)
			}
			s := new(session)
			err = j.read(s, &web.Response{Status: 200, URL: test.url, Header: http.Header{"Set-Cookie": {"theme=dark", test.cookie}}}, nil)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	for text, want := range map[string][3]int{
		"401": {401, 401, 1}, "4xx": {400, 499, 1}, "4XX": {400, 499, 1}, "200-204": {200, 204, 1},
		"": {}, "99": {}, "600": {}, "6xx": {}, "204-200": {}, "200-": {}, "2x": {}, "+200": {}, "0xx": {},
	} {
		from, to, ok := parseStatuses(text)
		if ok != (want[2] == 1) || ok && (from != want[0] || to != want[1]) {
			t.Errorf("%q: %d-%d, %v", text, from, to, ok)
		}
	}
}
