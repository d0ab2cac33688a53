package conformance

import (
	"fmt"
	"sync"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// testConcurrency: requests at the same time do not meet.
func testConcurrency(h *host) {
	const workers, rounds = 6, 5
	var path string
	for _, text := range h.paths(h.users) {
		if p := h.path(h.users, text); p.Attribute != nameAttribute(h.users) && p.Selector == nil && p.Leaf().Type == scim.TypeString && !isReference(p.Leaf()) {
			path = text
			break
		}
	}
	ids := h.usersOf(workers)
	all := h.filter(h.users, "id pr")
	changes := make([][]scim.Change, workers)
	if path != "" {
		for i := range changes {
			for n := range rounds {
				changes[i] = append(changes[i], h.change(h.users, scim.Replace, path, h.value(h.users, h.path(h.users, path), n%2)))
			}
		}
	}
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			if err := h.work(id, changes[i], all); err != nil {
				h.Errorf("working on %s beside others: %v", id, err)
			}
		})
	}
	wg.Wait()
	if path == "" {
		return
	}
	for i, id := range ids {
		want := changes[i][rounds-1].Value
		if got := h.path(h.users, path).Value(h.read(h.users, id).Resource); !got.Equal(want) {
			h.Errorf("%s of %s is %s, want %s", path, id, show(got), show(want))
		}
	}
}

// work makes changes one after the other, reading and searching between them.
// It is run beside the test's own goroutine.
func (h *host) work(id string, changes []scim.Change, all scim.Filter) error {
	for _, c := range changes {
		in, err := h.updateIntent(h.users, id, []scim.Change{c}, nil)
		if err != nil {
			return err
		}
		plan, err := h.Translator.Plan(h.ctx(), in)
		if err != nil {
			return err
		}
		if report := translators.Execute(h.ctx(), plan); report.Outcome != translators.Applied {
			return fmt.Errorf("the outcome is %q: %w", report.Outcome, report.Err)
		}
	}
	_, err := h.Translator.Search(h.ctx(), translators.Query{Type: h.users.ResourceType, Filter: all, Selection: everything, Limit: 1000})
	return err
}
