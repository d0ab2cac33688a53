package rehearse_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/rehearse"
)

// What a finding means is what that finding means, whatever the check is about.
func TestConsequences(t *testing.T) {
	at := func(method string, a *answer) defect {
		return defect{before: func(r *http.Request, body string) (*answer, string) {
			if r.Method != method {
				return nil, body
			}
			if a == nil {
				cut()
			}
			copied := *a
			return &copied, body
		}}
	}
	page := http.Header{"Content-Type": {"text/html"}}
	for name, test := range map[string]struct {
		defect            defect
		check             string
		otherwise, remedy string
	}{
		"no answer":         {at("PATCH", nil), "update-legacy", "The provisioning log shows an error", "See that the server runs"},
		"401":               {at("PATCH", &answer{401, page, ""}), "update-legacy", "The provisioning log", "Show the token that the server expects"},
		"403":               {at("PATCH", &answer{403, page, ""}), "update-legacy", "The provisioning log", "Permit at the server"},
		"404 without SCIM":  {at("PATCH", &answer{404, page, "<html>"}), "update-legacy", "The provisioning log", "a proxy in front passes on everything"},
		"a redirect":        {at("PATCH", &answer{301, http.Header{"Location": {"https://x/y"}}, ""}), "update-legacy", "The provisioning log", "https://x/y"},
		"a fault":           {at("PATCH", &answer{502, page, "<html>"}), "update-legacy", "The provisioning log", "Bad Gateway is a fault"},
		"too many":          {at("PATCH", &answer{429, page, ""}), "update-legacy", "The provisioning log", "Allow more requests"},
		"refused":           {at("PATCH", &answer{400, page, ""}), "update-legacy", "Changes do not arrive.", `Take "Replace"`},
		"a page":            {at("PATCH", &answer{200, page, "<html>"}), "update-legacy", "Changes do not arrive.", `Take "Replace"`},
		"a wrong type":      {defect{after: func(_ *http.Request, _ string, a *answer) { a.header.Set("Content-Type", "application/json") }}, "create-user", "Microsoft Entra ID goes on", ""},
		"a title is no use": {dropping("title"), "create-user", "The value does not arrive; nothing else happens.", "Map it at the server"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord()
			o := options(broken(t, test.defect), rehearse.Entra)
			o.Report, o.NoGroups = r, true
			_ = rehearse.Run(t.Context(), o)
			one := r.step(t, test.check)
			if len(one.Findings) == 0 {
				t.Fatal("nothing is found")
			}
			f := one.Findings[0]
			if !strings.HasPrefix(f.Otherwise, test.otherwise) || !strings.Contains(f.Remedy, test.remedy) || f.Remedy != "" && test.remedy == "" {
				t.Errorf("%q means %q and %q, want %q and %q", f.Text, f.Otherwise, f.Remedy, test.otherwise, test.remedy)
			}
			if one.Otherwise != f.Otherwise {
				t.Errorf("the check says %q", one.Otherwise)
			}
		})
	}
	if err := gateway.Reset(); err != nil { // what PATCH did not disable was removed all the same
		t.Fatal(err)
	}
}

// dropping is a server that has no place for an attribute.
func dropping(name string) defect {
	return defect{after: func(r *http.Request, _ string, a *answer) {
		if v := a.object(); v != nil && isUsers(r) && a.status/100 == 2 {
			delete(v, name)
			a.set(a.status, v)
		}
	}}
}

