package journal_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The private PostgreSQL stays for all tests and ends with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/scimgate/scimgate/internal/postgres.(*Server).launch.func1"))
}
