package scim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/testdata/dialogues"
)

// TestDialogues decodes every request in testdata/dialogues and compares what it
// becomes. What must be answered and what the directory must hold is checked
// where there is a directory.
func TestDialogues(t *testing.T) {
	all, err := dialogues.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		t.Run(d.Name, func(t *testing.T) {
			decoder := &scim.Decoder{Types: []*scim.ResourceType{scim.UserType(), scim.GroupType()}}
			if d.Version == "1.1" {
				decoder.Dialect = scim.V1
			}
			decodeEach(t, decoder, d)
		})
	}
}

// TestEntitlements does so where there are entitlements and roles.
func TestEntitlements(t *testing.T) {
	d, err := dialogues.Entitlements()
	if err != nil {
		t.Fatal(err)
	}
	types := []*scim.ResourceType{scim.UserType(), scim.GroupType()}
	for name, endpoint := range map[string]string{"Entitlement": "/Entitlements", "Role": "/Roles"} {
		own, err := scim.NewResourceType(name, endpoint, "", &scim.Schema{ID: "urn:okta:scim:schemas:core:1.0:" + name, Attributes: []*scim.Attribute{
			{Name: "displayName", Required: true}, {Name: "type"}, {Name: "description"}}})
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, own)
	}
	decodeEach(t, &scim.Decoder{Types: types}, d)
}

// idOf makes an id that looks like one: as long as a UUID.
func idOf(name string) string { return fmt.Sprintf("%036x", name) }

// decodeEach decodes the requests of a dialogue.
func decodeEach(t *testing.T, decoder *scim.Decoder, d *dialogue.Dialogue) {
	t.Helper()
	known := map[string]string{}
	for name := range dialogues.Fixture {
		known[name] = idOf(name)
	}
	for _, step := range d.Steps {
		if step.Answer != nil {
			for _, r := range step.Answer.Remember {
				known[r.Name] = idOf(r.Name)
			}
		}
		s, err := step.Expand(known)
		if err != nil {
			t.Errorf("%s.txt:%d: %v", d.Name, step.Line, err)
			continue
		}
		got := outcome(decoder, s.Request)
		if diff := cmp.Diff(s.Becomes, matched(s.Becomes, got)); diff != "" {
			t.Errorf("%s.txt:%d: %s: (-want +got)\n%s", d.Name, s.Line, s.Title, diff)
		}
	}
}

// outcome writes what a request becomes as the dialogues write it.
func outcome(d *scim.Decoder, r dialogue.Request) []string {
	escaped, query, _ := strings.Cut(r.Target, "?")
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return []string{"error in the path: " + err.Error()}
	}
	op, err := d.Decode(scim.Request{
		Method: r.Method, Path: path, RawQuery: query,
		ContentType: r.Get("Content-Type"), Accept: r.Get("Accept"), MethodOverride: r.Get("X-HTTP-Method-Override"),
		IfMatch: r.Get("If-Match"), IfNoneMatch: r.Get("If-None-Match"), Body: []byte(r.Body),
	})
	var lines []string
	if op != nil {
		lines = strings.Split(op.String(), "\n")
	}
	if e := scim.AsError(err); e != nil {
		head := strings.TrimSpace(fmt.Sprintf("error %d %s", e.Status, e.Type))
		lines = append(lines, head+": "+e.Detail)
	}
	return lines
}

// matched returns got, with an error line as want has it when got's detail
// contains the words that want asks for.
func matched(want, got []string) []string {
	for i := range got {
		if i >= len(want) || !strings.HasPrefix(got[i], "error ") {
			continue
		}
		head, words, _ := strings.Cut(want[i], ": ")
		gotHead, detail, _ := strings.Cut(got[i], ": ")
		if head == gotHead && strings.Contains(detail, words) {
			got[i] = want[i]
		}
	}
	return got
}
