package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/gateway"
)

// explainer tells what a request would become.
type explainer interface {
	Explain(ctx context.Context, r *http.Request, offline bool) (string, error)
}

// runningGateway returns the gateway that Caddy runs.
func runningGateway() (explainer, error) {
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		return nil, fmt.Errorf("looking for the gateway: %w", err)
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		if h := gatewayIn(server.Routes); h != nil {
			return h, nil
		}
	}
	return nil, errors.New("looking for the gateway: none runs")
}

func gatewayIn(routes caddyhttp.RouteList) *gateway.Handler {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			switch handler := handler.(type) {
			case *gateway.Handler:
				return handler
			case *caddyhttp.Subroute:
				if found := gatewayIn(handler.Routes); found != nil {
					return found
				}
			}
		}
	}
	return nil
}

// Interface guard
var _ explainer = (*gateway.Handler)(nil)
