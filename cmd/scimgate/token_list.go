package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/scimgate/scimgate/internal/terminal"
	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/store"
)

func tokenListCommand() *cobra.Command {
	var c tokenListing
	cmd := c.command("list [--gateway <name>] [--all] [--json] [--config <file>]", "Lists the tokens, who uses them and what is to be done", `
Credentials of the configuration are listed too. The use is told up to ten seconds late.
--json has revoked ones, too.`, takesNone, func(ctx context.Context, _ []string) error { return c.run(ctx) })
	c.configuration.gatewayFlag(cmd, &c.gateway, gatewayOrAll)
	cmd.Flags().BoolVar(&c.all, "all", false, "Revoked ones too")
	jsonFlag(cmd, &c.asJSON)
	return cmd
}

func tokenShowCommand() *cobra.Command {
	var c tokenListing
	cmd := c.command("show <id or name> [--gateway <name>] [--json] [--config <file>]", "Shows all that is known of a token", "", needs("which token"), func(ctx context.Context, args []string) error { return c.show(ctx, args[0]) })
	c.configuration.gatewayFlag(cmd, &c.gateway, gatewayOfName)
	jsonFlag(cmd, &c.asJSON)
	return cmd
}

// tokenListing is what the flags say of a list.
type tokenListing struct {
	tokenCommand
	gateway     string
	all, asJSON bool
}

// listedToken is a token, or a credential of the configuration, as it is listed.
type listedToken struct {
	Gateway     string     `json:"gateway"`
	Name        string     `json:"name"`
	ID          string     `json:"id,omitempty"` // none: of the configuration
	Description string     `json:"description,omitempty"`
	Scopes      []string   `json:"scopes,omitempty"`
	Allow       string     `json:"allow,omitempty"`
	Created     *time.Time `json:"created,omitempty"`
	CreatedBy   string     `json:"created_by,omitempty"`
	CreatedWhy  string     `json:"created_why,omitempty"`
	Expires     *time.Time `json:"expires,omitempty"`
	Replaces    string     `json:"replaces,omitempty"`
	ReplacedBy  string     `json:"replaced_by,omitempty"`
	Revoked     *time.Time `json:"revoked,omitempty"`
	RevokedBy   string     `json:"revoked_by,omitempty"`
	RevokedWhy  string     `json:"revoked_why,omitempty"`
	Uses        int64      `json:"uses"`
	LastUsed    *time.Time `json:"last_used,omitempty"`
	LastFrom    string     `json:"last_from,omitempty"`
	UsualGap    float64    `json:"usual_gap_seconds,omitempty"`
	Valid       bool       `json:"valid"`
	State       string     `json:"state"` // in words
}

func (c *tokenListing) run(ctx context.Context) error {
	if c.gateway != "" {
		if _, err := c.configuration.find(c.gateway); err != nil {
			return err
		}
	}
	known, all, err := c.read(ctx)
	if err != nil {
		return err
	}
	if c.asJSON {
		return printJSON(c.out, all)
	}
	var listed []listedToken
	revoked := 0
	for _, t := range all {
		if t.Revoked != nil && !c.all {
			revoked++
			continue
		}
		listed = append(listed, t)
	}
	if len(listed) == 0 {
		c.say("There are no tokens: scimgate token create makes one.")
	} else if err := c.table(listed); err != nil {
		return err
	}
	if revoked > 0 {
		c.say("%s revoked: --all shows them.", english(revoked, "token is", "tokens are"))
	}
	c.sayRestored(known.Restored)
	return nil
}

// english counts.
func english(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(int64(n)) + " " + many
}

