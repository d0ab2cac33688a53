package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// caller puts load on a server: on scimgate, or on the bare handler, which
// takes names where scimgate takes ids because it looks nothing up.
type caller struct {
	base  string // the tenant URL
	token string
	// isBare tells how results are checked: the bare handler always prints the
	// same.
	isBare bool
	// kind is the content type of what is sent.
	kind string
	fixture
	transport *http.Transport
	buffers   sync.Pool
	first     string // the cursor of the second page
	ready     func(context.Context) error
}

func newCaller(base, token string, isBare bool, f fixture) *caller {
	c := &caller{
		base: base, token: token, isBare: isBare, kind: "application/scim+json", fixture: f,
		transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConns:        256,
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true,
		},
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	c.ready = func(ctx context.Context) error { return c.find(ctx, 0) }
	return c
}

func (c *caller) close() { c.transport.CloseIdleConnections() }

// attempts are the operations by name.
func (c *caller) attempts() map[string]attempt {
	return map[string]attempt{
		"find": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			user := random.IntN(c.Users)
			return c.find(ctx, user)
		},
		"read": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			user := random.IntN(c.Users)
			return c.do(ctx, http.MethodGet, "/Users/"+userID(user), "", http.StatusOK, func(body []byte) error {
				return contains(body, `"id":"`+userID(user)+`"`, `"userName":"`+uid(user)+`"`)
			})
		},
		"create": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			return c.do(ctx, http.MethodPost, "/Users", newUser(newUID(n)), http.StatusCreated, func(body []byte) error {
				return contains(body, `"userName":"`+newUID(n)+`"`, `"id":"`, `"active":true`)
			})
		},
		"disable": func(ctx context.Context, _, n int, _ *rand.Rand) error {
			const request = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],` +
				`"Operations":[{"op":"Replace","path":"active","value":"False"}]}`
			id := userID(n)
			if c.isBare {
				id = uid(n)
			}
			return c.do(ctx, http.MethodPatch, "/Users/"+id, request, http.StatusOK, func(body []byte) error {
				return contains(body, `"active":false`, `"id":"`+id+`"`)
			})
		},
		"add-member":       c.addMember(firstGroup),
		"add-member-large": c.addMember(everybody),
		"page": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			return c.page(ctx, 2+random.IntN(c.Users-pageSize))
		},
		"page-second": func(ctx context.Context, _, _ int, _ *rand.Rand) error {
			return c.page(ctx, 1+pageSize)
		},
		"page-last": func(ctx context.Context, _, _ int, _ *rand.Rand) error {
			return c.page(ctx, c.Users-pageSize+1)
		},
		"page-sorted": func(ctx context.Context, _, _ int, random *rand.Rand) error {
			return c.page(ctx, 2+random.IntN(c.Users-pageSize), sortedByName)
		},
		"page-cursor": c.nextPage(),
		"first-page": func(ctx context.Context, _, _ int, _ *rand.Rand) error {
			return c.page(ctx, 1)
		},
		"read-group":       c.readGroup(secondGroup, c.GroupSize),
		"read-group-large": c.readGroup(everybody, c.everybodySize()),
	}
}

// pageSize is how many users are on a page.
const pageSize = 100

func (c *caller) find(ctx context.Context, user int) error {
	filter := url.QueryEscape(`userName eq "` + uid(user) + `"`)
	return c.do(ctx, http.MethodGet, "/Users?filter="+filter, "", http.StatusOK, func(body []byte) error {
		return contains(body, `"totalResults":1,`, `"id":"`+userID(user)+`"`)
	})
}

func (c *caller) addMember(group int) attempt {
	return func(ctx context.Context, _, n int, _ *rand.Rand) error {
		user := c.fresh(group, n)
		path, member, status := "/Groups/"+groupID(group), userID(user), http.StatusNoContent
		if c.isBare {
			path, member, status = "/Groups/"+url.PathEscape(groupName(group)), uid(user), http.StatusOK
		}
		return c.do(ctx, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],`+
			`"Operations":[{"op":"Add","path":"members","value":[{"value":"`+member+`"}]}]}`, status, nil)
	}
}

