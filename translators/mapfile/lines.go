package mapfile

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// lines reads the lines of a block, each word at most once.
type lines struct {
	*caddyfile.Dispenser
	name string
	seen []string
}

func (b *lines) text(target *string, usage string) error {
	var all []string
	if err := b.list(&all, usage); err != nil {
		return err
	}
	if len(all) != 1 {
		return b.Errf("%s: %s is too much: write %s", b.name, all[1], usage)
	}
	*target = all[0]
	return nil
}

func (b *lines) list(target *[]string, usage string) error {
	if err := b.once(); err != nil {
		return err
	}
	args := b.RemainingArgs()
	if len(args) == 0 || slices.Contains(args, "") {
		return b.Errf("%s: a value is missing: write %s", b.name, usage)
	}
	*target = args
	return nil
}

func (b *lines) flag(target *bool) error {
	if err := b.once(); err != nil {
		return err
	}
	if b.CountRemainingArgs() > 0 {
		return b.Errf("%s: %s stands alone in its line", b.name, b.Val())
	}
	*target = true
	return nil
}

func (b *lines) once() error {
	word := b.Val()
	if slices.Contains(b.seen, word) {
		return b.Errf("%s: %s is given twice: remove one of the two", b.name, word)
	}
	b.seen = append(b.seen, word)
	return nil
}

func (b *lines) unknown(words ...string) error {
	return b.Errf("%s: there is no %s here: there are %s", b.name, b.Val(), strings.Join(words, ", "))
}
