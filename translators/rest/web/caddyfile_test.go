package web

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/mapfile"
)

func read(lines string) (Config, error) {
	d := caddyfile.NewTestDispenser("rest {\n" + lines + "\n}")
	d.Next()
	b := &mapfile.Block{Dispenser: d, Name: "rest"}
	var c Config
	return c, b.Each(func(word string) error {
		if isMine, err := c.UnmarshalLine(b, word); isMine || err != nil {
			return err
		}
		return b.Unknown(Words...)
	})
}

func TestCaddyfile(t *testing.T) {
	const second = "1000000000"
	for _, test := range []struct{ lines, want string }{
		{"", `{}`},
		{"tls_ca a.pem\ntls_certificate b.pem b.key\ntls_server_name c", `{"tls":{"ca_files":["a.pem"],"certificate":"b.pem","key":"b.key","server_name":"c"}}`},
		{"tls_insecure_skip_verify", `{"tls":{"insecure_skip_verify":true}}`},
		{"proxy off\nconnections 4\ndial_timeout 1s\ntimeout 1s\nretries 5", `{"proxy":"off","connections":4,"dial_timeout":` + second + `,"timeout":` + second + `,"retries":5}`},
		{"proxy socks5://127.0.0.1:1080", `{"proxy":"socks5://127.0.0.1:1080"}`},
		{"proxy http://me:{env.PASSWORD}@proxy:3128", `{"proxy":"http://me:{env.PASSWORD}@proxy:3128"}`},
		{"rate 10 per 1s\nretries off\nbreaker off", `{"rate":10,"per":` + second + `,"retries":-1,"break_after":-1}`},
		{"breaker 5 1s\nmax_answer 2MiB", `{"break_after":5,"break_for":` + second + `,"max_answer":2097152}`},
		{"max_answer 1000", `{"max_answer":1000}`},
		{"rate 100 per 1d", `{"rate":100,"per":86400000000000}`},
	} {
		c, err := read(test.lines)
		if err != nil {
			t.Errorf("%q: %v", test.lines, err)
			continue
		}
		text, _ := json.Marshal(c)
		if diff := cmp.Diff(test.want, string(text)); diff != "" {
			t.Errorf("%q: %s", test.lines, diff)
		}
		if _, err := c.withDefaults(); err != nil {
			t.Errorf("%q: %v", test.lines, err)
		}
	}
}

func TestCaddyfileMistakes(t *testing.T) {
	for _, test := range []struct{ lines, want string }{
		{"connections", "write connections <number>"},
		{"connections 0", "write connections <number>"},
		{"connections -1", "write connections <number>"},
		{"connections many", "many is not understood"},
		{"rate 10", "write rate <number> per <duration>, such as rate 10 per 1s"},
		{"rate 10 a 1s", "rate 10 a 1s is not understood"},
		{"rate 0 per 1s", "rate 0 per 1s is not understood"},
		{"rate ten per 1s", "rate ten per 1s is not understood"},
		{"rate 10 per second", "second is not a duration, such as 1s or 1m"},
		{"rate 10 per 0s", "0s is not a duration"},
		{"timeout 10", "timeout 10 has no unit: write timeout 10s for seconds, or 10ms for thousandths of one"},
		{"timeout soon", "timeout soon is not a duration, such as 5s"},
		{"max_answer 8", "max_answer 8 is 8 bytes, and no answer is so short: write the unit, such as 8MiB"},
		{"timeout -1s", "not a duration"},
		{"dial_timeout", "write dial_timeout <duration>"},
		{"retries", "write retries <number>, or retries off"},
		{"retries 0", "write retries <number>, or retries off"},
		{"retries 100", "the number is 10 at most"},
		{"breaker", "write breaker <failures> <duration>"},
		{"breaker 10", "write breaker <failures> <duration>"},
		{"breaker 0 10s", "breaker 0 10s is not understood"},
		{"breaker 10 10", "10 is not a duration"},
		{"breaker 10 2h", "2h is not a duration of an hour at most"},
		{"max_answer", "write max_answer <size>, such as max_answer 8MiB"},
		{"max_answer 0", "max_answer 0 is not a size"},
		{"max_answer lots", "max_answer lots is not a size"},
		{"max_answer 20GiB", "of 1GiB at most"},
		{"proxy", "write proxy <url>, such as http://proxy.example.com:3128, or proxy off"},
		{"proxy on", "it is not the URL of a proxy"},
		{"proxy proxy.example.com:3128", "it is not the URL of a proxy"},
		{"proxy ftp://proxy", "there is no proxy of the scheme ftp"},
		{"proxy http://proxy/path", "ends with host and port"},
		{"timeout 1s\ntimeout 2s", "timeout is given twice"},
		{"tls_ca", "write tls_ca <file>..."},
		{"speed 5", "there is no speed here"},
	} {
		_, err := read(test.lines)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), ":"+string(rune('2'+strings.Count(test.lines, "\n")))) {
			t.Errorf("%q: got %v, want the line and %q", test.lines, err, test.want)
		}
	}
}

// TestMistakesInJSON are found when the client is made.
func TestMistakesInJSON(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{`{"connections":-1}`, "more than 0"},
		{`{"timeout":-1}`, "more than 0"},
		{`{"max_answer":-1}`, "more than 0"},
		{`{"retries":-2}`, "-1 for never"},
		{`{"rate":5}`, "rate 10 per 1s"},
		{`{"per":5}`, "rate 10 per 1s"},
		{`{"proxy":"{env.NO_SUCH_PROXY}"}`, "proxy: "},
		{`{"proxy":"on"}`, "not the URL of a proxy"},
		{`{"proxy":"https://p","tls":{"server_name":"x"}}`, "do not go together"},
		{`{"tls":{"ca_files":["/nonexistent"]}}`, "tls_ca: "},
		{`{"tls":{"certificate":"/nonexistent"}}`, "tls_certificate: "},
	} {
		var c Config
		if err := json.Unmarshal([]byte(test.config), &c); err != nil {
			t.Fatal(err)
		}
		if _, err := New(c, "http://127.0.0.1", nil, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.config, err, test.want)
		}
	}
}
