package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store"
)

// A store that answers and takes nothing, as with a full disk, does not serve: every
// write is refused.
func TestHealthOfAFullStore(t *testing.T) {
	url := run(t, scimApp(t)) + "/health"
	a, release, err := app.Hold()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := a.Store().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(statement string) {
		t.Helper()
		err := a.Store().Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	await := func(status int, available bool, errorHas string) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
			got, _, body := ask(t, http.MethodGet, url)
			var told struct {
				Status string
				Store  struct {
					Available bool
					Since     time.Time
					Error     string
				}
			}
			if err := json.Unmarshal([]byte(body), &told); err != nil {
				t.Fatal(err)
			}
			if got == status && told.Store.Available == available && strings.Contains(told.Store.Error, errorHas) && !told.Store.Since.IsZero() {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d: %s", got, body)
			}
		}
	}
	await(http.StatusOK, true, "")
	write("CREATE TRIGGER full BEFORE INSERT ON scim_journal BEGIN SELECT RAISE(ABORT, 'no space left'); END")
	err = a.Journal().Begin(t.Context(), journal.Entry{ID: "r1-1", Time: time.Now(), Gateway: "directory", Request: "r1", Operation: "update", Type: "User", Resource: "1", Name: "ada"})
	if err == nil {
		t.Fatal("the entry was taken")
	}
	await(http.StatusServiceUnavailable, false, "no space left")
	write("DROP TRIGGER full")
	await(http.StatusOK, true, "")
}
