//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package owner

// GiveAway does nothing: here files belong to who makes them.
func GiveAway(string) error { return nil }
