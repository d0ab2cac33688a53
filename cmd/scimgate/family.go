package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

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
