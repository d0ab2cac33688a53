package redmine

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the database
)

// leftovers removes what Redmine keeps of users and groups, but for those of its own
// and the administrator. Their ids are not given again.
const leftovers = `DELETE FROM users WHERE type = 'Group' OR (type = 'User' AND login <> '` + AdminLogin + `');
DELETE FROM groups_users;
DELETE FROM email_addresses WHERE user_id NOT IN (SELECT id FROM users);
DELETE FROM user_preferences WHERE user_id NOT IN (SELECT id FROM users);
DELETE FROM tokens WHERE user_id NOT IN (SELECT id FROM users)`

// Reset removes all users and groups but the administrator.
func (s *Server) Reset(t TB) {
	t.Helper()
	s.Exec(t, leftovers)
}

// Exec changes Redmine's database, as one transaction: for what no call of its API
// brings about.
func (s *Server) Exec(t TB, statements string) {
	t.Helper()
	database, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "redmine.db")+"?_pragma=busy_timeout(30000)")
	if err == nil {
		_, err = database.Exec("BEGIN IMMEDIATE;\n" + statements + ";\nCOMMIT")
		err = errors.Join(err, database.Close())
	}
	if err != nil {
		t.Fatalf("changing Redmine's database: %v", err)
	}
}

// SeedGroup is the group that [Server.Seed] makes.
const SeedGroup = "Everybody"

// SeedLogin is the login of the nth user that [Server.Seed] adds, from 1.
func SeedLogin(n int) string { return fmt.Sprintf("seed%05d", n) }

// Seed adds as many users, which takes no time worth mentioning, and a group of them
// all. They have no password.
func (s *Server) Seed(t TB, users int) {
	t.Helper()
	s.Exec(t, fmt.Sprintf(`CREATE TEMP TABLE seeds AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
	SELECT printf('seed%%05d', i) AS login, printf('Given%%d', i) AS firstname FROM n;
INSERT INTO users (type, login, firstname, lastname, status, admin, language, mail_notification, created_on, updated_on)
	SELECT 'User', login, firstname, 'Seed', 1, 0, 'en', 'none', datetime('now'), datetime('now') FROM seeds;
INSERT INTO email_addresses (user_id, address, is_default, notify, created_on, updated_on)
	SELECT id, login || '@example.com', 1, 1, datetime('now'), datetime('now') FROM users WHERE login IN (SELECT login FROM seeds);
INSERT INTO users (type, login, firstname, lastname, status, admin, language, mail_notification, created_on, updated_on)
	VALUES ('Group', '', '', '%s', 1, 0, '', '', datetime('now'), datetime('now'));
INSERT INTO groups_users (group_id, user_id)
	SELECT (SELECT id FROM users WHERE type = 'Group' AND lastname = '%[2]s'), id FROM users WHERE login IN (SELECT login FROM seeds);
DROP TABLE seeds`, users, SeedGroup))
}
