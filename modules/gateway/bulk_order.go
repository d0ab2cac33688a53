package gateway

import (
	"container/heap"
	"net/http"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// part says how much of an operation of a Bulk a step carries out.
type part int

const (
	whole      part = iota
	deferring       // a POST without its references to what does not exist yet
	completing      // the PATCH behind it, which brings the references
	circular        // nothing: it needs what needs it
)

// step is the turn of an operation of a Bulk.
type step struct {
	index    int // of the operation, from 0
	part     part
	deferred []string // the bulkIds that are not referred to yet
}

// sequence returns the steps of a Bulk: each operation behind those that create what
// it refers to, and behind those before it on the same resource; for the rest in
// the order in which they came. Where operations need each other, one of them is
// carried out in two steps, if that is possible. Else they are all circular.
//
// Only a POST is referred to, and only by references is anything waited for but
// an operation on the same resource, which a POST is none of. So what needs each
// other are POSTs.
func sequence(operations []scim.BulkOperation) []step {
	o := newOrdering(operations)
	var steps []step
	for {
		for o.ready.Len() > 0 {
			s := heap.Pop(&o.ready).(step)
			steps = append(steps, s)
			o.done(s)
		}
		cycle := o.cycle()
		if cycle == nil {
			return steps
		}
		if !slices.ContainsFunc(cycle, o.deferral) {
			for _, index := range cycle {
				clear(o.waits[index])
				o.add(step{index: index, part: circular})
			}
		}
	}
}

// ordering is what is still to be put in order.
type ordering struct {
	operations []scim.BulkOperation
	creators   map[string]int // by bulkId
	waits      []map[int]bool // of each operation, for which others
	needed     [][]int        // of each operation, by which others
	later      map[int]bool   // whose references are still to be set, in a step of their own
	isPut      []bool         // into the order, or about to be
	isPost     []bool
	ready      steps
}

func newOrdering(operations []scim.BulkOperation) *ordering {
	n := len(operations)
	o := &ordering{operations: operations, creators: creators(operations), waits: make([]map[int]bool, n), needed: make([][]int, n), later: make(map[int]bool), isPut: make([]bool, n), isPost: make([]bool, n)}
	latest, me := make(map[string]int), -1 // the last operation on each resource, and on /Me
	for i, op := range operations {
		for _, id := range op.References() {
			if creator, is := o.creators[id]; is {
				o.wait(i, creator)
			}
		}
		if o.isPost[i] = op.Method == http.MethodPost; o.isPost[i] {
			continue
		}
		place := strings.ToLower(strings.Trim(op.Path, "/"))
		if before, is := latest[place]; is {
			o.wait(i, before)
		} else if me >= 0 {
			o.wait(i, me)
		}
		latest[place] = i
		if place == "me" { // which may be anybody
			for _, before := range latest {
				if before != i {
					o.wait(i, before)
				}
			}
			clear(latest)
			me = i
		}
	}
	for i := range operations {
		if len(o.waits[i]) == 0 {
			o.add(step{index: i})
		}
	}
	return o
}

// creators returns which operations create what, by their bulkId.
func creators(operations []scim.BulkOperation) map[string]int {
	creators := make(map[string]int)
	for i, op := range operations {
		if op.Method == http.MethodPost && op.BulkID != "" {
			creators[op.BulkID] = i
		}
	}
	return creators
}

func (o *ordering) wait(index, other int) {
	if o.waits[index] == nil {
		o.waits[index] = make(map[int]bool)
	}
	if !o.waits[index][other] {
		o.waits[index][other] = true
		o.needed[other] = append(o.needed[other], index)
	}
}

func (o *ordering) add(s step) {
	o.isPut[s.index] = true
	heap.Push(&o.ready, s)
}

// done makes ready what waited for a step. What changes a resource waits until it
// has its references: they are a part of what created it.
func (o *ordering) done(s step) {
	for _, index := range o.needed[s.index] {
		waits := o.waits[index]
		isReleased := s.part == whole || s.part == circular || o.isPost[index] == (s.part == deferring)
		if !isReleased || !waits[s.index] {
			continue
		}
		delete(waits, s.index)
		switch {
		case len(waits) > 0:
		case o.later[index]:
			heap.Push(&o.ready, step{index: index, part: completing})
		case !o.isPut[index]:
			o.add(step{index: index})
		}
	}
}

// deferral has an operation not wait for those that it waits for, if what refers
// to them can be set later.
func (o *ordering) deferral(index int) bool {
	var bulkIDs []string
	for _, id := range o.operations[index].References() {
		if creator, is := o.creators[id]; is && o.waits[index][creator] {
			bulkIDs = append(bulkIDs, id)
		}
	}
	if _, _, ok := o.operations[index].Defer(bulkIDs); !ok {
		return false
	}
	o.later[index] = true
	o.add(step{index, deferring, bulkIDs})
	return true
}

// cycle returns operations that wait for each other, in the order in which they
// came; nil when nothing waits.
func (o *ordering) cycle() []int {
	at := slices.Index(o.isPut, false)
	if at < 0 {
		return nil
	}
	position := make(map[int]int)
	var path []int
	for {
		if from, is := position[at]; is {
			cycle := path[from:]
			slices.Sort(cycle)
			return cycle
		}
		position[at] = len(path)
		path = append(path, at)
		next := -1
		for other := range o.waits[at] { // the first, so that it is always the same
			if next < 0 || other < next {
				next = other
			}
		}
		at = next
	}
}

// steps is a heap of steps, in the order of their operations.
type steps []step

func (s steps) Len() int           { return len(s) }
func (s steps) Less(i, j int) bool { return s[i].index < s[j].index }
func (s steps) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)        { *s = append(*s, x.(step)) }
func (s *steps) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