// read returns all tokens and credentials of the gateways that are meant.
func (c *tokenListing) read(ctx context.Context) (*store.Control, []listedToken, error) {
	known, err := c.store.Refresh(ctx)
	if err != nil {
		return nil, nil, err
	}
	usages, err := c.store.Usages(ctx)
	if err != nil {
		return nil, nil, err
	}
	used := make(map[[2]string]store.Usage)
	for _, u := range usages {
		used[[2]string{u.Gateway, u.Credential}] = u
	}
	all := []listedToken{} // an empty list is [] in JSON
	for _, g := range c.configuration.gateways() {
		for _, credential := range g.Access.Credentials {
			if c.gateway == "" || c.gateway == g.Name {
				all = append(all, c.configured(g.Name, &credential, used[[2]string{g.Name, credential.Name}]))
			}
		}
	}
	for i := range known.Tokens {
		t := &known.Tokens[i]
		if c.gateway != "" && c.gateway != t.Gateway {
			continue
		}
		l := c.issued(t, used[[2]string{t.Gateway, t.ID}])
		if next := successor(t, known.Tokens, used); next != nil && t.IsValid(c.now) {
			l.ReplacedBy = next.ID
			l.State += "; " + rotationInWords(t, next, used[[2]string{t.Gateway, t.ID}], used[[2]string{t.Gateway, next.ID}], c.now)
		}
		if _, err := c.configuration.find(t.Gateway); err != nil {
			l.State += "; this configuration has no such gateway"
		}
		all = append(all, l)
	}
	return known, all, nil
}

func (c *tokenListing) configured(gateway string, credential *access.Credential, u store.Usage) listedToken {
	l := listedToken{Gateway: gateway, Name: credential.Name, Scopes: credential.Scope, Allow: strings.Join(credential.Allow, ", "), Valid: true}
	if at, err := access.ParseExpiry(credential.Expires, time.Time{}); err == nil && credential.Expires != "" {
		l.Expires = &at
		l.Valid = c.now.Before(at)
	}
	l.State = "in the configuration, " + validityInWords(l.Expires, c.now)
	l.used(u)
	return l
}

func (c *tokenListing) issued(t *store.Token, u store.Usage) listedToken {
	l := listedToken{
		Gateway: t.Gateway, Name: t.Name, ID: t.ID, Description: t.Description, Scopes: t.Scopes,
		Created: &t.Created, CreatedBy: t.CreatedBy, CreatedWhy: t.CreatedWhy, Replaces: t.Replaces,
		RevokedBy: t.RevokedBy, RevokedWhy: t.RevokedWhy, Valid: t.IsValid(c.now),
	}
	if len(t.Allow) > 0 {
		l.Allow = addressesInWords(t.Allow)
	}
	if !t.Expires.IsZero() {
		l.Expires = &t.Expires
	}
	l.State = validityInWords(l.Expires, c.now)
	if t.IsRevoked() {
		l.Revoked = &t.Revoked
		l.State = fmt.Sprintf("revoked %s by %s", ago(t.Revoked, c.now), terminal.OneLine(t.RevokedBy))
		if t.RevokedWhy != "" {
			l.State += ": " + terminal.OneLine(t.RevokedWhy)
		}
	}
	l.used(u)
	return l
}

func (l *listedToken) used(u store.Usage) {
	if u.Uses == 0 {
		return
	}
	l.Uses, l.LastUsed, l.UsualGap = u.Uses, &u.LastUsed, u.UsualGap.Seconds()
	if u.LastFrom.IsValid() {
		l.LastFrom = u.LastFrom.String()
	}
}

// soon is when an expiry is worth a word.
const soon = 30 * 24 * time.Hour

func validityInWords(expires *time.Time, now time.Time) string {
	switch {
	case expires == nil:
		return "valid"
	case !now.Before(*expires):
		return "expired " + ago(*expires, now)
	case expires.Sub(now) < soon:
		return "expires " + strings.TrimSpace(humanize.RelTime(*expires, now, "ago", "from now"))
	}
	return "valid"
}

// successor returns what has replaced a token, or nil. After several rotations it is
// the one that was used last, whatever became of those in between; if none was used
// it is the newest.
func successor(of *store.Token, all []store.Token, used map[[2]string]store.Usage) *store.Token {
	var next *store.Token
	ids := map[string]bool{of.ID: true}
	for i := range all { // the oldest first: what replaces stands behind what it replaces
		t := &all[i]
		if !ids[t.Replaces] {
			continue
		}
		ids[t.ID] = true
		if t.IsRevoked() {
			continue
		}
		if next == nil || !used[[2]string{t.Gateway, t.ID}].LastUsed.Before(used[[2]string{next.Gateway, next.ID}].LastUsed) {
			next = t
		}
	}
	return next
}

