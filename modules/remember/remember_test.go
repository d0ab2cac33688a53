package remember_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/remember"
	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// scene is a directory, a store and the users of a gateway on both.
type scene struct {
	*testing.T
	server *slapd.Server
	store  *store.Store
	translators.Translator
	users *scim.ResourceType
}

// each runs a test before a directory and each database.
func each(t *testing.T, test func(*scene)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		hold(t, s)
		test(at(t, slapd.Start(t, slapd.Options{NoSync: true}), s, "directory"))
	})
}

// at returns the gateway of that name.
func at(t *testing.T, server *slapd.Server, s *store.Store, gateway string) *scene {
	t.Helper()
	tr := remember.Wrap(translatorOf(t, server, blocks), gateway, s, zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)))
	release, err := tr.Lease()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return &scene{t, server, s, tr, tr.Types()[0].ResourceType}
}

func (s *scene) attribute(name string) *scim.Attribute { return s.users.Attribute(name) }

// person is somebody who is to be created.
func (s *scene) person(userName, externalID string) *scim.Resource {
	r := scim.NewResource(s.users)
	r.Set(s.attribute("userName"), scim.String(userName))
	name := s.attribute("name")
	r.Set(name, scim.Complex(scim.Field{Attribute: name.Sub("familyName"), Value: scim.String("x")}, scim.Field{Attribute: name.Sub("formatted"), Value: scim.String("x")}))
	if externalID != "" {
		r.Set(s.attribute("externalId"), scim.String(externalID))
	}
	return r
}

func (s *scene) planCreate(r *scim.Resource) *translators.Plan {
	s.Helper()
	plan, err := s.Plan(s.Context(), translators.Intent{Action: scim.ActionCreate, Type: s.users, After: r, Changes: scim.Diff(nil, r)})
	if err != nil {
		s.Fatal(err)
	}
	return plan
}

func (s *scene) create(userName, externalID string) (id string) {
	s.Helper()
	report := translators.Execute(s.Context(), s.planCreate(s.person(userName, externalID)))
	if report.Outcome != translators.Applied {
		s.Fatalf("creating %s: %v", userName, report.Err)
	}
	return report.ID()
}

var everything = translators.Selection{All: true}

// read returns somebody; nil is nobody.
func (s *scene) read(id string) *translators.Entry {
	s.Helper()
	entries, err := s.Read(s.Context(), s.users, []string{id}, everything)
	if err != nil {
		s.Fatal(err)
	}
	if len(entries) == 0 {
		return nil
	}
	return entries[0]
}

// externalID returns what is remembered of somebody who must be there.
func (s *scene) externalID(id string) string {
	s.Helper()
	entry := s.read(id)
	if entry == nil {
		s.Fatalf("there is no %s", id)
	}
	return entry.Resource.Get(s.attribute("externalId")).Text()
}

// planSet plans to give somebody an externalId.
func (s *scene) planSet(id, externalID, version string) (*translators.Plan, error) {
	s.Helper()
	before := s.read(id)
	after := before.Resource.Clone()
	after.Set(s.attribute("externalId"), scim.Value{})
	if externalID != "" {
		after.Set(s.attribute("externalId"), scim.String(externalID))
	}
	return s.Plan(s.Context(), translators.Intent{Action: scim.ActionUpdate, Type: s.users, ID: id, Before: before, After: after,
		Changes: scim.Diff(before.Resource, after), Version: version})
}

func (s *scene) set(id, externalID string) {
	s.Helper()
	plan, err := s.planSet(id, externalID, "")
	if err != nil {
		s.Fatal(err)
	}
	if report := translators.Execute(s.Context(), plan); report.Outcome != translators.Applied {
		s.Fatalf("setting the externalId: %v", report.Err)
	}
}

