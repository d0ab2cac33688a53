package expression

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// encode appends a value as JSON.
func encode(dst []byte, value ref.Val) ([]byte, error) {
	switch v := value.(type) {
	case types.Null:
		return append(dst, "null"...), nil
	case types.Bool:
		return strconv.AppendBool(dst, bool(v)), nil
	case types.Int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case types.Uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case types.Double:
		return appendDouble(dst, float64(v))
	case types.String:
		return appendString(dst, string(v))
	case types.Bytes:
		return appendString(dst, base64.StdEncoding.EncodeToString(v))
	case types.Timestamp:
		return appendString(dst, v.Time.UTC().Format(time.RFC3339Nano))
	case types.Duration:
		return appendString(dst, strconv.FormatFloat(v.Duration.Seconds(), 'f', -1, 64)+"s")
	case *types.Optional:
		if !v.HasValue() {
			return append(dst, "null"...), nil
		}
		return encode(dst, v.GetValue())
	case *types.Err:
		return nil, v
	case traits.Mapper:
		if native, ok := v.Value().(map[string]any); ok { // as it came, its numbers too
			return appendNative(dst, native)
		}
		return appendMap(dst, v)
	case traits.Lister:
		if native, ok := v.Value().([]any); ok {
			return appendNative(dst, native)
		}
		return appendList(dst, v)
	}
	return nil, fmt.Errorf("JSON has nothing for the type %s", value.Type().TypeName())
}

func appendDouble(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errors.New("JSON has no infinite number")
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(dst, int64(f), 10), nil
	}
	text, err := json.Marshal(f)
	return append(dst, text...), err
}

func appendString(dst []byte, s string) ([]byte, error) { return appendNative(dst, s) }

// appendNative appends what encoding/json knows.
func appendNative(dst []byte, v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return append(dst, strings.TrimSuffix(b.String(), "\n")...), nil
}

// appendMap appends an object, its members in the order of their names.
func appendMap(dst []byte, m traits.Mapper) ([]byte, error) {
	var names []string
	for it := m.Iterator(); it.HasNext() == types.True; {
		name, ok := it.Next().(types.String)
		if !ok {
			return nil, errors.New("the names in an object of JSON are strings")
		}
		names = append(names, string(name))
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendString(dst, name); err != nil {
			return nil, err
		}
		dst = append(dst, ':')
		if dst, err = encode(dst, m.Get(types.String(name))); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendList(dst []byte, l traits.Lister) ([]byte, error) {
	dst = append(dst, '[')
	for it, first := l.Iterator(), true; it.HasNext() == types.True; first = false {
		if !first {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = encode(dst, it.Next()); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}
