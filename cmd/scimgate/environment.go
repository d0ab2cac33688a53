package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// mostConfiguration is the longest configuration that is taken from a running
// instance.
const mostConfiguration = 64 << 20

// readConfiguration reads a file and adapts it; "" is a Caddyfile in the current
// directory, and nothing where there is none. A Caddyfile is adapted here, since what
// Caddy logs as it does so would stand amid what a command says.
func readConfiguration(file, adapter string) ([]byte, error) {
	if file == "" {
		if _, err := os.Stat("Caddyfile"); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		file = "Caddyfile"
	}
	name := strings.ToLower(filepath.Base(file))
	isCaddyfile := adapter == "caddyfile" || adapter == "" && (name == "caddyfile" || strings.HasSuffix(name, ".caddyfile"))
	if !isCaddyfile || file == "-" {
		text, _, _, err := caddycmd.LoadConfig(file, adapter)
		return text, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
	return adapted, err
}

// runningConfiguration asks the running instance for its configuration; "" is the
// address that Caddy has by default.
func runningConfiguration(address string) ([]byte, error) {
	if address == "" {
		address = caddy.DefaultAdminListen
	}
	response, err := caddycmd.AdminAPIRequest(address, http.MethodGet, "/config/", nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostConfiguration))
	if err == nil && (!json.Valid(text) || strings.TrimSpace(string(text)) == "null") {
		err = errors.New("it has none")
	}
	return text, err
}

// loadEnvironment sets what a file of lines such as NAME=value says and is not set
// yet, as the run command does with its --envfile.
func loadEnvironment(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return fmt.Errorf("%s:%d: write NAME=value", path, number)
		}
		if _, isSet := os.LookupEnv(name); isSet {
			continue
		}
		if err := os.Setenv(name, unquoted(value)); err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	return lines.Err()
}

// unquoted returns a value without the quotes around it or the comment behind it.
func unquoted(value string) string {
	if quote := value[:min(len(value), 1)]; quote == `"` || quote == "'" {
		if inner, ok := strings.CutSuffix(value[1:], quote); ok {
			return strings.ReplaceAll(inner, `\`+quote, quote)
		}
	}
	before, _, _ := strings.Cut(value, "#")
	return strings.TrimRight(before, " \t")
}

var variable = regexp.MustCompile(`\{env\.([^}]+)\}`)

// unsetVariables returns the environment variables that a configuration names and
// that are not set.
func unsetVariables(configuration []byte) []string {
	var names []string
	for _, found := range variable.FindAllSubmatch(configuration, -1) {
		name := string(found[1])
		if os.Getenv(name) == "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
