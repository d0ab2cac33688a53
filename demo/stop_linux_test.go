package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A demo that was stopped holds none of its files any more: they are removed then, and
// who still had the store would find it gone and say so.
func TestStopClosesTheStore(t *testing.T) {
	d, err := Start(Options{Listen: "127.0.0.1:0", LDAP: "127.0.0.1:0", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Dir(d.Store)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, descriptor := range descriptors {
		if file, err := os.Readlink("/proc/self/fd/" + descriptor.Name()); err == nil && strings.HasPrefix(file, scratch) {
			t.Errorf("%s is open", file)
		}
	}
}
