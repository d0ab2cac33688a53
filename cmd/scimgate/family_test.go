package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What is wrong with the arguments of a command is said with what to write.
func TestArgumentsThatDoNotFit(t *testing.T) {
	var token tokenCommand
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"revoke"}, "say which token: token revoke <id or name>"},
		{[]string{"revoke", "a", "b"}, `"b" is too much: say which token, in quotes if it has blanks: token revoke <id or name>`},
		{[]string{"create", "entra"}, `"entra" stands alone: write it behind the option that it is for: token create --name <name>`},
		{[]string{"delete", "k3f9x2ab"}, `has no "delete"`},
		{nil, "say what: scimgate token"},
	} {
		cmd := &cobra.Command{Use: "token", SilenceErrors: true, SilenceUsage: true, Args: cobra.ArbitraryArgs}
		family(cmd, tokenCreateCommand(), token.command("revoke <id or name>", "", "", needs("which token"), nil))
		cmd.SetArgs(append([]string{}, c.args...))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
}
