package expression

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Paths returns the members of a variable that the expression looks at, each as the
// names that lead to it: record.a.b, record["a"].?b and has(record.a.b) all look at a, b.
// What is an index, or computed, ends a path. isWhole is set where the variable itself is
// looked at, so that each of its members may count.
func (e *Expression) Paths(variable string) (paths [][]string, isWhole bool) {
	w := &pathWalk{variable: variable}
	w.look(e.root)
	return w.paths, w.isWhole
}

type pathWalk struct {
	variable string
	paths    [][]string
	isWhole  bool
}

// look walks through an expression and notes what it finds.
func (w *pathWalk) look(e ast.Expr) {
	if names, _, is := w.chain(e); is {
		switch {
		case len(names) == 0:
			w.isWhole = true
		case !slices.ContainsFunc(w.paths, func(known []string) bool { return slices.Equal(known, names) }):
			w.paths = append(w.paths, names)
		}
		return
	}
	switch e.Kind() {
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			w.look(c.Target())
		}
		w.lookAll(c.Args())
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		w.lookAll([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	case ast.ListKind:
		w.lookAll(e.AsList().Elements())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			w.lookAll([]ast.Expr{entry.AsMapEntry().Key(), entry.AsMapEntry().Value()})
		}
	case ast.SelectKind:
		w.look(e.AsSelect().Operand())
	case ast.StructKind:
		for _, f := range e.AsStruct().Fields() {
			w.look(f.AsStructField().Value())
		}
	}
}

func (w *pathWalk) lookAll(all []ast.Expr) {
	for _, e := range all {
		w.look(e)
	}
}

// chain returns the names that lead from the variable to an expression; is is false where
// it is no member of it. hasEnded is set where the names end before the expression does.
func (w *pathWalk) chain(e ast.Expr) (names []string, hasEnded, is bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return nil, false, e.AsIdent() == w.variable
	case ast.SelectKind:
		s := e.AsSelect()
		if names, hasEnded, is = w.chain(s.Operand()); is && !hasEnded {
			names = append(names, s.FieldName())
		}
		return names, hasEnded, is
	case ast.CallKind:
		c := e.AsCall()
		if !slices.Contains([]string{operators.Index, operators.OptIndex, operators.OptSelect}, c.FunctionName()) || len(c.Args()) != 2 {
			return nil, false, false
		}
		key := c.Args()[1]
		if names, hasEnded, is = w.chain(c.Args()[0]); !is {
			return nil, false, false
		}
		if key.Kind() == ast.LiteralKind {
			if name, isText := key.AsLiteral().(types.String); isText && !hasEnded {
				return append(names, string(name)), false, true
			}
			return names, true, true
		}
		w.look(key)
		return names, true, true
	}
	return nil, false, false
}
