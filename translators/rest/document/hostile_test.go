package document

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHostileSizes: whatever an application answers, reading it takes neither the stack of
// the process nor more time than its size.
func TestHostileSizes(t *testing.T) {
	const size = 8 << 20
	var attributes, elements strings.Builder
	attributes.WriteString("<a")
	for i := 0; attributes.Len() < size; i++ {
		fmt.Fprintf(&attributes, " a%d=''", i)
	}
	attributes.WriteString("/>")
	elements.WriteString(strings.Repeat("<r>", maxDepth-1) + strings.Repeat("<x>1</x>", size/8) + strings.Repeat("</r>", maxDepth-1))
	tests := map[string]struct {
		media, body string
		isBad       bool
	}{
		"open arrays":             {"application/json", strings.Repeat("[", size), true},
		"open objects":            {"application/json", strings.Repeat(`{"a":`, size/5), true},
		"closed arrays":           {"application/json", strings.Repeat("[", size/2) + strings.Repeat("]", size/2), true},
		"open arrays in a text":   {"text/plain", strings.Repeat("[", size), false},
		"open arrays, of no type": {"", strings.Repeat("[", size), true},
		"brackets in a string":    {"application/json", `{"a":"` + strings.Repeat("[", size) + `"}`, false},
		"a string without end":    {"application/json", `{"a":"` + strings.Repeat(`\"`, size/2), true},
		"open elements":           {"text/xml", strings.Repeat("<a>", size/3), true},
		"attributes":              {"text/xml", attributes.String(), false},
		"an attribute twice":      {"text/xml", strings.Replace(attributes.String(), "/>", " a7=''/>", 1), true},
		"elements far below":      {"text/xml", elements.String(), false},
		"comments":                {"text/html", strings.Repeat("<!---->", size/7), true},
		"a field":                 {"application/x-www-form-urlencoded", "a=" + strings.Repeat("%41", size/3), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if _, err := Parse([]byte(test.body), test.media, ""); (err != nil) != test.isBad {
				t.Errorf("the error is %v", err)
			}
			// A hundred times what it takes, so that slow machines pass, and far from what
			// work that grows with the square of the size takes.
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}
