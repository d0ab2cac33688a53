package web

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/dustin/go-humanize"

	"github.com/scimgate/scimgate/translators/mapfile"
	"github.com/scimgate/scimgate/translators/trust"
)

// Words are the first words of the lines that [Config.UnmarshalLine] reads.
var Words = []string{"tls_certificate", "tls_ca", "tls_server_name", "tls_insecure_skip_verify", "proxy", "connections", "rate",
	"dial_timeout", "timeout", "retries", "breaker", "max_answer"}

// UnmarshalLine reads a line of the translator's block, if it is one of these:
//
//	tls_certificate <certificate file> <key file>
//	tls_ca          <file>...
//	tls_server_name <name>
//	tls_insecure_skip_verify
//	proxy           <url>|off
//	connections     <number>
//	rate            <number> per <duration>
//	dial_timeout    <duration>
//	timeout         <duration>
//	retries         <number>|off
//	breaker         <failures> <duration>|off
//	max_answer      <size>
func (c *Config) UnmarshalLine(b *mapfile.Block, word string) (isMine bool, err error) {
	switch word {
	case "tls_certificate", "tls_ca", "tls_server_name", "tls_insecure_skip_verify":
		if c.TLS == nil {
			c.TLS = new(trust.Config)
		}
		return c.TLS.UnmarshalLine(b, word)
	case "proxy":
		return true, c.unmarshalProxy(b)
	case "connections":
		return true, b.Number(&c.Connections, 1, "connections <number>")
	case "rate":
		return true, c.unmarshalRate(b)
	case "dial_timeout":
		return true, b.Duration(&c.DialTimeout)
	case "timeout":
		return true, b.Duration(&c.Timeout)
	case "retries":
		return true, c.unmarshalRetries(b)
	case "breaker":
		return true, c.unmarshalBreaker(b)
	case "max_answer":
		return true, c.unmarshalMaxAnswer(b)
	}
	return false, nil
}

// unmarshalProxy reads an address, which may be a placeholder or have one in it, such
// as its password.
func (c *Config) unmarshalProxy(b *mapfile.Block) error {
	if err := b.Text(&c.Proxy, "proxy <url>, such as http://proxy.example.com:3128, or proxy off"); err != nil {
		return err
	}
	if c.Proxy == "off" || strings.Contains(c.Proxy, "{") {
		return nil
	}
	if _, err := parseProxy(c.Proxy); err != nil {
		return b.WrapErr(err)
	}
	return nil
}

func (c *Config) unmarshalRate(b *mapfile.Block) error {
	const usage = "rate <number> per <duration>, such as rate 10 per 1s"
	var number, per, period string
	if err := b.Texts(usage, &number, &per, &period); err != nil {
		return err
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || per != "per" {
		return b.Errf("rate %s %s %s is not understood: write %s", number, per, period, usage)
	}
	duration, err := caddy.ParseDuration(period)
	if err != nil || duration <= 0 {
		return b.Errf("rate: %s is not a duration, such as 1s or 1m", period)
	}
	c.Rate, c.Per = n, caddy.Duration(duration)
	return nil
}

func (c *Config) unmarshalRetries(b *mapfile.Block) error {
	const usage = "retries <number>, or retries off"
	text := ""
	if err := b.Text(&text, usage); err != nil {
		return err
	}
	if text == "off" {
		c.Retries = -1
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 10 {
		return b.Errf("retries %s is not understood: write %s; the number is 10 at most", text, usage)
	}
	c.Retries = n
	return nil
}

func (c *Config) unmarshalBreaker(b *mapfile.Block) error {
	const usage = "breaker <failures> <duration>, such as breaker 10 10s, or breaker off"
	args := b.RemainingArgs()
	if len(args) == 1 && args[0] == "off" {
		c.BreakAfter = -1
		return nil
	}
	if len(args) != 2 {
		return b.Errf("breaker is not understood: write %s", usage)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return b.Errf("breaker %s %s is not understood: write %s", args[0], args[1], usage)
	}
	duration, err := caddy.ParseDuration(args[1])
	if err != nil || duration <= 0 || duration > time.Hour {
		return b.Errf("breaker: %s is not a duration of an hour at most, such as 10s", args[1])
	}
	c.BreakAfter, c.BreakFor = n, caddy.Duration(duration)
	return nil
}

// leastAnswer is the smallest size, in bytes, that is taken for one without a unit.
const leastAnswer = 1000

func (c *Config) unmarshalMaxAnswer(b *mapfile.Block) error {
	text := ""
	if err := b.Text(&text, "max_answer <size>, such as max_answer 8MiB"); err != nil {
		return err
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < leastAnswer {
		return b.Errf("max_answer %s is %[1]s bytes, and no answer is so short: write the unit, such as 8MiB", text)
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size == 0 || size > 1<<30 {
		return b.Errf("max_answer %s is not a size of 1GiB at most, such as 8MiB", text)
	}
	c.MaxAnswer = int64(size)
	return nil
}