// find returns the ids that a filter finds, sorted.
func (s *scene) find(filter scim.Filter) []string {
	s.Helper()
	result, err := s.Search(s.Context(), translators.Query{Type: s.users, Filter: filter, Limit: 100, Selection: everything})
	if err != nil {
		s.Fatalf("%s: %v", filter, err)
	}
	ids := []string{}
	for _, e := range result.Entries {
		ids = append(ids, e.Resource.ID)
	}
	slices.Sort(ids)
	var scanned []string
	for id, err := range s.Scan(s.Context(), s.users, filter) {
		if err != nil {
			s.Fatalf("scanning %s: %v", filter, err)
		}
		scanned = append(scanned, id)
	}
	slices.Sort(scanned)
	if !slices.Equal(ids, scanned) {
		s.Errorf("%s finds %q and scans %q", filter, ids, scanned)
	}
	return ids
}

func (s *scene) parsed(text string) scim.Filter {
	s.Helper()
	f, err := scim.ParseFilter(s.users, text, scim.DefaultFilterLimits)
	if err != nil {
		s.Fatal(err)
	}
	return f
}

// equals is the filter that asks for an externalId.
func (s *scene) equals(externalID string) scim.Filter {
	return scim.Compare{Target: scim.Target{Attribute: s.attribute("externalId")}, Operator: scim.Equal, Value: scim.String(externalID)}
}

func (s *scene) remove(dn string) {
	s.Helper()
	if err := (&people{s.server}).admin(s.T).Del(goldap.NewDelRequest(dn, nil)); err != nil {
		s.Fatal(err)
	}
}

// rows returns how many rows there are, and how many of them are of ids that the
// backend has not.
func (s *scene) rows() (all, missing int) {
	s.Helper()
	err := s.store.Read(s.Context(), func(tx *store.Tx) error {
		return tx.Row(s.Context(), "SELECT COUNT(*), COUNT(CASE WHEN missing > 0 THEN 1 END) FROM scim_remembered").Scan(&all, &missing)
	})
	if err != nil {
		s.Fatal(err)
	}
	return all, missing
}

// TestSharedAtOnce: gateways of one name on one store see each other's values at
// once, those of another name none, until they are moved as the documents say.
func TestSharedAtOnce(t *testing.T) {
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		server := slapd.Start(t, slapd.Options{NoSync: true})
		one, two := storetest.Open(t, engine()), storetest.Open(t, engine())
		hold(t, one) // both have one key
		a, b, c := at(t, server, one, "old"), at(t, server, two, "old"), at(t, server, two, "new")
		id := a.create("ada", "Ada-1")
		if got := b.externalID(id); got != "Ada-1" {
			t.Errorf("the other gateway sees %q", got)
		}
		version := a.read(id).Resource.Meta.Version
		late, err := a.planSet(id, "late", version)
		if err != nil {
			t.Fatal(err)
		}
		b.set(id, "Ada-2")
		if got := a.find(a.equals("ada-2")); !slices.Equal(got, []string{id}) {
			t.Errorf("what the other one has written finds %q", got)
		}
		if report := translators.Execute(t.Context(), late); translators.KindOf(report.Err) != translators.Changed || report.Outcome != translators.NotApplied {
			t.Errorf("the version from before the other one's change: %s, %v", report.Outcome, report.Err)
		}
		if _, err := a.planSet(id, "late", version); translators.KindOf(err) != translators.Changed {
			t.Errorf("planned for the version from before the other one's change: %v", err)
		}
		if got := a.externalID(id); got != "Ada-2" {
			t.Errorf("it is %q", got)
		}
		if got := c.externalID(id); got != "" {
			t.Errorf("a gateway of another name sees %q", got)
		}
		page, err := os.ReadFile("../../docs/store.md")
		if err != nil {
			t.Fatal(err)
		}
		move := regexp.MustCompile(`UPDATE scim_remembered [^"\n]*`).FindString(string(page))
		err = one.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), move); return err })
		if err != nil {
			t.Fatalf("%q: %v", move, err)
		}
		if got := c.externalID(id); got != "Ada-2" {
			t.Errorf("after %s it is %q", move, got)
		}
	})
}

