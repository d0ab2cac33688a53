package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/modules/gateway"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "explain",
		Usage: "[--config <path>] [--adapter <name>] --gateway <name> [--offline] < request",
		Short: "Prints what a SCIM request would do to the backend",
		Long: `
Reads a SCIM request from standard input and prints, as LDIF, the exact calls
that the gateway would make for it. Nothing is written. What the plan depends on
is read from the backend; with --offline not even that, and what a read would
have told stands in braces.

The request is an HTTP request, with or without the HTTP version and headers,
its path with or without the gateway's base, a query with or without escapes:

	GET /Users?filter=userName eq "ada"

	PATCH /Users/2819c223-7f76-453a-919d-413861904646

	{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
	 "Operations":[{"op":"Replace","path":"active","value":"False"}]}

It exits with 1 when the request would be refused, and says why.`,
		CobraFunc: func(cmd *cobra.Command) {
			var e explanation
			cmd.Args = cobra.NoArgs
			cmd.Flags().StringVarP(&e.config, "config", "c", "", "Configuration file (default: Caddyfile in the current directory)")
			cmd.Flags().StringVarP(&e.adapter, "adapter", "a", "", "Name of the config adapter (default: by the file's name)")
			cmd.Flags().StringVarP(&e.gateway, "gateway", "g", "", "Name of the gateway (may be left out when there is only one)")
			cmd.Flags().BoolVar(&e.offline, "offline", false, "Read nothing from the backend")
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				cmd.SilenceUsage = true
				return e.run(cmd.InOrStdin(), cmd.OutOrStdout())
			}
		},
	})
}

type explanation struct {
	config, adapter, gateway string
	offline                  bool
}

func (e explanation) run(in io.Reader, out io.Writer) error {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	handler, err := e.open(ctx)
	if err != nil {
		return err
	}
	request, err := readRequest(in, handler.Bases())
	if err != nil {
		return err
	}
	text, err := handler.Explain(ctx, request, e.offline)
	if text != "" {
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return err
}

// open returns the gateway of the configuration. It serves nobody, and ends with
// the context.
func (e explanation) open(ctx caddy.Context) (*gateway.Handler, error) {
	raw, err := e.handler()
	if err != nil {
		return nil, err
	}
	module, err := ctx.LoadModuleByID("http.handlers.scim_gateway", raw)
	if err != nil {
		return nil, err
	}
	handler := module.(*gateway.Handler)
	handler.StopChecking()
	return handler, nil
}

// handler returns the configuration of the gateway.
func (e explanation) handler() (json.RawMessage, error) {
	config, _, _, err := caddycmd.LoadConfig(e.config, e.adapter)
	if err != nil {
		return nil, err
	}
	if config == nil {
		return nil, errors.New("there is no Caddyfile here: name one with --config")
	}
	var tree any
	if err := json.Unmarshal(config, &tree); err != nil {
		return nil, err
	}
	var names []string
	var found map[string]any
	gateways(tree, func(handler map[string]any) {
		name, _ := handler["name"].(string)
		names = append(names, name)
		if e.gateway == "" || name == e.gateway {
			found = handler
		}
	})
	switch {
	case len(names) == 0:
		return nil, errors.New("the configuration has no scim_gateway")
	case found == nil:
		return nil, fmt.Errorf("there is no gateway %q; there is %s", e.gateway, strings.Join(names, ", "))
	case e.gateway == "" && len(names) > 1:
		return nil, fmt.Errorf("choose a gateway with --gateway: %s", strings.Join(names, ", "))
	}
	delete(found, "handler")
	return caddyconfig.JSON(found, nil), nil
}

// gateways calls each with every gateway's handler, wherever in the
// configuration it stands.
func gateways(tree any, each func(map[string]any)) {
	switch node := tree.(type) {
	case map[string]any:
		if node["handler"] == "scim_gateway" {
			each(node)
			return
		}
		for _, child := range node {
			gateways(child, each)
		}
	case []any:
		for _, child := range node {
			gateways(child, each)
		}
	}
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
