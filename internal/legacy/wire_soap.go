package legacy

import (
	"net/http"
	"strings"
)

// namespace is that of the SOAP calls.
const namespace = "urn:example:legacy"

// soapWire is SOAP 1.1 at /soap: UserFind, UserGet, UserCreate, … with the verbs of
// JSON-RPC, and SessionOpen. The header SOAPAction names the call.
type soapWire struct{}

func (soapWire) parse(a *App, r *request, body []byte) error {
	name, value, err := decodeXML(body)
	envelope, _ := value.(record)
	if err != nil || name != "Envelope" || r.http.URL.Path != "/soap" || r.http.Method != http.MethodPost ||
		!strings.HasPrefix(r.http.Header.Get("Content-Type"), "text/xml") {
		return &failure{400, "Client", "this is no SOAP message"}
	}
	call, _ := envelope["Body"].(record)
	if len(call) != 1 {
		return &failure{400, "Client", "the body has not one call"}
	}
	for name, value := range call {
		if strings.Trim(r.http.Header.Get("SOAPAction"), `"`) != namespace+"#"+name {
			return &failure{400, "Client", "SOAPAction does not name the call"}
		}
		params, _ := value.(record)
		if name == "SessionOpen" {
			r.op, r.body = "session", params
			return nil
		}
		for _, noun := range []string{"User", "Group"} {
			if verb, is := strings.CutPrefix(name, noun); is {
				return a.routeCall(r, strings.ToLower(noun), strings.ToLower(verb), params, "Client")
			}
		}
	}
	return &failure{404, "Client", "there is no such call"}
}

// enveloped prints an answer within an envelope.
func (a *App) enveloped(status int, with func(*element)) *answer {
	return a.xml(status, http.Header{}, "text/xml", func(e *element) {
		e.b.WriteString(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:m="` + namespace + `"><soap:Body>`)
		with(e)
		e.b.WriteString("</soap:Body></soap:Envelope>")
	})
}

func (soapWire) print(a *App, r *request, out *reply) *answer {
	return a.enveloped(200, func(e *element) {
		e.prefix, e.nils = "m:", true
		e.b.WriteString("<m:Response>")
		if out.body != nil {
			e.value(out.root, listed(out))
		}
		e.b.WriteString("</m:Response>")
	})
}

func (soapWire) fail(a *App, _ *request, f *failure) *answer {
	return a.enveloped(500, func(e *element) {
		e.prefix = "soap:"
		e.b.WriteString("<soap:Fault>")
		e.prefix = ""
		e.value("faultcode", "soap:Client")
		e.value("faultstring", f.text)
		e.value("detail", record{"code": f.code})
		e.b.WriteString("</soap:Fault>")
	})
}