// TestKilledBetween: whatever a process that dies has done of a plan, the next one can
// go on from.
func TestKilledBetween(t *testing.T) {
	each(t, func(s *scene) {
		plan := s.planCreate(s.person("ada", "Ada-1"))
		if diff := cmp.Diff([]string{"create the entry", "remember externalId"}, purposes(plan)); diff != "" {
			t.Error(diff)
		}
		done := plan.Calls[0].Do(s.Context(), nil) // and no more
		if done.Outcome != translators.Applied {
			s.Fatal(done.Err)
		}
		if got := s.externalID(done.ID); got != "" {
			s.Errorf("it is %q", got)
		}
		if got := s.find(s.equals("Ada-1")); len(got) > 0 {
			s.Errorf("found %q", got)
		}
		again := translators.Execute(s.Context(), s.planCreate(s.person("ada", "Ada-1")))
		if translators.KindOf(again.Err) != translators.Conflict {
			s.Errorf("created again: %s, %v", again.Outcome, again.Err)
		}
		if got := s.find(s.parsed(`userName eq "ADA"`)); !slices.Equal(got, []string{done.ID}) {
			s.Errorf("found %q", got)
		}
		s.set(done.ID, "Ada-1")
		s.set(done.ID, "Ada-1") // twice is once
		if got := s.find(s.equals("ada-1")); !slices.Equal(got, []string{done.ID}) {
			s.Errorf("found %q", got)
		}

		entry := s.read(done.ID)
		remove, err := s.Plan(s.Context(), translators.Intent{Action: scim.ActionDelete, Type: s.users, ID: done.ID, Before: entry})
		if err != nil {
			s.Fatal(err)
		}
		if names := purposes(remove); names[len(names)-1] != "forget externalId, nickName, urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter" {
			s.Errorf("the plan is %q", names)
		}
		if r := remove.Calls[0].Do(s.Context(), nil); r.Outcome != translators.Applied { // and no more
			s.Fatal(r.Err)
		}
		if got := s.find(s.equals("ada-1")); len(got) > 0 || s.read(done.ID) != nil {
			s.Errorf("who is gone is found: %q", got)
		}
		if id := s.create("ada", "Ada-1"); id == done.ID || s.externalID(id) != "Ada-1" {
			s.Errorf("created anew as %s", id)
		}
	})
}

func purposes(plan *translators.Plan) []string {
	var names []string
	for _, c := range plan.Calls {
		names = append(names, c.Purpose())
	}
	return names
}

// TestCreateThatFailsLeavesNothing: neither in the store nor in the directory.
func TestCreateThatFailsLeavesNothing(t *testing.T) {
	each(t, func(s *scene) {
		s.create("ada", "")
		if report := translators.Execute(s.Context(), s.planCreate(s.person("Ada", "Ada-1"))); report.Outcome != translators.NotApplied {
			s.Errorf("a second Ada: %s", report.Outcome)
		}
		if all, _ := s.rows(); all > 0 {
			s.Errorf("there are %d rows", all)
		}
		plan := s.planCreate(s.person("eve", "Eve-1"))
		if err := s.store.Destruct(); err != nil {
			s.Fatal(err)
		}
		report := translators.Execute(s.Context(), plan)
		if report.Outcome != translators.NotApplied || report.Partial || translators.KindOf(report.Err) != translators.Unavailable || !errors.Is(report.Err, store.ErrUnavailable) {
			s.Errorf("without the store: %s, partial %t, %v", report.Outcome, report.Partial, report.Err)
		}
		result, err := s.Search(s.Context(), translators.Query{Type: s.users, Filter: s.parsed(`userName eq "eve"`), Limit: 1})
		if err != nil || len(result.Entries) > 0 {
			s.Errorf("she is there: %v", err)
		}
	})
}

