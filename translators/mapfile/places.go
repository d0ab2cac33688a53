package mapfile

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/translators"
)

// Places are the lines of a configuration that mistakes are found for when all
// of it is read: the first line of each block with maps under its name, the
// lines map in it under that, " map " and the path, and the head under "".
type Places map[string]caddyfile.Dispenser

// At gives an error the line of a place.
func (p Places) At(place string, err error) error {
	d := p[place]
	return d.WrapErr(err)
}

// OfMistakes gives each of the mistakes in a block its line: that of the map that
// it is about, or else the first one of the block.
func (p Places) OfMistakes(block string, err error) error {
	mistakes := []error{err}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		mistakes = joined.Unwrap()
	}
	for i, mistake := range mistakes {
		place := block
		if about, is := errors.AsType[*translators.MapError](mistake); is && p.has(block+" map "+about.Path) {
			place += " map " + about.Path
		}
		mistakes[i] = p.At(place, fmt.Errorf("%s: %w", block, mistake))
	}
	return errors.Join(mistakes...)
}

func (p Places) has(place string) bool {
	_, has := p[place]
	return has
}
