package signin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/translators/mapfile"
)

const usage = "header <name> <value>, query <name> <value>, basic <user> <password>, bearer <token>, oauth2 <token url> { … }, " +
	"login <method> <url> { … } or hmac <algorithm> <secret> { … }"

// Unmarshal reads the line auth and its block; the dispenser stands at the word auth.
// auth may stand several times: each adds a scheme.
//
//	auth header <name> <value>
//	auth query  <name> <value>
//	auth basic  <user> <password>
//	auth bearer <token>
//	auth oauth2 <token url> {
//		client        <id> [<secret>]
//		client_auth   header|body
//		scope         <scope>...
//		audience      <audience>
//		parameter     <name> <value>
//		refresh_token <token>
//		send          header|query <name> <template>
//		early         <duration>
//		valid         <duration>
//	}
//	auth login <method> <url> {
//		user         <user>
//		password     <password>
//		before       <method> <url>
//		header       <name> <template>
//		body         json|form|xml|text <template>
//		answer       json|xml|form|text
//		token        <path>
//		token_header <name>
//		cookie       [<name>]
//		success      <status>... [<text>] [when <expression>]
//		failed       <status>... [<text>] [when <expression>]
//		error        <path>...
//		send         header|query <name> <template>
//		send         none
//		valid        <duration>
//		logout       <method> <url>
//	}
//	auth hmac <algorithm> <secret> {
//		key     raw|base64|hex
//		message <template>
//		encode  hex|base64|base64url
//		send    header|query <name> <template>
//	}
func (c *Config) Unmarshal(b *mapfile.Block) error {
	if !b.NextArg() {
		return b.Errf("auth names how to sign in: write auth and %s", usage)
	}
	head := *b.Dispenser
	s := Scheme{Method: b.Val()}
	var err error
	switch args := b.RemainingArgs(); s.Method {
	case "header", "query":
		err = take(b, s.Method, args, "<name> <value>", &s.Name, &s.Value)
	case "basic":
		err = take(b, s.Method, args, "<user> <password>", &s.User, &s.Password)
	case "bearer":
		err = take(b, s.Method, args, "<token>", &s.Value)
	case "oauth2":
		s.OAuth2 = new(OAuth2)
		if err = take(b, s.Method, args, "<token url> { client <id> <secret> }", &s.OAuth2.TokenURL); err == nil {
			err = s.OAuth2.unmarshal(b)
		}
	case "login":
		s.Login = new(Login)
		if err = take(b, s.Method, args, "<method> <url> { … }", &s.Login.HTTPMethod, &s.Login.URL); err == nil {
			err = s.Login.unmarshal(b)
		}
	case "hmac":
		s.HMAC = new(HMAC)
		if err = take(b, s.Method, args, "<algorithm> <secret> { … }", &s.HMAC.Algorithm, &s.HMAC.Secret); err == nil {
			err = s.HMAC.unmarshal(b)
		}
	default:
		return b.Errf("auth %s is not known: write auth and %s", s.Method, usage)
	}
	if err != nil {
		return err
	}
	c.Schemes = append(c.Schemes, s)
	if err := c.Check(); err != nil {
		return head.WrapErr(err)
	}
	return nil
}

// take reads the arguments of a line auth.
func take(b *mapfile.Block, method string, args []string, usage string, targets ...*string) error {
	if len(args) != len(targets) || slices.Contains(args, "") {
		return b.Errf("auth %s is not understood: write auth %s %s", method, method, usage)
	}
	for i, target := range targets {
		*target = args[i]
	}
	return nil
}

func (c *OAuth2) unmarshal(outer *mapfile.Block) error {
	b := &mapfile.Block{Dispenser: outer.Dispenser, Name: "auth oauth2", Repeatable: []string{"parameter", "send"}}
	return b.Each(func(word string) error {
		switch word {
		case "client":
			args := b.RemainingArgs()
			if len(args) < 1 || len(args) > 2 || slices.Contains(args, "") {
				return b.Errf("client is not understood: write client <id> <secret>, or client <id> where a certificate says who it is")
			}
			c.ClientID = args[0]
			if len(args) == 2 {
				c.ClientSecret = args[1]
			}
			return nil
		case "client_auth":
			return b.Text(&c.ClientAuth, "client_auth header|body")
		case "scope":
			return b.List(&c.Scopes, "scope <scope>...")
		case "audience":
			return b.Text(&c.Audience, "audience <audience>")
		case "parameter":
			var p Parameter
			err := b.Texts("parameter <name> <value>", &p.Name, &p.Value)
			c.Parameters = append(c.Parameters, p)
			return err
		case "refresh_token":
			return b.Text(&c.RefreshToken, "refresh_token <token>")
		case "send":
			return readSend(b, &c.Send, false)
		case "early":
			return b.Duration(&c.Early)
		case "valid":
			return b.Duration(&c.Valid)
		}
		return b.Unknown("client", "client_auth", "scope", "audience", "parameter", "refresh_token", "send", "early", "valid")
	})
}

