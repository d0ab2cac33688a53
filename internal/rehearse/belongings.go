package rehearse

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Kind is a resource type.
type Kind string

// The kinds of what is created.
const (
	User  Kind = "User"
	Group Kind = "Group"
)

// endpoint is where resources of the kind are.
func (k Kind) endpoint() string { return "/" + string(k) + "s" }

// nameAttribute is what a resource of the kind is looked up by.
func (k Kind) nameAttribute() string {
	if k == Group {
		return "displayName"
	}
	return "userName"
}

// belongings are the resources that the rehearsal has created, and the guard
// before every write: nothing else is ever written. A resource belongs to it when
// the server has shown, after a creation under a name with the prefix of this
// run, that the resource of this id has such a name.
type belongings struct {
	prefix string

	mu     sync.Mutex
	things map[belonging]*state
	sought map[belonging]bool // names that were sent to be created and perhaps were; whether without an answer
}

// belonging is a resource, by id or by name.
type belonging struct {
	kind Kind
	key  string
}

type state struct {
	name      string
	isRemoved bool // it may be written to, and needs not be removed
	order     int
}

func newBelongings(prefix string) *belongings {
	return &belongings{prefix: prefix, things: make(map[belonging]*state), sought: make(map[belonging]bool)}
}

// errForeign says that something was about to be written that does not belong to
// the rehearsal. It is a bug of the rehearsal or a trick of the server.
var errForeign = errors.New("it was not created by this rehearsal, which writes nothing else")

// permits reports whether a request may be sent.
func (b *belongings) permits(r request) error {
	switch r.method {
	case http.MethodGet:
		return nil
	case http.MethodPost:
		if (r.kind == User || r.kind == Group) && r.id == "" && b.isOurs(r.name) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.sought[belonging{r.kind, r.name}] = true
			return nil
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		b.mu.Lock()
		defer b.mu.Unlock()
		if r.id != "" && b.things[belonging{r.kind, r.id}] != nil {
			return nil
		}
	}
	return fmt.Errorf("%s %s%s %s is not sent: %w", r.method, r.kind.endpoint(), idPath(r.id), r.name, errForeign)
}

// isOurs reports whether a name is one of those that this run gives.
func (b *belongings) isOurs(name string) bool {
	return len(name) > len(b.prefix) && strings.EqualFold(name[:len(b.prefix)], b.prefix)
}

// own takes over what was created, if the name that the server shows for the id
// is the one that was sent.
func (b *belongings) own(kind Kind, id, shown, sent string) error {
	if id == "" || !b.isOurs(sent) || !strings.EqualFold(shown, sent) {
		return fmt.Errorf("%s %q has the name %q and not %q: %w", kind, id, shown, sent, errForeign)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sought, belonging{kind, sent})
	if b.things[belonging{kind, id}] == nil {
		b.things[belonging{kind, id}] = &state{name: sent, order: len(b.things)}
	}
	return nil
}

// answered notes how a creation was answered: what was refused was not made.
func (b *belongings) answered(r request, status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := belonging{r.kind, r.name}
	if _, isSought := b.sought[one]; !isSought || r.method != http.MethodPost {
		return
	}
	if status/100 == 4 {
		delete(b.sought, one)
	} else {
		b.sought[one] = false
	}
}

// settle says that nothing was created under a name.
func (b *belongings) settle(kind Kind, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sought, belonging{kind, name})
}

// renamed says that a resource has another name now, by which it is told of.
func (b *belongings) renamed(kind Kind, id, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.things[belonging{kind, id}]; s != nil {
		s.name = name
	}
}

// removed says that the resource is gone.
func (b *belongings) removed(kind Kind, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.things[belonging{kind, id}]; s != nil {
		s.isRemoved = true
	}
}

// forget is removed for what will not be written again.
func (b *belongings) forget(kind Kind, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.things, belonging{kind, id})
}

// count is how much there is to be removed.
func (b *belongings) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.sought)
	for _, s := range b.things {
		if !s.isRemoved {
			n++
		}
	}
	return n
}

// lost are names under which perhaps something was created, and whether one of
// the creations had no answer, so that it may still be under way.
func (b *belongings) lost() (all []belonging, isOpen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for one, isUnanswered := range b.sought {
		all = append(all, one)
		isOpen = isOpen || isUnanswered
	}
	slices.SortFunc(all, func(x, y belonging) int { return strings.Compare(x.key, y.key) })
	return all, isOpen
}

// unanswered are names of which a creation had no answer.
func (b *belongings) unanswered() (all []belonging) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for one, isUnanswered := range b.sought {
		if isUnanswered {
			all = append(all, one)
		}
	}
	return all
}

// left is what is to be removed: groups first, because of who is in them, and
// what was created last before what was created first.
func (b *belongings) left() []Left {
	b.mu.Lock()
	defer b.mu.Unlock()
	type ordered struct {
		Left
		order int
	}
	var all []ordered
	for one, s := range b.things {
		if !s.isRemoved {
			all = append(all, ordered{Left{Kind: one.kind, ID: one.key, Name: s.name}, s.order})
		}
	}
	slices.SortFunc(all, func(x, y ordered) int {
		if x.Kind != y.Kind {
			return strings.Compare(string(x.Kind), string(y.Kind))
		}
		return y.order - x.order
	})
	left := make([]Left, len(all))
	for i, one := range all {
		left[i] = one.Left
	}
	return left
}
