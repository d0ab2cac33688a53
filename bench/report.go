package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is all that was measured. Durations in it are milliseconds, memory is
// in MiB.
type report struct {
	Machine  machine  `json:"machine"`
	Settings settings `json:"settings"`
	Rows     []row    `json:"rows"`
	Budgets  []budget `json:"budgets"`
	// Start is from the start of the bare handler to its first answer, Idle its
	// memory then: what of scimgate's is Caddy's.
	Start   float64       `json:"bare_start_ms"`
	Idle    float64       `json:"bare_idle_mib"`
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took_ns"`
}

// machine is where it was measured.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
	Slapd     string `json:"slapd"`
}

// row is an operation at one load.
type row struct {
	Operation string            `json:"operation"`
	Title     string            `json:"title"`
	Users     int               `json:"users"`
	Clients   int               `json:"clients"`
	Results   map[string]result `json:"results"`
	Yardstick string            `json:"yardstick,omitempty"`
	// Ratio is the median of the rounds' ratios of scimgate's rate to the
	// yardstick's, Least and Most the extremes. 0 where there is none.
	Ratio float64 `json:"ratio,omitempty"`
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

// result is what one contestant did.
type result struct {
	Rate         float64            `json:"rate"`
	P50          float64            `json:"p50_ms"`
	P99          float64            `json:"p99_ms"`
	CPU          float64            `json:"cpu_ms"`
	DirectoryCPU float64            `json:"directory_cpu_ms"`
	Peak         float64            `json:"peak_mib"`
	Operations   int                `json:"operations"`
	Calls        map[string]float64 `json:"calls,omitempty"`
	Failure      string             `json:"failure,omitempty"`
}

// budget is a line of the design's budgets and what became of it.
type budget struct {
	Work     string  `json:"work"`
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"`
	// AtMost tells that Measured should be at most Limit; else at least.
	AtMost bool   `json:"at_most"`
	Unit   string `json:"unit"`
	IsKept bool   `json:"is_kept"`
}

func (r *report) judge(work string, measured, limit float64, atMost bool, unit string) {
	isKept := measured >= limit
	if atMost {
		isKept = measured <= limit
	}
	// What could not be measured is NaN, which JSON can't say; it is missed.
	if math.IsNaN(measured) || math.IsInf(measured, 0) {
		measured, isKept = 0, false
	}
	r.Budgets = append(r.Budgets, budget{work, measured, limit, atMost, unit, isKept})
}

// add makes a row of a cell.
func (r *report) add(c *cell, users int) *row {
	line := row{Operation: c.operation.name, Title: c.operation.title, Users: users, Clients: c.clients,
		Results: make(map[string]result), Yardstick: c.operation.yardstick}
	for _, name := range c.operation.by {
		failure, rounds := c.failures[name], c.rounds[name]
		if failure == "" && len(rounds) == 0 {
			continue // it does not take part
		}
		if failure != "" {
			line.Results[name] = result{Failure: failure}
			continue
		}
		latencies := c.latencies(name)
		done := result{
			Rate: median(c.rates(name)), P50: ms(quantile(latencies, .5)), P99: ms(quantile(latencies, .99)),
			CPU: ms(c.cpu(name)), DirectoryCPU: ms(c.directoryCPU(name)), Peak: c.peak(name), Operations: len(latencies),
		}
		if name == ours {
			done.Calls = c.calls()
		}
		line.Results[name] = done
	}
	if c.failures[ours] == "" && c.failures[line.Yardstick] == "" {
		if all := ratios(c.rates(ours), c.rates(line.Yardstick)); len(all) > 0 {
			line.Ratio, line.Least, line.Most = median(all), slices.Min(all), slices.Max(all)
		}
	}
	r.Rows = append(r.Rows, line)
	return &r.Rows[len(r.Rows)-1]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// findMachine asks the machine what it is.
func findMachine() machine {
	m := machine{Processor: "unknown", Cores: runtime.NumCPU(), Go: runtime.Version(), Kernel: "unknown", Slapd: "unknown"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				m.Processor = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(text))
	}
	for _, program := range []string{"slapd", "/usr/sbin/slapd"} {
		// It says its version and ends with 1.
		text, _ := exec.Command(program, "-VV").CombinedOutput()
		if _, rest, found := bytes.Cut(text, []byte("OpenLDAP: slapd ")); found {
			version, _, _ := bytes.Cut(rest, []byte(" "))
			m.Slapd = "OpenLDAP " + string(version)
			break
		}
	}
	return m
}

// markdown prints the tables of docs/performance.md.
func (r *report) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	s := r.Settings
	line("Measured on %s in %s: %s, %d cores, %s, %s, %s.", r.Started.Format("2006-01-02"), r.Took.Round(time.Second),
		r.Machine.Processor, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.Machine.Slapd)
	line("%d rounds of %s each; %s.", s.Rounds, s.Duration, s.directorySync())
	line("")
	line("### Budgets")
	line("")
	line("| work | budget | measured | |")
	line("|---|---:|---:|---|")
	for _, budget := range r.Budgets {
		sign, verdict := "≥", "kept"
		if budget.AtMost {
			sign = "≤"
		}
		if !budget.IsKept {
			verdict = "**missed**"
		}
		line("| %s | %s %s | %s | %s |", budget.Work, sign, amount(budget.Limit, budget.Unit), amount(budget.Measured, budget.Unit), verdict)
	}
	line("")
	line("The bare handler has its first answer after %.0f ms and takes %.0f MiB idle: what Caddy costs.", r.Start, r.Idle)
	line("")
	line("### Rates and ratios")
	line("")
	line("| work | users | clients | plain client /s | bare handler /s | scimgate /s | of the yardstick | (least to most) | p50 ms | p99 ms |")
	line("|---|---:|---:|---:|---:|---:|---|---|---:|---:|")
	for _, row := range r.Rows {
		us := row.Results[ours]
		ratio, spread := "", ""
		if row.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f × %s", row.Ratio, row.Yardstick)
			spread = fmt.Sprintf("%.2f to %.2f", row.Least, row.Most)
		}
		line("| %s | %d | %d | %s | %s | %s | %s | %s | %s | %s |", row.Title, row.Users, row.Clients,
			row.Results[plainClient].rate(), row.Results[bareHandler].rate(), us.rate(), ratio, spread, number(us.P50), number(us.P99))
	}
	line("")
	line("### Costs")
	line("")
	line("CPU is of the contestant's own process for one operation; slapd's is what the directory spent on it. The peak of")
	line("memory begins with what the row before has left over.")
	line("")
	line("| work | users | clients | plain CPU ms | bare CPU ms | scimgate CPU ms | slapd's ms for plain | for bare | for scimgate | directory requests of scimgate | peak MiB |")
	line("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|")
	for _, row := range r.Rows {
		us := row.Results[ours]
		line("| %s | %d | %d | %s | %s | %s | %s | %s | %s | %s | %.0f |", row.Title, row.Users, row.Clients,
			number(row.Results[plainClient].CPU), number(row.Results[bareHandler].CPU), number(us.CPU), number(row.Results[plainClient].DirectoryCPU),
			number(row.Results[bareHandler].DirectoryCPU), number(us.DirectoryCPU), us.calls(), us.Peak)
	}
	for _, row := range r.Rows {
		for _, name := range slices.Sorted(maps.Keys(row.Results)) {
			if failure := row.Results[name].Failure; failure != "" {
				line("\n%s, %d clients: %s failed: %s", row.Title, row.Clients, name, failure)
			}
		}
	}
	return b.String()
}

func (r result) rate() string {
	switch {
	case r.Failure != "":
		return "failed"
	case r.Rate >= 1000:
		return fmt.Sprintf("%d,%03d", int(r.Rate+.5)/1000, int(r.Rate+.5)%1000)
	case r.Rate >= 100:
		return fmt.Sprintf("%.0f", r.Rate)
	}
	return number(r.Rate)
}

// calls are the verbs with their numbers for one operation.
func (r result) calls() string {
	var parts []string
	for _, verb := range slices.Sorted(maps.Keys(r.Calls)) {
		if count := r.Calls[verb]; count >= .005 {
			parts = append(parts, fmt.Sprintf("%.2f %s", count, verb))
		}
	}
	return strings.Join(parts, ", ")
}

// number prints three digits that count; nothing for what was not measured.
func number(value float64) string {
	switch {
	case value == 0:
		return ""
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	case value >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

func amount(value float64, unit string) string {
	if unit == "×" {
		return fmt.Sprintf("%.2f ×", value)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}
