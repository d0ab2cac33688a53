// Package admin is the Caddy module admin.api.scim: what Caddy's admin endpoint
// tells of the gateways. It changes nothing. Each route has a file of its own.
package admin

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/app"
)

func init() {
	caddy.RegisterModule(API{})
}

// API adds routes to Caddy's admin endpoint.
type API struct{}

// CaddyModule implements caddy.Module.
func (API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.scim", New: func() caddy.Module { return API{} }}
}

// Routes implements caddy.AdminRouter.
func (API) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/health", Handler: caddy.AdminHandlerFunc(serveHealth)},
		{Pattern: "/scim/journal", Handler: get(serveJournal)},
	}
}

// get is a route that is read. Its handler has the app of the configuration that
// runs; where none does, the answer is 503. An error that is no caddy.APIError is
// answered with 500.
func get(handle func(http.ResponseWriter, *http.Request, *app.App) error) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := mayRead(w, r); err != nil {
			return err
		}
		a, release, err := app.Hold()
		if err != nil {
			return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
		}
		defer release()
		return handle(w, r, a)
	})
}

// mayRead refuses what is no GET.
func mayRead(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	w.Header().Set("Allow", "GET, HEAD")
	return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("%s is not allowed: this route is read with GET", r.Method)}
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, status int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // who has gone reads no error either
	return nil
}

// Interface guards
var _ caddy.AdminRouter = API{}
