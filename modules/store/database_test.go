package store

import "testing"

// Parameters that come in order need no number; others keep theirs.
func TestAdapt(t *testing.T) {
	for statement, want := range map[string]string{
		"SELECT 1":                          "SELECT 1",
		"VALUES ($1,$2),($3,$4)":            "VALUES (?,?),(?,?)",
		"a = $1 AND b = $1":                 "a = ?1 AND b = ?1",
		"a = $2 AND b = $1":                 "a = ?2 AND b = ?1",
		"a = $1 AND b = '$' OR c = '$x' $2": "a = ? AND b = '$' OR c = '$x' ?",
		"$1$2$3$4$5$6$7$8$9$10$11":          "???????????",
		"$1 $3":                             "?1 ?3",
		"a = $":                             "a = $",
		"$":                                 "$",
	} {
		if got := SQLite.adapt(statement); got != want {
			t.Errorf("%s: got %s, want %s", statement, got, want)
		}
		if got := PostgreSQL.adapt(statement); got != statement {
			t.Errorf("%s: PostgreSQL gets %s", statement, got)
		}
	}
}
