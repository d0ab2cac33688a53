package mapfile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Block reads the lines of a block of a translator, each word at most once but those
// that are Repeatable. Name stands before its errors.
type Block struct {
	*caddyfile.Dispenser
	Name       string
	Repeatable []string

	seen []string
}

// Each calls read for every line, which stands at its first word.
func (b *Block) Each(read func(word string) error) error {
	for nesting := b.Nesting(); b.NextBlock(nesting); {
		word := b.Val()
		if slices.Contains(b.seen, word) && !slices.Contains(b.Repeatable, word) {
			return b.Errf("%s: %s is given twice: remove one of the two", b.Name, word)
		}
		b.seen = append(b.seen, word)
		if err := read(word); err != nil {
			return err
		}
	}
	return nil
}

// Unknown is the error for a line whose word is none of these.
func (b *Block) Unknown(words ...string) error {
	return b.Errf("%s: there is no %s here: there are %s", b.Name, b.Val(), strings.Join(words, ", "))
}

// Texts reads as many arguments as there are targets.
func (b *Block) Texts(usage string, targets ...*string) error {
	word, args := b.Val(), b.RemainingArgs()
	if len(args) != len(targets) || slices.Contains(args, "") {
		return b.Errf("%s is not understood: write %s", word, usage)
	}
	for i, target := range targets {
		*target = args[i]
	}
	return nil
}

// Text reads the only argument.
func (b *Block) Text(target *string, usage string) error { return b.Texts(usage, target) }

// List reads one argument or more.
func (b *Block) List(target *[]string, usage string) error {
	word, args := b.Val(), b.RemainingArgs()
	if len(args) == 0 || slices.Contains(args, "") {
		return b.Errf("%s is not understood: write %s", word, usage)
	}
	*target = args
	return nil
}

// Flag reads a line without arguments.
func (b *Block) Flag(target *bool) error {
	if b.CountRemainingArgs() > 0 {
		return b.Errf("%s stands alone in its line", b.Val())
	}
	*target = true
	return nil
}

// Number reads a whole number that is least or more, and not 0.
func (b *Block) Number(target *int, least int, usage string) error {
	text := ""
	if err := b.Text(&text, usage); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n == 0 {
		return b.Errf("%s is not understood: write %s", text, usage)
	}
	*target = n
	return nil
}

// Duration reads a duration of more than 0.
func (b *Block) Duration(target *caddy.Duration) error {
	word, text := b.Val(), ""
	if err := b.Text(&text, word+" <duration>, such as "+word+" 5s"); err != nil {
		return err
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil || duration <= 0 {
		if _, err := strconv.Atoi(text); err == nil {
			return b.Errf("%s %s has no unit: write %s %[2]ss for seconds, or %[2]sms for thousandths of one", word, text, word)
		}
		return b.Errf("%s %s is not a duration, such as 5s", word, text)
	}
	*target = caddy.Duration(duration)
	return nil
}
