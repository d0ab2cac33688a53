package ldap

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExactAttributes(t *testing.T) {
	got := exactAttributes([]string{
		`( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )`,
		`( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: it''s a name EQUALITY caseExactMatch' SUP name )`,
		`( 1.3.6.1.4.1.250.1.57 NAME 'labeledURI' DESC 'a URI' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`,
		`(1.2.3 NAME 'tight' SUP 'labeledURI' SINGLE-VALUE)`,
		`( 1.2.4 NAME 'home' EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )`,
		`( 1.2.5 NAME 'bytes' EQUALITY octetStringMatch )`,
		`( 1.2.6 NAME 'byNumber' EQUALITY 2.5.13.5 )`,
		`( 1.2.7 NAME 'ring' SUP loop )`, `( 1.2.8 NAME 'loop' SUP ring )`,
		`( 1.2.9 NAME 'broken`, ``, `NAME`,
	})
	want := map[string]bool{"name": false, "cn": false, "commonname": false, "labeleduri": true, "tight": true, "home": true, "bytes": true,
		"bynumber": true, "ring": false, "loop": false}
	delete(got, "broken")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A filter that SCIM evaluates without case is not left to an attribute that is
// compared with regard to it, and one that is caseExact is checked again where the
// directory folds.
func TestFilterBoundsFollowCaseExact(t *testing.T) {
	tr := configure(t, "", "", usersBlock[:len(usersBlock)-len("\n\t}")]+`
		map urn:example:hr:page labeledURI
		map urn:example:hr:badge roomNumber
		map urn:example:hr:desk carLicense
	}`, groupsBlock, `
	schema urn:example:hr {
		extends User
		attribute page
		attribute badge {
			case_exact
		}
		attribute desk
	}`)
	tr.rules.exact = map[string]bool{"labeleduri": true, "roomnumber": false, "carlicense": false}
	for filter, want := range map[string]clause{
		`urn:example:hr:page eq "Abc"`:  "(labeledURI=*)",
		`urn:example:hr:page co "abc"`:  "(labeledURI=*)",
		`urn:example:hr:page eq "17"`:   "(labeledURI=17)",
		`urn:example:hr:badge eq "Abc"`: "(roomNumber=Abc)",
		`urn:example:hr:desk eq "Abc"`:  "(carLicense=Abc)",
	} {
		if got := compile(t, tr, tr.users, filter); got.may != want || got.must != nothing {
			t.Errorf("%s: got %s, %s; want %s", filter, got.may, got.must, want)
		}
	}
	tr.rules.exact = nil
	if got := compile(t, tr, tr.users, `urn:example:hr:desk eq "Abc"`); got.may != "(carLicense=*)" {
		t.Errorf("where nothing is known: %s", got.may)
	}
}
