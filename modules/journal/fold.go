package journal

import "strings"

// Fold returns a name as names are compared: without regard to case.
func Fold(name string) string {
	// By way of upper case, which letters with several lower cases share.
	return strings.ToLower(strings.ToUpper(name))
}