func (c *Login) unmarshal(outer *mapfile.Block) error {
	b := &mapfile.Block{Dispenser: outer.Dispenser, Name: "auth login", Repeatable: []string{"header", "success", "failed", "send"}}
	return b.Each(func(word string) error {
		switch word {
		case "user":
			return b.Text(&c.User, "user <user>")
		case "password":
			return b.Text(&c.Password, "password <password>, with a placeholder such as {file./run/secrets/app}")
		case "before":
			c.Before = new(Before)
			return b.Texts("before <method> <url>", &c.Before.HTTPMethod, &c.Before.URL)
		case "header":
			var p Parameter
			err := b.Texts("header <name> <template>", &p.Name, &p.Value)
			c.Header = append(c.Header, p)
			return err
		case "body":
			return b.Texts("body json|form|xml|text <template>", &c.Body, &c.Template)
		case "answer":
			return b.Text(&c.Answer, "answer json|xml|form|text")
		case "token":
			return b.Text(&c.Token, "token <path>")
		case "token_header":
			return b.Text(&c.TokenHeader, "token_header <name>")
		case "cookie":
			c.Cookies = true
			if args := b.RemainingArgs(); len(args) == 1 {
				c.Cookie = args[0]
			} else if len(args) > 1 {
				return b.Errf("cookie is not understood: write cookie, or cookie <name>")
			}
			return nil
		case "success":
			return readAnswer(b, &c.Success)
		case "failed":
			return readAnswer(b, &c.Failed)
		case "error":
			return b.List(&c.Error, "error <path>...")
		case "send":
			return readSend(b, &c.Send, true)
		case "valid":
			return b.Duration(&c.Valid)
		case "logout":
			return b.Texts("logout <method> <url>", &c.LogoutMethod, &c.LogoutURL)
		}
		return b.Unknown("user", "password", "before", "header", "body", "answer", "token", "token_header", "cookie", "success", "failed", "error", "send", "valid", "logout")
	})
}

func (c *HMAC) unmarshal(outer *mapfile.Block) error {
	b := &mapfile.Block{Dispenser: outer.Dispenser, Name: "auth hmac", Repeatable: []string{"send"}}
	return b.Each(func(word string) error {
		switch word {
		case "key":
			return b.Text(&c.Key, "key raw|base64|hex")
		case "message":
			return b.Text(&c.Message, "message <template>")
		case "encode":
			return b.Text(&c.Encode, "encode hex|base64|base64url")
		case "send":
			return readSend(b, &c.Send, false)
		}
		return b.Unknown("key", "message", "encode", "send")
	})
}

// readSend reads a line send.
func readSend(b *mapfile.Block, target *[]Placement, mayBeNone bool) error {
	const usage = "send header <name> <template>, or send query <name> <template>"
	args := b.RemainingArgs()
	switch {
	case mayBeNone && len(args) == 1 && args[0] == "none":
		*target = append(*target, Placement{In: "none"})
	case len(args) == 3 && (args[0] == "header" || args[0] == "query") && !slices.Contains(args, ""):
		*target = append(*target, Placement{In: args[0], Name: args[1], Value: args[2]})
	case len(args) > 3:
		return b.Errf("send is not understood: put the template, which has a space in it, into quotes or backticks: send %s %s `%s`", args[0], args[1], strings.Join(args[2:], " "))
	default:
		return b.Errf("send is not understood: write %s", usage)
	}
	return nil
}

// readAnswer reads a line success or failed: statuses, a text, and when with an expression.
func readAnswer(b *mapfile.Block, target *[]Answer) error {
	word, args := b.Val(), b.RemainingArgs()
	usage := fmt.Sprintf("%s <status>... [<text>] [when <expression>], such as %s 200 \"wrong password\", or %s when `body.ok == false`", word, word, word)
	var a Answer
	for len(args) > 0 {
		if _, _, isStatus := parseStatuses(args[0]); !isStatus {
			break
		}
		a.Statuses, args = append(a.Statuses, args[0]), args[1:]
	}
	if len(args) > 0 && args[0] != "when" {
		a.Text, args = args[0], args[1:]
	}
	if len(args) == 2 && args[0] == "when" {
		a.When, args = args[1], nil
	}
	if len(args) > 0 || len(a.Statuses) == 0 && a.Text == "" && a.When == "" {
		return b.Errf("%s is not understood: write %s", word, usage)
	}
	*target = append(*target, a)
	return nil
}
