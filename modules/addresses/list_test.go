package addresses

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a list of text that is used for as long as a test goes on.
type watched struct {
	*list
	path string
	logs *observer.ObservedLogs
}

// settled is how long it takes until a change counts.
const settled = 2*pollEvery + time.Millisecond

func watch(t *testing.T, read reader, tags, text string) *watched {
	t.Helper()
	w := &watched{path: filepath.Join(t.TempDir(), "list")}
	w.write(t, text)
	core, logs := observer.New(zapcore.InfoLevel)
	w.logs = logs
	h := &holder{zap.New(core)}
	var err error
	if w.list, err = take(key{w.path, tags}, read, h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.release(h) })
	return w
}

// changes makes sure that what is written now has another time than what was there.
var changes = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (w *watched) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	changes = changes.Add(time.Second)
	if err := os.Chtimes(w.path, changes, changes); err != nil {
		t.Fatal(err)
	}
}

// has waits until changes count, and checks who is on the list.
func (w *watched) has(t *testing.T, addresses ...string) {
	t.Helper()
	time.Sleep(settled)
	synctest.Wait()
	var got []string
	for _, prefix := range w.is.Load().Prefixes() {
		got = append(got, prefix.Addr().String())
	}
	if !slices.Equal(got, addresses) {
		t.Errorf("on the list are %q, want %q", got, addresses)
	}
}

// told checks what the log has told since it was asked last.
func (w *watched) told(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, line := range w.logs.TakeAll() {
		text := line.Level.String() + " " + line.Message
		if fault, has := line.ContextMap()["error"].(string); has {
			text += ": " + fault
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log tells\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

const (
	wasRead  = "info the address list was read"
	isEmpty  = "error the address list is empty: nobody is on it"
	isBroken = "error the address list can't be used: the last good one stays in force: "
)

// A list is read again when its file is another one, however it came to be so.
func TestListIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, readText, "", "192.0.2.1\n")
		w.has(t, "192.0.2.1")
		w.told(t, wasRead)

		w.write(t, "192.0.2.1\n192.0.2.2\n")
		w.has(t, "192.0.2.1", "192.0.2.2")
		w.told(t, wasRead)

		// An atomic rename with the same size and time.
		next := w.path + ".new"
		if err := os.WriteFile(next, []byte("192.0.2.3\n192.0.2.4\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(next, changes, changes); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, w.path); err != nil {
			t.Fatal(err)
		}
		w.has(t, "192.0.2.3", "192.0.2.4")
		w.told(t, wasRead)

		// A symbolic link that is made to point elsewhere, as Kubernetes does.
		dir := filepath.Dir(w.path)
		for version, text := range map[string]string{"1": "192.0.2.5\n", "2": "192.0.2.6\n"} {
			if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, version, "list"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		point := func(version string) {
			t.Helper()
			if err := os.Symlink(version, filepath.Join(dir, "data.new")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "data.new"), filepath.Join(dir, "data")); err != nil {
				t.Fatal(err)
			}
		}
		point("1")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("data/list", w.path); err != nil {
			t.Fatal(err)
		}
		w.has(t, "192.0.2.5")
		point("2")
		w.has(t, "192.0.2.6")
		w.told(t, wasRead, wasRead)

		w.has(t, "192.0.2.6")
		time.Sleep(time.Hour)
		w.told(t)
	})
}

// A file that can't be used leaves the last good list, and the log says so once.
func TestBrokenListStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, readText, "", "192.0.2.1\n")
		w.told(t, wasRead)
		w.write(t, "192.0.2.1\n192.0.2.999\n")
		w.has(t, "192.0.2.1")
		time.Sleep(time.Hour)
		w.told(t, isBroken+`line 2: "192.0.2.999" is no IP address and no CIDR range such as 192.0.2.0/24`)

		w.write(t, "192.0.2.1\n198.51.100.1/24\n")
		w.has(t, "192.0.2.1")
		w.told(t, isBroken+`line 2: "198.51.100.1/24" has address bits behind its prefix: did you mean 198.51.100.0/24?`)

		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.has(t, "192.0.2.1")
		time.Sleep(time.Hour)
		w.told(t, isBroken+"there is no such file: put it there, readable for the user of the service")

		if err := os.Mkdir(w.path, 0o700); err != nil {
			t.Fatal(err)
		}
		w.has(t, "192.0.2.1")
		w.told(t, isBroken+"it is no file")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.has(t, "192.0.2.1")

		w.write(t, "192.0.2.2\n")
		w.has(t, "192.0.2.2")
		w.told(t, isBroken+"there is no such file: put it there, readable for the user of the service", wasRead)
		if w.fault.Load() != nil {
			t.Errorf("the fault stays: %s", *w.fault.Load())
		}
	})
}

