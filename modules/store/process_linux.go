package store

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// processSpace names where the numbers of processes are those that we know: this
// start of this machine, and the container. A name comes again only when all
// processes of the former one have ended.
var processSpace = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + ":" + strings.Trim(strings.TrimPrefix(namespace, "pid:"), "[]")
})

// processBegan returns when a process began, in ticks since the machine did.
func processBegan(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// "pid (name) state …": the 22nd field, and the name may hold anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return string(fields[19])
}

// exists reports whether there is a process of that number that has not ended. One
// of another user is there too.
func exists(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	return len(fields) == 0 || !bytes.ContainsAny(fields[0], "ZX") // ended, and not yet buried
}
