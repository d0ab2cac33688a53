package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/internal/quiet"
	"github.com/scimgate/scimgate/modules/app"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "explain",
		Usage: "[--gateway <name>] [--offline] [--config <file>] < request",
		Short: "Prints what a SCIM request would do to the backend",
		Long: `
Reads a SCIM request from standard input and prints, as LDIF or as HTTP requests,
the exact calls that the gateway would make for it. Nothing is written. What the
plan depends on is read from the backend; with --offline not even that, and what
a read would have told stands in braces. So does what only an earlier call will
tell. Values of the configuration (value <name> <expression>) are evaluated as far
as what they see is known; a comment says of which ones it is not.

The request is an HTTP request, with or without the HTTP version and headers,
its path with or without the gateway's base, a query with or without escapes:

	GET /Users?filter=userName eq "ada"

	PATCH /Users/2819c223-7f76-453a-919d-413861904646

	{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
	 "Operations":[{"op":"Replace","path":"active","value":"False"}]}

The exit status is 0 if the request would be carried out, and 1 if it would be refused;
then it says why.`,
		CobraFunc: func(cmd *cobra.Command) {
			var e explanation
			cmd.Args = takesNone
			e.configuration.flags(cmd)
			e.configuration.gatewayFlag(cmd, &e.gateway, gatewayOrOnly)
			cmd.Flags().BoolVar(&e.offline, "offline", false, "Read nothing from the backend")
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				cmd.SilenceUsage = true
				return e.run(cmd.InOrStdin(), cmd.OutOrStdout())
			}
		},
	})
}

type explanation struct {
	configuration configuration
	gateway       string
	offline       bool
}

func (e explanation) run(in io.Reader, out io.Writer) error {
	ctx, cancel := bare(context.Background())
	defer cancel()
	if err := e.configuration.load(); err != nil {
		return err
	}
	a, err := e.configuration.app(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = a.Cleanup() }()
	return e.explain(ctx, a, in, out)
}

func (e explanation) explain(ctx context.Context, a *app.App, in io.Reader, out io.Writer) error {
	gatewayCtx, end := bare(quiet.With(app.With(context.Background(), a)))
	defer end()
	handler, err := e.configuration.gateway(gatewayCtx, e.gateway)
	if err != nil {
		return err
	}
	var unable error
	if handler.Remembers() && !e.offline {
		if unable = openStore(ctx, a, openTimeout); errors.Is(unable, fs.ErrNotExist) {
			// No gateway has run yet, and nothing is remembered.
			empty, end, err := trialApp(ctx)
			if err != nil {
				return errors.Join(unable, err)
			}
			defer end()
			return e.explain(ctx, empty, in, out)
		}
	}
	request, err := readRequest(in, handler.Bases())
	if err != nil {
		return err
	}
	text, err := handler.Explain(gatewayCtx, request, e.offline)
	if err != nil {
		err = errors.Join(err, unable) // it may be all that is missing
	}
	if text != "" {
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return err
}

// readRequest reads an HTTP request of which only the method and the path are
// required. A path that is not below one of the bases is below the first of them.
func readRequest(in io.Reader, bases []string) (*http.Request, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	text = bytes.TrimLeft(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), "\n")
	head, body, _ := bytes.Cut(text, []byte("\n\n"))
	line, headers, _ := bytes.Cut(head, []byte("\n"))
	method, path := target(string(line))
	if path == "" {
		return nil, errors.New("reading the request: it must begin with a line such as PATCH /Users/2819c223")
	}
	isBelow := func(base string) bool { return strings.HasPrefix(path, base+"/") }
	if !slices.ContainsFunc(bases, isBelow) && strings.HasPrefix(path, "/") {
		path = bases[0] + path
	}
	body = bytes.TrimSpace(body)
	var message bytes.Buffer
	fmt.Fprintf(&message, "%s %s HTTP/1.1\r\nHost: localhost\r\n", strings.ToUpper(method), path)
	for _, header := range strings.Split(string(headers), "\n") {
		name, _, ok := strings.Cut(header, ":")
		if ok && !strings.EqualFold(name, "Host") && !strings.EqualFold(name, "Content-Length") && !strings.EqualFold(name, "Transfer-Encoding") {
			message.WriteString(strings.TrimSpace(header) + "\r\n")
		}
	}
	fmt.Fprintf(&message, "Content-Length: %d\r\n\r\n%s", len(body), body)
	request, err := http.ReadRequest(bufio.NewReader(&message))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	return request, nil
}

var httpVersion = regexp.MustCompile(` +HTTP/[0-9.]+$`)

// target takes a request line apart. What can't stand in a URL as it is, blanks
// above all, is escaped.
func target(line string) (method, path string) {
	line = httpVersion.ReplaceAllString(strings.TrimSpace(line), "")
	method, path, _ = strings.Cut(line, " ")
	var escaped strings.Builder
	for _, b := range []byte(strings.TrimSpace(path)) {
		if b <= ' ' || b >= 0x7f || strings.IndexByte(`"<>\^`+"`{|}", b) >= 0 {
			fmt.Fprintf(&escaped, "%%%02X", b)
		} else {
			escaped.WriteByte(b)
		}
	}
	return method, escaped.String()
}
