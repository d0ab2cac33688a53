package conformance_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/translators/conformance"
)

// mutantVariable makes TestMemory test a translator that is broken on purpose.
const mutantVariable = "SCIMGATE_CONFORMANCE_MUTANT"

// TestMemory: a translator that keeps the contract passes.
func TestMemory(t *testing.T) {
	m := newMemory(t, os.Getenv(mutantVariable))
	conformance.Run(t, conformance.Backend{
		Translator:   m,
		Reset:        func(*testing.T) { m.clear() },
		NestedGroups: true,
		Sorts:        []string{"userName", "id", "title", "meta.lastModified"},
		Many:         30,
		Members:      60,
		Paths:        map[string][]string{},
		CanSignIn:    func(_ *testing.T, userName, password string) bool { return m.canSignIn(userName, password) },
		Duplicate:    func(_ *testing.T, userName string) { m.duplicate(userName) },
		Interrupt:    func(*testing.T) func() { return m.set(&m.isDown) },
		Freeze:       func(*testing.T) func() { return m.freeze() },
		Defeat:       func(*testing.T) func() { return m.set(&m.isOpen) },
	})
}

// TestMemoryWithoutHooks: the suite needs no more than a translator.
func TestMemoryWithoutHooks(t *testing.T) {
	conformance.Run(t, conformance.Backend{Translator: newMemory(t, ""), Many: 30, Members: 60})
}

// TestMutantsFail: the suite finds each of these mistakes, in the part that is
// about it.
func TestMutantsFail(t *testing.T) {
	mutants := map[string]string{
		"takes a fault for absence in a search":       "a_fault_is_not_absence",
		"takes a fault for absence in a read":         "a_fault_is_not_absence",
		"takes a fault for the end of a scan":         "a_fault_is_not_absence",
		"answers with nothing in silence":             "silence_is_not_absence",
		"takes an unknown outcome for success":        "silence_is_not_absence",
		"guesses among duplicates":                    "duplicates",
		"looks up by case":                            "lookup",
		"takes * for a wildcard":                      "awkward_texts_are_data",
		"finds no disabled":                           "disable",
		"cuts a search short silently":                "limits",
		"scans one page":                              "scan",
		"brings what was not asked for":               "selections",
		"believes its own writes":                     "proof_is_read_back",
		"does not look whether locks are enforced":    "defeated_lock",
		"fails to disable the disabled":               "disable",
		"enables with a new password":                 "password_of_a_disabled_account",
		"prints passwords":                            "password",
		"writes while planning":                       "plans_write_nothing",
		"counts every write as a change":              "members",
		"never counts a change":                       "update_each",
		"trims values":                                "awkward_texts_are_data",
		"ignores what is cleared":                     "clear_each",
		"prints private values":                       "update_each",
		"gives the renamed another id":                "rename",
		"lets two have one name":                      "conflicts",
		"adds members twice":                          "members",
		"keeps the last member":                       "last_member",
		"replaces all members one by one":             "replacing_members",
		"passes over unknown members":                 "members_who_are_nobody",
		"leaves the deleted in groups":                "a_member_is_deleted",
		"leaves references to the deleted":            "references_are_not_inherited",
		"loses references to the renamed":             "references",
		"writes to nobody":                            "absence_is_told",
		"takes a fault for the end of what is sorted": "a_fault_is_not_absence",
		"sorts with regard to case":                   "sorted",
		"sorts in one direction":                      "sorted",
		"sorts page by page":                          "sorted",
		"puts first what has no value":                "sorted",
		"leaves out what has no value":                "sorted",
		"leaves equal values as they come":            "sorted",
		"sorts everybody whatever the filter":         "sorted",
		"does not sort":                               "sorted",
		"passes over versions":                        "versions",
		"passes over versions of members":             "versions",
		"deletes any version":                         "versions",
		"compares versions while planning":            "versions",
		"does not say which version":                  "versions",
		"takes another version for absence":           "versions",
		"takes absence for another version":           "versions",
		"writes and then compares":                    "versions",
		"compares and then sets":                      "versions_at_the_same_time",
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for mutant, part := range mutants {
		t.Run(mutant, func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), program, "-test.run=^TestMemory$/^"+part+"$")
			c.Env = append(os.Environ(), mutantVariable+"="+mutant)
			output, err := c.CombinedOutput()
			if err == nil {
				t.Fatal("it passes")
			}
			if !strings.Contains(string(output), "--- FAIL: TestMemory/"+part+" ") {
				t.Errorf("the part %q has not failed:\n%s", part, output)
			}
		})
	}
}
