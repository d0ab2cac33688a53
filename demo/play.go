package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scimgate/scimgate/internal/dialogue"
	"github.com/scimgate/scimgate/internal/replay"
	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/testdata/dialogues"
)

// DefaultPlay names the dialogues that are played unless others are asked for:
// how Entra and Okta find, create, change, disable, restore and delete people and
// groups.
var DefaultPlay = []string{"entra-users", "entra-patch-flag", "entra-groups", "okta-oin-users", "okta-groups"}

// PlayOptions say what is played and how it is shown.
type PlayOptions struct {
	// Names are those of the dialogues. Default: DefaultPlay. The name "all"
	// stands for all there are.
	Names []string
	// Pace is the pause before each step.
	Pace time.Duration
	// Out is where it is shown.
	Out io.Writer
	// Colour marks what matters by escape sequences of a terminal.
	Colour bool
	// Width is that of the terminal, in columns; 0 when there is none.
	Width int
}

// ErrDiffers says that an answer, or what the directory holds afterwards, is not
// what a dialogue asks for.
var ErrDiffers = errors.New("something was not as it should be")

// CheckPlay reports whether there are dialogues of these names.
func CheckPlay(names []string) error {
	_, err := selected(names)
	return err
}

// Play sends the requests of dialogues to the running demo and shows for each of
// them what it becomes, how it is answered, and whether the directory is then as
// it should be. Each dialogue begins with people and groups as they were when the
// demo was started, and so does what comes after the last one.
func (d *Demo) Play(ctx context.Context, o PlayOptions) error {
	chosen, err := selected(o.Names)
	if err != nil {
		return err
	}
	return d.playAll(ctx, o, chosen)
}

func (d *Demo) playAll(ctx context.Context, o PlayOptions, chosen []*dialogue.Dialogue) error {
	handler, err := runningGateway()
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	p := &play{
		demo: d, gateway: handler, client: client, pace: o.Pace, out: &printer{terminal.Writer{Out: o.Out, Colour: o.Colour, Width: o.Width}},
		directory: &replay.Directory{URL: d.LDAPURL, BindDN: BindDN, BindPassword: d.Password},
	}
	started := time.Now()
	p.out.opening(d)
	for _, one := range chosen {
		if err := d.Reset(); err != nil {
			return err
		}
		if err := p.dialogue(ctx, one); err != nil {
			return err
		}
	}
	if err := d.Reset(); err != nil {
		return err
	}
	p.out.summary(p.steps, p.differing, time.Since(started))
	if p.differing > 0 {
		return ErrDiffers
	}
	return nil
}

// selected returns the dialogues of these names, in this order.
func selected(names []string) ([]*dialogue.Dialogue, error) {
	all, err := dialogues.All()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = DefaultPlay
	}
	var known []string
	for _, one := range all {
		known = append(known, one.Name)
	}
	if slices.Equal(names, []string{"all"}) {
		return all, nil
	}
	var chosen []*dialogue.Dialogue
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("there is no dialogue %q; there are all, %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// play is a run of dialogues.
type play struct {
	demo      *Demo
	gateway   explainer
	client    *http.Client
	directory *replay.Directory
	pace      time.Duration
	out       *printer

	steps, differing int
}

func (p *play) dialogue(ctx context.Context, d *dialogue.Dialogue) error {
	known, err := p.directory.IDs(dialogues.Fixture)
	if err != nil {
		return fmt.Errorf("preparing the dialogue %s: %w", d.Name, err)
	}
	conversation := &replay.Conversation{URL: p.demo.TenantURLOf(d.Version), Token: p.demo.Token, Client: p.client, Known: known}
	p.out.heading(d)
	for _, step := range d.Steps {
		select {
		case <-time.After(p.pace):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.step(ctx, conversation, step); err != nil {
			return fmt.Errorf("dialogue %s, step %q: %w", d.Name, step.Title, err)
		}
	}
	return nil
}

// step plays one step. It returns an error only when the play can't go on.
func (p *play) step(ctx context.Context, c *replay.Conversation, step dialogue.Step) error {
	p.steps++
	prepared, err := c.Prepare(step)
	if err != nil {
		return err
	}
	plan := p.explain(ctx, c.URL, prepared.Request)
	answer, err := c.Send(ctx, prepared)
	if err != nil {
		return err
	}
	var wrong []error
	if err := c.Check(prepared, answer); err != nil {
		wrong = append(wrong, err)
	}
	for _, entry := range prepared.Directory {
		if err := p.directory.Check(entry); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		p.differing++
	}
	p.out.step(shown{prepared, plan, answer, wrong, slices.Collect(maps.Values(c.Known))})
	return nil
}

// explain returns the calls to the directory that a request would become now; ""
// when there are none.
func (p *play) explain(ctx context.Context, tenantURL string, r dialogue.Request) string {
	request, err := replay.NewRequest(ctx, tenantURL, r)
	if err != nil {
		return ""
	}
	// What is refused is refused when it is sent, too, and shown then.
	text, _ := p.gateway.Explain(ctx, request, false)
	return text
}