func (c *caller) page(ctx context.Context, start int, more ...string) error {
	path := "/Users?startIndex=" + strconv.Itoa(start) + "&count=" + strconv.Itoa(pageSize)
	for _, parameter := range more {
		path += "&" + parameter
	}
	return c.do(ctx, http.MethodGet, path, "", http.StatusOK, func(body []byte) error {
		if got := bytes.Count(body, []byte(`"userName":`)); got != pageSize {
			return fmt.Errorf("%d users on the page", got)
		}
		return contains(body, `"totalResults":`+strconv.Itoa(c.Users)+`,`, `"startIndex":`+strconv.Itoa(start)+`,`)
	})
}

// sortedByName are the parameters of a sorted page.
const sortedByName = "sortBy=name.familyName&sortOrder=descending"

// prepare asks for the first page of a list of which the others are measured: it
// looks at everybody, and the plain client has looked by then, too.
func (c *caller) prepare(ctx context.Context, operation string) error {
	switch operation {
	case "page-sorted":
		return c.page(ctx, 2, sortedByName)
	case "page-cursor":
		if c.first != "" {
			return nil
		}
		return c.turn(ctx, "", &c.first)
	}
	return nil
}

// nextPage has each client page through everybody by cursors, a page at a time,
// from the second on.
func (c *caller) nextPage() attempt {
	var cursors sync.Map // by client
	return func(ctx context.Context, client, _ int, _ *rand.Rand) error {
		cursor := c.first
		if next, ok := cursors.Load(client); ok && next != "" {
			cursor = next.(string)
		}
		var next string
		err := c.turn(ctx, cursor, &next)
		cursors.Store(client, next)
		return err
	}
}

// turn asks for a page by cursor, and notes that of the next one.
func (c *caller) turn(ctx context.Context, cursor string, next *string) error {
	path := "/Users?count=" + strconv.Itoa(pageSize) + "&cursor=" + cursor
	return c.do(ctx, http.MethodGet, path, "", http.StatusOK, func(body []byte) error {
		_, rest, isThere := bytes.Cut(body, []byte(`"nextCursor":"`))
		text, _, _ := bytes.Cut(rest, []byte(`"`))
		*next = string(text)
		if got := bytes.Count(body, []byte(`"userName":`)); got != pageSize && isThere {
			return fmt.Errorf("%d users on the page", got)
		}
		return contains(body, `"totalResults":`+strconv.Itoa(c.Users)+`,`)
	})
}

func (c *caller) readGroup(group, size int) attempt {
	return func(ctx context.Context, _, _ int, _ *rand.Rand) error {
		return c.do(ctx, http.MethodGet, "/Groups/"+groupID(group), "", http.StatusOK, func(body []byte) error {
			if got := bytes.Count(body, []byte(`"value":"`)); got != size {
				return fmt.Errorf("%d members of %d", got, size)
			}
			return contains(body, `"id":"`+groupID(group)+`"`)
		})
	}
}

// do makes a request and checks its answer.
func (c *caller) do(ctx context.Context, method, path, body string, status int, check func(body []byte) error) error {
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", c.kind)
	if body != "" {
		request.Header.Set("Content-Type", c.kind)
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	buffer := c.buffers.Get().(*bytes.Buffer)
	defer c.buffers.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(response.Body); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode != status {
		return fmt.Errorf("%s %s: %s: %.300s", method, path, response.Status, buffer)
	}
	if check == nil || c.isBare {
		return nil
	}
	if err := check(buffer.Bytes()); err != nil {
		return fmt.Errorf("%s %s: %w: %.300s", method, path, err, buffer)
	}
	return nil
}

// contains checks that the answer has every one of the parts.
func contains(body []byte, parts ...string) error {
	for _, part := range parts {
		if !bytes.Contains(body, []byte(part)) {
			return fmt.Errorf("no %s in the answer", part)
		}
	}
	return nil
}

// newUser is the body of a POST, with the attributes of [person].
func newUser(login string) string {
	value := make(map[string]string)
	for _, a := range person(login) {
		value[a[0]] = a[1]
	}
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	body, err := json.Marshal(map[string]any{
		"schemas":     []string{"urn:ietf:params:scim:schemas:core:2.0:User", enterprise},
		"userName":    value["uid"],
		"active":      true,
		"displayName": value["displayName"],
		"title":       value["title"],
		"name":        map[string]string{"formatted": value["cn"], "familyName": value["sn"], "givenName": value["givenName"]},
		"emails":      []map[string]any{{"type": "work", "value": value["mail"], "primary": true}},
		enterprise:    map[string]string{"employeeNumber": value["employeeNumber"]},
	})
	if err != nil {
		panic(err) // strings and a boolean can always be written
	}
	return string(body)
}
