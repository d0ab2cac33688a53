package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/rehearse"
	"github.com/scimgate/scimgate/internal/replay"
)

// Rehearse rehearses against the running demo as against any tenant URL, and
// shows for each request the LDIF that it becomes and, for each user that was read
// back, who can sign in. People and groups are as at the start afterwards. The URL
// and the credential of the options are those of the demo.
func (d *Demo) Rehearse(ctx context.Context, options rehearse.Options) error {
	handler, err := runningGateway()
	if err != nil {
		return err
	}
	options.URL, options.Credential = d.TenantURL, rehearse.Credential{Scheme: rehearse.Bearer, Secret: d.Token}
	if options.Match == "" {
		options.Match = "ada.lovelace"
	}
	options.Explain = func(ctx context.Context, r *http.Request) string {
		// What is refused is refused when it is sent, too, and shown then.
		text, _ := handler.Explain(ctx, r, false)
		return text
	}
	options.Witness = &witness{replay.Directory{URL: d.LDAPURL, BindDN: BindDN, BindPassword: d.Password}}
	return errors.Join(rehearse.Run(ctx, options), d.Reset())
}

// witness gives each throw-away user a password and tries it whenever the user is
// read back.
type witness struct{ directory replay.Directory }

const rehearsalPassword = "rehearsal-password"

// Saw reports whether the user can sign in, and an error if that is not what
// active says.
func (w *witness) Saw(_ context.Context, userName string, isActive bool) (string, error) {
	dn := "uid=" + ldap.EscapeDN(userName) + ",ou=people," + Suffix
	if isActive {
		if err := w.setPassword(dn); err != nil {
			return "", err
		}
	}
	canBind, err := w.directory.CanBind(dn, rehearsalPassword)
	switch {
	case err != nil:
		return "", err
	case canBind != isActive && canBind:
		return "", fmt.Errorf("uid=%s is disabled and can sign in", userName)
	case canBind != isActive:
		return "", fmt.Errorf("uid=%s is active and can't sign in", userName)
	case canBind:
		return "uid=" + userName + " can sign in", nil
	}
	return "uid=" + userName + " can't sign in", nil
}

func (w *witness) setPassword(dn string) error {
	conn, err := ldap.DialURL(w.directory.URL)
	if err != nil {
		return fmt.Errorf("looking behind the gateway: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(w.directory.BindDN, w.directory.BindPassword); err != nil {
		return fmt.Errorf("looking behind the gateway: %w", err)
	}
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace("userPassword", []string{rehearsalPassword})
	if err := conn.Modify(change); err != nil {
		return fmt.Errorf("giving %s a password: %w", dn, err)
	}
	return nil
}

// Interface guard
var _ rehearse.Witness = (*witness)(nil)
