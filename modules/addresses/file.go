package addresses

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/internal/quiet"
)

// File is a list of addresses in a text file: one address or CIDR range a line. Blank
// lines do not count, nor does what stands behind a #. The file is read again when it
// changes.
type File struct {
	// Path is the file. Required.
	Path string `json:"path"`

	held held
}

// CaddyModule implements caddy.Module.
func (*File) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.ip_sources.file", New: func() caddy.Module { return new(File) }}
}

// Provision reads the file, which must be there.
func (f *File) Provision(ctx caddy.Context) error { return f.held.take(ctx, f.Path, "", readText) }

// Cleanup gives back what Provision took.
func (f *File) Cleanup() error { return f.held.release() }

// UnmarshalCaddyfile reads the one line of the module:
//
//	file <path>
func (f *File) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&f.Path) {
		return d.Errf("write file <path>, such as file /etc/scimgate/office.txt")
	}
	return noBlock(d)
}

// GetIPRanges implements caddyhttp.IPRangeSource.
func (f *File) GetIPRanges(*http.Request) []netip.Prefix { return f.held.list.is.Load().prefixes }

// Find implements Source.
func (f *File) Find(_ *http.Request, address netip.Addr) (Match, bool) {
	entry, found := f.held.list.is.Load().Find(address)
	return Match{entry.Prefix, f, entry.Origin}, found
}

// About implements Source.
func (f *File) About() string { return "file " + f.Path + f.held.state() }

func (f *File) origin(line int32) string { return fmt.Sprintf("line %d of %s", line, f.Path) }

// readText reads the text of a [File].
func readText(from io.Reader) (*contents, error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 4096)
	var entries []Entry
	for number := int32(1); lines.Scan(); number++ {
		line := lines.Bytes()
		if number == 1 {
			if bytes.HasPrefix(line, []byte{0xff, 0xfe}) || bytes.HasPrefix(line, []byte{0xfe, 0xff}) {
				return nil, errors.New("it is in UTF-16: save it as UTF-8")
			}
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		text, _, _ := strings.Cut(string(line), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		prefix, err := ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		entries = append(entries, Entry{prefix, number})
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = errors.New("a line is longer than 4096 bytes: it has to be one address or range a line")
		}
		return nil, err
	}
	return &contents{Table: NewTable(entries)}, nil
}

// held is the hold of a module on its list.
type held struct {
	list   *list
	holder *holder
}

func (h *held) take(ctx caddy.Context, path, tags string, read reader) error {
	if path == "" {
		return errors.New("the path of the address list is missing")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := register(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	holder := &holder{quiet.Logger(ctx)}
	l, err := take(key{absolute, tags}, read, holder)
	if err != nil {
		return err
	}
	h.list, h.holder = l, holder
	return nil
}

func (h *held) release() error {
	if h.holder != nil {
		h.list.release(h.holder)
		h.holder = nil
	}
	return nil
}

// state says of a list what an operator has to know of it.
func (h *held) state() string {
	is := h.list.is.Load()
	text := fmt.Sprintf(" (%d ranges, of %s", len(is.prefixes), is.since.UTC().Format("2006-01-02 15:04 MST"))
	if is.changeNumber != "" {
		text += ", changeNumber " + is.changeNumber
	}
	if fault := h.list.fault.Load(); fault != nil {
		text += "; the file can't be used now: " + *fault
	}
	return text + ")"
}

func noBlock(d *caddyfile.Dispenser) error {
	if d.NextBlock(d.Nesting()) {
		return d.Errf("an address list has no block")
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner       = (*File)(nil)
	_ caddy.CleanerUpper      = (*File)(nil)
	_ caddyfile.Unmarshaler   = (*File)(nil)
	_ caddyhttp.IPRangeSource = (*File)(nil)
	_ Source                  = (*File)(nil)
	_ explained               = (*File)(nil)
)
