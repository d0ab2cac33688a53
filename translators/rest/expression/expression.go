// Package expression evaluates CEL expressions of the configuration on data, with a
// bound on their cost.
//
// The language is CEL with its standard functions and the extensions strings (split,
// join, replace, lowerAscii, trim, format …), lists, math, regex, encoders, bindings
// and optional values (record.?phone.orValue("")), and lower and upper, which know
// all letters. Data is JSON: its objects are maps, its arrays lists. A number without
// fraction and exponent is an int, or a uint where it is too big for that, so that 3
// stays 3; others are doubles. Numbers of different kinds compare as numbers. A
// whole number beyond 64 bits can be handed on within its object or array; what
// computes with it fails.
package expression

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxText bounds an expression, in bytes.
const maxText = 16 << 10

// tooMuch is the reason of [ErrTooMuch].
const tooMuch = "it takes too long on this data"

// ErrTooMuch says that an evaluation was given up: the data is larger, or takes longer, than
// the limits allow. It says nothing of what the result would be.
var ErrTooMuch = errors.New(tooMuch)

// Expression is a compiled expression. It is used by many goroutines at once.
type Expression struct {
	text    string
	program cel.Program
	source  *ast.SourceInfo
	root    ast.Expr
	uses    []string // the variables that it names, sorted
	isBool  bool     // the result can be a boolean
}

// Compile reads an expression over variables of these names, which are of any type
// (JSON as dyn). The error says where the mistake is: the line, where there are
// several, and the column, in characters from 1.
func Compile(text string, variables ...string) (*Expression, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the expression is empty")
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("the expression has %d bytes; it may have %d", len(text), maxText)
	}
	env, err := environment(variables)
	if err != nil {
		return nil, err
	}
	compiled, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, compileError(issues.Errors(), text, variables)
	}
	program, err := env.Program(compiled, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(stepsBetweenLooks), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("compiling the expression: %w", err)
	}
	native := compiled.NativeRep()
	e := &Expression{text: text, program: program, source: native.SourceInfo(), root: native.Expr()}
	for _, r := range native.ReferenceMap() {
		if slices.Contains(variables, r.Name) {
			e.uses = append(e.uses, r.Name)
		}
	}
	slices.Sort(e.uses)
	e.uses = slices.Compact(e.uses)
	kind := compiled.OutputType().Kind()
	e.isBool = kind == types.BoolKind || kind == types.DynKind || kind == types.AnyKind
	return e, nil
}

// compileError is the first mistake, in words of ours where CEL's are of no help.
func compileError(mistakes []*common.Error, text string, variables []string) error {
	if len(mistakes) == 0 {
		return errors.New("the expression can't be read")
	}
	first := mistakes[0]
	for _, m := range mistakes {
		if m.Location.Line() < first.Location.Line() ||
			m.Location.Line() == first.Location.Line() && m.Location.Column() < first.Location.Column() {
			first = m
		}
	}
	message := first.Message
	if rest, ok := strings.CutPrefix(message, "undeclared reference to '"); ok {
		name, _, _ := strings.Cut(rest, "'")
		message = fmt.Sprintf("there is no %s: %s", name, theVariables(variables))
	}
	message = strings.TrimPrefix(message, "Syntax error: ")
	if before, _, ok := strings.Cut(message, " expecting {"); ok {
		message = before // a list of all tokens of the language
	}
	return fmt.Errorf("%s: %s", place(text, first.Location.Line(), first.Location.Column()), bounded(message))
}

func theVariables(names []string) string {
	if len(names) == 0 {
		return "there are no variables here"
	}
	return "the variables here are " + strings.Join(names, ", ")
}

// place says where in a text a line (from 1) and a column (from 0) are.
func place(text string, line, column int) string {
	if strings.Contains(strings.TrimSpace(text), "\n") {
		return fmt.Sprintf("line %d, column %d", line, column+1)
	}
	return fmt.Sprintf("column %d", column+1)
}

// bounded is a message of one line and a few words.
func bounded(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if runes := []rune(message); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return message
}

// String returns the text.
func (e *Expression) String() string { return e.text }

// Uses reports whether the expression names the variable. What it does not use need
// not be given.
func (e *Expression) Uses(variable string) bool { return slices.Contains(e.uses, variable) }

// CanBeTrue reports whether the result can be a boolean. Where it can't, a condition
// is a mistake that is known before there is data.
func (e *Expression) CanBeTrue() bool { return e.isBool }

// Evaluate returns the result as JSON text. Variables are given as JSON texts; one
// that is not given, or "", is null. Timestamps are written as RFC 3339, durations
// in seconds ("3600s"), bytes in base64, an optional value that is not there as null.
// An error is an expression that fails on this data; it quotes nothing of the data.
func (e *Expression) Evaluate(variables map[string]string) (string, error) {
	result, err := e.evaluate(variables)
	if err != nil {
		return "", err
	}
	out, err := encode(nil, result)
	if err != nil {
		return "", fmt.Errorf("writing the result of %s as JSON: %w", e.quoted(), err)
	}
	return string(out), nil
}

// IsTrue evaluates an expression whose result has to be a boolean.
func (e *Expression) IsTrue(variables map[string]string) (bool, error) {
	result, err := e.evaluate(variables)
	if err != nil {
		return false, err
	}
	isTrue, ok := result.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the result of %s is of the type %s: true or false is needed", e.quoted(), result.Type().TypeName())
	}
	return bool(isTrue), nil
}

func (e *Expression) evaluate(variables map[string]string) (ref.Val, error) {
	in := &input{texts: variables}
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	result, _, err := e.program.ContextEval(ctx, in)
	if in.err != nil {
		return nil, fmt.Errorf("evaluating %s: %w", e.quoted(), in.err)
	}
	if err == nil {
		return result, nil
	}
	reason := e.reason(err)
	if strings.HasSuffix(reason, tooMuch) {
		return nil, fmt.Errorf("evaluating %s: %s%w", e.quoted(), strings.TrimSuffix(reason, tooMuch), ErrTooMuch)
	}
	return nil, fmt.Errorf("evaluating %s: %s", e.quoted(), reason)
}

// quoted is the beginning of the expression, for errors.
func (e *Expression) quoted() string {
	text := strings.Join(strings.Fields(e.text), " ")
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return "`" + text + "`"
}
