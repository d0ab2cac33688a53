package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// rehearseArgs runs the command and returns what it prints.
func rehearseArgs(t *testing.T, in string, args ...string) (out, errors string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "rehearse"}
	caddycmd.Commands()["rehearse"].CobraFunc(cmd)
	var stdout, stderr bytes.Buffer
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// What can't be meant is said, with the help's name, and nothing is sent.
func TestRehearseUsage(t *testing.T) {
	t.Setenv("SCIMGATE_TOKEN", "a-token-of-the-environment")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 65<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "--url=http://127.0.0.1:1/scim"
	for want, args := range map[string][]string{
		"name the provider":                      {url},
		`there is no provider "ping"`:            {"ping", url},
		`"okta" is one too many`:                 {"entra", "okta", url},
		"the tenant URL is missing":              {"entra"},
		"write https://scim.example.com/scim":    {"entra", "--url", "scim.example.com/scim"},
		"unknown flag: --bogus":                  {"entra", url, "--bogus"},
		"invalid argument \"x\" for \"--users\"": {url, "--users", "x"},
		"--users -1":                             {url, "--users", "-1"},
		"--users 0":                              {url, "--users", "0"},
		"--clients is for --users":               {"entra", url, "--clients", "2"},
		"--json, --verbose and --quiet":          {"entra", url, "--json", "-v"},
		"--token and --token-file are both":      {"entra", url, "--token", "a", "--token-file", file},
		"--header and --basic are both":          {"entra", url, "--header", "--basic", "okta"},
		"reading the token: open":                {"entra", url, "--token-file", file + "x"},
		"is larger than 64 KiB":                  {"entra", url, "--token-file", file},
		"the token is missing":                   {"entra", url, "--token-file", "-"},
		"are for --config":                       {"entra", url, "--gateway", "x"},
		"--config is not for --users":            {url, "--users", "1", "--config", file},
		"reading what is behind":                 {"entra", url, "--config", file + "x"},
		"--remove stands alone":                  {"okta", url, "--remove", "scimgate-rehearsal-abcdefgh"},
		"--remove stands":                        {url, "--users", "1", "--remove", "scimgate-rehearsal-abcdefgh"},
		`"scimgate-rehearsal" is no prefix`:      {url, "--remove", "scimgate-rehearsal"},
		"is not this machine":                    {"--url=https://192.0.2.1/scim", "--users", "1"},
	} {
		out, said, err := rehearseArgs(t, "\n", args...)
		if err == nil || !strings.Contains(said, want) || !strings.Contains(said, "scimgate rehearse --help") || out != "" {
			t.Errorf("%s: %v, %s%s, want %s", args, err, out, said, want)
		}
		if strings.Contains(said, "a-token-of-the-environment") {
			t.Errorf("%s: the token is shown: %s", args, said)
		}
	}
}

// A token can come in three ways, and its line feed is not of it.
func TestRehearseToken(t *testing.T) {
	t.Setenv("SCIMGATE_TOKEN", "of-the-environment")
	cmd := &cobra.Command{}
	cmd.SetIn(strings.NewReader("of-standard-input\r\n"))
	for want, c := range map[rehearse.Credential]rehearseCommand{
		{Scheme: rehearse.Bearer, Secret: "of-the-environment"}:             {},
		{Scheme: rehearse.Header, Secret: "of-the-flag"}:                    {token: "of-the-flag", header: true},
		{Scheme: rehearse.Basic, User: "okta", Secret: "of-standard-input"}: {tokenFile: "-", basic: "okta"},
	} {
		if err := c.credential(cmd); err != nil || c.options.Credential != want {
			t.Errorf("%+v: %+v %v", want, c.options.Credential, err)
		}
	}
}

func TestRehearseStatus(t *testing.T) {
	for want, all := range map[int][]error{
		1: {rehearse.ErrMissing, rehearse.ErrLeft, rehearse.ErrVersion, errors.Join(rehearse.ErrMissing, errors.New("x"))},
		2: {rehearse.ErrUnreachable, rehearse.ErrHeld, unreadError{errors.New("x")}, rehearse.ErrInterrupted, usageError{errors.New("x")}, errors.New("x")},
	} {
		for _, err := range all {
			if got := status(err); got != want {
				t.Errorf("%v: %d, want %d", err, got, want)
			}
		}
	}
	out, said, err := rehearseArgs(t, "", "entra", "--url=http://127.0.0.1:1/scim", "--token", "x")
	if err == nil || !strings.Contains(said, "Error: nothing could be rehearsed: http://127.0.0.1:1/scim does not answer") || !strings.Contains(out, "Summary") {
		t.Errorf("%v, %s%s", err, out, said)
	}
}