// TestUpdateThatFailsIsTakenBack: what is remembered is written first, and goes back to
// what it was when the directory refuses the rest.
func TestUpdateThatFailsIsTakenBack(t *testing.T) {
	each(t, func(s *scene) {
		s.create("eve", "")
		id := s.create("ada", "Ada-1")
		before := s.read(id)
		after := before.Resource.Clone()
		after.Set(s.attribute("externalId"), scim.String("Ada-2"))
		after.Set(s.attribute("nickName"), scim.String("Countess"))
		after.Set(s.attribute("userName"), scim.String("eve"))
		plan, err := s.Plan(s.Context(), translators.Intent{Action: scim.ActionUpdate, Type: s.users, ID: id, Before: before, After: after, Changes: scim.Diff(before.Resource, after)})
		if err != nil {
			s.Fatal(err)
		}
		report := translators.Execute(s.Context(), plan)
		if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Conflict {
			s.Errorf("%s, %v", report.Outcome, report.Err)
		}
		now := s.read(id).Resource
		for _, d := range scim.Diff(before.Resource, now) {
			s.Errorf("%s is %s", d.Attribute, d.After.Text())
		}
		if now.Meta.Version != before.Resource.Meta.Version {
			s.Errorf("the version was %s and is %s", before.Resource.Meta.Version, now.Meta.Version)
		}
	})
}

// TestForgottenInTime: what is remembered of who is gone is marked when it is seen,
// unmarked when it comes back, and forgotten after a month.
func TestForgottenInTime(t *testing.T) {
	each(t, func(s *scene) {
		id := s.create("ada", "Ada-1")
		s.find(s.equals("ada-1"))
		if all, missing := s.rows(); all != 1 || missing != 0 {
			s.Errorf("%d rows, %d missing", all, missing)
		}
		s.remove("uid=ada," + slapd.People)
		for range 2 {
			if got := s.find(s.equals("ada-1")); len(got) > 0 {
				s.Errorf("found %q", got)
			}
		}
		if all, missing := s.rows(); all != 1 || missing != 1 {
			s.Errorf("%d rows, %d missing", all, missing)
		}
		other := s.create("eve", "Eve-1")
		mark := func(id string, since time.Time) {
			err := s.store.Write(s.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(s.Context(), "UPDATE scim_remembered SET missing = $1 WHERE id = $2", store.Micros(since), id)
				return err
			})
			if err != nil {
				s.Fatal(err)
			}
		}
		mark(other, time.Now().Add(-24*365*time.Hour)) // she was not seen for a year, and is there
		if got := s.externalID(other); got != "Eve-1" {
			s.Errorf("she is remembered as %q", got)
		}
		if all, missing := s.rows(); all != 2 || missing != 1 {
			s.Errorf("%d rows, %d missing", all, missing)
		}
		mark(id, time.Now().Add(-29*24*time.Hour))
		s.find(s.equals("ada-1"))
		if all, _ := s.rows(); all != 2 {
			s.Errorf("after 29 days there are %d rows", all)
		}
		mark(id, time.Now().Add(-31*24*time.Hour))
		s.find(s.equals("ada-1"))
		if all, _ := s.rows(); all != 1 {
			s.Errorf("after 31 days there are %d rows", all)
		}
	})
}

// nasty are texts that SQL, LDAP or a filter could stumble over.
var nasty = []string{
	"'; DROP TABLE scim_remembered; --", `" OR ""="`, `\'; --`, "%", "_", "a%b_c", "$1", "$3", "?1", ":id", "@x", "NULL", "{1.id}", "{env.HOME}",
	"*", "(&(uid=*))", `\2a`, "a,b=c+d", " lead", "trail ", "  ", "\t", "line\nfeed", "\x01\x1f\x7f", "\u0085\u2028", "sha256:x",
	"Straße", "STRASSE", "İstanbul", "istanbul", "\u212aelvin", "kelvin", "ſharp", "Σίσυφος", "σίσυφοσ", "e\u0301", "\u00e9", "日本語", "😀", "\ufeffbom", "\u200b", "\u202eright",
	strings.Repeat("a", 300), strings.Repeat("A", 299) + "b", strings.Repeat("ß", 200), strings.Repeat("x", 32<<10),
}

