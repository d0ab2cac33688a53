package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// epoch is when the first of a crowd was created.
var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

var groupType = scim.GroupType()

// crowd is a translator of many users and groups, which it holds in memory. It
// answers in no order, brings no more than what is selected, and counts what it is
// asked.
type crowd struct {
	*backend
	mu    sync.Mutex
	all   map[*scim.ResourceType][]*scim.Resource
	sorts bool // whether it sorts by itself
	fault func(method string) error

	asked map[string]int // calls by method
	read  int            // ids that Read was asked for
}

// crowdOf returns a crowd of users and groups. Their values are such that an
// order by them is not that by id: some have none, many have the same.
func crowdOf(users, groups int) *crowd {
	c := &crowd{backend: works(), all: make(map[*scim.ResourceType][]*scim.Resource), asked: make(map[string]int)}
	for i := range users {
		c.addUser(i)
	}
	for i := range groups {
		r := scim.NewResource(groupType)
		r.ID = idOf(1_000_000 + i)
		r.Set(groupType.Attribute("displayName"), scim.String(fmt.Sprintf("Display %d", i*7%groups)))
		c.all[groupType] = append(c.all[groupType], r)
	}
	return c
}

// idOf returns a UUID for a number, in no order.
func idOf(n int) string {
	random := rand.New(rand.NewPCG(uint64(n), 4))
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", random.Uint32(), random.Uint32()&0xffff, n)
}

