package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/journal"
)

// The disk of a gateway's store and of its local file is really full. Writes are
// refused before the directory sees them, reads go on, disables are carried out, proven
// and recorded, also when the gateway is killed meanwhile; and when there is room again
// everything goes on by itself.
func TestDiskIsFull(t *testing.T) {
	disk := t.TempDir()
	d := startSlapd(t, slapd.Options{})
	m := newMortal(t, d, "", setup{})
	full, empty := m.limit, m.unlimit // as far as a process can tell
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=6m"); err == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmounting: %v", err)
			}
		})
		filler := filepath.Join(disk, "filler")
		full, empty = func(t *testing.T) { fill(t, filler) }, func(t *testing.T) { _ = os.Remove(filler) }
	}
	m.moveTo(t, disk)
	t.Cleanup(func() { m.kill(t) })
	m.start(t)
	alan, before, behind := m.id(t, "Alan.Turing"), m.create(t, "before"), m.create(t, "behind")
	m.want(t, 200, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "before")))

	full(t)
	// What is written of the log may still have had room in the file.
	for n := 0; ; n++ {
		if m.do(t, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", fmt.Sprint(n, strings.Repeat("x", 900))))).Status == 503 {
			break
		}
		if n > 5000 {
			t.Fatal("the disk does not get full")
		}
	}
	contents := d.dump(t)
	m.want(t, 503, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "refused")))
	m.want(t, 503, "POST", "/Users", userBody("refused"))
	m.want(t, 503, "DELETE", "/Users/"+alan, "")
	if after := d.dump(t); after != contents {
		t.Errorf("the directory was changed:\n%s", difference(contents, after))
	}
	m.want(t, 200, "GET", "/Users/"+alan, "")
	m.want(t, 200, "PATCH", "/Users/"+before, disable)
	d.signsIn(t, userDN("before"), passwordOf("before"), false)

	// Also behind a start with the disk full.
	m.kill(t)
	m.start(t)
	full(t)
	m.want(t, 200, "GET", "/Users/"+alan, "")
	m.want(t, 503, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "refused")))
	m.want(t, 200, "PATCH", "/Users/"+behind, disable)
	d.signsIn(t, userDN("behind"), passwordOf("behind"), false)

	empty(t)
	m.eventually(t, 200, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "there is room")))
	waitFor(t, "the local file to be imported", func() bool { return m.metric(t, "caddy_scim_journal_spooled") == 0 })
	found := make(map[string]int)
	for _, e := range m.closed(t) {
		if e.Operation == "disable" && e.Result == journal.Applied && e.Proof == "proven" {
			found[e.Name]++
		}
	}
	if found["before"] != 1 || found["behind"] != 1 {
		t.Errorf("the journal has the disables %v", found)
	}
}

// limit lets no file of the process grow beyond what the local file has, which is what a
// full disk is to it; unlimit ends that.
func (m *mortal) limit(t *testing.T)   { m.limitTo(t, journal.SpoolSize) }
func (m *mortal) unlimit(t *testing.T) { m.limitTo(t, 0) }

func (m *mortal) limitTo(t *testing.T, size uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur = limit.Max; size > 0 {
		limit.Cur = size
	}
	_, _, failed := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(m.command.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if failed != 0 {
		t.Fatal(failed)
	}
}

// fill writes a file until the disk has no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if n, err := file.Write(make([]byte, size)); err != nil || n < size {
			size /= 2
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// moveTo lets the process have its store and what else it keeps in another directory;
// its log stays where it is.
func (m *mortal) moveTo(t *testing.T, directory string) {
	t.Helper()
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(directory, "scimgate.db")
	if err := os.WriteFile(m.config, []byte(replaced(t, string(text), m.Store, store)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Store, m.scratch = store, directory
	m.engine = sqliteAt(store)
}
