package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// needs lets a command have one argument alone, and says what it is.
func needs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("say %s: %s", what, usage(cmd))
		case 1:
			return nil
		}
		return fmt.Errorf("%q is too much: say %s, in quotes if it has blanks: %s", args[1], what, usage(cmd))
	}
}

// takesNone lets a command have options alone.
func takesNone(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q stands alone: write it behind the option that it is for: %s", args[0], usage(cmd))
	}
	return nil
}

func usage(cmd *cobra.Command) string { return strings.TrimSuffix(cmd.UseLine(), " [flags]") }

// family gives a command its subcommands. Alone it only says that it has them.
func family(cmd *cobra.Command, members ...*cobra.Command) {
	cmd.AddCommand(members...)
	var names []string
	for _, member := range members {
		names = append(names, member.Name())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("scimgate %s has no %q; it has %s", cmd.Name(), args[0], strings.Join(names, ", "))
		}
		return fmt.Errorf("say what: scimgate %s %s", cmd.Name(), strings.Join(names, "|"))
	}
}
