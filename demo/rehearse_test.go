package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// A rehearsal of the demo shows what each request becomes and who can sign in,
// finds nothing missing, and leaves everything as it was.
func TestRehearse(t *testing.T) {
	d := start(t)
	var out bytes.Buffer
	err := d.Rehearse(t.Context(), rehearse.Options{Timeout: 10 * time.Minute, Report: rehearse.NewText(rehearse.TextOptions{Out: &out})})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"(disable-legacy)\n",
		`{"Operations":[{"op":"Replace","path":"active","value":"False"}]}` + "\n      # lock the account\n",
		"pwdAccountLockedTime: 000001010000Z\n      -\n    → active: true → false\n    → uid=…-entra-1@example.com can't sign in\n",
		"→ found as Ada.Lovelace, id ",
		"      changetype: modrdn\n",
		"0 failed, 0 with warnings, 0 not supported, 0 skipped",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not show %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), d.Token) || strings.Contains(out.String(), d.Password) {
		t.Error("a secret of the demo is shown")
	}
	after, err := dumpContents(d.server)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(records(d.initial), records(after)); diff != "" {
		t.Errorf("people and groups are not as they were: (-want +got)\n%s", diff)
	}
}

// Who is said to be disabled and can sign in is found out.
func TestWitness(t *testing.T) {
	d := start(t)
	w := &witness{}
	w.directory.URL, w.directory.BindDN, w.directory.BindPassword = d.LDAPURL, BindDN, d.Password
	if remark, err := w.Saw(t.Context(), "Ada.Lovelace", true); err != nil || remark != "uid=Ada.Lovelace can sign in" {
		t.Errorf("active: %q %v", remark, err)
	}
	if _, err := w.Saw(t.Context(), "Ada.Lovelace", false); err == nil || err.Error() != "uid=Ada.Lovelace is disabled and can sign in" {
		t.Errorf("said to be disabled: %v", err)
	}
	if remark, err := w.Saw(t.Context(), "svc-backup", false); err != nil || remark != "uid=svc-backup can't sign in" {
		t.Errorf("with another password: %q %v", remark, err)
	}
	if _, err := w.Saw(t.Context(), "nobody,dc=x", true); err == nil {
		t.Error("nobody has a password now")
	}
}
