package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// On a terminal rules, sentences and data fit; elsewhere only rules have an end.
func TestWidth(t *testing.T) {
	for _, width := range []int{0, 40, 80, 120} {
		var out bytes.Buffer
		w := Writer{Out: &out, Width: width}
		w.Heading("Summary " + strings.Repeat("of much ", 20))
		w.Heading("Short")
		w.Say(2, "", strings.Repeat("word ", 60))
		w.Found(200, []byte(`{"totalResults":2,"Resources":[{"userName":"`+strings.Repeat("a", 90)+`"},{"userName":"b"}]}`))
		w.Plan("# meaning\n\ndn: "+strings.Repeat("x", 200)+"\n", strings.ToUpper)
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		for i, line := range lines {
			n := utf8.RuneCountInString(line)
			isRule := i < 2
			switch {
			case width > 0 && n > width:
				t.Errorf("%d columns: %d in %q", width, n, line)
			case isRule && n != w.Page():
				t.Errorf("%d columns: the rule has %d", width, n)
			case width == 0 && strings.HasSuffix(line, "…") && !isRule:
				t.Errorf("without a terminal data are cut: %q", line)
			}
		}
		if width == 0 && len(lines) != 5 {
			t.Errorf("without a terminal something is broken:\n%s", out.String())
		}
	}
}

func TestColumns(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	t.Setenv("COLUMNS", "200")
	if got := Columns(file); got != 0 {
		t.Errorf("a file has %d columns", got)
	}
	if got := Columns(new(bytes.Buffer)); got != 0 {
		t.Errorf("a buffer has %d columns", got)
	}
	// The null device is a device as a terminal is, and does not say how wide it is.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	for text, want := range map[string]int{"200": 200, "3": narrowest, "x": usual, "": usual, "-1": usual} {
		t.Setenv("COLUMNS", text)
		if got := Columns(null); got != want {
			t.Errorf("with COLUMNS=%s there are %d, want %d", text, got, want)
		}
	}
}
