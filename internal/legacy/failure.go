package legacy

import "fmt"

// failure is why a request is not done.
type failure struct {
	status int
	code   string // of answers that have no status
	text   string
}

func (f *failure) Error() string { return f.text }

func invalid(format string, args ...any) error {
	return &failure{422, "invalid", fmt.Sprintf(format, args...)}
}

func notFound(what string) error { return &failure{404, "not_found", "there is no such " + what} }

func conflict(format string, args ...any) error {
	return &failure{409, "conflict", fmt.Sprintf(format, args...)}
}
