package scim

// applying is one run of [Apply].
type applying struct {
	after *Resource
	// open holds the lists that are being added to. What is added stands in
	// after only when the list is closed, so that many Adds, one after another
	// or in turns, build the index of the elements once.
	open  map[*Attribute]*elements
	looks int
}

// mostLooks bounds how many values the changes of one request may look at in
// lists. Ten thousand operations that each search through ten thousand elements
// would take minutes; ten thousand through a hundred are within it.
const mostLooks = 1_000_000

// do applies one change to what the ones before it made.
func (w *applying) do(c Change) error {
	a := c.Path.Attribute
	e := w.open[a]
	if e != nil {
		if c.addsElements() {
			return e.addAll(c.Value.Items())
		}
		w.close(e)
	}
	old := w.after.Get(a)
	if w.looks += c.looks(old); w.looks > mostLooks {
		return Invalid(InvalidValue, "the changes of %s search through more than %d values, the limit for one request; send them in several requests",
			a, mostLooks)
	}
	if c.addsElements() {
		e = newElements(a, old)
		if err := e.addAll(c.Value.Items()); err != nil {
			return err
		}
		v := e.value()
		w.after.Set(a, v) // it has its place among the attributes from now on
		if !v.IsAbsent() {
			if w.open == nil {
				w.open = make(map[*Attribute]*elements)
			}
			w.open[a] = e
		}
		return nil
	}
	v, err := c.apply(old)
	if err != nil {
		return err
	}
	if err := checkMutability(a, old, v); err != nil {
		return err
	}
	w.after.Set(a, v)
	return nil
}

// close puts what was added to a list into the resource.
func (w *applying) close(e *elements) {
	w.after.Set(e.attribute, e.value())
	delete(w.open, e.attribute)
}

// done returns the resource as the changes made it.
func (w *applying) done() *Resource {
	for _, e := range w.open {
		w.close(e)
	}
	return w.after
}

// addsElements reports whether the change adds to a whole list and nothing that
// is there can be a reason to refuse it.
func (c Change) addsElements() bool {
	a := c.Path.Attribute
	return c.Op == Add && !c.Value.IsAbsent() && c.Path.Selector == nil && c.Path.Sub == nil &&
		a.MultiValued && a.Mutability != ReadOnly && a.Mutability != Immutable
}

// looks returns how many values of old the change looks at; each comparison of
// a selector looks at every element, and a long text counts for several.
func (c Change) looks(old Value) int {
	if !c.Path.Attribute.MultiValued {
		if c.Path.Sub == nil || !c.Path.Sub.MultiValued {
			return 0
		}
		return weight(old.Sub(c.Path.Sub))
	}
	return weight(old) * max(1, comparisons(c.Path.Selector))
}

// weight returns the number of elements in v, with 1 more for each element of a
// part and for each 64 bytes of text.
func weight(v Value) int {
	n := 0
	for _, item := range v.Items() {
		n += 1 + len(item.text)/64
		for _, f := range item.fields {
			n += len(f.Value.text) / 64
			if f.Value.kind == KindList {
				n += weight(f.Value)
			}
		}
	}
	return n
}
