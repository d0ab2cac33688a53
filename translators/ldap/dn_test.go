package ldap

import "testing"

func TestNameKey(t *testing.T) {
	for _, same := range [][]string{
		{"uid=ada,ou=people,dc=example,dc=com", "UID=Ada, OU=People , DC=example,dc=COM", "uid=\\61da,ou=people,dc=example,dc=com"},
		{"cn=Ada  King,dc=x", "cn=ada king,dc=x", "CN=\\20Ada King\\20,dc=x"},
		{"cn=a+uid=b,dc=x", "uid=B+cn=A,dc=x"},
		{`cn=a\,b,dc=x`, `cn=a\2cb,dc=x`, `cn=A\2Cb,dc=x`},
		{"cn=Zoë,dc=x", `CN=ZO\c3\8b,dc=x`},
		{"", " "},
	} {
		for _, other := range same[1:] {
			if nameKey(same[0]) != nameKey(other) {
				t.Errorf("%q and %q have the keys %q and %q", same[0], other, nameKey(same[0]), nameKey(other))
			}
		}
	}
	different := []string{"", "uid=ada", "uid=ad a", "cn=ada", "uid=ada,dc=x", `uid=ada\,dc=x`, "uid=ada+dc=x", `uid=ada\+dc=x`, "not a name"}
	for i, a := range different {
		for _, b := range different[:i] {
			if nameKey(a) == nameKey(b) {
				t.Errorf("%q and %q have one key", a, b)
			}
		}
	}
}

func TestWithoutUID(t *testing.T) {
	for value, want := range map[string]string{
		"uid=ada,dc=x":            "uid=ada,dc=x",
		"uid=ada,dc=x#'0101'B":    "uid=ada,dc=x",
		"uid=ada,dc=x#''B":        "uid=ada,dc=x",
		"uid=ada#'1'B,dc=x":       "uid=ada#'1'B,dc=x",
		"uid=ada,dc=x#'12'B":      "uid=ada,dc=x#'12'B",
		"uid=ada,dc='B":           "uid=ada,dc='B",
		"uid=a#'1'B,dc=x#'0110'B": "uid=a#'1'B,dc=x",
	} {
		if got := withoutUID(value); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
}