// A file is not read while it is being written.
func TestListSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, readText, "", "192.0.2.1\n")
		time.Sleep(time.Millisecond)
		for range 5 {
			w.write(t, "") // an editor has cut it off, and goes on writing
			time.Sleep(pollEvery)
			synctest.Wait()
			w.write(t, "192.0.2.1\n192.0.2.")
			time.Sleep(pollEvery)
			synctest.Wait()
		}
		w.told(t, wasRead)
		w.write(t, "192.0.2.1\n192.0.2.2\n")
		w.has(t, "192.0.2.1", "192.0.2.2")
		w.told(t, wasRead)
	})
}

// An emptied list lets nobody in, and the log is loud about it.
func TestEmptiedList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, readText, "", "192.0.2.1\n")
		for _, text := range []string{"", "# nobody\n\n", "\ufeff"} {
			w.write(t, text)
			w.has(t)
			if _, found := w.is.Load().Find(netip.MustParseAddr("192.0.2.1")); found {
				t.Errorf("%q: somebody is found on an empty list", text)
			}
		}
		w.told(t, wasRead, isEmpty, isEmpty, isEmpty)
	})
}

// Those who name the same file share the list; a configuration that is loaded while
// the file is broken is refused, and the others go on.
func TestListIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, readText, "", "192.0.2.1\n")
		h := &holder{zap.NewNop()}
		again, err := take(key{w.path, ""}, readText, h)
		if err != nil || again != w.list {
			t.Fatalf("took %p, want %p: %v", again, w.list, err)
		}
		again.release(h)
		w.write(t, "nonsense\n")
		if _, err := take(key{w.path, ""}, readText, h); err == nil || !strings.Contains(err.Error(), w.path+": line 1: \"nonsense\" is no IP address") {
			t.Fatalf("a broken file is taken: %v", err)
		}
		w.has(t, "192.0.2.1")
		w.write(t, "192.0.2.2\n") // counts at once for who loads a configuration
		if again, err = take(key{w.path, ""}, readText, h); err != nil || again.is.Load().Prefixes()[0].Addr().String() != "192.0.2.2" {
			t.Fatalf("taken is %v: %v", again, err)
		}
		again.release(h)
		again.release(h) // once too often takes nobody else's hold
		w.write(t, "192.0.2.3\n")
		w.has(t, "192.0.2.3")
	})
	if len(lists.held) != 0 {
		t.Errorf("%d lists are left behind", len(lists.held))
	}
}

func TestReadText(t *testing.T) {
	good := "\ufeff# the office\r\n192.0.2.0/24 # first floor\r\n\r\n \t 2001:db8::/32\n198.51.100.7"
	read, err := readText(strings.NewReader(good))
	if err != nil || len(read.prefixes) != 3 {
		t.Fatalf("read %v: %v", read, err)
	}
	if entry, _ := read.Find(netip.MustParseAddr("198.51.100.7")); entry.Origin != 5 {
		t.Errorf("198.51.100.7 is said to stand in line %d", entry.Origin)
	}
	for text, want := range map[string]string{
		"\xff\xfe1\x00":                     "it is in UTF-16: save it as UTF-8",
		"{\"values\": []}":                  `line 1: "{\"values\": []}" is no IP address`,
		"192.0.2.1 192.0.2.2":               `line 1: "192.0.2.1 192.0.2.2" is no IP address`,
		"192.0.2.1\n192.0.2.0/24\n10.0.0/8": `line 3: "10.0.0/8" is no IP address`,
		strings.Repeat("x", 5000):           "a line is longer than 4096 bytes",
		strings.Repeat("y", 500):            `line 1: "` + strings.Repeat("y", 64) + `…" is no IP address`,
		"192.0.2.1\x00\n":                   `line 1: "192.0.2.1\x00" is no IP address`,
	} {
		if _, err := readText(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want it to hold %q", text, err, want)
		}
	}
}

func bare(t *testing.T) caddy.Context {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	return ctx
}

// What a module can't be provisioned with names the file and the remedy.
func TestProvisionRefuses(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	for name, test := range map[string]struct {
		module caddy.Provisioner
		want   string
	}{
		"no path":   {&File{}, "the path of the address list is missing"},
		"no file":   {&File{Path: none}, "the address list " + none + ": there is no such file: put it there"},
		"directory": {&File{Path: dir}, "the address list " + dir + ": it is no file"},
		"no tag":    {&ServiceTags{Path: none}, "name a service tag"},
		"no tags":   {&ServiceTags{Path: none, Tags: []string{"A", "B"}}, "the address list " + none + " (A,B): there is no such file"},
		"text":      {&ServiceTags{Path: "list_test.go", Tags: []string{"A"}}, "list_test.go (A): it is no JSON: at byte 1:"},
	} {
		if err := test.module.Provision(bare(t)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want it to hold %q", name, err, test.want)
		}
		if err := test.module.(caddy.CleanerUpper).Cleanup(); err != nil {
			t.Errorf("%s: cleaning up: %v", name, err)
		}
	}
	if len(lists.held) != 0 {
		t.Errorf("%d lists are left behind", len(lists.held))
	}
}
