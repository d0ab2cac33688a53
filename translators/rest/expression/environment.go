package expression

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

const (
	// costLimit bounds an evaluation, in CEL's units: about one for each step and for
	// ten characters looked at.
	costLimit = 500_000
	// timeLimit is how long an evaluation may take: what CEL counts is not what it takes.
	// It is looked at every few steps of a list.
	timeLimit         = time.Second
	stepsBetweenLooks = 100
	// textLimit and listLimit are how long a text, in bytes, and a list of the data may be:
	// one function of them can't be interrupted.
	textLimit = 1 << 20
	listLimit = 100_000
	// rangeLimit is how long a list lists.range makes.
	rangeLimit = 10_000
	// nestingLimit is how deep expressions are nested.
	nestingLimit = 100
)

// shared is the language without variables. It is made when the first expression is
// compiled: who has none does not pay for it.
var shared = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CustomTypeAdapter(adapter{Adapter: types.DefaultTypeAdapter}),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserRecursionLimit(nestingLimit),
		ext.Strings(ext.StringsMaxPrecision(20)),
		ext.Lists(ext.ListsMaxRangeSize(rangeLimit)),
		ext.Math(),
		ext.Regex(),
		ext.Encoders(),
		ext.Bindings(),
		ext.TwoVarComprehensions(),
		letters("lower", strings.ToLower),
		letters("upper", strings.ToUpper),
	)
})

// letters is a function of strings. CEL's own lowerAscii leaves É as it is.
func letters(name string, change func(string) string) cel.EnvOption {
	return cel.Function(name, cel.MemberOverload("string_"+name, []*cel.Type{cel.StringType}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(change(string(v.(types.String)))) })))
}

// environment is the language with variables.
func environment(variables []string) (*cel.Env, error) {
	env, err := shared()
	if err != nil {
		return nil, fmt.Errorf("preparing expressions: %w", err)
	}
	if len(variables) == 0 {
		return env, nil
	}
	options := make([]cel.EnvOption, len(variables))
	for i, name := range variables {
		options[i] = cel.Variable(name, cel.DynType)
	}
	env, err = env.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("declaring the variables %s: %w", strings.Join(variables, ", "), err)
	}
	return env, nil
}
