package main

import (
	"encoding/json"
	"io"
	"time"
)

// printJSON prints a value as JSON, on lines of its own.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// day is the day of a time, and moment the time, as all commands print them.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
