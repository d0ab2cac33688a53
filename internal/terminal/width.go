package terminal

import (
	"cmp"
	"io"
	"os"
	"strconv"
)

// usual is how wide a page is where nobody says.
const usual = 80

// narrowest is what a line needs to say anything.
const narrowest = 40

// unbounded is the room where lines are as long as they are.
const unbounded = 1 << 20

// Columns returns how wide the terminal is that a writer writes to: as it says
// itself, or else the environment variable COLUMNS, or 80. It is 0 for a writer that
// is no terminal.
func Columns(out io.Writer) int {
	if !isTerminal(out) {
		return 0
	}
	columns := windowOf(out.(*os.File))
	if columns == 0 {
		columns, _ = strconv.Atoi(os.Getenv("COLUMNS"))
	}
	if columns <= 0 {
		columns = usual
	}
	return max(columns, narrowest)
}

// isTerminal reports whether somebody may watch.
func isTerminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	if !isFile {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Page is how wide rules and paragraphs are.
func (w Writer) Page() int { return cmp.Or(w.Width, usual) }

// Room is how much of a line there is for data beside what is taken. Where there is
// no terminal it has no bound: who reads a file wants what was sent, and searches it
// by lines.
func (w Writer) Room(taken int) int {
	if w.Width == 0 {
		return unbounded
	}
	return max(w.Width-taken, narrowest/2)
}
