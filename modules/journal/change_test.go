package journal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// mapping has a private attribute of each shape.
func mapping(t *testing.T) *scim.ResourceType {
	t.Helper()
	m, err := translators.Compile(scim.UserType(), []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "title", Fields: []string{"title"}},
		{Path: "nickName", Fields: []string{"nick"}, Private: true},
		{Path: "name.givenName", Fields: []string{"gn"}},
		{Path: "name.familyName", Fields: []string{"sn"}, Private: true},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}},
		{Path: `emails[type eq "home"].value`, Fields: []string{"home"}, Private: true},
		{Path: "roles", Fields: []string{"roles"}, Codec: translators.CodecJSON, Private: true},
		{Path: "password", Fields: []string{"pw"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.Type
}

func TestChanges(t *testing.T) {
	u := mapping(t)
	a := u.Attribute
	sub := func(attribute, name string) *scim.Attribute { return a(attribute).Sub(name) }
	email := func(kind, value string) scim.Value {
		return scim.Complex(scim.Field{Attribute: sub("emails", "type"), Value: scim.String(kind)}, scim.Field{Attribute: sub("emails", "value"), Value: scim.String(value)})
	}
	role := func(value string) scim.Value {
		return scim.Complex(scim.Field{Attribute: sub("roles", "value"), Value: scim.String(value)})
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	changes := Changes([]scim.Difference{
		{Attribute: a("title"), Before: scim.String("Dr"), After: scim.String(`a "b"`)},
		{Attribute: a("nickName"), Before: scim.String("Countess"), After: scim.String("Countess")},
		{Attribute: a("name"), After: scim.Complex(
			scim.Field{Attribute: sub("name", "givenName"), Value: scim.String("Ada")}, scim.Field{Attribute: sub("name", "familyName"), Value: scim.String("Countess")})},
		{Attribute: a("emails"), Before: scim.List(email("home", "ada@home.example")), After: scim.List(email("work", "ada@example.com"), email("home", "ada@home.example"))},
		{Attribute: a("roles"), After: scim.List(role("spy"), role("poet"))},
		{Attribute: a("password"), After: scim.String("s3cret")},
	}, key)
	text, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"Countess", "ada@", "spy", "poet", "s3cret"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("%s is shown: %s", hidden, text)
		}
	}
	want := []string{"title", "nickName", "name", "emails", "roles", "password"}
	var got []string
	for _, c := range changes {
		got = append(got, c.Attribute)
		if isPrivate := c.Attribute != "title" && c.Attribute != "password"; c.Private != isPrivate || c.Secret != (c.Attribute == "password") {
			t.Errorf("%s is private: %t, secret: %t", c.Attribute, c.Private, c.Secret)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := changes[0]; string(c.From) != `"Dr"` || string(c.To) != `"a \"b\""` {
		t.Errorf("title: from %s to %s", c.From, c.To)
	}
	nick := changes[1]
	if !SameValue(nick.From, nick.To) || len(nick.To) != len(`"hmac:0123456789abcdef"`) || !strings.HasPrefix(string(nick.To), `"hmac:`) {
		t.Errorf("equal private values: from %s to %s", nick.From, nick.To)
	}
	if name := string(changes[2].To); !strings.Contains(name, `"givenName":"Ada"`) || strings.Contains(name, string(nick.To)) {
		t.Errorf("of a name with a private part stands %s; one value must not be recognised in two attributes (%s)", name, nick.To)
	}
	var before, after []map[string]string
	if json.Unmarshal(changes[3].From, &before) != nil || json.Unmarshal(changes[3].To, &after) != nil || len(after) != 2 ||
		after[1]["value"] != before[0]["value"] || after[1]["value"] == after[0]["value"] || after[0]["type"] != "work" {
		t.Errorf("emails: from %s to %s", changes[3].From, changes[3].To)
	}
	if other := Changes([]scim.Difference{{Attribute: a("nickName"), After: scim.String("Countess")}}, []byte("another key")); SameValue(other[0].To, nick.To) {
		t.Error("another key gives the same hash")
	}
}

func TestLongTextsAreKeptAsHash(t *testing.T) {
	title := mapping(t).Attribute("title")
	long := ValueText(title, scim.String(strings.Repeat("x", 1025)), nil)
	if len(long) > 60 || !strings.HasSuffix(string(long), ` (1025 bytes)"`) {
		t.Errorf("a text of 1025 bytes is kept as %s", long)
	}
	if SameValue(long, ValueText(title, scim.String(strings.Repeat("x", 1024)+"y"), nil)) {
		t.Error("two long texts count as one")
	}
}

func TestSameValue(t *testing.T) {
	for _, tt := range []struct {
		v, w string
		same bool
	}{
		{`"a"`, `"a"`, true}, {`"a"`, `"A"`, false}, {`[1,2]`, `[2,1]`, true}, {`[1,2]`, `[1,1]`, false}, {`[1,1]`, `[1]`, false},
		{`{"type":"work","value":"x"}`, `{"value":"x","type":"work"}`, true}, {`[{"a":[1,2]}]`, `[{"a":[2,1]}]`, true},
		{``, `[]`, true}, {``, `null`, true}, {``, `""`, false}, {`1e2`, `100`, false}, {`{`, `{`, true}, {`true`, `"true"`, false},
	} {
		if got := SameValue(json.RawMessage(tt.v), json.RawMessage(tt.w)); got != tt.same {
			t.Errorf("%s and %s are the same: %t", tt.v, tt.w, got)
		}
	}
}
