//go:build !linux

package main

// isDeserted reports whether nobody reads any more, where the system tells: here the
// next write does.
func (o *outlet) isDeserted() bool { return false }
