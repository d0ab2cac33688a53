package rest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators/conformance"
)

// TestConformance runs the suite against applications of several shapes.
func TestConformance(t *testing.T) {
	tests := []struct {
		name    string
		shape   string
		options legacy.Options
		adjust  func(*conformance.Backend)
	}{
		{name: "plain", shape: "plain"},
		{name: "put by name", shape: "put-by-name", options: legacy.Options{PutByName: true}, adjust: func(b *conformance.Backend) { b.RefusesRename = true }},
		{name: "calls that lock", shape: "lock-calls", options: legacy.Options{Status: legacy.ByCall}},
		{name: "put with an etag", shape: "put-etag", options: legacy.Options{Update: legacy.PutETag}},
		{name: "put with a version", shape: "put-version", options: legacy.Options{Update: legacy.PutVersion}},
		{name: "form", shape: "form", options: legacy.Options{Wire: legacy.Form, Nested: true}},
		{name: "JSON-RPC", shape: "rpc", options: legacy.Options{Wire: legacy.RPC, SignIn: legacy.ByLogin}},
		{name: "substring, brief rows", shape: "substring", options: legacy.Options{Search: legacy.Substring, BriefRows: true}},
		{name: "no search", shape: "no-search", options: legacy.Options{Search: legacy.NoSearch}},
		{name: "the id in Location", shape: "location", options: legacy.Options{LocationOnly: true}},
		{name: "inverted", shape: "inverted", options: legacy.Options{Status: legacy.Inverted}},
		{name: "cursor", shape: "page-cursor", options: legacy.Options{Paging: legacy.ByCursor}},
		{name: "in steps", shape: "steps", options: legacy.Options{InSteps: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := legacy.Start(t, tt.options)
			b := conformance.Backend{
				Translator: provisionShape(t, tt.shape, app, "\t\t\t\tfilter_list\n", "", "\t\t\tusers {\n", "\t\t\tbreaker off\n\t\t\tretries off\n\t\t\tusers {\n\t\t\t\tfilter_list\n"),
				CanSignIn:  func(t *testing.T, userName, password string) bool { return app.SignInAs(userName, password) == nil },
				Awkward:    slices.DeleteFunc(slices.Clone(conformance.AwkwardTexts), func(text string) bool { return strings.ContainsAny(text, `\,"<>;/`) }),
				Value: func(path string, n int) scim.Value {
					if strings.HasSuffix(path, ":employeeNumber") {
						return scim.String(strconv.Itoa(4000 + n)) // the application keeps a number
					}
					if path == "userType" {
						return scim.String([]string{"agent", "admin", "supervisor"}[n%3])
					}
					return scim.Value{}
				},
				Many:    40,
				Members: 30,
			}
			if tt.adjust != nil {
				tt.adjust(&b)
			}
			conformance.Run(t, b)
		})
	}
}
