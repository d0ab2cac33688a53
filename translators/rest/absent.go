package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// absence says which records count as absent, where an application never deletes: those
// who have left stay readable, and their records say so.
type absence struct {
	condition *condition
	// look is what has to be seen of a record to know.
	look look
}

// absenceNames are the variables of [ResourceConfig.Absent].
var absenceNames = []string{"record"}

// newAbsence compiles an expression that says which records count as absent; nil is none.
func newAbsence(text string) (*absence, error) {
	if text == "" {
		return nil, nil
	}
	c, err := compileCondition(text, absenceNames)
	if err != nil {
		return nil, err
	}
	if len(c.used) == 0 {
		return nil, fmt.Errorf("the expression %s looks at nothing of a record: compare a member of it, such as record.state == \"RETIRED\"", text)
	}
	a := &absence{condition: c}
	paths, isWhole := c.expression.Paths("record")
	a.look.isWhole = isWhole
	for _, names := range paths {
		if slices.ContainsFunc(names, func(name string) bool { return name == "" || strings.ContainsAny(name, `.#\()`) }) {
			a.look.isWhole = true // no path that says so plainly
			continue
		}
		a.look.fields = append(a.look.fields, strings.Join(names, "."))
	}
	return a, nil
}

// absentLine is the word of the line that says who counts as absent.
const absentLine = "absent"

// compileAbsence compiles the line absent. That an account counts as absent because it is
// disabled, or because it is not, is a mistake that shows before there is a record: a
// provider that does not find somebody creates a second account.
func (k *kind) compileAbsence() (err error) {
	if k.absence, err = newAbsence(k.config.Absent); err != nil || k.absence == nil {
		return err
	}
	if k.active == nil || !k.readsActive || k.absence.look.isWhole {
		return nil
	}
	isActive := func(a *scim.Attribute) bool { return a == k.active }
	for _, active := range []bool{true, false} {
		wanted := scim.NewResource(k.mapping.Type)
		wanted.Set(k.active, scim.Bool(active))
		fields, _, err := k.mapping.encode(wanted, isActive, gjson.Result{}, nil)
		if err != nil || !k.absence.seesOnly(fields) {
			continue // it takes more than that
		}
		record, err := apply([]byte("{}"), fields)
		if err != nil {
			continue
		}
		if is, err := k.absence.condition.expression.IsTrue(map[string]string{"record": string(record)}); err == nil && is {
			return fmt.Errorf("an account that is %s would count as absent, by what active is mapped to (%s): name what only the records of those have who have left",
				map[bool]string{true: "active", false: "disabled"}[active], k.activeField())
		}
	}
	return nil
}

// seesOnly reports whether nothing but these fields decides.
func (a *absence) seesOnly(fields []fieldValue) bool {
	return !slices.ContainsFunc(a.look.fields, func(path string) bool {
		return !slices.ContainsFunc(fields, func(f fieldValue) bool { return f.path.String() == path })
	})
}

// seeing adds to what is looked for what tells whether a record counts as absent.
func (k *kind) seeing(l look) look {
	if k.absence != nil {
		l.isWhole = l.isWhole || k.absence.look.isWhole
		l.fields = append(slices.Clone(l.fields), k.absence.look.fields...)
	}
	return l
}

// errUntold is the cause where a record does not tell whether it counts as absent.
var errUntold = errors.New("whether it counts as absent can't be told")

// countsAsAbsent reports whether a record that was read counts as absent. That its
// expression fails is a fault, and no absence; but nothing of that kind holds a disable
// back, for which the record is then there.
func (t *Translator) countsAsAbsent(ctx context.Context, k *kind, h *handle) (bool, error) {
	if k.absence == nil {
		return false, nil
	}
	is, err := k.absence.condition.expression.IsTrue(map[string]string{"record": h.record.Raw})
	if err == nil {
		return is, nil
	}
	if translators.IsUrgent(ctx) {
		t.logger.Error("whether a record counts as absent can't be told; because it is to be disabled, it is taken to be there",
			zap.String("type", k.served.Name), zap.String("resource_id", h.id), zap.Error(err))
		return false, nil
	}
	return false, &translators.Error{Kind: translators.Unavailable,
		Detail: fmt.Sprintf("The configuration's line absent fails on the record of a %s, so that nobody knows whether it is there. The log of scimgate says what fails.", k.served.Name),
		Err:    fmt.Errorf("absent: the record of %s %q: %w: %w", k.served.Name, h.id, errUntold, err)}
}

