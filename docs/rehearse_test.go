package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// TestChecks: the page about rehearsals has each check, with what it is, and no
// other.
func TestChecks(t *testing.T) {
	p := pageOf(t, "docs/rehearse.md")
	for _, provider := range rehearse.Providers {
		var table strings.Builder
		table.WriteString("| check | | |\n|---|---|---|\n")
		for _, c := range rehearse.Checks(provider) {
			fmt.Fprintf(&table, "| `%s` | %s | %s |\n", c.ID, c.Severity, c.Title)
		}
		if !strings.Contains(p.text, "\n\n"+table.String()+"\n") {
			t.Errorf("docs/rehearse.md has not this table of the checks for %s:\n%s", provider.Name(), table.String())
		}
	}
}
