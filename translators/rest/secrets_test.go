package rest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// What the application of this test is sent and must not be repeated: with characters
// that look otherwise in a URL, in JSON and in HTML.
const (
	secretKey    = `k3y/+&="q'<é>-Zt84Wm`
	secretUser   = "svc-gateway-17"
	secretBasic  = `b4sic"p\w+/=:ü-Rr72Qn`
	secretTenant = "tenant-Yh55Lo/&"
	secretPass   = `pa55+w"rd/\<&>é-Gx31Cv`
	secretTitle  = "private-Duchess&Lü-88"
)

const secretBlock = `{
	auth query api_key {env.REST_KEY}
	auth basic ` + secretUser + ` {env.REST_BASIC}
	secret tenant {env.REST_TENANT}
	retries off
	breaker off
	users {
		map userName login
		map password secret {
			write_only
		}
		map title rank {
			private
		}
		map active active
		list GET /t/{secret.tenant}/users
		search GET /t/{secret.tenant}/users?login={userName}
		search GET /t/{secret.tenant}/users?rank={title}
		read GET /t/{secret.tenant}/users/{id}
		create POST /t/{secret.tenant}/users {
			header X-Pass {password|base64}
		}
		update PATCH /t/{secret.tenant}/users/{id}
	}
}`

// forms are the ways in which a text is repeated.
func forms(text string) []string {
	quoted, _ := json.Marshal(text)
	return []string{text, url.QueryEscape(text), url.PathEscape(text), strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text))}
}

// TestNoAnswerTellsASecret: an application repeats what it was sent, in each way that it
// can, and neither our log nor the provider is told of it.
func TestNoAnswerTellsASecret(t *testing.T) {
	t.Setenv("REST_KEY", secretKey)
	t.Setenv("REST_BASIC", secretBasic)
	t.Setenv("REST_TENANT", secretTenant)
	hidden := map[string][]string{"the key": forms(secretKey), "the password of basic": forms(secretBasic), "the secret": forms(secretTenant), "the password": forms(secretPass), "the title": forms(secretTitle)}
	hidden["the password of basic"] = append(hidden["the password of basic"], base64.StdEncoding.EncodeToString([]byte(secretUser+":"+secretBasic)))
	sent := func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		return fmt.Sprintf("%s %s %v %s", r.Method, r.RequestURI, r.Header, body)
	}
	jsonError := func(status int, text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
		}
	}
	raw := func(w http.ResponseWriter, text string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, text)
	}
	all := func(r *http.Request) string {
		known := secretKey + " " + secretBasic + " " + secretTenant
		if r.Method != http.MethodGet || strings.Contains(r.URL.RawQuery, "rank=") {
			known += " " + secretTitle
		}
		if r.Method != http.MethodGet {
			known += " " + secretPass
		}
		return known
	}
	answers := map[string]func(w http.ResponseWriter, r *http.Request){
		"as it came": func(w http.ResponseWriter, r *http.Request) { jsonError(422, sent(r))(w) },
		"the URL":    func(w http.ResponseWriter, r *http.Request) { jsonError(400, r.RequestURI)(w) },
		"the header": func(w http.ResponseWriter, r *http.Request) { jsonError(403, r.Header.Get("Authorization"))(w) },
		"in a text":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); fmt.Fprint(w, all(r)) },
		"a title": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<html><title>%s</title>", r.RequestURI)
		},
		"an encoded title": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<html><title>%s</title>", strings.ReplaceAll(all(r), "<", "&lt;"))
		},
		"no HTTP": func(w http.ResponseWriter, r *http.Request) {
			raw(w, r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization")+"\r\n\r\n")
		},
		"a broken header": func(w http.ResponseWriter, r *http.Request) { raw(w, "HTTP/1.1 200 OK\r\n"+all(r)+"\r\n\r\n") },
		"a broken status": func(w http.ResponseWriter, r *http.Request) { raw(w, "HTTP/1.1 "+all(r)+"\r\n\r\n") },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.EscapedPath()+"/")
			w.WriteHeader(301)
		},
		"a redirect away": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+base64.RawURLEncoding.EncodeToString([]byte(secretKey))+".example.com/"+r.RequestURI)
			w.WriteHeader(302)
		},
		"a member": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{secretKey: 1, secretBasic: 2, secretTenant: 3})
		},
		"a member of a row": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode([]any{map[string]any{secretKey: 1, secretBasic: 2, secretTenant: 3}})
		},
		"a member of a record": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			record := map[string]any{"id": "7", secretKey: 1, secretBasic: 2, secretTenant: 3}
			if strings.HasSuffix(r.URL.Path, "/users") {
				_ = json.NewEncoder(w).Encode([]any{record})
				return
			}
			record["id"] = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
			_ = json.NewEncoder(w).Encode(record)
		},
		"a charset": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset="+base64.RawURLEncoding.EncodeToString([]byte(secretKey)))
			fmt.Fprint(w, "{}")
		},
		"a type": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/"+secretUser)
			fmt.Fprint(w, "{}")
		},
	}
	// A text that is cut in the middle of a secret.
	for cut := range 24 {
		answers[fmt.Sprintf("cut off at %d", cut)] = func(w http.ResponseWriter, r *http.Request) {
			jsonError(422, strings.Repeat("x", longestText-24+cut)+[]string{secretKey, secretBasic, secretTenant}[cut%3])(w)
		}
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			var isCreating atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if isCreating.Load() && r.Method == http.MethodGet {
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprint(w, "[]")
					return
				}
				answer(w, r)
			}))
			defer server.Close()
			tr := provision(t, "rest "+server.URL+" "+secretBlock)
			for what, err := range requestsOf(t, tr, &isCreating) {
				if err == nil {
					continue
				}
				told := err.Error()
				if e, is := errors.AsType[*translators.Error](err); is {
					told += "\n" + e.Detail + "\n" + fmt.Sprint(e.Err)
				}
				if len(told) > 4000 {
					t.Errorf("%s: the error has %d bytes", what, len(told))
				}
				for secret, all := range hidden {
					for _, form := range all {
						if strings.Contains(told, form) {
							t.Errorf("%s: %s is told: %s", what, secret, told)
						}
					}
					if begins := all[0][:8]; strings.Contains(told, begins) {
						t.Errorf("%s: the beginning of %s is told: %s", what, secret, told)
					}
				}
			}
		})
	}
}

