package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// input gives an evaluation its variables. Each is read when it is asked for first.
type input struct {
	texts  map[string]string
	values map[string]any
	err    error // of a text that is no JSON, or of a value that is too large
}

// ResolveName implements interpreter.Activation.
func (in *input) ResolveName(name string) (any, bool) {
	text := in.texts[name]
	if text == "" {
		return types.NullValue, true
	}
	if v, ok := in.values[name]; ok {
		return v, true
	}
	v, err := decode(text)
	if err != nil {
		in.err = fmt.Errorf("the variable %s is no JSON", name)
		return types.NewErr("%s", in.err), true
	}
	if in.values == nil {
		in.values = make(map[string]any)
	}
	in.values[name] = adapter{types.DefaultTypeAdapter, in}.NativeToValue(v)
	return in.values[name], true
}

// Parent implements interpreter.Activation.
func (in *input) Parent() interpreter.Activation { return nil }

// decode reads a JSON text into what the adapter knows.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

// adapter makes values of CEL out of what JSON holds, when they are asked for.
type adapter struct {
	types.Adapter
	in *input // that is told of a value that is too large; nil: there is none
}

// tooLarge gives up: not all functions hand an error on.
func (a adapter) tooLarge() ref.Val {
	if a.in != nil {
		a.in.err = ErrTooMuch
	}
	return types.WrapErr(ErrTooMuch)
}

// errNumber says that CEL has no number for this one.
var errNumber = errors.New("a number has more digits than expressions can hold")

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case json.Number:
		return number(string(v))
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		if len(v) > listLimit {
			return a.tooLarge()
		}
		return types.NewDynamicList(a, v)
	case string:
		if len(v) > textLimit {
			return a.tooLarge()
		}
	}
	return a.Adapter.NativeToValue(value)
}

// number is a JSON number. A whole one keeps all its digits or is an error; of one
// with a fraction or an exponent a double is what JSON promises.
func number(text string) ref.Val {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) {
			return types.WrapErr(errNumber)
		}
		return types.Double(f)
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return types.Uint(u)
	}
	return types.WrapErr(errNumber)
}

// Header is a header as a variable: an object whose names are in small letters, and the
// values of one name in one text.
func Header(header map[string][]string) string {
	values := make(map[string]string, len(header))
	for name, all := range header {
		values[strings.ToLower(name)] = strings.Join(all, ", ")
	}
	text, err := json.Marshal(values)
	if err != nil { // texts can be written
		return "{}"
	}
	return string(text)
}
