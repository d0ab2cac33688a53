package rest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tickets is the illustration of what an operator writes: it must work as it stands.
const tickets = "rest https://tickets.internal {\n" +
	"\theader X-API-Key {env.TICKETS_KEY}\n" +
	"\tpage offset limit 100 total_count\n" +
	"\tusers {\n" +
	"\t\titem user\n" +
	"\t\titems users\n" +
	"\t\tmap userName login\n" +
	"\t\tmap name.givenName firstname\n" +
	"\t\tmap active status {\n" +
	"\t\t\ttrue 1\n" +
	"\t\t\tfalse 3\n" +
	"\t\t}\n" +
	"\t\tsearch GET /users.json?name={userName}&status=\n" +
	"\t\tread GET /users/{id}.json\n" +
	"\t\tcreate POST /users.json {\n" +
	"\t\t\tconflict 422 \"Login has already been taken\"\n" +
	"\t\t}\n" +
	"\t\tupdate PUT /users/{id}.json\n" +
	"\t}\n" +
	"}\n"

func TestIllustrationIsProvisioned(t *testing.T) {
	t.Setenv("TICKETS_KEY", "a key")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	tr := provision(t, strings.Replace(tickets, "{env.TICKETS_KEY}", "{env.TICKETS_KEY}\n\theader X-Other {file."+file+"}", 1))
	if len(tr.Types()) != 1 {
		t.Errorf("it serves %d types", len(tr.Types()))
	}
}
