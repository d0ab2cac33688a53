package legacy

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// rpcWire is JSON-RPC 2.0 at /rpc: user.find, user.get, user.create, user.update,
// user.delete, user.lock, user.unlock; group.find, group.get, group.create,
// group.update, group.delete, group.add, group.remove, group.set; session.open.
// The parameters are an object; what is created or changed stands in user or group.
type rpcWire struct{}

// verbs are the last words of a call, in JSON-RPC and SOAP.
var verbs = map[string]string{
	"find": "list", "get": "read", "create": "create", "update": "update", "delete": "delete", "lock": "lock", "unlock": "unlock",
	"add": "add", "remove": "remove", "set": "set",
}

func (rpcWire) parse(a *App, r *request, body []byte) error {
	r.isTyped = true
	call, err := decodeJSON(body)
	if err != nil || r.http.URL.Path != "/rpc" || r.http.Method != http.MethodPost {
		return &failure{400, "-32700", "this is no call"}
	}
	r.number = call["id"]
	if call["jsonrpc"] != "2.0" || r.number == nil {
		return &failure{400, "-32600", "this is no call of JSON-RPC 2.0"}
	}
	method, _ := call["method"].(string)
	params, _ := call["params"].(record)
	if method == "session.open" {
		r.op, r.body = "session", params
		return nil
	}
	noun, verb, _ := strings.Cut(method, ".")
	return a.routeCall(r, noun, verb, params, "-32601")
}

// routeCall is for a call that has a noun, a verb and parameters.
func (a *App) routeCall(r *request, noun, verb string, params record, unknown string) error {
	if verbs[verb] == "" || noun != "user" && noun != "group" {
		return &failure{404, unknown, "there is no such method"}
	}
	r.op = noun + "s." + verbs[verb]
	if r.op == "users.update" && (a.options.Update == PutETag || a.options.Update == PutVersion) {
		r.op = "users.replace"
	}
	r.params = paramsOf(params)
	r.id, r.member = r.params.Get("id"), r.params.Get("user_id")
	r.body = params
	if inner, is := params[noun].(record); is {
		r.body = inner
	}
	return nil
}

// paramsOf are the values of a call that are no lists and no objects, as texts.
func paramsOf(values record) url.Values {
	params := url.Values{}
	for name, value := range values {
		switch value.(type) {
		case record, []any, nil:
		default:
			params.Set(name, fmt.Sprint(value))
		}
	}
	return params
}

func (rpcWire) print(a *App, r *request, out *reply) *answer {
	result := out.body
	if result == nil {
		result = true
	}
	return a.json(200, http.Header{}, record{"jsonrpc": "2.0", "id": r.number, "result": result})
}

func (rpcWire) fail(a *App, r *request, f *failure) *answer {
	codes := map[string]int{"not_signed_in": -32001, "not_found": -32004, "conflict": -32009, "invalid": -32602}
	code := codes[f.code]
	if _, err := fmt.Sscan(f.code, &code); err != nil && code == 0 {
		code = -32603
	}
	return a.json(200, http.Header{}, record{"jsonrpc": "2.0", "id": r.number, "error": record{"code": code, "message": f.text}})
}
