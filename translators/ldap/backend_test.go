package ldap

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// unprovisioned returns a translator that is not provisioned yet.
func unprovisioned(t testing.TB, head string, blocks ...string) *Translator {
	t.Helper()
	if len(blocks) == 0 {
		blocks = []string{usersBlock, groupsBlock}
	}
	tr := new(Translator)
	if err := tr.UnmarshalCaddyfile(caddyfile.NewTestDispenser("ldap " + head + strings.Join(blocks, "") + "\n}")); err != nil {
		t.Fatalf("reading: %v", err)
	}
	return tr
}

// A reload that changes nothing about the directory keeps its connections, and
// the old configuration's requests go on (DESIGN §4 rule 13).
func TestReload(t *testing.T) {
	t.Setenv("SCIMGATE_TEST_SECRET", slapd.ServicePassword)
	server := slapd.Start(t, slapd.Options{})
	server.Add(t, people)
	head := server.URL() + " {\nbind " + server.ServiceDN + " {env.SCIMGATE_TEST_SECRET}\n"
	before, same, other := unprovisioned(t, head), unprovisioned(t, head+"candidates 10\n"), unprovisioned(t, head+"connections {\nshared 1\n}\n")
	for _, tr := range []*Translator{before, same, other} {
		if err := provision(t, tr); err != nil {
			t.Fatalf("provisioning: %v", err)
		}
	}
	if before.pool != same.pool {
		t.Error("another bound on candidates made new connections")
	}
	if before.pool == other.pool {
		t.Error("another number of connections has the same connections")
	}
	t.Setenv("SCIMGATE_TEST_SECRET", "rotated")
	rotated := unprovisioned(t, head)
	if err := provision(t, rotated); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	if rotated.pool == before.pool {
		t.Error("another password has the same connections")
	}
	t.Setenv("SCIMGATE_TEST_SECRET", slapd.ServicePassword)

	release, err := other.Lease()
	if err != nil {
		t.Fatalf("leasing: %v", err)
	}
	if err := other.Cleanup(); err != nil {
		t.Fatalf("cleaning up: %v", err)
	}
	if err := other.Cleanup(); err != nil {
		t.Fatalf("cleaning up again: %v", err)
	}
	idOf(t, other, other.users, `userName eq "ada"`)
	release()
	if release, err = other.Lease(); err != nil {
		t.Fatalf("leasing within the grace time: %v", err)
	}
	release()
}

func TestCleanupAfterFailedProvision(t *testing.T) {
	tr := unprovisioned(t, "ldap://127.0.0.1:1 {\nbind cn=a,dc=b {env.SCIMGATE_TEST_UNSET}\n")
	if err := provision(t, tr); err == nil {
		t.Fatal("a missing secret was accepted")
	}
	if err := tr.Cleanup(); err != nil {
		t.Fatalf("cleaning up: %v", err)
	}
}

// A secret in a file is read again when the directory refuses it.
func TestPasswordFile(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	server.Add(t, people)
	name := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old-secret")
	tr := unprovisioned(t, server.URL()+" {\nbind "+server.ServiceDN+" {file."+name+"}\n")
	if err := provision(t, tr); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	rt := tr.users.served.ResourceType
	query := translators.Query{Type: rt, Filter: parse(t, tr.users, `userName eq "ada"`), Limit: 1}
	_, err := tr.Search(t.Context(), query)
	if translators.KindOf(err) != translators.Unavailable {
		t.Fatalf("with the old password: got %v, want unavailable", err)
	}
	if strings.Contains(err.Error(), "old-secret") {
		t.Errorf("%q tells the password", err)
	}
	write(server.ServicePassword)
	result, err := tr.Search(t.Context(), query)
	if err != nil || len(result.Entries) != 1 {
		t.Fatalf("with the new password: %d entries, %v", len(result.Entries), err)
	}
}

func TestTLS(t *testing.T) {
	server := slapd.Start(t, slapd.Options{RequireTLS: true})
	server.Add(t, people)
	bind := "\nbind " + server.ServiceDN + " " + server.ServicePassword + "\n"
	for _, c := range []struct {
		name, head string
		want       translators.ErrorKind
	}{
		{"ldaps", server.TLSURL() + " {" + bind + "tls_ca " + server.CAFile() + "\n", ""},
		{"starttls", server.URL() + " {" + bind + "starttls\ntls_ca " + server.CAFile() + "\n", ""},
		{"another name", server.URL() + " {" + bind + "starttls\ntls_server_name localhost\ntls_ca " + server.CAFile() + "\n", ""},
		{"not verified", server.TLSURL() + " {" + bind + "tls_insecure_skip_verify\n", ""},
		{"an unknown authority", server.TLSURL() + " {" + bind, translators.Unavailable},
		{"a wrong name", server.TLSURL() + " {" + bind + "tls_server_name example.net\ntls_ca " + server.CAFile() + "\n", translators.Unavailable},
		{"no encryption", server.URL() + " {" + bind, translators.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := unprovisioned(t, c.head)
			if err := provision(t, tr); err != nil {
				t.Fatalf("provisioning: %v", err)
			}
			result, err := tr.Search(t.Context(), translators.Query{Type: tr.users.served.ResourceType, Filter: parse(t, tr.users, `userName eq "ada"`), Limit: 1})
			if translators.KindOf(err) != c.want || err == nil && len(result.Entries) != 1 {
				t.Errorf("%d entries, %v; want %q", len(result.Entries), err, c.want)
			}
		})
	}
}

func TestObserve(t *testing.T) {
	tr, _ := servePeople(t)
	var mu sync.Mutex
	seen := make(map[string]int)
	tr.Observe(func(o translators.Observation) {
		mu.Lock()
		defer mu.Unlock()
		if o.Duration <= 0 {
			t.Errorf("%s took %s", o.Operation, o.Duration)
		}
		seen[o.Operation+" "+o.Result]++
	})
	idOf(t, tr, tr.users, `userName eq "ada"`)
	_, _ = tr.readName(t.Context(), tr.users, "uid=nobody,"+slapd.People, nil)
	mu.Lock()
	defer mu.Unlock()
	if seen["connect ok"] == 0 || seen["search ok"] == 0 || seen["search 32"] != 1 {
		t.Errorf("observed %v", fmt.Sprint(seen))
	}
}
