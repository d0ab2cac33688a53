package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestDeleteNamesAttributes: a call of delete knows the values in SCIM of whom it removes,
// as one that takes back a creation does.
func TestDeleteNamesAttributes(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	tr := provisionShape(t, "plain", app, "delete DELETE /users/{id}", "delete DELETE /users/{id}?login={userName}")
	_, report := carry(t, tr, creation(person(tr, "ada")))
	if report.Err != nil {
		t.Fatal(report.Err)
	}
	app.Forget()
	_, report = carry(t, tr, translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: report.ID()})
	if report.Err != nil {
		t.Fatal(report.Err)
	}
	if writes := app.Writes(); len(writes) != 1 || !strings.HasSuffix(writes[0].URL, "?login=ada") {
		t.Errorf("the application was sent %v", writes)
	}
}