// TestNastyValues: each comes back as it was sent, and is found by itself in any case,
// and by no other one.
func TestNastyValues(t *testing.T) {
	each(t, func(s *scene) {
		ids := make(map[string]string)
		for i, value := range nasty {
			ids[value] = s.create(fmt.Sprintf("n%d", i), value)
		}
		for _, value := range nasty {
			if got := s.externalID(ids[value]); got != value {
				s.Errorf("%.40q came back as %.40q", value, got)
			}
			for _, asked := range []string{value, strings.ToUpper(value), strings.ToLower(value)} {
				want := []string{}
				for other, id := range ids {
					if strings.EqualFold(other, asked) {
						want = append(want, id)
					}
				}
				slices.Sort(want)
				if got := s.find(s.equals(asked)); !slices.Equal(got, want) {
					s.Errorf("%.40q finds %q, want %q", asked, got, want)
				}
			}
		}
		for text, n := range map[string]int{
			`externalId pr`: len(nasty), `externalId sw "STRA"`: 2, `externalId co "%"`: 2, `externalId co "_"`: 2, `not (externalId pr)`: 0,
			`externalId ew "-- "`: 0, `externalId sw "sha256:"`: 1,
		} {
			got := len(s.find(s.parsed(text)))
			if text == `externalId co "_"` {
				n = 3 // and in the name of the table
			}
			if got != n {
				s.Errorf("%s finds %d, want %d", text, got, n)
			}
		}
		if all, _ := s.rows(); all != len(nasty) {
			s.Errorf("there are %d rows of %d", all, len(nasty))
		}
	})
}

// TestUnfitValues: what can't be kept as it is, is refused before anything is written.
func TestUnfitValues(t *testing.T) {
	each(t, func(s *scene) {
		for _, value := range []string{"nul\x00", "\xff", strings.Repeat("x", 32<<10+1)} {
			r := s.person("ada", value)
			_, err := s.Plan(s.Context(), translators.Intent{Action: scim.ActionCreate, Type: s.users, After: r, Changes: scim.Diff(nil, r)})
			if e, _ := errors.AsType[*translators.Error](err); e == nil || e.Kind != translators.Invalid || e.Path != "externalId" || strings.Contains(e.Detail, "xxxx") {
				s.Errorf("%.10q: %.200v", value, err)
			}
		}
		for _, id := range []string{"", "'", "\x00", "../..", strings.Repeat("9", 100_000), "\xff", "{1.id}"} {
			if entries, err := s.Read(s.Context(), s.users, []string{id}, everything); err != nil || len(entries) > 0 {
				s.Errorf("reading %.20q: %d, %v", id, len(entries), err)
			}
		}
		if got := s.find(s.equals("a\x00b")); len(got) > 0 {
			s.Errorf("found %q", got)
		}
	})
}

