package addresses

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

const published = "../../testdata/ServiceTags_Public.json"

func publishedText(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestServiceTags(t *testing.T) {
	s := &ServiceTags{Path: published, Tags: []string{"azureactivedirectory", "AzureCloud.WestEurope"}}
	if err := s.Provision(bare(t)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Cleanup() }()
	for address, want := range map[string]string{
		"198.51.100.63":       "198.51.100.0/26, service tag azureactivedirectory of " + published,
		"203.0.113.200":       "203.0.113.128/25, service tag AzureCloud.WestEurope of " + published,
		"2001:db8:1:4000::5":  "2001:db8:1:4000::/50, service tag azureactivedirectory of " + published,
		"198.51.100.193":      "", // of another tag
		"203.0.113.65":        "", // of one whose name begins alike
		"2001:db8:1:8000::5":  "",
		"::ffff:203.0.113.17": "203.0.113.16/28, service tag azureactivedirectory of " + published,
	} {
		match, found := s.Find(nil, Plain(netip.MustParseAddr(address)))
		if found != (want != "") || found && match.String() != want {
			t.Errorf("%s: %s (%v), want %q", address, match, found, want)
		}
	}
	if n := len(s.GetIPRanges(nil)); n != 7 {
		t.Errorf("there are %d ranges, want 7", n)
	}
	if about := s.About(); !strings.Contains(about, "(7 ranges, of 20") || !strings.Contains(about, "changeNumber 391") {
		t.Errorf("it is about %q", about)
	}
}

func TestReadServiceTagsRefuses(t *testing.T) {
	text := publishedText(t)
	swap := func(old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the file has no %s", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	for name, test := range map[string]struct{ text, want string }{
		"empty":          {"", "it ends too soon"},
		"half":           {text[:len(text)/2], "it ends too soon"},
		"all but a byte": {strings.TrimSpace(text)[:len(strings.TrimSpace(text))-1], "it ends too soon"},
		"HTML":           {"<!DOCTYPE html><title>Download</title>", "it is no JSON: at byte 1"},
		"twice":          {text + text, "something stands behind the end"},
		"no object":      {"[]", "it is not Microsoft's file of service tags"},
		"another object": {`{"values": {}}`, "it is not Microsoft's file of service tags"},
		"no values":      {`{"changeNumber": 1}`, "it is not Microsoft's file of service tags"},
		"no number":      {swap(`"changeNumber": 391,`, ""), "it is not Microsoft's file of service tags"},
		"a wrong number": {swap(`"changeNumber": 391,`, `"changeNumber": {},`), "it is not Microsoft's file of service tags"},
		"a wrong value":  {swap(`"values": [`, `"values": [ 7,`), "it is not Microsoft's file of service tags"},
		"tag gone":       {swap(`"name": "AzureActiveDirectory"`, `"name": "Entra"`), `there is no service tag "AzureActiveDirectory" in it; there is AzureActiveDirectoryDomainServices`},
		"bad range":      {swap("203.0.113.16/28", "203.0.113.16/27a"), `service tag AzureActiveDirectory: "203.0.113.16/27a" is no IP address`},
		"number":         {swap(`"203.0.113.16/28"`, "7"), "service tag AzureActiveDirectory: it is not Microsoft's file"},
		"no addresses": {`{"changeNumber": 1, "values": [{"name": "AzureActiveDirectory", "properties": {"addressPrefixes": []}}]}`,
			"service tag AzureActiveDirectory: it has no addresses any more"},
		"no properties": {`{"changeNumber": 1, "values": [{"name": "AzureActiveDirectory"}]}`, "it is not Microsoft's file"},
	} {
		if _, err := readServiceTags(strings.NewReader(test.text), []string{"AzureActiveDirectory"}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want it to hold %q", name, err, test.want)
		}
	}
	// As Azure's API writes it, and with a byte order mark.
	for name, text := range map[string]string{"API": swap("391", `"391"`), "BOM": "\ufeff" + text} {
		if read, err := readServiceTags(strings.NewReader(text), []string{"AzureActiveDirectory"}); err != nil || read.changeNumber != "391" {
			t.Errorf("%s: %v: %v", name, read, err)
		}
	}
	// A file that has no end is none.
	endless := io.MultiReader(strings.NewReader(`{"changeNumber": 1, "values": [`), repeated(`{"name": "x", "properties": {}},`))
	if _, err := readServiceTags(&counted{from: endless}, []string{"A"}); err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("an endless file: %v", err)
	}
	if _, err := readServiceTags(iotest.ErrReader(os.ErrDeadlineExceeded), []string{"A"}); err == nil {
		t.Error("a fault is no error")
	}
}

// repeated is a text without end.
type repeated string

func (r repeated) Read(p []byte) (int, error) {
	n := 0
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

// Microsoft's file is large, and little of it is wanted.
func TestServiceTagsAreRead(t *testing.T) {
	var text bytes.Buffer
	text.WriteString(`{"changeNumber": 391, "cloud": "Public", "values": [`)
	for tag := range 3000 {
		fmt.Fprintf(&text, `{"name": "Service%d", "properties": {"addressPrefixes": [`, tag)
		for n := range 70 {
			fmt.Fprintf(&text, `"10.%d.%d.%d/32",`, tag/256, tag%256, n)
		}
		text.WriteString(`"10.255.255.255/32"]}},`)
	}
	text.WriteString(`{"name": "AzureActiveDirectory", "properties": {"addressPrefixes": ["192.0.2.0/24"]}}]}`)
	size := text.Len()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	read, err := readServiceTags(&text, []string{"AzureActiveDirectory"})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || len(read.prefixes) != 1 {
		t.Fatalf("read %v: %v", read, err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > int64(size)/4 {
		t.Errorf("%d bytes of a file of %d are kept", grown, size)
	}
	runtime.KeepAlive(read)
}

// A list of service tags that nobody downloads any more is warned of, also if the same
// one is downloaded again and again.
func TestOldServiceTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const isOld = "warn the service tags are old: Microsoft publishes them every week, and calls from new addresses are refused"
		const day = 24 * time.Hour
		read := func(from io.Reader) (*contents, error) {
			return readServiceTags(from, []string{"AzureActiveDirectory"})
		}
		text := publishedText(t)
		changes = time.Now().Add(time.Minute - 60*day)
		w := watch(t, read, "AzureActiveDirectory", text)
		w.told(t, wasRead)
		changes = time.Now()
		w.write(t, text) // the same one is downloaded again
		time.Sleep(settled)
		w.told(t, wasRead)
		time.Sleep(time.Hour)
		w.told(t, isOld)
		time.Sleep(day)
		w.told(t, isOld)
		changes = time.Now()
		w.write(t, strings.Replace(text, "391", "392", 1))
		time.Sleep(time.Hour)
		w.told(t, wasRead)
	})
}

func FuzzReadServiceTags(f *testing.F) {
	f.Add(publishedText(f))
	f.Add(`{"changeNumber":"1","values":[{"name":"a","properties":{"addressPrefixes":["192.0.2.0/24"]}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		read, err := readServiceTags(strings.NewReader(text), []string{"a", "AzureActiveDirectory"})
		if err == nil && (len(read.prefixes) == 0 || read.changeNumber == "") {
			t.Errorf("%q is a list of nobody", text)
		}
	})
}
