package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
)

// TestMapMistakes are found while the line is read, or when the lines are put together,
// and say what to write instead.
func TestMapMistakes(t *testing.T) {
	for _, test := range []struct{ name, lines, want string }{
		{"no field", "map nickName", "it has no field"},
		{"an unknown option", "map nickName n {\nuppercase\n}", "there is no option uppercase: there are default, "},
		{"as what", "map nickName n {\nas date\n}", "as date is not known: it is string, number or boolean, with list before it"},
		{"as too much", "map nickName n {\nas number list\n}", "as is not understood: write as string"},
		{"as twice", "map nickName n {\nas number\nas string\n}", "as is given twice"},
		{"true without anything", "map active a {\ntrue\n}", "true is not understood: write true and what the application has then"},
		{"true alone", "map active a {\ntrue 1\n}", "nothing stands for false: add false and what the application has then, or false * for all else"},
		{"true for a text", "map nickName a {\ntrue 1\nfalse 2\nas boolean\n}", "the application keeps it as a boolean"},
		{"one for two", "map active a {\ntrue 1\nfalse 1\n}", "1 stands for true and for false"},
		{"one twice", "map active a {\ntrue 1 \"1\"\nfalse 0\n}", "1 stands for true twice"},
		{"a boolean with words", "map active a {\nvalue yes 1\n}", "expected true or false"},
		{"a table and a boolean", "map active a {\nboolean Y N\ntrue 1\n}", "exclude each other"},
		{"value without anything", "map userType a {\nvalue Employee\n}", "value is not understood"},
		{"a default that the table lacks", "map userType a {\nvalue Employee 1\ndefault Guest\n}", "its default does not suit"},
		{"time of a text", "map nickName a {\ntime unix\n}", "time is for dates and times"},
		{"join of one", "map name.formatted a {\njoin \" \"\n}", "name two or more"},
		{"join and part", "map name.formatted a b {\njoin \" \"\npart 1 of 2\n}", "join and part exclude each other"},
		{"a part of nothing", "map name.givenName a {\npart 3 of 2\n}", "part is not understood: write part 1 of 2"},
		{"a part in other words", "map name.givenName a {\npart 1/2\n}", "part is not understood"},
		{"parts that don't agree", "map name.givenName a {\npart 1 of 2\n}\nmap name.familyName a {\npart 2 of 3\n}", "say the same in both"},
		{"a part twice", "map name.givenName a {\npart 1 of 2\n}\nmap name.familyName a {\npart 1 of 2\n}", "part 1 of a is written by name.givenName already"},
		{"a part and the whole", "map name.givenName a {\npart 1 of 2\n}\nmap name.formatted a", "the field a is written in parts already"},
		{"the whole and a part", "map name.formatted a\nmap name.givenName a {\npart 1 of 2\n}", "the field a is written as a whole already"},
		{"two leaves of one field", "map nickName a\nmap title a", "the field a is written by nickName already: make one of the two read_only"},
		{"read alone", "map nickName a {\nread value\n}", "add write <expression>, or read_only"},
		{"write alone", "map nickName a {\nwrite value\n}", "add read <expression>"},
		{"write of what is only read", "map nickName a {\nread value\nwrite value\nread_only\n}", "it is read_only: remove write"},
		{"an expression that is none", "map nickName a {\nread `value +`\nwrite value\n}", "read: "},
		{"an expression of the unknown", "map nickName a {\nread user.name\nread_only\n}", "read: "},
		{"write of the record", "map nickName a {\nread value\nwrite record.x\n}", "write: "},
		{"many values", "map emails.value mails.#.address", "nothing can be written to mails.#.address"},
		{"a path that is none", "map nickName a..b", "a name is missing"},
		{"a pipe in a path", "map nickName `a|b`", "there are no pipes"},
		{"a complex value", "map name n", "map one of its sub-attributes"},
		{"element of one", "map name n {\nelement givenName first\n}", "element is for attributes of many complex values"},
		{"element of two fields", "map emails a b {\nelement value x\n}", "element is for one array"},
		{"an element without part", "map emails a {\nelement\n}", "element names a part"},
		{"an element of an unknown part", "map emails a {\nelement address x\n}", "element address: emails has no such part to map: it is one of value"},
		{"an element without field", "map emails a {\nelement value\n}", "element value: it has no field"},
		{"an element twice", "map emails a {\nelement value x\nelement value y\n}", "element value stands twice"},
		{"a part in an element", "map emails a {\nelement value x {\npart 1 of 2\n}\n}", "there is no part here"},
		{"required in an element", "map emails a {\nelement value x {\nrequired\n}\n}", "there is no required here"},
		{"a constant with a field", "map emails a {\nelement value x\nelement type t {\nconstant work\n}\n}", "a constant is written nowhere"},
		{"binary", "map `x509Certificates[type eq \"work\"].value` c {\nbinary\n}", "JSON has no octets"},
		{"clear how", "map nickName a {\nclear zero\n}", "clear zero is not known: it is null, empty, omit or text and a text"},
		{"something about a constant", "map `emails[type eq \"work\"].value` m\nmap `emails[type eq \"work\"].primary` {\nconstant true\nas string\n}", "what is written nowhere has no as"},
		{"as for json", "map name n {\njson\nas number\n}", "json is an object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			maps, err := readMaps("map userName login\n" + test.lines)
			if err == nil {
				_, err = newMapping(scim.UserType(), maps)
			} else if !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("the mistake has no line: %v", err)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the mistake is %v, not %q", err, test.want)
			}
		})
	}
}
