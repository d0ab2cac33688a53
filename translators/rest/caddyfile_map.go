package rest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/mapfile"
	"github.com/scimgate/scimgate/translators/rest/document"
)

// mapWords are the options of a map line that only this translator has.
var mapWords = []string{"true", "false", "value", "as", "time", "join", "part", "read", "write", "element", "clear", "max"}

// parseMap reads a line map and its block; the dispenser stands at the word map.
// Besides the options that all translators share there are
//
//	true    <value>...
//	false   <value>...
//	value   <SCIM value> <value>...
//	as      [list] [string|number|boolean]
//	time    rfc3339|unix|unix_ms|<layout> [<time zone>]
//	join    <separator>
//	part    <n> of <m> [<separator>]
//	read    <expression>
//	write   <expression>
//	element <part> [<field>...] { … }
//	clear   null|empty|omit|text <value>
//	max     <n>
func parseMap(d *caddyfile.Dispenser, full *scim.ResourceType, handled ...string) (MapConfig, error) {
	var c MapConfig
	shared, err := mapfile.ParseWith(d, full, mapfile.Extra{
		Words:      mapWords,
		Repeatable: []string{"value", "element"},
		Hint:       noOption,
		Option: func(d *caddyfile.Dispenser, soFar *translators.MapConfig) error {
			if d.Val() == "element" {
				element, err := parseElement(d, "map "+soFar.Path)
				c.Elements = append(c.Elements, element)
				return err
			}
			return c.option(d, "map "+soFar.Path)
		},
		Complete: func(shared *translators.MapConfig) error {
			c.MapConfig = *shared
			for _, field := range shared.Fields {
				if strings.Trim(field, "=:->,") == "" || strings.HasSuffix(field, ",") {
					return fmt.Errorf("%s is no field: behind map stand the path in SCIM and the field, or the fields, with nothing but blanks between", field)
				}
			}
			if isHandled(full, shared.Path, handled) {
				if option := c.own(); option != "" {
					return errors.New("it names where the references are, and has no " + option + ": remove the line" + insteadOf(option, shared))
				}
				return nil
			}
			f, err := newForm(full, c)
			if err != nil {
				return err
			}
			if f.codec != nil {
				for _, field := range shared.Fields {
					if _, err := document.ParsePath(field); err != nil {
						return err
					}
				}
			}
			*shared = f.shared()
			return nil
		},
	}, handled...)
	if err != nil {
		return MapConfig{}, err
	}
	c.MapConfig.RefersTo = shared.RefersTo
	return c, nil
}

// insteadOf says what to write instead of join and part on references.
func insteadOf(option string, shared *translators.MapConfig) string {
	if option != "join" && option != "part" {
		return ""
	}
	if strings.HasPrefix(strings.ToLower(shared.Path), "members") {
		return "; members that stand in one text can't be read: have a members call tell them, row by row"
	}
	path := "<path>"
	if len(shared.Fields) > 0 {
		path = shared.Fields[0]
	}
	return "; where the groups of a user are one text, what stands between them is said in the block groups: of_users " + path + " separator \";\""
}

// isHandled reports whether the path is of an attribute that the translator serves
// itself.
func isHandled(full *scim.ResourceType, path string, handled []string) bool {
	parsed, _, err := translators.ParseLeaf(full, path)
	return err == nil && slices.ContainsFunc(handled, func(name string) bool { return full.Attribute(name) == parsed.Attribute })
}

// option reads one line of the block but element; about is what its errors are about.
func (c *MapConfig) option(d *caddyfile.Dispenser, about string) error {
	word, args := d.Val(), d.RemainingArgs()
	wrong := func(usage string) error {
		return d.Errf("%s: %s is not understood: write %s", about, word, usage)
	}
	one := func(target *string, usage string) error {
		if len(args) != 1 || args[0] == "" {
			return wrong(usage)
		}
		*target = args[0]
		return nil
	}
	switch word {
	case "true", "false":
		if len(args) == 0 {
			return wrong(word + " and what the application has then, such as " + word + " 1")
		}
		c.add(word, args)
	case "value":
		if len(args) < 2 || args[0] == "" {
			return wrong("value, the value in SCIM and what the application has then, such as value Employee 4")
		}
		c.add(args[0], args[1:])
	case "as":
		usage := "as string, as number, as boolean or as list, or the two together: as list number"
		c.As = strings.Join(args, " ")
		if len(args) == 0 || len(args) > 2 || slices.Contains(args, "") || len(args) == 2 && args[0] != asList {
			return wrong(usage)
		}
	case "time":
		if len(args) == 0 || len(args) > 2 || slices.Contains(args, "") {
			return wrong("time rfc3339, time unix, time unix_ms or time and a layout in quotes, such as time 2006-01-02, and a time zone if need be")
		}
		if c.Format = args[0]; len(args) == 2 {
			c.Zone = args[1]
		}
	case "join":
		return one(&c.Join, "join and what stands between the fields, in quotes if it contains blanks: join \" \"")
	case "part":
		const usage = "part 1 of 2, and what stands between the parts if that is no blank: part 1 of 2 \", \""
		if len(args) < 3 || len(args) > 4 || args[1] != "of" || slices.Contains(args, "") {
			return wrong(usage)
		}
		var errPart, errOf error
		c.Part, errPart = strconv.Atoi(args[0])
		c.Of, errOf = strconv.Atoi(args[2])
		if errPart != nil || errOf != nil || c.Part < 1 || c.Of < 2 || c.Part > c.Of || c.Of > 20 {
			return wrong(usage)
		}
		if len(args) == 4 {
			c.Separator = args[3]
		}
	case "read":
		return one(&c.Read, "read and an expression in backticks: read `value == 1`")
	case "write":
		return one(&c.Write, "write and an expression in backticks: write `value ? 1 : 3`")
	case "clear":
		if len(args) == 2 && args[0] == clearText && args[1] != "" {
			c.Clear, c.ClearText = clearText, args[1]
			return nil
		}
		if len(args) > 0 && args[0] == clearText {
			return wrong("clear text and what clears the field, such as clear text -")
		}
		return one(&c.Clear, "clear null, clear empty, clear omit, or clear text and what clears the field")
	case "max":
		text := ""
		if err := one(&text, "max and a number of characters, such as max 40"); err != nil {
			return err
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return wrong("max and a number of characters, such as max 40")
		}
		c.Max = n
	}
	return nil
}

func (c *MapConfig) add(value string, application []string) {
	for _, a := range application {
		c.Table = append(c.Table, Pair{SCIM: value, Application: a})
	}
}

// parseElement reads the line of one part of an element.
func parseElement(d *caddyfile.Dispenser, about string) (MapConfig, error) {
	var c MapConfig
	args := d.RemainingArgs()
	if len(args) == 0 || slices.Contains(args, "") {
		return c, d.Errf("%s: element names a part of the attribute and where it is in the object: element value address", about)
	}
	c.Path, c.Fields = args[0], args[1:]
	if len(c.Fields) == 0 {
		c.Fields = nil
	}
	about += ": element " + c.Path
	b := &mapfile.Block{Dispenser: d, Name: about, Repeatable: []string{"value"}}
	err := b.Each(func(word string) error {
		switch {
		case word == "constant":
			return b.Text(&c.Constant, "constant <value>")
		case word != "element" && word != "part" && word != "max" && slices.Contains(mapWords, word):
			return c.option(d, about)
		}
		return b.Unknown("true", "false", "value", "as", "time", "join", "read", "write", "clear", "constant")
	})
	return c, err
}
