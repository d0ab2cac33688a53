package rest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/translators/mapfile"
	"github.com/scimgate/scimgate/translators/rest/signin"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// UnmarshalCaddyfile reads the configuration from a Caddyfile:
//
//	translator rest <url> {
//		auth              …              (package signin)
//		secret            <name> <value>
//		timeout           <duration>     (and the other lines of package web)
//		candidates        <number>
//		consistent_within <duration>
//
//		header            <name> <value>  sent with each call
//		query             <name> <value>
//		answer            json|xml|form|text
//		body              json|form [dotted]
//		item              <path>
//		items             <path>
//		page              offset <parameter> { … }
//		error             <path>...
//		retry_after       <path>
//		<verdict>         <status>... [<text>]
//		<verdict>         when <expression>
//
//		users {
//			id            <path> [number]
//			rows          <path>...
//			version       etag|hash|<path>
//			created       <path>
//			modified      <path>
//			value         <name> <expression>
//			absent        when <expression>
//			filter_list
//			enable        first
//			delete        disable|refuse
//			map           <path> <field>... { … }
//			remember      <path>...
//			item, items, page, answer, …      as above, for the calls of this type
//
//			search        <method> <url> { … }
//			list          <method> <url> { … }
//			read          <method> <url> { … }
//			create        <method> <url> { … }
//			update        <method> <url> { … }
//			disable       <method> <url> { … }
//			enable        <method> <url> { … }
//			status        <method> <url> { … }
//			password      <method> <url> { … }
//			delete        <method> <url> { … }   DELETE removes
//		}
//		groups {
//			…
//			map           members <path>
//			member_by     id|userName
//			members       <method> <url> { … }
//			add_member    <method> <url> { … }
//			remove_member <method> <url> { … }
//			set_members   <method> <url> { … }
//			fixed         <id> <displayName>
//			of_users      <path> [id|displayName] [without <value>]
//		}
//		schema <urn> { … }
//		resource <name> { … }
//	}
//
// A call has in its block:
//
//	header       <name> <template>
//	query        <name> <template>
//	body         json|form|xml|text [<template>]
//	body         form dotted
//	body         none
//	send         changed|whole
//	without      <path>...
//	answer       json|xml|form|text
//	item, items  <path>
//	id           <path>
//	id_header    <name> [<pattern>]
//	into         <name>
//	page         …
//	error        <path>...
//	retry_after  <path>
//	<verdict>    <status>... [<text>]
//	<verdict>    when <expression>
//	when         <expression>
//	undo         <method> <url> { … }
//	repeatable   [off]
//	if_match
//	timeout      <duration>
func (t *Translator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the name of the module
	places := mapfile.Places{"": *d}
	if args := d.RemainingArgs(); len(args) == 1 && args[0] != "" {
		t.URL = args[0]
	} else {
		return d.Errf("rest needs the address of the application's API: translator rest https://app.example.com/api")
	}
	if !strings.Contains(t.URL, "{") {
		if _, err := web.ParseBase(t.URL); err != nil {
			return places.At("", fmt.Errorf("rest: %w", err))
		}
	}
	head := places[""]
	types, err := mapfile.ParseTypes(&head)
	if err != nil {
		return err
	}
	t.Schemas = types.Schemas
	t.Web = new(web.Config)
	b := &mapfile.Block{Dispenser: d, Name: "rest", Repeatable: append([]string{"schema", "resource", "secret", "auth"}, repeatableDefaults...)}
	if err := b.Each(func(word string) error { return t.line(b, word, types, places) }); err != nil {
		return err
	}
	if reflect.ValueOf(*t.Web).IsZero() {
		t.Web = nil
	}
	if t.Users == nil && t.Groups == nil && len(t.Resources) == 0 {
		return places.At("", errors.New("rest: nothing is served: add users { … }, groups { … } or both"))
	}
	trial := *t
	return trial.compileKinds(types.Full, atCalls(places), types.CheckMapped)
}

// repeatableDefaults are the lines for all calls that may stand several times.
var repeatableDefaults = append([]string{"header", "query"}, verdictWords...)

