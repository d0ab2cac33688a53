package signin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/scimgate/scimgate/translators/rest/template"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// end makes the logout call.
func (l *loginScheme) end(ctx context.Context, s *session) error {
	address, err := l.logout.Execute(func(name string) (template.Value, bool, error) {
		if name == "token" {
			return s.lookup(name)
		}
		return l.lookup(name)
	})
	if err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	answer, err := l.client.Do(ctx, &web.Request{
		Method: cmp.Or(l.config.LogoutMethod, http.MethodPost), URL: address, Signer: &leaving{l, s},
		IsAnswer: func(*web.Response) bool { return true }, IsRefused: func(*web.Response) bool { return false },
	})
	if err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	if answer.Status >= 400 && answer.Status != http.StatusUnauthorized {
		return fmt.Errorf("signing out is answered with the status %d", answer.Status)
	}
	return nil
}

// leaving signs the logout call with the session that it ends.
type leaving struct {
	*loginScheme
	session *session
}

// Sign implements [web.Signer].
func (l *leaving) Sign(ctx context.Context, r *http.Request, body []byte) error {
	if err := l.put(r, l.session); err != nil {
		return err
	}
	return l.signer.Sign(ctx, r, body)
}

// Refused implements [web.Signer].
func (l *leaving) Refused(context.Context, *http.Request) bool { return false }
