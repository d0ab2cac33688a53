package addresses

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// ServiceTags are the addresses of services of Microsoft Azure, from the JSON file
// "Azure IP Ranges and Service Tags" that Microsoft publishes every week. Entra calls
// from those of the tag AzureActiveDirectory. The file is read again when it changes.
type ServiceTags struct {
	// Path is the file, as it was downloaded. Required.
	Path string `json:"path"`
	// Tags are the names of the service tags, one or more: AzureActiveDirectory, or a
	// regional one such as AzureCloud.WestEurope. Upper and lower case are the same.
	Tags []string `json:"tags"`

	held held
}

// CaddyModule implements caddy.Module.
func (*ServiceTags) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.ip_sources.azure_service_tags", New: func() caddy.Module { return new(ServiceTags) }}
}

// Provision reads the file, which must be there and have the tags.
func (s *ServiceTags) Provision(ctx caddy.Context) error {
	if len(s.Tags) == 0 {
		return errors.New("azure_service_tags: name a service tag, such as AzureActiveDirectory")
	}
	return s.held.take(ctx, s.Path, strings.Join(s.Tags, ","), func(from io.Reader) (*contents, error) {
		return readServiceTags(from, s.Tags)
	})
}

// Cleanup gives back what Provision took.
func (s *ServiceTags) Cleanup() error { return s.held.release() }

// UnmarshalCaddyfile reads the one line of the module:
//
//	azure_service_tags <path> <tag>...
func (s *ServiceTags) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	args := d.RemainingArgs()
	if len(args) < 2 {
		return d.Errf("write azure_service_tags <path> <tag>..., such as azure_service_tags /etc/scimgate/ServiceTags_Public.json AzureActiveDirectory")
	}
	s.Path = args[0]
	if err := s.SetTags(args[1:]); err != nil {
		return d.WrapErr(err)
	}
	return noBlock(d)
}

// SetTags takes the names of tags, which are to be different.
func (s *ServiceTags) SetTags(tags []string) error {
	for i, tag := range tags {
		if strings.ContainsAny(tag, "/\\,") || strings.HasSuffix(strings.ToLower(tag), ".json") {
			return fmt.Errorf("%q is no name of a service tag, such as AzureActiveDirectory", tag)
		}
		if slices.ContainsFunc(tags[:i], func(other string) bool { return strings.EqualFold(other, tag) }) {
			return fmt.Errorf("the service tag %s is named twice", tag)
		}
	}
	s.Tags = tags
	return nil
}

// GetIPRanges implements caddyhttp.IPRangeSource.
func (s *ServiceTags) GetIPRanges(*http.Request) []netip.Prefix {
	return s.held.list.is.Load().prefixes
}

// Find implements Source.
func (s *ServiceTags) Find(_ *http.Request, address netip.Addr) (Match, bool) {
	entry, found := s.held.list.is.Load().Find(address)
	return Match{entry.Prefix, s, entry.Origin}, found
}

// About implements Source.
func (s *ServiceTags) About() string {
	return "service tag " + strings.Join(s.Tags, ", ") + " of " + s.Path + s.held.state()
}

func (s *ServiceTags) origin(tag int32) string {
	return "service tag " + s.Tags[tag] + " of " + s.Path
}

// readServiceTags reads Microsoft's file and keeps what belongs to the tags: one
// service after the other, since the whole has several MB. It reads to the end, so that
// a file that was only half written is known by it.
func readServiceTags(from io.Reader, tags []string) (*contents, error) {
	r := tagsReader{decoder: json.NewDecoder(skipMark(from)), tags: tags, found: make([]bool, len(tags)), read: new(contents)}
	if err := r.document(); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too soon: it may be half written, or not downloaded to its end")
		}
		return nil, err
	}
	for i, tag := range tags {
		if !r.found[i] {
			return nil, r.unknown(tag)
		}
	}
	r.read.Table = NewTable(r.entries)
	return r.read, nil
}

type tagsReader struct {
	decoder *json.Decoder
	tags    []string
	found   []bool
	names   []string // of all tags, for what is not found
	entries []Entry
	read    *contents
}

