package ldap

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// block reads the lines of a block, each word at most once.
type block struct {
	*caddyfile.Dispenser
	name       string
	repeatable []string
	seen       []string
}

// each calls read for every line, which stands at its first word.
func (b *block) each(read func(word string) error) error {
	for nesting := b.Nesting(); b.NextBlock(nesting); {
		word := b.Val()
		if slices.Contains(b.seen, word) && !slices.Contains(b.repeatable, word) {
			return b.Errf("%s: %s is given twice: remove one of the two", b.name, word)
		}
		b.seen = append(b.seen, word)
		if err := read(word); err != nil {
			return err
		}
	}
	return nil
}

func (b *block) unknown(words ...string) error {
	return b.Errf("%s: there is no %s here: there are %s", b.name, b.Val(), strings.Join(words, ", "))
}

// texts reads as many arguments as there are targets.
func (b *block) texts(usage string, targets ...*string) error {
	word, args := b.Val(), b.RemainingArgs()
	if len(args) != len(targets) || slices.Contains(args, "") {
		return b.Errf("%s is not understood: write %s", word, usage)
	}
	for i, target := range targets {
		*target = args[i]
	}
	return nil
}

func (b *block) text(target *string, usage string) error { return b.texts(usage, target) }

func (b *block) list(target *[]string, usage string) error {
	word, args := b.Val(), b.RemainingArgs()
	if len(args) == 0 || slices.Contains(args, "") {
		return b.Errf("%s is not understood: write %s", word, usage)
	}
	*target = args
	return nil
}

func (b *block) flag(target *bool) error {
	if b.CountRemainingArgs() > 0 {
		return b.Errf("%s stands alone in its line", b.Val())
	}
	*target = true
	return nil
}

// number reads a whole number that is least or more, and not 0.
func (b *block) number(target *int, least int, usage string) error {
	text := ""
	if err := b.text(&text, usage); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n == 0 {
		return b.Errf("%s is not understood: write %s", text, usage)
	}
	*target = n
	return nil
}

func (b *block) duration(target *caddy.Duration) error {
	word, text := b.Val(), ""
	if err := b.text(&text, word+" <duration>"); err != nil {
		return err
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil || duration <= 0 {
		return b.Errf("%s %s is not a duration, such as 5s", word, text)
	}
	*target = caddy.Duration(duration)
	return nil
}
