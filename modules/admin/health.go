package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/gateway"
)

// health is what /health answers.
type health struct {
	// Status is "ok" or "failing".
	Status   string           `json:"status"`
	Detail   string           `json:"detail,omitempty"`
	Gateways []gateway.Health `json:"gateways"`
	Store    *storeHealth     `json:"store,omitempty"`
	Spool    *spoolHealth     `json:"spool,omitempty"`
}

type storeHealth struct {
	Location  string    `json:"location"`
	Available bool      `json:"available"` // it answers, and takes the journal
	Since     time.Time `json:"since,omitzero"`
	Error     string    `json:"error,omitempty"`
}

// spoolHealth is how the local file does in which disables are recorded while the store
// is away. A file that can't be used keeps nothing from being served until then.
type spoolHealth struct {
	Usable  bool  `json:"usable"`
	Waiting int   `json:"waiting"` // disables that are not in the store yet
	Used    int64 `json:"used_bytes"`
	Size    int64 `json:"size_bytes"`
}

// serveHealth tells whether everything serves: 200, or 503 with the same body.
func serveHealth(w http.ResponseWriter, r *http.Request) error {
	if err := mayRead(w, r); err != nil {
		return err
	}
	probe, err := isAsked(r, "probe")
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	told := health{Status: "ok", Gateways: gateway.Healths(r.Context(), probe)}
	a, release, err := app.Hold()
	if err != nil {
		told.Status, told.Detail = "failing", err.Error()
	} else {
		defer release()
		state := a.Store().Health()
		told.Store = &storeHealth{Location: a.Store().Location(), Available: state.Err == nil, Since: state.Since}
		if state.Err != nil {
			told.Status, told.Store.Error = "failing", state.Err.Error()
		}
		spool := a.Journal().Health()
		if state.Err == nil && spool.Away != nil {
			// It answers, and takes nothing: a disk that is full.
			told.Status, told.Store.Available, told.Store.Error = "failing", false, spool.Away.Error()
			told.Store.Since = spool.Since
		}
		told.Spool = &spoolHealth{Usable: spool.Size > 0, Waiting: spool.Spooled, Used: spool.Used, Size: spool.Size}
	}
	for _, g := range told.Gateways {
		if !g.Serves {
			told.Status = "failing"
		}
	}
	status := http.StatusOK
	if told.Status != "ok" {
		status = http.StatusServiceUnavailable
	}
	return answer(w, status, told)
}

// isAsked reports whether a query parameter is there that may stand without a value.
func isAsked(r *http.Request, name string) (bool, error) {
	query := r.URL.Query()
	if !query.Has(name) {
		return false, nil
	}
	if query.Get(name) == "" {
		return true, nil
	}
	asked, err := strconv.ParseBool(query.Get(name))
	if err != nil {
		return false, fmt.Errorf("%s is true or false, or stands without a value", name)
	}
	return asked, nil
}
