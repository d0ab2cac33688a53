package notice

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/scimgate/scimgate/internal/terminal"
)

// The events of a [Message], which are those of Caddy too.
const (
	EventExpiring = "scim_token_expiring"
	EventTest     = "scim_notice_test"
)

// Message is what is sent, over any way.
type Message struct {
	ID      string // the same for each attempt to send it
	Event   string
	Subject string // one line
	Text    string // lines
	Data    map[string]any
}

// message writes a warning.
func (w warning) message(now time.Time) Message {
	gateway, name := terminal.OneLine(w.Gateway), terminal.OneLine(w.Name)
	left := inWords(w.Expires.Sub(now))
	expires := w.Expires.UTC().Format("2006-01-02 15:04 MST")
	which := name
	if w.ID != "" {
		which += " (" + w.ID + ")"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "The token %s of the gateway %s expires in %s: %s.\n", which, gateway, left, expires)
	text.WriteString("From then on its caller is refused with 401, and whoever leaves is not disabled.\n\n")
	switch {
	case w.ID == "":
		fmt.Fprintf(&text, "It stands in the Caddyfile. Add a second one beside it, under a new name, and load it:\n\n\tscimgate reload --force\n\n"+
			"Give the new one to the provider. When the old one is not used any more, remove it from the\nCaddyfile and load it again:\n\n\tscimgate reload --force\n")
	case w.successor != nil:
		fmt.Fprintf(&text, "It was rotated to %s, which has not taken over yet. Give that one to the provider. If it\nis lost, make another one:\n\n\t%s\n\n"+
			"Then end the old one:\n\n\t%s\n", terminal.OneLine(w.successor.ID), rotateCommand(w.successor.ID), revokeCommand(w.ID))
	default:
		fmt.Fprintf(&text, "Make the next one beside it, and give it to the provider. Both are valid:\n\n\t%s\n\n"+
			"When scimgate token list says that the old one may go, end it:\n\n\t%s\n", rotateCommand(w.ID), revokeCommand(w.ID))
	}
	return Message{
		ID: w.claim("").name(), Event: EventExpiring,
		Subject: fmt.Sprintf("scimgate: the token %s of %s expires in %s", name, gateway, left),
		Text:    text.String(),
		Data: map[string]any{
			"gateway": w.Gateway, "token": w.Name, "id": w.ID, "expires": w.Expires.UTC().Format(time.RFC3339),
			"days_left": daysOf(w.Expires.Sub(now)), "remedy": w.remedy(),
		},
	}
}

// testMessage is what tries the ways out.
func testMessage(by string, now time.Time) Message {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return Message{
		ID: fmt.Sprintf("test-%d", now.UnixMicro()), Event: EventTest,
		Subject: "scimgate: a test message",
		Text: fmt.Sprintf("This is a test by %s, from %s. Warnings of tokens that expire come over the same way.\n",
			terminal.OneLine(by), terminal.OneLine(host)),
		Data: map[string]any{"by": by, "host": host},
	}
}

// daysOf counts days begun: a moment behind the threshold of 7 days it is 7.
func daysOf(left time.Duration) int { return int(math.Ceil(left.Hours() / 24)) }

// inWords is how long is left.
func inWords(left time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case left > 23*time.Hour+30*time.Minute:
		return count(daysOf(left), "day")
	case left >= time.Hour:
		return count(int(math.Round(left.Hours())), "hour")
	}
	return count(max(1, int(left.Minutes())), "minute")
}