// TestFilters: what a filter finds is what it finds of what is read.
func TestFilters(t *testing.T) {
	each(t, func(s *scene) {
		var all []*scim.Resource
		for i := range 12 {
			externalID := ""
			if i%3 > 0 {
				externalID = fmt.Sprintf("Ext-%d", i%5)
			}
			id := s.create(fmt.Sprintf("user%d", i), externalID)
			all = append(all, s.read(id).Resource)
		}
		for _, text := range []string{
			`externalId eq "EXT-1"`, `externalId ne "ext-1"`, `externalId eq null`, `externalId ne null`, `externalId pr`, `not (externalId pr)`,
			`externalId sw "ext"`, `externalId co "t-2"`, `externalId ew "3"`, `externalId gt "ext-2"`, `externalId le "ext-2"`,
			`externalId eq "ext-1" and userName eq "USER1"`, `externalId eq "ext-1" and userName eq "user2"`, `userName eq "user1" and externalId pr`,
			`externalId eq "ext-1" or externalId eq "ext-2"`, `externalId eq "ext-1" or userName eq "user0"`, `userName sw "user" and not (externalId eq "ext-1")`,
			`not (externalId eq "ext-1" or userName eq "user0")`, `not (not (externalId eq "ext-1"))`, `externalId eq "ext-1" and externalId eq "ext-2"`,
			`(externalId eq "ext-1" or userName eq "user3") and (externalId pr or userName eq "user3")`, `active eq true and externalId eq "ext-2"`,
			`id eq "` + all[1].ID + `" and externalId eq "ext-1"`, `externalId eq "nobody"`, `externalId eq ""`, `nickName eq "x" or externalId eq "ext-4"`,
			`meta.resourceType eq "User" and externalId eq "ext-4"`, `externalId lt "ext-1" or externalId ge "ext-4"`,
		} {
			f := s.parsed(text)
			want := []string{}
			for _, r := range all {
				if scim.Match(f, r) {
					want = append(want, r.ID)
				}
			}
			slices.Sort(want)
			if got := s.find(f); !slices.Equal(got, want) {
				s.Errorf("%s finds %d, want %d", text, len(got), len(want))
			}
			slim, err := s.Search(s.Context(), translators.Query{Type: s.users, Filter: f, Limit: 100})
			if err != nil {
				s.Fatal(err)
			}
			for _, e := range slim.Entries {
				if len(e.Resource.Fields()) > 0 {
					s.Errorf("%s brings what was not asked for", text)
				}
			}
			if few, err := s.Search(s.Context(), translators.Query{Type: s.users, Filter: f, Limit: 1}); err != nil || len(few.Entries) != min(1, len(want)) || few.More != (len(want) > 1) {
				s.Errorf("%s: one of %d is %d, more %t, %v", text, len(want), len(few.Entries), few.More, err)
			}
		}
	})
}

// TestStoreIsAskedForWhatItHasAlone: without the store everything goes on that needs
// nothing of it, and nothing is claimed of what it would say.
func TestStoreIsAskedForWhatItHasAlone(t *testing.T) {
	each(t, func(s *scene) {
		id := s.create("ada", "Ada-1")
		if err := s.store.Destruct(); err != nil {
			s.Fatal(err)
		}
		slim := translators.Selection{Attributes: []*scim.Attribute{s.attribute("userName")}}
		entries, err := s.Read(s.Context(), s.users, []string{id}, slim)
		if err != nil || len(entries) != 1 || entries[0].Resource.Meta.Version != "" {
			s.Errorf("reading the name: %v, version %q", err, entries[0].Resource.Meta.Version)
		}
		for what, fault := range map[string]error{
			"all of it":     faultOf(s.Read(s.Context(), s.users, []string{id}, everything)),
			"the version":   faultOf(s.Read(s.Context(), s.users, []string{id}, translators.Selection{Version: true})),
			"what it keeps": faultOf(s.Read(s.Context(), s.users, []string{id}, translators.Selection{Attributes: []*scim.Attribute{s.attribute("nickName")}})),
			"a search":      faultOf(s.Search(s.Context(), translators.Query{Type: s.users, Filter: s.equals("x"), Limit: 1})),
		} {
			if translators.KindOf(fault) != translators.Unavailable {
				s.Errorf("%s: %v", what, fault)
			}
		}
		for _, err := range s.Scan(s.Context(), s.users, s.equals("x")) {
			if translators.KindOf(err) != translators.Unavailable {
				s.Errorf("a scan: %v", err)
			}
		}
		active := s.attribute("active")
		entries, err = s.Read(s.Context(), s.users, []string{id}, translators.Selection{Attributes: []*scim.Attribute{active}})
		if err != nil {
			s.Fatal(err)
		}
		after := entries[0].Resource.Clone()
		after.Set(active, scim.Bool(false))
		plan, err := s.Plan(s.Context(), translators.Intent{Action: scim.ActionUpdate, Type: s.users, ID: id, Before: entries[0], After: after,
			Changes: scim.Diff(entries[0].Resource, after), SetsActive: true})
		if err != nil {
			s.Fatal(err)
		}
		report := translators.Execute(s.Context(), plan)
		proof := s.Prove(s.Context(), plan, report)
		if report.Outcome != translators.Applied || proof.Status != translators.Proven {
			s.Errorf("the disable: %s, %v, %s", report.Outcome, report.Err, proof.Status)
		}
		if report.Last() != nil || proof.Entry != nil {
			s.Error("a resource is told without what is remembered of it")
		}
		if findings := s.Check(s.Context()); !slices.ContainsFunc(findings, func(f translators.Finding) bool {
			return strings.Contains(f.Detail, "remembered in the store, which does not answer")
		}) {
			s.Errorf("the check says %v", findings)
		}
	})
}

