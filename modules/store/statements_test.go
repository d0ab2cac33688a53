package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// Statements that stay prepared are as good the second time, also behind one that
// failed, when the tables have changed, and when there are very many.
func TestStatementsStayPrepared(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for n := range 200 {
			statement := "INSERT INTO scim_state (name, value) VALUES ($1, $2)" + strings.Repeat(" ", n)
			for m := range 3 {
				must(t, s, statement, fmt.Sprint(n, "/", m), strings.Repeat("x", n))
			}
			if err := execute(t, s, statement, fmt.Sprint(n, "/1"), ""); err == nil {
				t.Fatal("a row that is there was inserted again")
			}
			must(t, s, statement, fmt.Sprint(n, "/4"), "")
			if n == 100 {
				must(t, s, "ALTER TABLE scim_state ADD COLUMN more BIGINT")
			}
		}
		if value, err := get(t, s, "150/2"); err != nil || len(value) != 150 {
			t.Errorf("there is %q, %v", value, err)
		}
	})
}
