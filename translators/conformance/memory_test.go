package conformance_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// memory is a translator whose backend is a table in memory. It keeps the
// contract, unless mutant names a way in which it does not.
type memory struct {
	mutant        string
	users, groups *kind

	mu      sync.Mutex
	records []*record
	lastID  int
	isDown  bool
	isOpen  bool          // locks are not enforced
	silence chan struct{} // closed when it ends; nil: there is none
	meeting chan struct{} // where two meet who have compared and want to set
}

// kind is a resource type with its mapping.
type kind struct {
	translators.Type
	mapping *translators.Mapping
	name    *scim.Attribute
}

// record is a row of the table.
type record struct {
	id       string
	kind     *kind
	fields   map[string][]string
	isActive bool
	members  []string // ids
	created  time.Time
	version  int
}

var userMaps = []translators.MapConfig{
	{Path: "userName", Fields: []string{"login"}},
	{Path: "externalId", Fields: []string{"external"}},
	{Path: "name.familyName", Fields: []string{"last"}, Required: true, DefaultFrom: []string{"displayName", "userName"}},
	{Path: "name.givenName", Fields: []string{"first"}},
	{Path: "displayName", Fields: []string{"display", "fullName"}},
	{Path: "userType", Fields: []string{"sort"}, Default: "Employee", OneOf: []string{"Employee", "Contractor"}},
	{Path: "title", Fields: []string{"title"}},
	{Path: "password", Fields: []string{"password"}},
	{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}},
	{Path: `emails[type eq "work"].primary`, Constant: "true"},
	{Path: `emails[type eq "other"].value`, Fields: []string{"otherMail"}},
	{Path: "phoneNumbers.value", Fields: []string{"phone"}, Private: true},
	{Path: `addresses[type eq "work"].formatted`, Fields: []string{"address"}, Codec: translators.CodecPostalAddress, Private: true},
	{Path: `addresses[type eq "work"].country`, Fields: []string{"country"}},
	{Path: "roles", Fields: []string{"roles"}, Codec: translators.CodecJSON},
	{Path: "x509Certificates.value", Fields: []string{"certificate"}, Codec: translators.CodecBinary},
	{Path: scim.SchemaEnterprise + ":department", Fields: []string{"department"}},
	{Path: scim.SchemaEnterprise + ":manager.value", Fields: []string{"manager"}, Codec: translators.CodecReference},
}

var groupMaps = []translators.MapConfig{
	{Path: "displayName", Fields: []string{"name"}},
	{Path: "externalId", Fields: []string{"external"}},
}

func newMemory(t *testing.T, mutant string) *memory {
	t.Helper()
	compile := func(full *scim.ResourceType, maps []translators.MapConfig, handled ...string) *kind {
		m, err := translators.Compile(full, maps, handled...)
		if err != nil {
			t.Fatal(err)
		}
		k := &kind{mapping: m, Type: translators.Type{ResourceType: m.Type, Rules: m.Rules, Delete: translators.DeleteRemove,
			ChangesPassword: m.Type.Attribute("password") != nil, HasVersions: true}}
		if k.name = m.Type.Attribute("userName"); k.name == nil {
			k.name = m.Type.Attribute("displayName")
		}
		return k
	}
	return &memory{mutant: mutant, meeting: make(chan struct{}),
		users:  compile(scim.UserType(), userMaps, "active", "groups"),
		groups: compile(scim.GroupType(), groupMaps, "members")}
}

// is reports whether the translator is broken in that way.
func (m *memory) is(mutant string) bool { return m.mutant == mutant }

func (m *memory) kindOf(t *scim.ResourceType) *kind {
	if t == m.users.ResourceType {
		return m.users
	}
	return m.groups
}

func (m *memory) Types() []translators.Type {
	return []translators.Type{m.users.Type, m.groups.Type}
}

func (m *memory) Lease() (func(), error) { return func() {}, nil }

// fault is what keeps a request from being answered. It is called with m.mu
// held, which it gives away while the table is silent.
func (m *memory) fault(ctx context.Context) error {
	if silence := m.silence; silence != nil && !m.is("answers with nothing in silence") {
		m.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-silence:
		}
		m.mu.Lock()
	} else if silence != nil {
		return nil
	}
	if m.isDown || ctx.Err() != nil {
		return &translators.Error{Kind: translators.Unavailable, Detail: "The table is away.", Err: ctx.Err()}
	}
	return nil
}

// newID returns an id as long as those that directories give: some members more or
// less are to be seen in the length of a plan. Their order is not that of time.
func (m *memory) newID() string {
	m.lastID++
	return fmt.Sprintf("%d-0000-4000-8000-00000000000000000", m.lastID)
}

func (m *memory) find(k *kind, id string) *record {
	for _, r := range m.records {
		if r.kind == k && r.id == id {
			return r
		}
	}
	return nil
}