// serviceTag is one of the elements of "values".
type serviceTag struct {
	Name       string          `json:"name"`
	Properties json.RawMessage `json:"properties"`
}

var errNotServiceTags = errors.New(`it is not Microsoft's file of service tags: that is a JSON object with "changeNumber" and "values"`)

func (r *tagsReader) document() error {
	if err := r.delimiter('{'); err != nil {
		return err
	}
	for r.decoder.More() {
		name, err := r.decoder.Token()
		if err != nil {
			return r.told(err)
		}
		switch name {
		case "changeNumber":
			err = r.changeNumber()
		case "values":
			err = r.values()
		default:
			var skipped json.RawMessage
			err = r.decode(&skipped)
		}
		if err != nil {
			return err
		}
	}
	if err := r.delimiter('}'); err != nil {
		return err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end of the JSON: it may be two files in one")
	}
	if r.read.changeNumber == "" || r.names == nil {
		return errNotServiceTags
	}
	return nil
}

func (r *tagsReader) delimiter(want json.Delim) error {
	token, err := r.decoder.Token()
	if err != nil {
		return r.told(err)
	}
	if token != want {
		return errNotServiceTags
	}
	return nil
}

func (r *tagsReader) decode(into any) error { return r.told(r.decoder.Decode(into)) }

// told says what is wrong with the JSON, and where.
func (r *tagsReader) told(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON: at byte %d: %w", syntax.Offset, err)
	case errors.As(err, &kind):
		return errNotServiceTags
	}
	return err
}

// changeNumber is a number in the file, and a string where Azure's API has written it.
func (r *tagsReader) changeNumber() error {
	var raw json.RawMessage
	if err := r.decode(&raw); err != nil {
		return err
	}
	number := strings.Trim(string(raw), `"`)
	if number == "" || len(number) > 20 || strings.Trim(number, "0123456789") != "" {
		return errNotServiceTags
	}
	r.read.changeNumber = number
	return nil
}

func (r *tagsReader) values() error {
	if err := r.delimiter('['); err != nil {
		return err
	}
	for r.decoder.More() {
		var tag serviceTag
		if err := r.decode(&tag); err != nil {
			return err
		}
		r.names = append(r.names, tag.Name)
		i := slices.IndexFunc(r.tags, func(name string) bool { return strings.EqualFold(name, tag.Name) })
		if i < 0 {
			continue
		}
		if err := r.take(i, tag); err != nil {
			return fmt.Errorf("service tag %s: %w", tag.Name, err)
		}
	}
	return r.delimiter(']')
}

func (r *tagsReader) take(i int, tag serviceTag) error {
	var properties struct {
		AddressPrefixes []string `json:"addressPrefixes"`
	}
	if err := json.Unmarshal(tag.Properties, &properties); err != nil {
		return errNotServiceTags
	}
	if len(properties.AddressPrefixes) == 0 {
		return errors.New("it has no addresses any more")
	}
	for _, text := range properties.AddressPrefixes {
		prefix, err := ParsePrefix(text)
		if err != nil {
			return err
		}
		r.entries = append(r.entries, Entry{prefix, int32(i)})
	}
	r.found[i] = true
	return nil
}

// unknown says that a tag is not there, and what is called alike.
func (r *tagsReader) unknown(tag string) error {
	const beginning = 6
	start := strings.ToLower(tag)[:min(beginning, len(tag))]
	var alike []string
	for _, name := range r.names {
		if len(alike) < 5 && start != "" && strings.Contains(strings.ToLower(name), start) {
			alike = append(alike, name)
		}
	}
	if len(alike) == 0 {
		return fmt.Errorf("there is no service tag %q in it", tag)
	}
	return fmt.Errorf("there is no service tag %q in it; there is %s", tag, strings.Join(alike, ", "))
}

// Interface guards
var (
	_ caddy.Provisioner       = (*ServiceTags)(nil)
	_ caddy.CleanerUpper      = (*ServiceTags)(nil)
	_ caddyfile.Unmarshaler   = (*ServiceTags)(nil)
	_ caddyhttp.IPRangeSource = (*ServiceTags)(nil)
	_ Source                  = (*ServiceTags)(nil)
	_ explained               = (*ServiceTags)(nil)
)
