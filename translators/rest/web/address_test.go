package web

import (
	"net/url"
	"strings"
	"testing"
)

func TestParseBase(t *testing.T) {
	for _, test := range []struct{ text, want, mistake string }{
		{"https://tickets.example.com", "https://tickets.example.com", ""},
		{"https://Tickets.example.com:443/", "https://tickets.example.com", ""},
		{"http://127.0.0.1:8080/a%20b/api//", "http://127.0.0.1:8080/a%20b/api", ""},
		{"https://[::1]:8443/x", "https://[::1]:8443/x", ""},
		{"tickets.example.com", "", "write it as https://tickets.example.com/api"},
		{"ldap://tickets.example.com", "", "another scheme"},
		{"https://", "", "no host"},
		{"", "", "no host"},
		{"https://me:secret@tickets.example.com", "", "auth basic <user> <password>"},
		{"https://tickets.example.com?key=secret", "", "query <name> <value>"},
		{"https://tickets.example.com#a", "", "fragment"},
		{"https://tickets.example.com/../a", "", `".."`},
		{"https://tickets .example.com", "", "not a URL"},
		{"https://me:se cret@tickets.example.com", "", "not a URL"},
	} {
		got, err := ParseBase(test.text)
		switch {
		case test.mistake == "" && (err != nil || got.String() != test.want):
			t.Errorf("%s: got %v, %v", test.text, got, err)
		case test.mistake != "" && (err == nil || !strings.Contains(err.Error(), test.mistake) || strings.Contains(err.Error(), "cret")):
			t.Errorf("%s: got %v, %v; want an error with %q", test.text, got, err, test.mistake)
		}
	}
}

func TestResolve(t *testing.T) {
	c, _ := client(t, "https://tickets.test/api", Config{})
	const page = "https://tickets.test/api/users?page=2"
	for _, test := range []struct{ from, reference, want string }{
		{"", "/users.json?name=a%2Fb", "https://tickets.test/api/users.json?name=a%2Fb"},
		{"", "users/a%2Fb", "https://tickets.test/api/users/a%2Fb"},
		{"", "", "https://tickets.test/api"},
		{"", "/", "https://tickets.test/api/"},
		{"", "?method=users.get", "https://tickets.test/api?method=users.get"},
		{"", "/users?q=a b\u00e9#x", "https://tickets.test/api/users?q=a%20b%C3%A9"},
		{"", "/a b/\u00e9", "https://tickets.test/api/a%20b/%C3%A9"},
		{"", "https://tickets.test/other", "https://tickets.test/other"},
		{"", "https://TICKETS.test:443/other", "https://tickets.test/other"},
		{"", "http://tickets.test/other", "https://tickets.test/other"}, // does not know that it is behind TLS
		{"", "//evil.test/x", ""},
		{"", "///evil.test/x", "https://tickets.test/api/evil.test/x"},
		{"", "https://evil.test/x", ""},
		{"", "https://tickets.test.evil.test/x", ""},
		{"", "https://tickets.test:8443/x", ""},
		{"", "https://tickets.test@evil.test/x", ""},
		{"", "https://u@tickets.test/x", ""},
		{"", "https:/x", ""},
		{"", "javascript:alert(1)", ""},
		{"", "/users/..", ""},
		{"", "/users/./x", ""},
		{"", "/users/%2e%2e/x", ""},
		{"", "/users/.%2e", ""},
		{"", "/%2Fetc", "https://tickets.test/api/%2Fetc"},
		{"", "//%2Fevil.test", ""},
		{"", "/a%2F%2Fb//c", "https://tickets.test/api/a%2F%2Fb//c"},
		{"", "/%", ""},
		{"", "/a\nb", ""},
		{page, "/api/users?page=3", "https://tickets.test/api/users?page=3"},
		{page, "?page=3", "https://tickets.test/api/users?page=3"},
		{page, "users?page=3", "https://tickets.test/api/users?page=3"},
		{page, "../x", "https://tickets.test/x"},
		{page, "http://tickets.test/api/users?page=3", "https://tickets.test/api/users?page=3"},
		{page, "//tickets.test/api/users?page=3", "https://tickets.test/api/users?page=3"},
		{page, "//evil.test/api/users?page=3", ""},
		{page, "https://evil.test/api/users?page=3", ""},
		{page, "https://tickets.test\\.evil.test/", ""},
		{page, "%", ""},
	} {
		got, err := c.Resolve(test.from, test.reference)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q from %q: got %q, %v; want %q", test.reference, test.from, got, err, test.want)
		}
	}
}

// FuzzResolve: whatever a URL says, it leads to the host, and to the path below which
// the configuration's URLs are.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"/users/1", "//evil/x", "https://tickets.test/x", "/a/..", "/%2e%2e/", "\\\\evil\\x", "/a?b=c d", "http:x", "?#", ":80"} {
		f.Add("", seed)
		f.Add("https://tickets.test/api/users?page=2", seed)
	}
	c, err := New(Config{}, "https://tickets.test/api", nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, from, reference string) {
		got, err := c.Resolve(from, reference)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "tickets.test" || u.User != nil || strings.ContainsAny(got, " \r\n") {
			t.Fatalf("%q from %q became %q (%v)", reference, from, got, err)
		}
		if asked, err := url.Parse(reference); from == "" && err == nil && asked.Scheme == "" && asked.Host == "" && !strings.HasPrefix(got, "https://tickets.test/api") {
			t.Fatalf("%q became %q", reference, got)
		}
	})
}
