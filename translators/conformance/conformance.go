// Package conformance is the suite that every translator passes. It drives a
// translator as the gateway does, through Search, Scan, Read, Plan, Execute and
// Prove, against a real backend or an imitation of one, and looks at what comes
// of it from outside.
//
// A translator's test describes its backend and calls [Run]:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Backend{
//			Translator: provision(t),
//			Reset:      func(t *testing.T) { directory.Clear(t) },
//			CanSignIn:  directory.CanBind,
//		})
//	}
//
// Parts that the backend's types or hooks have no part in (groups, passwords,
// faults) are not run; all others are, and none is skipped.
package conformance

import (
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Backend is a translator under test, and what the suite has to know of what
// stands behind it. Only Translator is required.
type Backend struct {
	Translator translators.Translator

	// Reset removes all resources from the backend. It is called before
	// each part. Without it what the parts create stays; their names differ.
	Reset func(t *testing.T)

	// Paths are the paths that are mapped and can be written, by the name of
	// their resource type. Default: every attribute and sub-attribute of the
	// schema; of a multi-valued attribute, every sub-attribute of the element of
	// each canonical type. Give them where not every element has every
	// sub-attribute.
	Paths map[string][]string
	// Value returns the nth of at least two different values for a path, where
	// the backend does not take any text; an absent value is for the suite to
	// choose. Default: texts that suit the attribute's name.
	Value func(path string, n int) scim.Value
	// Awkward are texts that the backend has to keep, as userName and as
	// displayName, each with § where it is made unique. Default:
	// [AwkwardTexts].
	Awkward []string

	// RefusesRename is set when userName cannot be changed, because it is the
	// backend's key.
	RefusesRename bool
	// Unprovable is set when the backend can't tell whether a lock is enforced.
	Unprovable bool
	// NoCompareAndSet is set when the backend has versions and can't compare and
	// set in one step: what the host compares is then all (Intent.Version).
	NoCompareAndSet bool
	// ComparesFirst is set when the backend compares by reading just before it
	// sets: of two who write the same version at the same time both may succeed,
	// if the host lets them.
	ComparesFirst bool
	// Sorts are what the backend has to be able to sort users by, such as
	// userName. What it sorts by besides is tested too.
	Sorts []string
	// NestedGroups is set when groups can be members of groups.
	NestedGroups bool

	// Many is how many users searches and scans have to deal with. Default: 120.
	Many int
	// Members is how many members a large group has. Default: 1000.
	Members int

	// CanSignIn tries to sign in to the backend itself with a password.
	CanSignIn func(t *testing.T, userName, password string) bool
	// Duplicate adds, not through the translator, a second user with the userName
	// of one that exists.
	Duplicate func(t *testing.T, userName string)
	// Interrupt makes the backend unreachable until restore is called.
	Interrupt func(t *testing.T) (restore func())
	// Freeze makes the backend take requests and not answer them until restore is
	// called.
	Freeze func(t *testing.T) (restore func())
	// Defeat makes locks ineffective without touching the accounts, as a
	// directory without a password policy does, until restore is called.
	Defeat func(t *testing.T) (restore func())
}

// AwkwardTexts are texts that something between SCIM and a backend has stumbled
// over: wildcards, what separates and quotes in LDAP filters and names, in URLs,
// in JSON and in templates, blanks, and letters of more than one byte.
var AwkwardTexts = []string{
	"§*", "*§", "§(x)", "(&(uid=§))", `§\`, `§\2a`, `§\,x`, "§,ou=x", "§+cn=y", `§"quoted"`, "§'q'", "§;x<y>z=1", "#§", "§#",
	" §", "§ ", "§  two", "§é", "§日本語", "§ß", "§😀", "§/../x", "§?a=b&c=d", "§%00%2f", "§{id}", "{§}", "§`", "§[0].x",
}

const (
	defaultMany    = 120
	defaultMembers = 1000
)

// part is one subject of the suite.
type part struct {
	name string
	// needs reports whether the backend has to do with the part at all.
	needs func(h *host) bool
	run   func(h *host)
}

func always(*host) bool           { return true }
func withUsers(h *host) bool      { return h.users != nil }
func withActive(h *host) bool     { return h.users != nil && h.users.Attribute("active") != nil }
func withPasswords(h *host) bool  { return h.users != nil && h.users.ChangesPassword }
func withMembers(h *host) bool    { return h.members() != nil && h.users != nil }
func withUserGroups(h *host) bool { return withMembers(h) && h.users.Attribute("groups") != nil }

func parts() []part {
	return []part{
		{"types", always, testTypes},
		{"leases", always, testLeases},
		{"check", always, testCheck},
		{"what came comes back", always, testRoundTrip},
		{"awkward texts are data", always, testAwkward},
		{"NUL is refused", always, testNUL},
		{"selections", always, testSelections},
		{"ids", always, testIDs},
		{"lookup", always, testLookup},
		{"filters", always, testFilters},
		{"limits", withUsers, testLimits},
		{"scan", withUsers, testScan},
		{"sorted", withUsers, testSorted},
		{"duplicates", func(h *host) bool { return h.users != nil && h.Duplicate != nil }, testDuplicates},
		{"conflicts", always, testConflicts},
		{"update each", always, testUpdateEach},
		{"clear each", always, testClearEach},
		{"rename", always, testRename},
		{"references", always, testReferences},
		{"references are not inherited", always, testInheritance},
		{"plans write nothing", always, testPlansWriteNothing},
		{"disable", withActive, testDisable},
		{"create disabled", withActive, testCreateDisabled},
		{"proof is read back", withActive, testProofIsReadBack},
		{"defeated lock", func(h *host) bool { return withActive(h) && h.Defeat != nil }, testDefeated},
		{"password", withPasswords, testPassword},
		{"password of a disabled account", func(h *host) bool { return withPasswords(h) && withActive(h) }, testPasswordKeepsDisabled},
		{"members", withMembers, testMembers},
		{"last member", withMembers, testLastMember},
		{"replacing members", withMembers, testReplaceMembers},
		{"many members", withMembers, testManyMembers},
		{"members who are nobody", withMembers, testUnknownMembers},
		{"a member is deleted", func(h *host) bool { return withMembers(h) && h.users.Delete == translators.DeleteRemove }, testDeletedMember},
		{"a member is renamed", func(h *host) bool { return withMembers(h) && !h.RefusesRename }, testRenamedMember},
		{"nested groups", func(h *host) bool { return withMembers(h) && h.NestedGroups }, testNestedGroups},
		{"groups of a user", withUserGroups, testUserGroups},
		{"versions", withVersions, testVersions},
		{"versions at the same time", func(h *host) bool { return withVersions(h) && !h.ComparesFirst }, testRacingVersions},
		{"delete", always, testDelete},
		{"absence is told", always, testAbsence},
		{"a fault is not absence", func(h *host) bool { return h.Interrupt != nil }, testFaults},
		{"silence is not absence", func(h *host) bool { return h.Freeze != nil }, testSilence},
		{"a cancelled request is not absence", always, testCancelled},
		{"at the same time", withUsers, testConcurrency},
	}
}

// Run tests the backend's translator. Each part is a subtest.
func Run(t *testing.T, b Backend) {
	t.Helper()
	for _, p := range parts() {
		h := newHost(t, b)
		if !p.needs(h) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			if b.Reset != nil {
				b.Reset(t)
			}
			h.T = t
			release, err := b.Translator.Lease()
			if err != nil {
				t.Fatalf("taking a lease: %v", err)
			}
			defer release()
			p.run(h)
		})
	}
}
