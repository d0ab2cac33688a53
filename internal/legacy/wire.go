package legacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// wire is a form of requests and answers.
type wire interface {
	// parse finds out what a request is for and what it says.
	parse(a *App, r *request, body []byte) error
	print(a *App, r *request, out *reply) *answer
	fail(a *App, r *request, f *failure) *answer
}

func (a *App) wire() wire {
	switch a.options.Wire {
	case Form:
		return formWire{}
	case XML:
		return xmlWire{}
	case SOAP:
		return soapWire{}
	case RPC:
		return rpcWire{}
	case GraphQL:
		return graphQLWire{}
	}
	return jsonWire{}
}

// jsonWire is JSON both ways.
type jsonWire struct{}

func (jsonWire) parse(a *App, r *request, body []byte) (err error) {
	r.isTyped = true
	if err := a.route(r); err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	if !strings.HasPrefix(r.http.Header.Get("Content-Type"), "application/json") {
		return &failure{415, "unsupported", "only application/json is understood"}
	}
	r.body, err = decodeJSON(body)
	return err
}

func (jsonWire) print(a *App, r *request, out *reply) *answer {
	header := out.header
	if header == nil {
		header = http.Header{}
	}
	value := out.body
	if a.options.Sentences && r.http.Method != http.MethodGet {
		line := "OK"
		if made, is := value.(record); is && made["id"] != nil {
			line = fmt.Sprintf("OK %v", made["id"])
		}
		return a.sentence(line)
	}
	if a.options.ErrorsIn200 {
		return a.json(200, header, record{"ok": true, "data": value})
	}
	if value == nil {
		return &answer{out.status, header, nil}
	}
	return a.json(out.status, header, value)
}

func (jsonWire) fail(a *App, _ *request, f *failure) *answer {
	if a.options.ErrorsIn200 {
		return a.json(200, http.Header{}, record{"ok": false, "code": f.code, "error": f.text})
	}
	if a.options.Sentences {
		return a.sentence("ERR " + f.code + " " + f.text)
	}
	return a.json(f.status, http.Header{}, record{"error": f.text})
}

// sentence is an answer of one line.
func (a *App) sentence(line string) *answer {
	return a.inCharset(http.StatusOK, http.Header{}, "text/plain", []byte(line+"\r\n"))
}

// json prints a value.
func (a *App) json(status int, header http.Header, value any) *answer {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // values are made here
	}
	return a.inCharset(status, header, "application/json", b.Bytes())
}

// inCharset finishes an answer.
func (a *App) inCharset(status int, header http.Header, contentType string, body []byte) *answer {
	charset := "utf-8"
	if a.options.Latin1 {
		charset = "iso-8859-1"
		encoded, err := encoding.ReplaceUnsupported(charmap.ISO8859_1.NewEncoder()).Bytes(body)
		if err != nil {
			panic(err) // what is unsupported is replaced
		}
		body = encoded
	}
	header.Set("Content-Type", contentType+"; charset="+charset)
	return &answer{status, header, body}
}

// decodeJSON reads an object.
func decodeJSON(body []byte) (record, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var r record
	if err := decoder.Decode(&r); err != nil || r == nil {
		return nil, &failure{400, "malformed", "the body is no JSON object"}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, &failure{400, "malformed", "the body goes on behind the JSON"}
	}
	return r, nil
}

// formWire takes forms with nested brackets, user[name][first]=Ada, and answers in
// JSON: {"user":{"name":{"first":"Ada"}}}.
type formWire struct{ jsonWire }

func (formWire) print(a *App, r *request, out *reply) *answer {
	if out.body != nil && (out.root == "user" || out.root == "group") {
		wrapped := *out
		wrapped.body = record{out.root: out.body}
		out = &wrapped
	}
	return jsonWire{}.print(a, r, out)
}

func (formWire) parse(a *App, r *request, body []byte) error {
	if err := a.route(r); err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	if !strings.HasPrefix(r.http.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return &failure{415, "unsupported", "only forms are understood"}
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return &failure{400, "malformed", "the body is no form"}
	}
	all, err := decodeForm(values)
	if err != nil {
		return err
	}
	r.body = all
	room, op, _ := strings.Cut(r.op, ".")
	if op == "create" || op == "update" || op == "replace" {
		noun := strings.TrimSuffix(room, "s")
		inner, is := all[noun].(record)
		if !is {
			return &failure{400, "malformed", noun + "[…] is missing"}
		}
		r.body = inner
	}
	return nil
}

// decodeForm makes a record of names with brackets.
func decodeForm(values url.Values) (record, error) {
	all := record{}
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		name, rest, _ := strings.Cut(key, "[")
		parts := []string{name}
		if rest != "" {
			if !strings.HasSuffix(rest, "]") {
				return nil, &failure{400, "malformed", key + " is no name of a field"}
			}
			parts = append(parts, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
		}
		if err := put(all, parts, values[key]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// put puts the values of a name, [name inner …], into a record; a last part "" makes
// a list.
func put(r record, parts, values []string) error {
	name := parts[0]
	switch {
	case name == "":
		return &failure{400, "malformed", "a field has no name"}
	case len(parts) == 1:
		r[name] = values[len(values)-1]
	case len(parts) == 2 && parts[1] == "":
		list := []any{}
		for _, v := range values {
			if v != "" {
				list = append(list, v)
			}
		}
		r[name] = list
	default:
		inner, is := r[name].(record)
		if !is {
			inner = record{}
			r[name] = inner
		}
		return put(inner, parts[1:], values)
	}
	return nil
}