func faultOf[T any](_ T, err error) error { return err }

// TestManyAtOnce: a page of ten thousand people takes one query.
func TestManyAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		hold(t, s)
		const n = 10_000
		crowd := &crowd{Translator: at(t, slapd.Start(t, slapd.Options{NoSync: true}), s, "x").Translator}
		crowd.t = crowd.Types()[0].ResourceType
		tr := remember.Wrap(crowd, "directory", s, zaptest.NewLogger(t))
		ids := make([]string, n)
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			for i := range ids {
				ids[i] = fmt.Sprintf("person %d", i)
				_, err := tx.Exec(t.Context(), "INSERT INTO scim_remembered (gateway, type, id, attribute, value, folded) VALUES ($1, $2, $3, $4, $5, $6)",
					"directory", "User", ids[i], "externalId", "X-"+ids[i], "x-"+ids[i])
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		entries, err := tr.Read(t.Context(), crowd.t, ids, everything)
		if err != nil || len(entries) != n {
			t.Fatalf("%d, %v", len(entries), err)
		}
		t.Logf("%d in %s", n, time.Since(started))
		externalID := crowd.t.Attribute("externalId")
		for _, e := range entries {
			if got := e.Resource.Get(externalID).Text(); got != "X-"+e.Resource.ID {
				t.Fatalf("%s is remembered as %q", e.Resource.ID, got)
			}
		}
		for _, text := range []string{`externalId pr`, `externalId sw "x-person"`, `externalId ne "x"`, `not (externalId eq "x")`} {
			f, ferr := scim.ParseFilter(crowd.t, text, scim.DefaultFilterLimits)
			if ferr != nil {
				t.Fatal(ferr)
			}
			if _, err := tr.Search(t.Context(), translators.Query{Type: crowd.t, Filter: f, Limit: 10}); translators.KindOf(err) != translators.TooMany {
				t.Errorf("%s over %d: %v", text, n, err)
			}
		}
		f, ferr := scim.ParseFilter(crowd.t, `externalId ew "PERSON 77"`, scim.DefaultFilterLimits)
		if ferr != nil {
			t.Fatal(ferr)
		}
		if found, err := tr.Search(t.Context(), translators.Query{Type: crowd.t, Filter: f, Limit: 10}); err != nil || len(found.Entries) != 1 {
			t.Errorf("one of %d: %d, %v", n, len(found.Entries), err)
		}
	})
}

// crowd is a backend in which everybody is.
type crowd struct {
	translators.Translator
	t *scim.ResourceType
}

func (c *crowd) Read(_ context.Context, t *scim.ResourceType, ids []string, _ translators.Selection) ([]*translators.Entry, error) {
	entries := make([]*translators.Entry, len(ids))
	for i, id := range ids {
		entries[i] = &translators.Entry{Resource: scim.NewResource(t)}
		entries[i].Resource.ID = id
	}
	return entries, nil
}

func (c *crowd) Search(context.Context, translators.Query) (translators.Result, error) {
	return translators.Result{More: true}, nil
}

// TestNothingRemembered: who remembers nothing has the translator itself before the
// directory.
func TestNothingRemembered(t *testing.T) {
	plain := translatorOf(t, slapd.Start(t, slapd.Options{NoSync: true}), strings.NewReplacer(
		"remember externalId nickName\n", "", "remember externalId\n", "", "remember urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter\n", "").Replace(blocks))
	if got := remember.Wrap(plain, "directory", nil, zap.NewNop()); got != plain {
		t.Errorf("it is %T", got)
	}
}
