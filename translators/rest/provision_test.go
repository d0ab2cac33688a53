package rest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/internal/legacy"
)

// provisionShape returns the translator of a Caddyfile in testdata/rest, before the application.
func provisionShape(t *testing.T, name string, app *legacy.App, edits ...string) *Translator {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "rest", name+".caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, isFound := strings.Cut(string(content), "translator ")
	text, _, isClosed := strings.Cut(text, "\n\t\t}\n")
	if !isFound || !isClosed {
		t.Fatalf("%s has no translator", name)
	}
	text = strings.NewReplacer(append(edits, "https://app.example.com", app.URL, "{file./etc/scimgate/app}", legacy.Key, "{file./etc/scimgate/app-password}", legacy.Password)...).Replace(text + "\n}\n")
	if before, groups, has := strings.Cut(text, "\t\t\tgroups {"); has {
		_, after, _ := strings.Cut(groups, "\n\t\t\t}\n")
		text = before + after
	}
	return provision(t, text)
}

// provision makes a translator of the block of a Caddyfile.
func provision(t *testing.T, text string) *Translator {
	t.Helper()
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		t.Fatalf("reading the configuration: %v", err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := tr.Provision(ctx); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	if err := tr.Validate(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// provisionFails returns what is wrong with the block of a Caddyfile.
func provisionFails(t *testing.T, text string) error {
	t.Helper()
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		return err
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	err := tr.Provision(ctx)
	t.Cleanup(func() { _ = tr.Cleanup() })
	return err
}
