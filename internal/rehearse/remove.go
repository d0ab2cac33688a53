package rehearse

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fullPrefixes are those that a run gives its names, with the random characters.
var fullPrefixes = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{2,39}-[a-z2-7]{8}$`)

// removing is how long the removal of what an earlier run has left may take: a load
// run can leave much.
const removing = time.Hour

// earlier looks for what an earlier run has left and takes it over, so that it is
// removed in the end. It is guarded as a run guards itself: only what shows a name
// with the whole prefix when it is read by its id is written to.
func (r *run) earlier(ctx context.Context) error {
	for _, kind := range []Kind{User, Group} {
		if kind == Group && r.NoGroups {
			continue
		}
		for start, total := 1, 1; start <= total; {
			x := r.search(ctx, kind, start)
			if ctx.Err() != nil {
				return nil // the end says so
			}
			if kind == User && start == 1 {
				if err := r.speaks(ctx, x); err != nil {
					return err
				}
			}
			if kind == Group && (x.status == http.StatusNotFound || x.status == http.StatusNotImplemented) {
				break
			}
			v, err := decode(x.answer)
			found, isList := member(v, "Resources").([]any)
			switch {
			case x.err != nil:
				return fmt.Errorf("looking for what was left: %w", x.err)
			case x.status != http.StatusOK || err != nil:
				return fmt.Errorf("looking for what was left: %s was answered %d%s", what(x), x.status, because(x))
			case !isList || len(found) == 0:
				total = 0
				continue
			}
			total, _ = strconv.Atoi(fmt.Sprint(member(v, "totalResults")))
			start += len(found)
			for _, one := range found {
				if err := r.takeBack(ctx, kind, text(one, "id"), text(one, kind.nameAttribute())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// search looks for names with the prefix anywhere in them: Entra's recycle bin
// writes an id before the name.
func (r *run) search(ctx context.Context, kind Kind, start int) (x exchange) {
	for _, operator := range []string{"co", "sw"} {
		filter := kind.nameAttribute() + " " + operator + " " + mustEncode(r.own.prefix+"-")
		x = r.client.do(ctx, request{
			operation: "lookup", method: http.MethodGet, kind: kind, readBack: true,
			query: "filter=" + strings.ReplaceAll(escape(filter), "+", "%20") + "&startIndex=" + strconv.Itoa(start) + "&count=100",
		})
		if x.status != http.StatusBadRequest && x.status != http.StatusNotImplemented {
			break
		}
	}
	return x
}

// takeBack takes over what was found, if reading it shows such a name, too.
func (r *run) takeBack(ctx context.Context, kind Kind, id, name string) error {
	if id == "" || !r.own.wasOurs(name) {
		return nil
	}
	x := r.client.do(ctx, request{operation: "read", method: http.MethodGet, kind: kind, id: id, readBack: true})
	if x.err != nil {
		return fmt.Errorf("reading what was left: %w", x.err)
	}
	v, err := decode(x.answer)
	if shown := text(v, kind.nameAttribute()); x.status == http.StatusOK && err == nil && text(v, "id") == id {
		r.own.takeBack(kind, id, shown)
	}
	return nil
}

// binned is what Entra's recycle bin writes before a name.
var binned = regexp.MustCompile(`^[0-9a-fA-F]{32}`)

// wasOurs reports whether a name is one of those that the run of the prefix has
// given.
func (b *belongings) wasOurs(name string) bool {
	ours := func(name string) bool { return b.isOurs(name) && name[len(b.prefix)] == '-' }
	return ours(name) || ours(binned.ReplaceAllString(name, ""))
}

// takeBack takes over what an earlier run of the prefix has made.
func (b *belongings) takeBack(kind Kind, id, shown string) {
	if !b.wasOurs(shown) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.things[belonging{kind, id}] == nil {
		b.things[belonging{kind, id}] = &state{name: shown, order: len(b.things)}
	}
}

// RemoveCommand is the command that removes what a run has left, or "" when there
// is nothing that could be removed.
func RemoveCommand(o Opening, left []Left) string {
	const keep = "--keep"
	if !slices.ContainsFunc(left, func(l Left) bool { return !l.OnPurpose || l.Why == keep }) {
		return ""
	}
	url := o.URL
	if strings.ContainsAny(url, "?&'$;()*! ") {
		url = "'" + strings.ReplaceAll(url, "'", `'\''`) + "'"
	}
	return "scimgate rehearse --remove " + o.Prefix + " --url " + url
}
