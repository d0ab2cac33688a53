package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestQuestions: what the tables of questions to an application tell to write is what a
// Caddyfile takes. All rows together make one, with a gateway for each.
func TestQuestions(t *testing.T) {
	const name = "docs/translators/rest.md"
	var file strings.Builder
	file.WriteString("http://localhost:8080 {\n")
	section, isWrite, rows := "", false, 0
	rowAt := []string{"", ""} // by the line of the Caddyfile
	for i, line := range strings.Split(pageOf(t, name).text, "\n") {
		if title, is := strings.CutPrefix(line, "### "); is {
			section = title
		}
		cells := cellsOf(line)
		if len(cells) != 2 || cells[1] == "write" {
			isWrite = len(cells) == 2
			continue
		}
		if !isWrite || !codeSpan.MatchString(linkSpan.ReplaceAllString(cells[1], "")) {
			continue
		}
		rows++
		fmt.Fprintf(&file, "scim_gateway row%[1]d {\nbase /row%[1]d\ntoken other %[2]s-%[1]d\n%[3]s}\n", i+1, tokenForTests, rowOf(section == "Groups", cells[1]))
		for len(rowAt) <= strings.Count(file.String(), "\n") {
			rowAt = append(rowAt, fmt.Sprintf("%s:%d: %s", name, i+1, cells[1]))
		}
	}
	if rows < 60 {
		t.Errorf("only %d rows of questions were found: the test does not understand the page any more", rows)
	}
	err := newMachine(t, "").validate(t, file.String()+"}\n")
	if err == nil {
		return
	}
	for _, at := range regexp.MustCompile(`Caddyfile:(\d+)`).FindAllStringSubmatch(err.Error(), -1) {
		n := 0
		if _, err := fmt.Sscan(at[1], &n); err == nil && n < len(rowAt) {
			t.Error(rowAt[n])
		}
	}
	t.Error(err)
}

var (
	codeSpan = regexp.MustCompile("``(.+?) ?``|`([^`]+)`")
	linkSpan = regexp.MustCompile(`\[[^]]*\]\([^)]*\)`)
)

// cellsOf takes a row of a table apart.
func cellsOf(line string) []string {
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
	}
	return cells
}

// asked are the calls whose blocks the tables speak of.
var asked = map[string]string{
	"search": "search GET /users?login={userName}", "read": "read GET /users/{id}", "create": "create POST /users",
	"update": "update PATCH /users/{id}", "add_member": "add_member POST /groups/{id}/{member.id}",
}

// ofTranslator are the words of lines that stand in no block of a resource.
var ofTranslator = []string{"auth", "candidates", "rate", "connections", "timeout", "consistent_within", "max_answer"}

// rowOf returns the translator that the lines in a cell make. "in `create`:" says which
// call those behind it are for, "with" that they stand in the block of the line before,
// until a semicolon.
func rowOf(isOfGroups bool, cell string) string {
	cell = linkSpan.ReplaceAllString(cell, "")
	type entry struct {
		line  string
		inner []string
	}
	var translator, resource []*entry
	var into *entry
	end := 0
	for _, at := range codeSpan.FindAllStringIndex(cell, -1) {
		before, span := cell[end:at[0]], codeSpan.FindStringSubmatch(cell[at[0]:at[1]])
		end = at[1]
		text := span[1] + span[2]
		switch {
		case strings.Contains(before, ";"):
			into = nil
		case strings.HasSuffix(before, "with ") && len(resource) > 0:
			into = resource[len(resource)-1]
		}
		word, _, _ := strings.Cut(text, " ")
		switch {
		case strings.HasPrefix(cell[end:], ":") && asked[text] != "":
			into = &entry{line: asked[text]}
			resource = append(resource, into)
		case into != nil:
			into.inner = append(into.inner, text)
		case slices.Contains(ofTranslator, word):
			translator = append(translator, &entry{line: text})
		default:
			resource = append(resource, &entry{line: text})
		}
	}
	print := func(all []*entry) (text string) {
		for _, e := range all {
			text += e.line
			if e.inner != nil {
				text += " {\n\t" + strings.Join(e.inner, "\n\t") + "\n\t}"
			}
			text += "\n"
		}
		return text
	}
	const users = "map userName login\nmap title title\nmap active active\nmap emails.value mail\nsearch GET /users?login={userName}\nread GET /users/{id}\ncreate POST /users\nupdate PATCH /users/{id}\ndelete refuse\n"
	lines := print(resource)
	text := "translator rest http://localhost:9 {\n" + print(translator)
	if isOfGroups {
		groups := "map displayName name\nread GET /groups/{id}\n"
		if strings.Contains(lines, "add_member ") {
			groups += "remove_member DELETE /groups/{id}/{member.id}\n"
		}
		text += "users {\n" + users + "}\ngroups {\n" + lines + without(groups, lines)
	} else {
		text += "users {\n" + lines + without(users, lines)
	}
	return text + "}\n}\n"
}
