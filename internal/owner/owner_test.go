//go:build linux

package owner_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/scimgate/scimgate/internal/owner"
)

// What root makes in a directory of somebody else belongs to that one; what anybody
// else makes stays as it is.
func TestGiveAway(t *testing.T) {
	dir := t.TempDir()
	want := uint32(os.Geteuid())
	if want == 0 {
		want = 65534
		if err := os.Chown(dir, int(want), int(want)); err != nil {
			t.Fatal(err)
		}
	}
	deep := filepath.Join(dir, "caddy", "scimgate")
	file := filepath.Join(deep, "file")
	for range 2 { // what is there is left alone
		if err := owner.MakeDirectory(deep); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := owner.GiveAway(file); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{filepath.Dir(deep): 0o700, deep: 0o700, file: 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want || info.Mode().Perm() != mode {
			t.Errorf("%s belongs to %d and has %v, want %d and %v", path, got, info.Mode().Perm(), want, mode)
		}
	}
	if err := owner.GiveAway(filepath.Join(dir, "none", "file")); want != uint32(os.Geteuid()) && err == nil {
		t.Error("what is not there was given away")
	}
	if err := owner.MakeDirectory(filepath.Join(file, "below")); err == nil {
		t.Error("a directory was made below a file")
	}
}