// Name and ID make the table its own directory of references.
func (m *memory) Name(l *translators.Leaf, id string) (string, bool) {
	may := func(k *kind) bool { return l == nil || slices.Contains(l.RefersTo, k.Name) }
	return "row " + id, m.find(m.users, id) != nil && may(m.users) || m.find(m.groups, id) != nil && may(m.groups)
}

func (m *memory) ID(l *translators.Leaf, name string) (string, bool) {
	id, ok := strings.CutPrefix(name, "row ")
	_, exists := m.Name(l, id)
	return id, ok && exists
}

// resource reads a record.
func (m *memory) resource(r *record, s translators.Selection) *scim.Resource {
	resource := scim.NewResource(r.kind.ResourceType)
	resource.ID = r.id
	resource.Meta = scim.Meta{Created: r.created, LastModified: r.created.Add(time.Duration(r.version) * time.Second), Version: fmt.Sprint(r.version)}
	if m.is("brings what was not asked for") {
		s.All = true
	}
	r.kind.mapping.Decode(resource, s, func(f string) []string { return r.fields[f] }, m)
	if active := r.kind.Attribute("active"); active != nil && s.Wants(active) {
		resource.Set(active, scim.Bool(r.isActive))
	}
	if groups := r.kind.Attribute("groups"); groups != nil && s.Wants(groups) {
		resource.Set(groups, m.groupsOf(r, groups))
	}
	return resource
}

func (m *memory) groupsOf(user *record, a *scim.Attribute) scim.Value {
	var groups []scim.Value
	for _, r := range m.records {
		if slices.Contains(r.members, user.id) {
			groups = append(groups, scim.Complex(scim.Field{Attribute: a.Sub("value"), Value: scim.String(r.id)},
				scim.Field{Attribute: a.Sub("display"), Value: scim.String(r.fields["name"][0])}))
		}
	}
	return scim.List(groups...)
}

func (m *memory) entry(r *record, s translators.Selection) *translators.Entry {
	e := &translators.Entry{Resource: m.resource(r, s)}
	if s.Members && r.kind == m.groups {
		ids := slices.Clone(r.members)
		e.Members = func(yield func(scim.Member, error) bool) {
			for _, id := range ids {
				member := scim.Member{ID: id, Type: "User"}
				if m.find(m.groups, id) != nil {
					member.Type = "Group"
				}
				if !yield(member, nil) {
					return
				}
			}
		}
	}
	return e
}

// matches holds a record against a filter, members included.
func (m *memory) matches(r *record, f scim.Filter) bool {
	resource := m.resource(r, translators.Selection{All: true})
	if members := r.kind.Attribute("members"); members != nil {
		var values []scim.Value
		for _, id := range r.members {
			values = append(values, scim.Complex(scim.Field{Attribute: members.Sub("value"), Value: scim.String(id)}))
		}
		resource.Set(members, scim.List(values...))
	}
	if c, is := f.(scim.Compare); is && c.Operator == scim.Equal && c.Target.Leaf() == r.kind.name {
		name, asked := resource.Get(r.kind.name).Text(), c.Value.Text()
		switch {
		case m.is("looks up by case"):
			return name == asked
		case m.is("takes * for a wildcard") && strings.HasSuffix(asked, "*"):
			return strings.HasPrefix(name, strings.TrimSuffix(asked, "*"))
		}
	}
	if m.is("finds no disabled") && !r.isActive && r.kind == m.users {
		return false
	}
	return scim.Match(f, resource)
}

func (m *memory) Search(ctx context.Context, q translators.Query) (translators.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(ctx); err != nil {
		if m.is("takes a fault for absence in a search") {
			return translators.Result{}, nil
		}
		return translators.Result{}, err
	}
	var result translators.Result
	for _, r := range m.records {
		if r.kind != m.kindOf(q.Type) || m.silence != nil || !m.matches(r, q.Filter) {
			continue
		}
		if len(result.Entries) == q.Limit {
			result.More = !m.is("cuts a search short silently")
			break
		}
		result.Entries = append(result.Entries, m.entry(r, q.Selection))
		if _, is := q.Filter.(scim.Compare); is && m.is("guesses among duplicates") {
			break
		}
	}
	return result, nil
}

