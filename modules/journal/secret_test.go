package journal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/scim"
)

// What is never shown is not kept either, also as a part of something that is.
func TestSecretsAreNotKept(t *testing.T) {
	const secret = "correct-horse-battery"
	part := &scim.Attribute{Name: "pin", Mutability: scim.WriteOnly, Returned: scim.ReturnedNever}
	never := &scim.Attribute{Name: "seed", Returned: scim.ReturnedNever}
	shown := &scim.Attribute{Name: "display"}
	card := &scim.Attribute{Name: "card", Type: scim.TypeComplex, SubAttributes: []*scim.Attribute{part, never, shown}}
	value := scim.Complex(scim.Field{Attribute: part, Value: scim.String(secret)}, scim.Field{Attribute: never, Value: scim.String(secret)},
		scim.Field{Attribute: shown, Value: scim.String("a card")})
	kept := journal.Changes([]scim.Difference{
		{Attribute: card, Before: value, After: value}, {Attribute: part, After: scim.String(secret)}, {Attribute: never, Before: scim.String(secret)},
	}, make([]byte, 32))
	text, err := json.Marshal(kept)
	if err != nil || strings.Contains(string(text), secret) || !strings.Contains(string(text), "a card") {
		t.Errorf("kept is %s, %v", text, err)
	}
	if kept[0].Secret || !kept[1].Secret || !kept[2].Secret {
		t.Errorf("kept is %s", text)
	}
}
