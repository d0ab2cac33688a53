package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/expression"
)

// Read implements [translators.Translator]. Each id takes the calls of read; some are
// under way at the same time.
func (t *Translator) Read(ctx context.Context, rt *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	k := t.kindOf(rt)
	var once []string
	for _, id := range ids {
		if !slices.Contains(once, id) {
			once = append(once, id)
		}
	}
	found, err := t.records(ctx, k, once, k.lookFor(s))
	if err != nil {
		return nil, err
	}
	return t.entriesOf(ctx, k, found, s)
}

// entriesOf makes records resources.
func (t *Translator) entriesOf(ctx context.Context, k *kind, found []*handle, s translators.Selection) ([]*translators.Entry, error) {
	entries := make([]*translators.Entry, len(found))
	for i, h := range found {
		var err error
		if entries[i], err = t.entryOf(ctx, k, h, s); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// entryOf makes a record a resource.
func (t *Translator) entryOf(ctx context.Context, k *kind, h *handle, s translators.Selection) (*translators.Entry, error) {
	r := t.resourceOf(k, h, s)
	entry := &translators.Entry{Resource: r, Handle: h}
	if k.groups != nil && s.Wants(k.groups) {
		groups, err := t.groupsOf(ctx, k, h)
		if err != nil {
			return nil, err
		}
		r.Set(k.groups, groups)
	}
	if k.members != nil && s.Members {
		entry.Members = t.membersOf(ctx, k, h)
	}
	return entry, nil
}

// resourceOf decodes a record, without what takes more than the record.
func (t *Translator) resourceOf(k *kind, h *handle, s translators.Selection) *scim.Resource {
	r, _ := t.resourceRead(k, h, s)
	return r
}

// resourceRead is resourceOf that tells of a value which was given up, because an expression
// would have taken too long: that there is none must not be made of it.
func (t *Translator) resourceRead(k *kind, h *handle, s translators.Selection) (r *scim.Resource, fault error) {
	r = scim.NewResource(k.served.ResourceType)
	r.ID, r.Meta = h.id, t.metaOf(k, h)
	for _, problem := range k.mapping.decode(r, s, h.record, nil) {
		if errors.Is(problem.Err, expression.ErrTooMuch) {
			fault = &translators.Error{Kind: translators.Unavailable, Err: fmt.Errorf("the %s %q: %s", k.served.Name, h.id, problem),
				Detail: fmt.Sprintf("A record of the application is too large for the configuration's expression for %s, so that it can't be told what it is. The log names the record.", problem.Path)}
		}
		if c := t.logger.Check(zap.DebugLevel, "left out a value of the application"); c != nil {
			c.Write(zap.String("type", k.served.Name), zap.String("id", h.id), zap.Stringer("problem", problem))
		}
	}
	return r, fault
}

// metaOf returns what a record tells about itself.
func (t *Translator) metaOf(k *kind, h *handle) scim.Meta {
	return scim.Meta{Created: timeAt(k.created, h.record), LastModified: timeAt(k.modified, h.record), Version: k.versionOf(h)}
}

// versionOf returns what tells whether a record was changed; "" when that is not
// known of it.
func (k *kind) versionOf(h *handle) string {
	switch k.config.Version {
	case "":
		return ""
	case versionETag:
		return opaque(strings.Trim(strings.TrimPrefix(h.etag, "W/"), `"`))
	case versionHash:
		sum := sha256.New()
		for _, field := range k.mapping.paths(translators.Selection{All: true}) {
			for _, v := range k.mapping.valuesIn(h.record)(field) {
				sum.Write([]byte(strconv.Itoa(len(v)) + ":" + v))
			}
			sum.Write([]byte{0})
		}
		return hex.EncodeToString(sum.Sum(nil)[:16])
	}
	if values := k.version.Get(h.record); len(values) == 1 {
		return opaque(values[0].String())
	}
	return ""
}

// opaque returns a version that can stand in an entity tag (RFC 9110 §8.8.3).
func opaque(version string) string {
	if !strings.ContainsFunc(version, func(c rune) bool { return c <= ' ' || c == '"' || c > '~' }) {
		return version
	}
	sum := sha256.Sum256([]byte(version))
	return hex.EncodeToString(sum[:16])
}

// timeLayouts are how applications write times besides RFC 3339.
var timeLayouts = []string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 MST", time.RFC1123, time.RFC1123Z, time.DateTime, time.DateOnly}

// timeAt returns the time at a path: a text, or seconds or milliseconds since 1970.
// What can't be read is not told.
func timeAt(p *document.Path, record gjson.Result) time.Time {
	if p == nil {
		return time.Time{}
	}
	values := p.Get(record)
	if len(values) != 1 {
		return time.Time{}
	}
	text := values[0].String()
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n > 1e11 {
			return time.UnixMilli(n).UTC()
		}
		return time.Unix(n, 0).UTC()
	}
	if at, err := scim.ParseDateTime(text); err == nil {
		return at
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
