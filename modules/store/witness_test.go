//go:build linux

package store_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/scimgate/scimgate/modules/store/storetest"
)

// A gateway that was tried as root leaves no local copies that the service can't read:
// without them nobody knows after a restored backup what was revoked.
func TestWitnessBelongsToTheService(t *testing.T) {
	elsewhere(t)
	want := uint32(os.Geteuid())
	if want == 0 {
		want = 65534
	}
	var directories []string
	for _, variable := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		directory := os.Getenv(variable)
		if err := os.MkdirAll(directory, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(directory, int(want), -1); err != nil {
			t.Fatal(err)
		}
		directories = append(directories, directory)
	}
	if err := storetest.Open(t, storetest.SQLite(t)()).AddToken(t.Context(), entra("aaaaaaaa")); err != nil {
		t.Fatal(err)
	}
	for _, directory := range directories {
		files, err := filepath.Glob(filepath.Join(directory, "caddy", "scimgate", "control-*.json"))
		if err != nil || len(files) != 1 {
			t.Fatalf("the copies are %v, %v", files, err)
		}
		for _, path := range []string{files[0], filepath.Dir(files[0])} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
				t.Errorf("%s belongs to %d, want %d", path, got, want)
			}
		}
	}
}
