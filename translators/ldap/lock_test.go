package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

func locksOf(t *testing.T, configs ...DisableConfig) []lock {
	t.Helper()
	locks, err := newLocks(configs, mustDN(t, "ou=people,dc=example,dc=com"), openLDAP)
	if err != nil {
		t.Fatal(err)
	}
	return locks
}

func mustDN(t *testing.T, text string) *goldap.DN {
	t.Helper()
	dn, err := goldap.ParseDN(text)
	if err != nil {
		t.Fatal(err)
	}
	return dn
}

// The ways of disabling that the tests combine.
var (
	policyConfig    = DisableConfig{Method: DisableByPasswordPolicy}
	attributeConfig = DisableConfig{Method: DisableByAttribute, Attribute: "employeeType", Disabled: "gone", Enabled: "here"}
	moveConfig      = DisableConfig{Method: DisableByMove, Container: "ou=disabled,ou=people,dc=example,dc=com"}
)

func TestAreLocked(t *testing.T) {
	const here, there = "uid=ada,ou=people,dc=example,dc=com", "UID=ada,ou=2025,OU=Disabled,ou=people,dc=example,dc=com"
	policy := attributes{"PWDAccountLockedTime": {"000001010000Z"}}
	gone := attributes{"employeeType": {"gone"}}
	both := attributes{"pwdAccountLockedTime": {"000001010000Z"}, "employeeType": {"gone"}}
	tests := []struct {
		name   string
		locks  []DisableConfig
		dn     string
		values attributes
		want   bool
	}{
		{"no locks", nil, there, both, false},
		{"policy", []DisableConfig{policyConfig}, here, policy, true},
		{"policy absent", []DisableConfig{policyConfig}, here, nil, false},
		{"policy: a lockout that ends", []DisableConfig{policyConfig}, here, attributes{"pwdAccountLockedTime": {"20261121120000Z"}}, false},
		{"attribute", []DisableConfig{attributeConfig}, here, gone, true},
		{"attribute enabled", []DisableConfig{attributeConfig}, here, attributes{"employeeType": {"here"}}, false},
		{"attribute absent", []DisableConfig{attributeConfig}, here, nil, false},
		{"attribute in another case", []DisableConfig{attributeConfig}, here, attributes{"employeeType": {"GONE"}}, false},
		{"attribute with another value", []DisableConfig{attributeConfig}, here, attributes{"employeeType": {"gone", "here"}}, false},
		{"moved", []DisableConfig{moveConfig}, there, nil, true},
		{"not moved", []DisableConfig{moveConfig}, here, nil, false},
		{"the container itself", []DisableConfig{moveConfig}, moveConfig.Container, nil, false},
		{"all of three", []DisableConfig{policyConfig, attributeConfig, moveConfig}, there, both, true},
		{"two of three", []DisableConfig{policyConfig, attributeConfig, moveConfig}, here, both, false},
		{"two of three otherwise", []DisableConfig{policyConfig, attributeConfig, moveConfig}, there, policy, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := areLocked(locksOf(t, test.locks...), goldap.NewEntry(test.dn, test.values)); got != test.want {
				t.Errorf("the account counts as disabled: %v, want %v", got, test.want)
			}
		})
	}
}

func TestNewLocksRefuses(t *testing.T) {
	createIn := mustDN(t, "ou=people,dc=example,dc=com")
	tests := []struct {
		configs []DisableConfig
		want    string
	}{
		{[]DisableConfig{{Method: "magic"}}, `unknown method "magic"`},
		{[]DisableConfig{{Method: DisableByAttribute, Attribute: "a)(b", Disabled: "x"}}, "is not the name of an attribute"},
		{[]DisableConfig{{Method: DisableByAttribute, Attribute: "a"}}, "the value of a disabled account is missing"},
		{[]DisableConfig{{Method: DisableByAttribute, Attribute: "a", Disabled: "x", Enabled: "x"}}, "can't mean both"},
		{[]DisableConfig{{Method: DisableByMove, Container: "nothing"}}, "reading the container"},
		{[]DisableConfig{{Method: DisableByMove}}, "the container for disabled accounts is missing"},
		{[]DisableConfig{{Method: DisableByMove, Container: "OU=People,dc=example,dc=com"}}, "would be below the container"},
		{[]DisableConfig{{Method: DisableByMove, Container: "dc=example,dc=com"}}, "would be below the container"},
		{[]DisableConfig{policyConfig, policyConfig}, "two methods for the same thing"},
		{[]DisableConfig{moveConfig, {Method: DisableByMove, Container: "ou=other,dc=example,dc=com"}}, "two methods for the same thing"},
		{[]DisableConfig{policyConfig, {Method: DisableByAttribute, Attribute: "PwdAccountLockedTime", Disabled: "x"}}, "two methods for the same thing"},
	}
	for _, test := range tests {
		if _, err := newLocks(test.configs, createIn, openLDAP); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want an error with %q", test.configs, err, test.want)
		}
	}
}
