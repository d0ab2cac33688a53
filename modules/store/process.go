package store

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ownProcess names this process for good: the space in which its number means
// something, its number, and when it began.
var ownProcess = describe(os.Getpid())

// describe returns the name of a process of this space, space/pid/beginning, or ""
// where there is no way to tell.
func describe(pid int) string {
	space := processSpace()
	began := processBegan(pid)
	if space == "" || began == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d/%s", space, pid, began)
}

// isAlive reports whether a process that was described runs. That is known of those
// of this space alone.
func isAlive(process string) (alive, isKnown bool) {
	parts := strings.Split(process, "/")
	if len(parts) != 3 || parts[0] != processSpace() {
		return false, false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return false, false
	}
	if !exists(pid) {
		return false, true
	}
	// The number may have been given to another process since. When a process
	// began may be hidden from us: then it is taken for the one it was.
	began := processBegan(pid)
	return began == "" || began == parts[2], true
}