// Where nothing can be learnt, it stops at once and says why.
func TestStopsAtOnce(t *testing.T) {
	list := `{"totalResults":0,"schemas":["urn:scim:schemas:core:1.0"],"Resources":[]}`
	html := http.Header{"Content-Type": {"text/html"}}
	for name, test := range map[string]struct {
		answer    answer
		want      error
		says      string
		otherwise string
	}{
		"another path":    {answer{404, html, "<html>"}, rehearse.ErrUnreachable, "/scim/v2/Users was answered 404 with text/html, and that is no SCIM. Try the tenant URL", "SystemForCrossDomainIdentityManagementServiceIncompatible"},
		"nothing":         {answer{404, nil, ""}, rehearse.ErrUnreachable, "answered 404 without a body", "ServiceIncompatible"},
		"an API":          {answer{404, nil, `{"message":"no such route"}`}, rehearse.ErrUnreachable, "is no SCIM", "ServiceIncompatible"},
		"a website":       {answer{200, html, "<html>"}, rehearse.ErrUnreachable, "answered 200 with text/html", "ServiceIncompatible"},
		"elsewhere":       {answer{308, http.Header{"Location": {"https://x/scim"}}, ""}, rehearse.ErrUnreachable, "try the URL to which it leads, https://x/scim", "ServiceIncompatible"},
		"SCIM 1.1":        {answer{200, nil, list}, rehearse.ErrVersion, "speaks SCIM 1.1, and Entra needs 2.0", "ServiceIncompatible"},
		"errors of 1.1":   {answer{404, nil, `{"Errors":[{"description":"no","code":"404"}]}`}, rehearse.ErrVersion, "speaks SCIM 1.1", "ServiceIncompatible"},
		"a wrong token":   {answer{401, nil, `{"Errors":[{"description":"no","code":"401"}]}`}, rehearse.ErrUnreachable, "lets nobody in", "CredentialValidationUnavailable"},
		"a broken server": {answer{502, html, "<html>"}, rehearse.ErrUnreachable, "answered 502", "CredentialValidationUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			url := broken(t, defect{before: func(*http.Request, string) (*answer, string) {
				requests++
				copied := test.answer
				copied.header = copied.header.Clone()
				return &copied, ""
			}})
			r := newRecord()
			o := options(url, rehearse.Providers...)
			o.Report = r
			err := rehearse.Run(t.Context(), o)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || r.summary.Error != err.Error() {
				t.Errorf("it ended with %v, want %v: %s", err, test.want, test.says)
			}
			if requests > 4 || len(r.steps) != 2 {
				t.Errorf("there were %d requests in %d checks", requests, len(r.steps))
			}
			if got := r.steps[1]; got.Verdict != rehearse.Failed || !strings.Contains(got.Otherwise, test.otherwise) {
				t.Errorf("the check ended as %s and says %q, want %s", got.Verdict, got.Otherwise, test.otherwise)
			}
			o.Load = &rehearse.Load{Users: 2}
			if err := rehearse.Run(t.Context(), o); !errors.Is(err, test.want) {
				t.Errorf("a load run ended with %v", err)
			}
		})
	}
	r := newRecord()
	o := options("http://127.0.0.1:1/scim", rehearse.Entra)
	o.Report = r
	if err := rehearse.Run(t.Context(), o); !errors.Is(err, rehearse.ErrUnreachable) {
		t.Errorf("it ended with %v", err)
	}
	if len(r.steps) != 1 || r.steps[0].ID != "transport" || r.steps[0].Verdict != rehearse.Failed || !strings.Contains(r.steps[0].Otherwise, "CredentialValidationUnavailable") {
		t.Errorf("with nobody there the checks are %+v", r.steps)
	}

	// A server that answers an empty list with a bare 404 is one of SCIM.
	r = newRecord()
	o = options(broken(t, defect{after: func(r *http.Request, _ string, a *answer) {
		if isSearch(r) && strings.Contains(a.body, `"totalResults":0`) {
			*a = answer{404, nil, ""}
		}
	}}), rehearse.Okta)
	o.Report, o.NoGroups = r, true
	if err := rehearse.Run(t.Context(), o); errors.Is(err, rehearse.ErrUnreachable) || r.step(t, "deactivate-patch").Verdict != rehearse.Passed {
		t.Errorf("it ended with %v", err)
	}
	nothingIsLeft(t)
}