// requestsOf makes one request of each kind, and returns their errors.
func requestsOf(t *testing.T, tr *Translator, isCreating *atomic.Bool) map[string]error {
	t.Helper()
	rt := tr.Types()[0].ResourceType
	all := make(map[string]error)
	for _, text := range []string{`userName eq "ada"`, `title eq ` + quote(secretTitle)} {
		filter, err := scim.ParseFilter(rt, text, scim.FilterLimits{})
		if err != nil {
			t.Fatal(err)
		}
		_, all[text] = tr.Search(t.Context(), translators.Query{Type: rt, Filter: filter, Limit: 2})
	}
	_, all["read"] = tr.Read(t.Context(), rt, []string{"7"}, translators.Selection{All: true})
	_, all["disabled"] = tr.FindDisabled(t.Context())
	all["check"] = fmt.Errorf("%v", tr.Check(t.Context()))
	isCreating.Store(true)
	r := scim.NewResource(rt)
	r.Set(rt.Attribute("userName"), scim.String("ada"))
	r.Set(rt.Attribute("password"), scim.String(secretPass))
	r.Set(rt.Attribute("title"), scim.String(secretTitle))
	plan, err := tr.Plan(t.Context(), creation(r))
	if all["the plan"] = err; err == nil {
		var prior []translators.CallResult
		for _, call := range plan.Calls {
			prior = append(prior, call.Do(t.Context(), prior))
			all["create"] = prior[len(prior)-1].Err
			all["settle"] = call.Settle(t.Context(), prior[:len(prior)-1]).Err
		}
	}
	return all
}