// warnOfActive tells that nothing is done for somebody who is to be disabled, although the
// record says that the account is active: off-boarding does not find whom the
// configuration calls absent.
func (t *Translator) warnOfActive(ctx context.Context, k *kind, h *handle) {
	if !translators.IsUrgent(ctx) {
		return
	}
	if active, isKnown := t.isActive(k, h); isKnown && active {
		t.logger.Error("somebody who is to be disabled counts as absent, and the record says that the account is active: nothing is sent; see whether it can sign in, and correct the line absent, or the map of active",
			zap.String("type", k.served.Name), zap.String("resource_id", h.id))
	}
}

// unlessAbsent returns a record, or nothing where it counts as absent and only others are
// looked for.
func (t *Translator) unlessAbsent(ctx context.Context, k *kind, h *handle, l look) *handle {
	if h == nil || !h.isAbsent || l.takesAbsent {
		return h
	}
	t.warnOfActive(ctx, k, h)
	return nil
}

// rowOf makes a handle of a row of the calls of a step, and finds out whether it counts as
// absent, as far as it tells.
func (t *Translator) rowOf(k *kind, s *step, row gjson.Result) (*handle, error) {
	h, err := s.rowOf(k, row)
	if err != nil {
		return nil, fault(k, fmt.Errorf("%s: %w", s, err))
	}
	if k.absence == nil {
		return h, nil
	}
	h.isUnsure = true // unless it says so
	if !k.has(OpRead) || k.sees(h.record, k.absence.look) {
		is, err := k.absence.condition.expression.IsTrue(map[string]string{"record": h.record.Raw})
		h.isAbsent, h.isUnsure = is, err != nil
	}
	return h, nil
}

// judged finds out whether a row counts as absent that is all there is of a record.
func (t *Translator) judged(ctx context.Context, k *kind, h *handle) (err error) {
	if h.isUnsure {
		h.isAbsent, err = t.countsAsAbsent(ctx, k, h)
		h.isUnsure = err != nil
	}
	return err
}

// The bounds of looking for those who count as absent: rows, and records that are read
// because a row does not tell.
const (
	mostAbsent     = 200
	mostAbsentRead = 10
)

// lookAtAbsent looks among the first rows of the list for somebody who counts as absent
// and whose record says that the account is active.
func (c *checker) lookAtAbsent(ctx context.Context) {
	k := c.k
	if k.absence == nil || !k.has(OpList) || k.active == nil || !k.readsActive {
		return
	}
	whether := k.lookFor(translators.Selection{Attributes: []*scim.Attribute{k.active}})
	whether.takesAbsent = true
	rows, reads, found := 0, 0, ""
	err := c.t.eachRow(ctx, k, inquiry{list: true, withAbsent: true}, 0, func(h *handle) error {
		if k.has(OpRead) && (h.isUnsure || h.isAbsent && !k.sees(h.record, whether)) {
			if reads++; reads > mostAbsentRead {
				return errEnough
			}
			var err error
			if h, err = c.t.record(ctx, k, h.id, whether); h == nil {
				return err
			}
		}
		if active, isKnown := c.t.isActive(k, h); h.isAbsent && isKnown && active {
			found = h.id
		}
		if rows++; rows == mostAbsent || found != "" {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errUntold) && len(c.findings) > 0: // it has been told
	case err != nil && !errors.Is(err, errEnough):
		c.fails("looking for those who count as absent", err)
	case found != "":
		c.say(translators.LevelWarning, "the record %q counts as absent and says that the account is active: whoever can still sign in with it is not found when it is to be disabled; see whether that is so, and correct the line absent, or the map of active", found)
	}
}
