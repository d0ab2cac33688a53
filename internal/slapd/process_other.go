//go:build !linux

package slapd

import "syscall"

// dieWithParent has no means outside Linux; Close and the test's cleanup end
// the child.
func dieWithParent() *syscall.SysProcAttr { return nil }

// isStopped takes the signal's word for it outside Linux.
func isStopped(int) bool { return true }