// verdictWords are the words of judgements.
var verdictWords = []string{string(VerdictSuccess), string(VerdictAlready), string(VerdictAccepted), string(VerdictNotFound), string(VerdictConflict), string(VerdictInvalid),
	string(VerdictRefused), string(VerdictChanged), string(VerdictBusy), string(VerdictSignIn), string(VerdictUnclear), string(VerdictFailed)}

// line reads one line of the translator's block.
func (t *Translator) line(b *mapfile.Block, word string, types *mapfile.Types, places mapfile.Places) error {
	switch word {
	case "auth":
		if t.SignIn == nil {
			t.SignIn = new(signin.Config)
		}
		return t.SignIn.Unmarshal(b)
	case "secret":
		return t.secretLine(b)
	case "candidates":
		return b.Number(&t.Candidates, 1, "candidates <number>")
	case "consistent_within":
		return b.Duration(&t.ConsistentWithin)
	case "users":
		t.Users, places[blockUsers] = new(ResourceConfig), *b.Dispenser
		return t.Users.unmarshalCaddyfile(b.Dispenser, blockUsers, types.Full.Named("User"), places)
	case "groups":
		t.Groups, places[blockGroups] = new(ResourceConfig), *b.Dispenser
		return t.Groups.unmarshalCaddyfile(b.Dispenser, blockGroups, types.Full.Named("Group"), places)
	case "schema":
		b.NextSegment() // see ParseTypes
		return nil
	case "resource":
		config := TypeConfig{ResourceTypeConfig: types.Resources[len(t.Resources)]}
		block := "resource " + config.Name
		places[block] = *b.Dispenser
		b.NextArg()
		err := config.unmarshalCaddyfile(b.Dispenser, block, types.Full.Named(config.Name), places)
		t.Resources = append(t.Resources, config)
		return err
	}
	if isMine, err := t.Web.UnmarshalLine(b, word); isMine || err != nil {
		return err
	}
	if isMine, err := t.Defaults.parseDefault(b, word); isMine || err != nil {
		return err
	}
	return unknown(b, blockTranslator, "auth", "secret", "candidates", "consistent_within", "users", "groups", "resource", "schema",
		"header", "query", "answer", "body", "item", "items", "page", "error", "retry_after", "timeout and the other lines for connections",
		"and what answers mean: "+strings.Join(verdictWords, ", "))
}

// secretLine reads a value for templates.
func (t *Translator) secretLine(b *mapfile.Block) error {
	var name, value string
	if err := b.Texts("secret <name> <value>", &name, &value); err != nil {
		return err
	}
	if _, isThere := t.Secrets[name]; isThere {
		return b.Errf("secret %s is given twice: remove one of the two", name)
	}
	if strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-'
	}) {
		return b.Errf("secret %q is not a name: write letters, digits, _ and -, and {secret.<name>} where it is needed", name)
	}
	if t.Secrets == nil {
		t.Secrets = make(map[string]string)
	}
	t.Secrets[name] = value
	return nil
}

// callPlace is the name of the place of a call.
func callPlace(block string, op Operation, number int) string {
	return fmt.Sprintf("%s %s %d", block, op, number)
}

// atCalls gives each of the mistakes in a block its line: that of the call, of the word or
// of the map that it is about, or else the first one of the block.
func atCalls(places mapfile.Places) func(block string, err error) error {
	return func(block string, err error) error {
		mistakes := []error{err}
		if joined, is := err.(interface{ Unwrap() []error }); is {
			mistakes = joined.Unwrap()
		}
		for i, mistake := range mistakes {
			place := ""
			if about, is := errors.AsType[*callError](mistake); is {
				place = callPlace(block, about.op, about.number)
			} else if about, is := errors.AsType[*lineError](mistake); is {
				place = block + " " + about.word
			}
			if place == "" {
				mistakes[i] = places.OfMistakes(block, mistake)
				continue
			}
			mistakes[i] = places.At(place, fmt.Errorf("%s: %w", block, mistake))
		}
		return errors.Join(mistakes...)
	}
}
