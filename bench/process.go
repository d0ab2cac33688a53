package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks is how many units of CPU time in /proc/<pid>/stat make a second. It is
// 100 on every architecture that Linux and Go have in common.
const ticks = 100

// cpuTime is the CPU time, user and system, that a process has used so far.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	return parseCPU(string(text))
}

func parseCPU(stat string) (time.Duration, error) {
	// "pid (name) state …", and the name may hold anything.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0, fmt.Errorf("reading CPU time: %d fields only", len(fields))
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	system, err2 := strconv.ParseInt(fields[stime], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	return time.Duration(user+system) * time.Second / ticks, nil
}

// memory are the resident sizes of a process in MiB, now and at most since
// forgetPeak.
func memory(pid int) (now, peak float64, err error) {
	text, err := os.ReadFile(procFile(pid, "status"))
	if err != nil {
		return 0, 0, fmt.Errorf("reading memory: %w", err)
	}
	now, err = parseSize(string(text), "VmRSS")
	if err == nil {
		peak, err = parseSize(string(text), "VmHWM")
	}
	return now, peak, err
}

func parseSize(status, field string) (float64, error) {
	_, rest, found := strings.Cut(status, field+":")
	line, _, _ := strings.Cut(rest, "\n")
	words := strings.Fields(line)
	if !found || len(words) != 2 || words[1] != "kB" {
		return 0, fmt.Errorf("reading memory: no %s", field)
	}
	size, err := strconv.ParseFloat(words[0], 64)
	return size / 1024, err
}

// forgetPeak lets the peak count from now.
func forgetPeak(pid int) error {
	if err := os.WriteFile(procFile(pid, "clear_refs"), []byte("5"), 0); err != nil {
		return fmt.Errorf("resetting the peak of memory: %w", err)
	}
	return nil
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}
