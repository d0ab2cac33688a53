// Package replay holds the conversations of testdata/dialogues with a gateway
// that runs, and looks into the directory behind it.
package replay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/scimgate/scimgate/internal/dialogue"
)

// Conversation is one dialogue with a gateway over HTTP, and what is remembered
// of it.
type Conversation struct {
	URL    string // the tenant URL
	Token  string // shown where a step has no Authorization of its own
	Client *http.Client
	Known  map[string]string // what is remembered, by name
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Prepare puts what is remembered into a step.
func (c *Conversation) Prepare(step dialogue.Step) (dialogue.Step, error) {
	return step.Expand(c.Known)
}

// Send sends the request of a prepared step. A request that gets no answer is an
// error.
func (c *Conversation) Send(ctx context.Context, step dialogue.Step) (Answer, error) {
	request, err := NewRequest(ctx, c.URL, step.Request)
	if err != nil {
		return Answer{}, err
	}
	if request.Header.Get("Authorization") == "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.Client.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("sending %s %s: %w", step.Request.Method, step.Request.Target, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer to %s %s: %w", step.Request.Method, step.Request.Target, err)
	}
	return Answer{response.StatusCode, response.Header, body}, nil
}

// Check compares an answer with what the step asks for, and remembers what it
// asks to remember.
func (c *Conversation) Check(step dialogue.Step, a Answer) error {
	if step.Answer == nil {
		return nil
	}
	if err := step.Answer.Check(a.Status, a.Header, a.Body); err != nil {
		return err
	}
	for _, r := range step.Answer.Remember {
		value, err := r.Find(a.Body)
		if err != nil {
			return err
		}
		c.Known[r.Name] = value
	}
	return nil
}

// NewRequest returns a request of a dialogue, whose target is below base, as it
// goes over the wire, but for the credential.
func NewRequest(ctx context.Context, base string, r dialogue.Request) (*http.Request, error) {
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	// Some write quotes into a URL that nobody has encoded; http.NewRequest lets
	// them stand in a query.
	request, err := http.NewRequestWithContext(ctx, r.Method, base+r.Target, body)
	if err != nil {
		return nil, fmt.Errorf("making the request %s %s: %w", r.Method, r.Target, err)
	}
	if r.Body != "" {
		request.Header.Set("Content-Type", "application/scim+json")
	}
	for _, f := range r.Header {
		request.Header.Set(f.Name, f.Value)
	}
	return request, nil
}
