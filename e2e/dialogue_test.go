package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/demo"
	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/internal/replay"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/testdata/dialogues"
)

// The dialogues that are the tests of Microsoft and Okta have tests of their own.
const (
	microsoftValidator = "microsoft-validator"
	oktaSpecTest       = "okta-spec-test"
	oktaSpecTest11     = "okta-scim11-spec-test"
)

// TestDialogues replays the dialogues over HTTP, from the first step to the
// last, and looks into the directory after each step.
func TestDialogues(t *testing.T) {
	for _, d := range allDialogues(t) {
		if !slices.Contains([]string{microsoftValidator, oktaSpecTest, oktaSpecTest11}, d.Name) {
			t.Run(d.Name, func(t *testing.T) { replayBeforeEach(t, d) })
		}
	}
}

// TestMicrosoftValidator replays the tests of Microsoft's SCIM Validator. The
// number at the beginning of a step is that of the test: users U1 to U13, groups
// G1 to G12, previews P1 to P7.
func TestMicrosoftValidator(t *testing.T) {
	d := dialogueNamed(t, microsoftValidator)
	hasRows(t, d, "U", 13)
	hasRows(t, d, "G", 12)
	hasRows(t, d, "P", 7)
	replayBeforeEach(t, d)
}

// TestOktaSpecTest replays the twelve steps of Okta's SPEC test for SCIM 2.0.
func TestOktaSpecTest(t *testing.T) {
	d := dialogueNamed(t, oktaSpecTest)
	hasRows(t, d, "", 12)
	replayBeforeEach(t, d)
}

// TestOktaSpecTestOfSCIM11 replays the steps of Okta's SPEC test for SCIM 1.1.
func TestOktaSpecTestOfSCIM11(t *testing.T) {
	d := dialogueNamed(t, oktaSpecTest11)
	hasRows(t, d, "", 17)
	replayBeforeEach(t, d)
}

func allDialogues(t *testing.T) []*dialogue.Dialogue {
	t.Helper()
	all, err := dialogues.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func dialogueNamed(t *testing.T, name string) *dialogue.Dialogue {
	t.Helper()
	for _, d := range allDialogues(t) {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("there is no dialogue %s", name)
	return nil
}

// hasRows checks that there is a step for each of the rows 1 to n whose number
// begins with prefix.
func hasRows(t *testing.T, d *dialogue.Dialogue, prefix string, n int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		row := regexp.MustCompile(fmt.Sprintf(`^%s%d\b`, prefix, i))
		if !slices.ContainsFunc(d.Steps, func(s dialogue.Step) bool { return row.MatchString(s.Title) }) {
			t.Errorf("%s has no step %s%d", d.Name, prefix, i)
		}
	}
}

// replayBeforeEach replays a dialogue before each directory, fresh as it is.
func replayBeforeEach(t *testing.T, d *dialogue.Dialogue) {
	t.Helper()
	eachDirectory(t, func(t *testing.T, directory *directory) {
		// A page of the service account holds no more than 200 entries (slapd.Options).
		replayBefore(t, d, directory, startGateway(t, directory, setup{Translator: []string{"page_size 100"}}))
	})
}

// replayBefore replays a dialogue with a gateway before a directory.
func replayBefore(t *testing.T, d *dialogue.Dialogue, directory *directory, g *gateway) {
	t.Helper()
	look := &replay.Directory{URL: directory.Plain, BindDN: demo.BindDN, BindPassword: directory.ServicePassword}
	if directory.Slapd != nil {
		look.BindDN, look.BindPassword = slapd.AdminDN, slapd.AdminPassword
	}
	replayAt(t, d, g, look)
}

// place is what stands behind a gateway, and can be looked into in the terms of the
// dialogues: those of a directory.
type place interface {
	IDs(dns map[string]string) (map[string]string, error)
	Check(dialogue.Entry) error
}

// replayAt replays a dialogue with a gateway.
func replayAt(t *testing.T, d *dialogue.Dialogue, g *gateway, look place) {
	t.Helper()
	known, err := look.IDs(dialogues.Fixture)
	if err != nil {
		t.Fatal(err)
	}
	conversation := &replay.Conversation{URL: g.tenantURL(d.Version), Token: token, Client: client, Known: known}
	for _, step := range d.Steps {
		t.Run(stepName(step), func(t *testing.T) { replayStep(t, d, step, conversation, look) })
	}
}

// stepName keeps slashes, which stand between a test and its parts, out of a
// title.
func stepName(step dialogue.Step) string { return strings.ReplaceAll(step.Title, "/", "") }

func replayStep(t *testing.T, d *dialogue.Dialogue, step dialogue.Step, c *replay.Conversation, look place) {
	t.Helper()
	at := fmt.Sprintf("%s.txt:%d", d.Name, step.Line)
	prepared, err := c.Prepare(step)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	a, err := c.Send(t.Context(), prepared)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	if err := c.Check(prepared, a); err != nil {
		t.Errorf("%s: %v", at, err)
	}
	if a.Status >= 400 {
		isError := isSCIMError
		if d.Version == "1.1" {
			isError = isSCIM11Error
		}
		isError(t, answer{a.Status, a.Header, string(a.Body)})
	}
	for _, entry := range prepared.Directory {
		if err := look.Check(entry); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
}