func (c *crowd) addUser(i int) string {
	r := scim.NewResource(users)
	r.ID = idOf(i)
	r.Meta.Created = epoch.AddDate(0, 0, i*13%400)
	r.Set(users.Attribute("userName"), scim.String(fmt.Sprintf("%c%05d", "uU"[i%2], i*31%10007)))
	r.Set(users.Attribute("displayName"), scim.String(fmt.Sprintf("Display %d", i*11%500)))
	if i%3 > 0 {
		a := users.Attribute("name")
		r.Set(a, scim.Complex(scim.Field{Attribute: a.Sub("familyName"), Value: scim.String(fmt.Sprintf("Family %d", i%17))}))
	}
	a := users.Attribute("emails")
	email := func(text string, primary bool) scim.Value {
		return scim.Complex(scim.Field{Attribute: a.Sub("value"), Value: scim.String(text)}, scim.Field{Attribute: a.Sub("primary"), Value: scim.Bool(primary)})
	}
	r.Set(a, scim.List(email("a@example.com", false), email(fmt.Sprintf("m%d@example.com", i*17%5003), true)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[users] = append(c.all[users], r)
	return r.ID
}

func (c *crowd) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, all := range c.all {
		c.all[t] = slices.DeleteFunc(slices.Clone(all), func(r *scim.Resource) bool { return r.ID == id })
	}
}

// change replaces a value of somebody.
func (c *crowd) change(id, attribute, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.all[users] {
		if r.ID == id {
			c.all[users] = slices.Clone(c.all[users])
			c.all[users][i] = r.Clone()
			c.all[users][i].Set(users.Attribute(attribute), scim.String(value))
		}
	}
}

// matching returns what satisfies a filter, in no order.
func (c *crowd) matching(method string, t *scim.ResourceType, filter scim.Filter) ([]*scim.Resource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[method]++
	if c.fault != nil {
		if err := c.fault(method); err != nil {
			return nil, err
		}
	}
	found := slices.DeleteFunc(slices.Clone(c.all[t]), func(r *scim.Resource) bool { return !scim.Match(filter, r) })
	rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	return found, nil
}

// inOrder returns the ids of what satisfies a filter in the order that is asked
// for, by id where values are the same; by names the attribute, or nothing.
func (c *crowd) inOrder(t *scim.ResourceType, by string, descending bool) []string {
	found, _ := c.matching("oracle", t, nil)
	target, _ := scim.ParseTarget(t, by)
	order := scim.Sort{By: target, Descending: descending}
	slices.SortFunc(found, func(a, b *scim.Resource) int {
		n := 0
		if by != "" {
			n = order.Compare(a, b)
		}
		return cmp.Or(n, strings.Compare(a.ID, b.ID))
	})
	var ids []string
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids
}

func (c *crowd) Types() []translators.Type {
	return []translators.Type{{ResourceType: users, Delete: translators.DeleteRemove}, {ResourceType: groupType, Delete: translators.DeleteRemove}}
}

func (c *crowd) Search(_ context.Context, q translators.Query) (translators.Result, error) {
	found, err := c.matching("search", q.Type, q.Filter)
	if err != nil {
		return translators.Result{}, err
	}
	more := len(found) > q.Limit
	return translators.Result{Entries: entriesFor(found[:min(len(found), q.Limit)], q.Selection), More: more}, nil
}

func (c *crowd) Scan(_ context.Context, t *scim.ResourceType, filter scim.Filter) iter.Seq2[string, error] {
	found, err := c.matching("scan", t, filter)
	return idsThen(found, err)
}

func (c *crowd) ScanSorted(_ context.Context, t *scim.ResourceType, filter scim.Filter, by scim.Sort) (iter.Seq2[string, error], bool) {
	if !c.sorts {
		return nil, false
	}
	found, err := c.matching("scan sorted", t, filter)
	slices.SortFunc(found, func(a, b *scim.Resource) int { return cmp.Or(by.Compare(a, b), strings.Compare(a.ID, b.ID)) })
	return idsThen(found, err), true
}

// idsThen yields half of the ids before an error.
func idsThen(found []*scim.Resource, err error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i, r := range found {
			if err != nil && i == len(found)/2 {
				break
			}
			if !yield(r.ID, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

func (c *crowd) Read(_ context.Context, t *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	found, err := c.matching("read", t, nil)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.read += len(ids)
	c.mu.Unlock()
	return entriesFor(slices.DeleteFunc(found, func(r *scim.Resource) bool { return !wanted[r.ID] }), s), nil
}

func entriesFor(found []*scim.Resource, s translators.Selection) []*translators.Entry {
	var entries []*translators.Entry
	for _, r := range found {
		selected := scim.NewResource(r.Type)
		selected.ID, selected.Meta = r.ID, r.Meta
		for _, f := range r.Fields() {
			if s.Wants(f.Attribute) {
				selected.Set(f.Attribute, f.Value)
			}
		}
		entries = append(entries, &translators.Entry{Resource: selected})
	}
	return entries
}

// costs returns how often the crowd was asked by each method since the last time.
func (c *crowd) costs() (asked map[string]int, read int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, read = c.asked, c.read
	c.asked, c.read = make(map[string]int), 0
	return asked, read
}

var errDown = &translators.Error{Kind: translators.Unavailable, Detail: "The directory is down.", Err: errors.New("connection refused")}

// listHandler returns a gateway in front of a crowd. Several of one name are one
// gateway in several processes.
func listHandler(t *testing.T, c *crowd, change func(*Handler)) *Handler {
	t.Helper()
	h, _ := newHandler(t, c.backend, func(h *Handler) {
		h.Name = t.Name()
		h.translator, h.types, h.resource = c, c.Types(), []*scim.ResourceType{users, groupType}
		if change != nil {
			change(h)
		}
	})
	return h
}

// page is an answer to a search.
type page struct {
	status         int
	body           string
	ids            []string
	total          int
	next, previous string
}

func askPage(h *Handler, path string, headers ...string) page {
	method, body := "GET", ""
	if strings.Contains(path, " ") { // POST <path> <body>
		words := strings.SplitN(path, " ", 3)
		method, path, body = words[0], words[1], words[2]
	}
	a := ask(h, method, "/scim/v2"+path, body, headers...)
	p := page{status: a.Code, body: a.Body.String()}
	root := gjson.Parse(p.body)
	for _, id := range root.Get("Resources.#.id").Array() {
		p.ids = append(p.ids, id.String())
	}
	p.total = int(root.Get("totalResults").Int())
	p.next, p.previous = root.Get("nextCursor").String(), root.Get("previousCursor").String()
	return p
}

// Interface guards
var _ translators.Translator = (*crowd)(nil)
