package tell

import (
	"fmt"
	"io"
	"time"

	"github.com/scimgate/scimgate/modules/journal"
)

// Story tells what happened to one person, in the order of time, and how things
// stand in the end.
type Story struct {
	out    io.Writer
	isJSON bool
	zone   *time.Location
	since  time.Time
	states []*state
	told   int
	open   int
	lost   int
}

// state is how things stand with an account.
type state struct {
	person   journal.Person
	what     standing
	since    time.Time
	actor    string
	unproven bool
	doubt    string // the operation of a later entry of which it is not known what came
	inVain   bool   // a disable since was not carried out
}

type standing string

// How things may stand with an account.
const (
	unsure   standing = "not known" // no entry tells
	enabled  standing = "enabled"
	disabled standing = "disabled"
	deleted  standing = "deleted"
)

// NewStory begins to tell of a person, who has several accounts perhaps. Entries
// before since are not told; they count for how things stand. A zone of nil is that
// of the machine.
func NewStory(out io.Writer, persons []journal.Person, isJSON bool, zone *time.Location, since time.Time) *Story {
	if zone == nil {
		zone = time.Local
	}
	s := &Story{out: out, isJSON: isJSON, zone: zone, since: since}
	for _, p := range persons {
		s.states = append(s.states, &state{person: p, what: unsure})
	}
	return s
}

// Tell tells the next entry.
func (s *Story) Tell(e journal.Entry) error {
	var ids []string
	name := ""
	for _, one := range s.states {
		if one.person.Gateway == e.Gateway {
			ids, name = append(ids, one.person.ID), one.name()
			if e.Type == "User" && e.Resource == one.person.ID {
				one.advance(e)
			}
		}
	}
	switch e.Result {
	case journal.Unresolved:
		s.open++
	case journal.Unknown:
		s.lost++
	}
	if e.Time.Before(s.since) {
		return nil
	}
	s.told++
	sentence := Sentence(e, s.zone, ids, name)
	if s.isJSON {
		return writeLine(s.out, struct {
			Text  string        `json:"text"`
			Entry journal.Entry `json:"entry"`
		}{sentence, e})
	}
	_, err := fmt.Fprintln(s.out, sentence)
	return err
}

// advance takes up what an entry about the account did.
func (s *state) advance(e journal.Entry) {
	if e.Operation == "update" {
		return
	}
	if e.Result == journal.NotApplied {
		if e.Operation == journal.OperationDisable {
			s.inVain = true
		}
		return
	}
	if e.Result != journal.Applied {
		s.doubt = plain(e.Operation)
		return
	}
	s.doubt, s.inVain = "", false
	what := s.what
	switch e.Operation {
	case "create", "enable":
		what = enabled
	case "disable":
		what = disabled
	case "delete":
		what = deleted
	}
	if e.Operation != "enable" && isFalse(e.Changes) {
		what = disabled // created so, or disabled instead of deleted
	}
	if what == s.what && s.unproven == isUnproven(e) {
		return
	}
	s.what, s.since, s.actor, s.unproven = what, e.Time, Actor(e), isUnproven(e)
}

func (s *state) name() string {
	if s.person.Name != "" {
		return s.person.Name
	}
	return s.person.ID
}

// Account is how things stand with an account in the end.
type Account struct {
	journal.Person
	State    string    `json:"state"` // enabled, disabled, deleted or not known
	Since    time.Time `json:"since,omitzero"`
	By       string    `json:"by,omitempty"`
	Unproven bool      `json:"unproven,omitempty"` // it was not proven
	Doubt    string    `json:"doubt,omitempty"`    // the operation of a later entry of which it is not known what came
	InVain   bool      `json:"in_vain,omitempty"`  // a later disable was not carried out
}

// End tells how things stand.
func (s *Story) End() error {
	if s.isJSON {
		accounts := []Account{}
		for _, one := range s.states {
			accounts = append(accounts, Account{one.person, string(one.what), one.since, one.actor, one.unproven, one.doubt, one.inVain})
		}
		return writeLine(s.out, struct {
			Accounts []Account `json:"accounts"`
			Open     int       `json:"open"`
			Unknown  int       `json:"unknown"`
		}{accounts, s.open, s.lost})
	}
	var all []string
	if s.told == 0 {
		all = append(all, "Nothing has happened since "+moment(s.since, s.zone)+".")
	}
	for _, one := range s.states {
		all = append(all, one.sentence(s.zone))
	}
	if len(s.states) == 0 {
		all = append(all, "No account came of it.")
	}
	if s.open > 0 {
		all = append(all, fmt.Sprintf("ATTENTION: entries that are open: %d. What came of them is not known. A gateway that is started closes those of one that has ended.", s.open))
	}
	if s.lost > 0 {
		all = append(all, fmt.Sprintf("ATTENTION: entries closed as unknown: %d. Look in the backend what is there.", s.lost))
	}
	for i, line := range all {
		if i == 0 {
			line = "\n" + line
		}
		if _, err := fmt.Fprintln(s.out, line); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) sentence(zone *time.Location) string {
	who := plain(s.name()) + " (id " + plain(s.person.ID) + ") at " + plain(s.person.Gateway)
	behind := " since " + moment(s.since, zone) + ", by " + s.actor + "."
	switch {
	case s.doubt != "" && s.what == unsure:
		return "ATTENTION: " + who + ": what came of the last " + s.doubt + " is not known."
	case s.doubt != "":
		return "ATTENTION: " + who + " was " + string(s.what) + behind + " What came of the " + s.doubt + " behind that is not known."
	case s.inVain && s.what == unsure:
		return "ATTENTION: " + who + ": the last disable was NOT CARRIED OUT."
	case s.inVain && s.what == enabled:
		return "ATTENTION: " + who + " is enabled" + behind + " The disable behind that was NOT CARRIED OUT."
	case s.what == unsure:
		return who + ": the journal does not tell whether the account is enabled."
	case s.what == disabled && s.unproven:
		return "ATTENTION: " + who + " is disabled" + behind + " That it is in force is NOT PROVEN."
	}
	return who + " is " + string(s.what) + behind
}