// rotationInWords says of a token that has been replaced when it may go.
func rotationInWords(old, next *store.Token, oldUse, nextUse store.Usage, now time.Time) string {
	replaced := "replaced by " + next.ID
	switch {
	case nextUse.Uses == 0 && oldUse.LastUsed.After(next.Created):
		return fmt.Sprintf("%s, still used %s: the provider has not got the new one yet", replaced, ago(oldUse.LastUsed, now))
	case nextUse.Uses == 0:
		return replaced + ": neither was used since: the provider has not got the new one yet"
	case oldUse.LastUsed.After(nextUse.FirstUsed):
		return fmt.Sprintf("%s, and used %s all the same, from %s: something else has it too", replaced, ago(oldUse.LastUsed, now), oldUse.LastFrom)
	case oldUse.Uses == 0:
		return fmt.Sprintf("%s, and never used: revoke it with scimgate token revoke %s", replaced, old.ID)
	}
	return fmt.Sprintf("%s, not used since %s: revoke it with scimgate token revoke %s", replaced, ago(oldUse.LastUsed, now), old.ID)
}

func ago(t, now time.Time) string { return humanize.RelTime(t, now, "ago", "from now") }

func (c *tokenListing) table(listed []listedToken) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "GATEWAY\tNAME\tID\tCREATED\tEXPIRES\tLAST USED\tUSES\tSTATE")
	for _, l := range listed {
		created, expires, lastUsed := "", "never", "never"
		if l.Created != nil {
			created = day(*l.Created)
		}
		if l.Expires != nil {
			expires = day(*l.Expires)
		}
		if l.LastUsed != nil {
			lastUsed = ago(*l.LastUsed, c.now)
			if l.LastFrom != "" {
				lastUsed += " from " + l.LastFrom
			}
		}
		id := l.ID
		if id == "" {
			id, created = "-", "-"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Gateway, l.Name, id, created, expires, lastUsed, humanize.Comma(l.Uses), l.State)
	}
	return w.Flush()
}

// sayRestored says that a backup was put in the place of the store.
func (c *tokenListing) sayRestored(r *store.Restored) {
	if r == nil {
		return
	}
	c.say("\nThe store was restored from a backup, as %s found %s. What was known last holds:", r.Host, ago(r.At, c.now))
	for _, part := range []struct {
		ids  []string
		what string
	}{
		{r.Revoked, "revoked again"}, {r.Returned, "not in the backup, and brought back as they were, the revoked ones revoked"}, {r.Unknown, "in the backup and not known here: look at them"},
	} {
		if len(part.ids) > 0 {
			c.say("  %s: %s", part.what, strings.Join(part.ids, ", "))
		}
	}
	for _, w := range r.Switches {
		c.say("  %s is %s again", w.Gateway, w.Kind)
	}
	c.say("Whatever else the store had learnt since the backup, such as the journal, is lost. When you have seen to it: scimgate token confirm")
}

func (c *tokenListing) show(ctx context.Context, idOrName string) error {
	known, all, err := c.read(ctx)
	if err != nil {
		return err
	}
	var found *listedToken
	for i := range all {
		if l := &all[i]; l.ID == "" && l.Name == idOrName && (c.gateway == "" || c.gateway == l.Gateway) {
			found = l
		}
	}
	if found == nil {
		t, err := c.find(ctx, c.gateway, idOrName)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].ID == t.ID {
				found = &all[i]
			}
		}
	}
	if c.asJSON {
		return printJSON(c.out, found)
	}
	defer c.sayRestored(known.Restored)
	return c.sheet(found)
}

// sheet prints one token, a line for each thing that is known.
func (c *tokenListing) sheet(l *listedToken) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	at := func(t *time.Time, otherwise string) string {
		if t == nil {
			return otherwise
		}
		return moment(*t)
	}
	line("token", l.Name)
	line("id", l.ID)
	line("gateway", l.Gateway)
	line("state", l.State)
	line("description", terminal.OneLine(l.Description))
	line("scope", access.Scopes(l.Scopes).String())
	line("allow", l.Allow)
	if l.Created != nil {
		line("created", moment(*l.Created)+" by "+terminal.OneLine(l.CreatedBy))
	}
	line("why", terminal.OneLine(l.CreatedWhy))
	line("expires", at(l.Expires, "never"))
	line("replaces", l.Replaces)
	line("replaced by", l.ReplacedBy)
	line("uses", humanize.Comma(l.Uses))
	line("last used", at(l.LastUsed, "never"))
	line("last from", l.LastFrom)
	return w.Flush()
}
