package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/demo"
)

// What --print-config prints is what the flags say.
func TestPrintDemoConfig(t *testing.T) {
	for _, noBrake := range []bool{false, true} {
		var out bytes.Buffer
		if err := printDemoConfig(&out, demo.Options{LDAP: "127.0.0.1:8389", NoBrake: noBrake}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "brake disable 50 per 10m") == noBrake {
			t.Errorf("with no brake %v it prints\n%.900s", noBrake, out.String())
		}
		if strings.Contains(out.String(), "storage ") || strings.Contains(out.String(), "level_format") {
			t.Errorf("it prints what is for the demo alone:\n%.900s", out.String())
		}
	}
}

// The banner has what the documents ask to be pasted, and how people sign in.
func TestDemoBanner(t *testing.T) {
	var out bytes.Buffer
	printDemo(&out, &demo.Demo{TenantURL: "http://127.0.0.1:8880/scim/v2", Token: "tok", LDAPURL: "ldap://127.0.0.1:8389"})
	for _, want := range []string{"URL=http://127.0.0.1:8880/scim/v2 LDAP=ldap://127.0.0.1:8389 TOKEN=tok\n", "ada-password", "grace-password", "alan-password"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it has no %s:\n%s", want, out.String())
		}
	}
}