// ScanSorted sorts by everything but what is looked up elsewhere.
func (m *memory) ScanSorted(ctx context.Context, t *scim.ResourceType, f scim.Filter, by scim.Sort) (iter.Seq2[string, error], bool) {
	if by.By.Attribute.Name == "groups" || m.is("does not sort") {
		return nil, false
	}
	if m.is("sorts in one direction") {
		by.Descending = false
	}
	if m.is("sorts everybody whatever the filter") {
		f = nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(ctx); err != nil {
		return func(yield func(string, error) bool) {
			if !m.is("takes a fault for the end of what is sorted") {
				yield("", err)
			}
		}, true
	}
	none := scim.NewResource(t)
	var all []*scim.Resource
	for _, r := range m.records {
		resource := m.resource(r, translators.Selection{All: true})
		if r.kind == m.kindOf(t) && m.matches(r, f) && (by.Compare(none, resource) != 0 || !m.is("leaves out what has no value")) {
			all = append(all, resource)
		}
	}
	compare := func(a, b *scim.Resource) int { return m.order(by, none, a, b) }
	if first := all[:min(10, len(all))]; m.is("sorts page by page") {
		slices.SortStableFunc(first, compare)
	} else {
		slices.SortStableFunc(all, compare)
	}
	return func(yield func(string, error) bool) {
		for _, r := range all {
			if !yield(r.ID, nil) {
				return
			}
		}
	}, true
}

// order is that of the host, unless the translator is broken.
func (m *memory) order(by scim.Sort, none, a, b *scim.Resource) int {
	n := by.Compare(a, b)
	isMissing := by.Compare(a, none) == 0 || by.Compare(b, none) == 0
	switch {
	case m.is("sorts with regard to case") && by.By.Attribute.Name == "title":
		n = strings.Compare(a.Get(by.By.Attribute).Text(), b.Get(by.By.Attribute).Text())
	case m.is("puts first what has no value") && isMissing:
		n = -n
	case n == 0 && !m.is("leaves equal values as they come"):
		n = strings.Compare(a.ID, b.ID)
	}
	return n
}

func (m *memory) Scan(ctx context.Context, t *scim.ResourceType, f scim.Filter) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		m.mu.Lock()
		var ids []string
		err := m.fault(ctx)
		for _, r := range m.records {
			if err == nil && r.kind == m.kindOf(t) && m.matches(r, f) {
				ids = append(ids, r.id)
			}
		}
		m.mu.Unlock()
		if m.is("scans one page") {
			ids = ids[:min(len(ids), 20)]
		}
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
		if err != nil && !m.is("takes a fault for the end of a scan") {
			yield("", err)
		}
	}
}

func (m *memory) Read(ctx context.Context, t *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(ctx); err != nil {
		if m.is("takes a fault for absence in a read") {
			return nil, nil
		}
		return nil, err
	}
	var entries []*translators.Entry
	for _, id := range ids {
		if r := m.find(m.kindOf(t), id); r != nil {
			entries = append(entries, m.entry(r, s))
		}
	}
	return entries, nil
}

func (m *memory) Prove(ctx context.Context, p *translators.Plan, done translators.Report) translators.Proof {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Proves == translators.ProofNone {
		return translators.Proof{Status: translators.NotNeeded}
	}
	if m.is("believes its own writes") {
		return translators.Proof{Status: translators.Proven}
	}
	if err := m.fault(ctx); err != nil {
		return translators.Proof{Status: translators.Unprovable, Err: err}
	}
	id, _ := p.Data.(string)
	if id == "" {
		id = done.ID()
	}
	r := m.find(m.users, id)
	isOpen := m.isOpen && !m.is("does not look whether locks are enforced")
	if r == nil || r.isActive != (p.Proves == translators.ProofEnabled) || p.Proves == translators.ProofDisabled && isOpen {
		return translators.Proof{Status: translators.Refuted, Detail: "The lock does not read back."}
	}
	return translators.Proof{Status: translators.Proven, Entry: m.entry(r, translators.Selection{All: true})}
}

func (m *memory) Check(ctx context.Context) []translators.Finding {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault(ctx) != nil {
		return []translators.Finding{{Level: translators.LevelError, Detail: "The table is away."}}
	}
	return []translators.Finding{{Level: translators.LevelOK, Detail: "The table is there."}}
}

// What follows is the backend's own door, not the translator's.

func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = nil
}

func (m *memory) canSignIn(userName, password string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.records, func(r *record) bool {
		return r.kind == m.users && slices.Equal(r.fields["login"], []string{userName}) &&
			slices.Equal(r.fields["password"], []string{password}) && (r.isActive || m.isOpen)
	})
}

func (m *memory) duplicate(userName string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(&record{kind: m.users, isActive: true, fields: map[string][]string{"login": {userName}, "last": {"Double"}}})
}

func (m *memory) add(r *record) {
	r.id, r.created, r.version = m.newID(), time.Unix(1_700_000_000, 0), 1
	m.records = append(m.records, r)
}

// freeze makes the table silent until the function that it returns is called.
func (m *memory) freeze() (restore func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	silence := make(chan struct{})
	m.silence = silence
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.silence = nil
		close(silence)
	}
}

// set makes isDown or isOpen true until the function that it returns is called.
func (m *memory) set(flag *bool) (restore func()) {
	change := func(to bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		*flag = to
	}
	change(true)
	return func() { change(false) }
}

// Interface guards
var (
	_ translators.Translator = (*memory)(nil)
	_ translators.References = (*memory)(nil)
)
