package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
)

// The comparison for the translator rest: requests through scimgate against the
// same requests made directly to the application, which is internal/legacy.

// roleApplication is the first argument of the application's process; the others
// are where it listens and how many users it has.
const roleApplication = "application"

// direct is the name of the yardstick.
const direct = "direct"

func playApplication(args []string) error {
	if len(args) != 2 {
		return errors.New("the application needs an address and a number of users")
	}
	users, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	go exitWithInput()
	server := &http.Server{
		Addr:              args[0],
		Handler:           legacy.New(legacy.Options{Seed: users, SignIn: legacy.ByBearer, NoAudit: true}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	return server.ListenAndServe()
}

// restOperation is work that is done both ways.
type restOperation struct {
	name, title string
	// direct are the requests that scimgate makes to the application for it, in
	// words.
	direct string
	limit  int // 0: any number
}

var restOperations = []restOperation{
	{"find", "find a user by userName", "search", 0},
	{"read", "read a user", "read", 0},
	{"create", "create a user, journal on", "search, create, read", 600},
	{"disable", "disable with proof, journal on", "read, change, read", 2000},
	{"add-member", "add one member to a group of 5,000, journal on", "read the user, add", 1000},
}

// restAttempts are the operations as one of the two callers does them.
func restAttempts(c *caller, isDirect bool) map[string]attempt {
	if isDirect {
		return directAttempts(c)
	}
	return map[string]attempt{
		"find": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			n := random.IntN(c.Users)
			filter := url.QueryEscape(`userName eq "` + legacy.SeedLogin(n) + `"`)
			return c.do(ctx, http.MethodGet, "/Users?filter="+filter, "", http.StatusOK, func(body []byte) error {
				return contains(body, `"totalResults":1,`, `"id":"`+legacy.SeedID(n)+`"`)
			})
		},
		"read": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			n := random.IntN(c.Users)
			return c.do(ctx, http.MethodGet, "/Users/"+legacy.SeedID(n), "", http.StatusOK, func(body []byte) error {
				return contains(body, `"id":"`+legacy.SeedID(n)+`"`, `"userName":"`+legacy.SeedLogin(n)+`"`)
			})
		},
		"create": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			login := newUID(n)
			return c.do(ctx, http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+login+
				`","active":true,"title":"Engineer","name":{"givenName":"Given","familyName":"Family"},"emails":[{"type":"work","value":"`+login+`@example.com"}]}`,
				http.StatusCreated, func(body []byte) error {
					return contains(body, `"userName":"`+login+`"`, `"id":"`, `"active":true`)
				})
		},
		"disable": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			return c.do(ctx, http.MethodPatch, "/Users/"+legacy.SeedID(n), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],`+
				`"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, http.StatusOK, func(body []byte) error {
				return contains(body, `"active":false`, `"id":"`+legacy.SeedID(n)+`"`)
			})
		},
		"add-member": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			return c.do(ctx, http.MethodPatch, "/Groups/"+legacy.SeedGroup, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],`+
				`"Operations":[{"op":"Add","path":"members","value":[{"value":"`+legacy.SeedID(c.fresh(firstGroup, n))+`"}]}]}`, http.StatusNoContent, nil)
		},
	}
}

// directAttempts are the requests that scimgate would make.
func directAttempts(c *caller) map[string]attempt {
	isThere := func(ctx context.Context, n int, parts ...string) error {
		return c.do(ctx, http.MethodGet, "/users/"+legacy.SeedID(n), "", http.StatusOK, func(body []byte) error {
			return contains(body, append(parts, `"id":`+legacy.SeedID(n)+`,`, `"login":"`+legacy.SeedLogin(n)+`"`)...)
		})
	}
	return map[string]attempt{
		"find": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			n := random.IntN(c.Users)
			return c.do(ctx, http.MethodGet, "/users?offset=0&limit=100&login="+url.QueryEscape(legacy.SeedLogin(n)), "", http.StatusOK, func(body []byte) error {
				return contains(body, `"total":1`, `"id":`+legacy.SeedID(n)+`,`)
			})
		},
		"read": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			return isThere(ctx, random.IntN(c.Users))
		},
		"create": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			login := newUID(n)
			err := c.do(ctx, http.MethodGet, "/users?offset=0&limit=100&login="+login, "", http.StatusOK, func(body []byte) error {
				return contains(body, `"total":0`)
			})
			if err != nil {
				return err
			}
			id := ""
			err = c.do(ctx, http.MethodPost, "/users", `{"login":"`+login+`","status":"active","title":"Engineer","first_name":"Given","last_name":"Family","mail":"`+login+`@example.com"}`,
				http.StatusCreated, func(body []byte) error {
					_, rest, _ := strings.Cut(string(body), `"id":`)
					id, _, _ = strings.Cut(rest, ",")
					return contains(body, `"login":"`+login+`"`)
				})
			if err != nil {
				return err
			}
			return c.do(ctx, http.MethodGet, "/users/"+id, "", http.StatusOK, func(body []byte) error { return contains(body, `"login":"`+login+`"`) })
		},
		"disable": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			err := isThere(ctx, n, `"status":"active"`)
			if err == nil {
				err = c.do(ctx, http.MethodPatch, "/users/"+legacy.SeedID(n), `{"status":"locked"}`, http.StatusOK, nil)
			}
			if err == nil {
				err = isThere(ctx, n, `"status":"locked"`)
			}
			return err
		},
		"add-member": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			user := c.fresh(firstGroup, n)
			if err := isThere(ctx, user); err != nil {
				return err
			}
			return c.do(ctx, http.MethodPost, "/groups/"+legacy.SeedGroup+"/members", `{"user_id":`+legacy.SeedID(user)+`}`, http.StatusNoContent, nil)
		},
	}
}

// restBench is the application and the two who ask it.
type restBench struct {
	application, gateway *contestant
	direct               *caller
	operations           map[string]map[string]attempt // of direct and of scimgate
}

// rest measures all operations both ways.
func (b *run) rest(ctx context.Context, out io.Writer) (err error) {
	f := fixture{Users: b.Users, GroupSize: min(5000, b.Users/2)}
	r, err := startRest(ctx, b.dir, f)
	defer func() { err = errors.Join(err, r.stop()) }()
	if err != nil {
		return err
	}
	var rows []restRow
	for _, o := range restOperations {
		if len(b.Only) > 0 && !slices.Contains(b.Only, o.name) {
			continue
		}
		for _, clients := range b.Clients {
			row, err := r.measure(ctx, b, o, clients)
			if err != nil {
				return fmt.Errorf("%s, %d clients: %w", o.name, clients, err)
			}
			b.progress("%s, %d clients: direct %s/s, scimgate %s/s, %.2f ×", o.name, clients, row.rate(direct), row.rate(ours), median(row.ratios()))
			rows = append(rows, row)
		}
	}
	b.report.Took = time.Since(b.report.Started)
	_, err = io.WriteString(out, b.restMarkdown(rows))
	return err
}

// startRest starts the application and scimgate before it.
func startRest(ctx context.Context, dir string, f fixture) (*restBench, error) {
	r := &restBench{}
	ports, err := freePorts(1)
	if err != nil {
		return r, err
	}
	address := "127.0.0.1:" + ports[0]
	r.direct = newCaller("http://"+address, legacy.Key, false, f)
	r.direct.kind = "application/json"
	r.direct.ready = func(ctx context.Context) error {
		return r.direct.do(ctx, http.MethodGet, "/users?limit=1", "", http.StatusOK, nil)
	}
	application := &contestant{name: roleApplication, caller: r.direct}
	scratch, err := os.MkdirTemp(dir, roleApplication)
	if err == nil {
		err = application.launch(scratch, []string{roleApplication, address, strconv.Itoa(f.Users)})
	}
	if err != nil {
		return r, err
	}
	r.application = application
	if _, err := application.firstAnswer(ctx, time.Now()); err != nil {
		return r, err
	}
	r.gateway, _, err = launchServer(ctx, "rest", dir, f, map[string]string{"Application": r.direct.base, "First": legacy.SeedLogin(0)}, "SCIMGATE_BENCH_KEY="+legacy.Key)
	if err != nil {
		return r, err
	}
	r.operations = map[string]map[string]attempt{direct: restAttempts(r.direct, true), ours: restAttempts(r.gateway.caller, false)}
	return r, nil
}

func (r *restBench) stop() (err error) {
	for _, c := range []*contestant{r.gateway, r.application} {
		if c != nil {
			err = errors.Join(err, c.stop())
		}
	}
	return err
}

// restRow is an operation at one load.
type restRow struct {
	restOperation
	clients  int
	rates    map[string][]float64
	p50, p99 map[string]float64
	cpu      float64 // ms of scimgate's for one operation
	calls    map[string]float64
}

func (r restRow) ratios() []float64 { return ratios(r.rates[ours], r.rates[direct]) }

func (r restRow) rate(name string) string { return result{Rate: median(r.rates[name])}.rate() }

// measure lets both work in turns.
func (r *restBench) measure(ctx context.Context, b *run, o restOperation, clients int) (restRow, error) {
	row := restRow{restOperation: o, clients: clients, rates: make(map[string][]float64), p50: make(map[string]float64), p99: make(map[string]float64)}
	latencies := make(map[string][]time.Duration)
	before, err := r.gateway.calls(ctx)
	if err != nil {
		return row, err
	}
	var spent time.Duration
	done := 0
	for n := range b.Rounds {
		for _, name := range rotated([]string{direct, ours}, n) {
			cpu, err := cpuTime(r.gateway.pid())
			if err != nil {
				return row, err
			}
			s := load{Clients: clients, Duration: b.Duration, Limit: o.limit}.run(ctx, uint64(n+1), r.operations[name][o.name])
			if ctx.Err() != nil {
				return row, ctx.Err()
			}
			if s.Failure != "" {
				return row, fmt.Errorf("%s: %s", name, s.Failure)
			}
			after, err := cpuTime(r.gateway.pid())
			if err != nil {
				return row, err
			}
			if name == ours {
				spent += after - cpu
				done += s.Operations
			}
			row.rates[name] = append(row.rates[name], s.rate())
			latencies[name] = append(latencies[name], s.Latencies...)
			if err := r.restore(ctx, o, s.Operations); err != nil {
				return row, fmt.Errorf("%s: looking at what was done: %w", name, err)
			}
		}
	}
	for name, all := range latencies {
		slices.Sort(all)
		row.p50[name], row.p99[name] = ms(quantile(all, .5)), ms(quantile(all, .99))
	}
	after, err := r.gateway.calls(ctx)
	row.calls = minus(after, before)
	for verb := range row.calls {
		row.calls[verb] /= float64(max(done, 1))
	}
	row.cpu = ms(spent) / float64(max(done, 1))
	return row, err
}

// restore checks that what was done is so, and undoes it.
func (r *restBench) restore(ctx context.Context, o restOperation, done int) error {
	c := r.direct
	for n := range done {
		var err error
		switch o.name {
		case "create":
			id := ""
			err = c.do(ctx, http.MethodGet, "/users?login="+newUID(n), "", http.StatusOK, func(body []byte) error {
				_, rest, _ := strings.Cut(string(body), `"id":`)
				id, _, _ = strings.Cut(rest, ",")
				return contains(body, `"total":1`)
			})
			if err == nil {
				err = c.do(ctx, http.MethodDelete, "/users/"+id, "", http.StatusNoContent, nil)
			}
		case "disable":
			err = c.do(ctx, http.MethodGet, "/users/"+legacy.SeedID(n), "", http.StatusOK, func(body []byte) error {
				return contains(body, `"status":"locked"`)
			})
			if err == nil {
				err = c.do(ctx, http.MethodPatch, "/users/"+legacy.SeedID(n), `{"status":"active"}`, http.StatusOK, nil)
			}
		case "add-member":
			// One who is not in it can't be taken out.
			err = c.do(ctx, http.MethodDelete, "/groups/"+legacy.SeedGroup+"/members/"+legacy.SeedID(c.fresh(firstGroup, n)), "", http.StatusNoContent, nil)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restMarkdown prints the table of docs/performance.md.
func (b *run) restMarkdown(rows []restRow) string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	m := b.report.Machine
	line("Measured on %s in %s: %s, %d cores, %s, %s. %d rounds of %s each; the application has %d users.", b.report.Started.Format("2006-01-02"),
		b.report.Took.Round(time.Second), m.Processor, m.Cores, m.Kernel, m.Go, b.Rounds, b.Duration, b.Users)
	line("")
	line("| work | the same directly | clients | directly /s | scimgate /s | of directly | (least to most) | p50 ms directly | p50 ms | p99 ms | CPU ms | requests to the application |")
	line("|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---|")
	for _, row := range rows {
		all := row.ratios()
		line("| %s | %s | %d | %s | %s | %.2f × | %.2f to %.2f | %s | %s | %s | %s | %s |", row.title, row.direct, row.clients, row.rate(direct), row.rate(ours),
			median(all), slices.Min(all), slices.Max(all), number(row.p50[direct]), number(row.p50[ours]), number(row.p99[ours]), number(row.cpu), result{Calls: row.calls}.calls())
	}
	return text.String()
}
