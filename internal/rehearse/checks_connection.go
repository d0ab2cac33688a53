package rehearse

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What every provider asks before it writes anything.

func transportCheck() Check {
	return Check{
		ID: "transport", Title: "The connection is one that the provider makes", Severity: Required,
		Otherwise: "The provider does not connect, and sends nothing at all.",
		Remedy:    "Serve https with TLS 1.2, a key of RSA 2048 or ECC 256 bits or more, and a certificate of a public authority that is renewed in time. Okta takes no underscore in the URL.",
		do: func(s *step) {
			if s.provider == Okta && strings.Contains(s.client.base.String(), "_") {
				s.fail("there is an underscore in the tenant URL, and Okta takes none")
			}
			if s.client.base.Scheme == "http" {
				if !s.client.isLocal() {
					s.fail("the tenant URL is http, and providers insist on https")
				} else {
					s.note("http on this machine: TLS was not looked at")
				}
				s.isAnswered()
				return
			}
			s.tls()
		},
	}
}

// isAnswered looks whether anybody answers at all.
func (s *step) isAnswered() {
	x := s.client.do(s.ctx, request{operation: "lookup", method: http.MethodGet, kind: User, query: s.filter(equals("userName", randomID()))})
	if x.err != nil {
		s.exchanges = append(s.exchanges, x)
		s.findAs(s.meaning(x), Required, "%s got no answer: %v", what(x), x.err)
	}
}

// tls connects as Entra does, which promises TLS 1.2 only, and looks at what the
// server shows.
func (s *step) tls() {
	old, err := newClient(s.Options, s.own)
	if err != nil {
		s.fail("%v", err)
		return
	}
	defer old.http.CloseIdleConnections()
	old.http.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS12
	probe := request{operation: "lookup", method: http.MethodGet, kind: User, query: s.filter(equals("userName", randomID()))}
	x := old.do(s.ctx, probe)
	if x.err != nil {
		x = s.send(probe) // with any version; that this fails, too, is found there
		if x.err == nil {
			s.fail("TLS 1.2 is not spoken: Entra is not known to speak another version")
		}
		if x.tls == nil {
			return
		}
	}
	certificate := x.tls.PeerCertificates[0]
	if days := int(time.Until(certificate.NotAfter).Hours() / 24); days < 30 {
		s.findAs(consequence{"From then on the provider does not connect.", "Renew it, and have that done by itself."}, Recommended, "the certificate ends in %d days", days)
	}
	if weak := weakness(certificate); weak != "" {
		s.fail("%s", weak)
	}
	switch {
	case s.Insecure:
		s.findAs(publicly, Recommended, "--insecure: the certificate was not checked, and a provider checks it")
	case s.CAFile != "":
		s.findAs(publicly, Recommended, "--ca: providers trust public authorities alone, except through their agents on premises")
	}
	s.note("%s, certificate for %s until %s", tls.VersionName(x.tls.Version), strings.Join(certificate.DNSNames, ", "), certificate.NotAfter.Format(time.DateOnly))
}

// publicly is what comes of a certificate that not everybody trusts.
var publicly = consequence{
	"With a certificate that is not of a public authority the provider does not connect.",
	"Rehearse without this flag, from outside, or use the provider's agent on premises.",
}

func weakness(certificate *x509.Certificate) string {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return fmt.Sprintf("the certificate has an RSA key of %d bits, and 2048 are the least", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return fmt.Sprintf("the certificate has an ECC key of %d bits, and 256 are the least", key.Curve.Params().BitSize)
		}
	}
	return ""
}

func badTokenCheck() Check {
	return Check{
		ID: "bad-token", Title: "A wrong token is refused", Severity: Required,
		Otherwise: "Whoever can reach the server can change accounts; or the provider can't tell a wrong token from a server that is down.",
		Remedy:    "Answer 401 with a SCIM error as JSON body, also where a proxy in front checks the token.",
		do: func(s *step) {
			x := s.send(request{operation: "refusal", method: http.MethodGet, kind: User, query: s.filter(equals("userName", randomID())), bare: true})
			if x.status == http.StatusTooManyRequests {
				// Several rehearsals have shown a wrong one each: whoever guesses waits.
				s.note("the server takes no more wrong tokens from here for now: it was answered %d, and not 401", x.status)
				return
			}
			if s.answers(x, http.StatusUnauthorized) {
				severity := Recommended
				if s.provider == Okta {
					severity = Required // its test suite asks for it
				}
				s.scimError(x, severity)
			}
		},
	}
}

func unknownIDCheck() Check {
	return Check{
		ID: "read-unknown", Title: "An id that nobody has is not found", Severity: Required,
		Otherwise: "The provider takes a fault for a deletion, or a deletion for a fault: it creates people twice, or goes on changing nobody.",
		Remedy:    "Answer 404 with a SCIM error as JSON body to an id that does not exist, and only to that.",
		do: func(s *step) {
			x := s.read(User, randomID())
			if s.answers(x, http.StatusNotFound) {
				severity := Recommended
				if s.provider == Okta {
					severity = Required
				}
				s.scimError(x, severity)
			}
		},
	}
}

func schemasCheck() Check {
	return Check{
		ID: "schemas", Title: "The schemas can be read", Severity: Recommended,
		Otherwise: "Entra's mapping editor does not learn the attributes, and its gallery validation fails. Okta reads them for entitlements only.",
		Remedy:    "Serve GET /Schemas as a ListResponse with the User schema, and Group if there are groups.",
		do: func(s *step) {
			p, ok := s.list(s.send(request{operation: "discovery", method: http.MethodGet, path: "/Schemas"}))
			if !ok {
				return
			}
			ids := make(map[string]bool)
			for _, one := range p.resources {
				ids[text(one, "id")] = true
				attributes, _ := member(one, "attributes").([]any)
				s.note("%s with %d attributes", text(one, "id"), len(attributes))
			}
			if !ids[userURN] {
				s.fail("there is no %s among the schemas", userURN)
			}
			if !ids[groupURN] && !s.NoGroups {
				s.findAs(consequence{"Entra's gallery validation counts all tests of groups as failed.", "Show the Group schema, too, if there are groups."}, Recommended, "there is no %s among the schemas", groupURN)
			}
		},
	}
}

func providerConfigCheck() Check {
	return Check{
		ID: "provider-config", Title: "The server says what it can do", Severity: Recommended,
		Otherwise: "Neither Entra nor Okta asks for it. SailPoint and others do, and stop.",
		Remedy:    "Serve GET /ServiceProviderConfig, and let it say that PATCH and filters are supported.",
		do: func(s *step) {
			x := s.send(request{operation: "discovery", method: http.MethodGet, path: "/ServiceProviderConfig"})
			if !s.answers(x, http.StatusOK) {
				return
			}
			body, ok := s.body(x)
			if !ok {
				return
			}
			var can, cannot []string
			for _, name := range []string{"patch", "filter", "bulk", "sort", "etag", "changePassword", "pagination"} {
				feature := member(body, name)
				supported, _ := member(feature, "supported").(bool)
				if cursor, _ := member(feature, "cursor").(bool); supported || cursor {
					can = append(can, name)
				} else {
					cannot = append(cannot, name)
				}
			}
			said := "it says that it can " + orNothing(can)
			if len(can) > 0 && len(cannot) > 0 {
				said += ", and not " + strings.Join(cannot, ", ")
			}
			s.note("%s", said)
			for _, name := range []string{"patch", "filter"} {
				if supported, _ := member(member(body, name), "supported").(bool); !supported {
					s.fail("it says that %s is not supported, and providers need it", name)
				}
			}
			if most, ok := member(member(body, "filter"), "maxResults").(json.Number); ok {
				s.note("it answers %s resources at a time", most)
			}
		},
	}
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// matchCheck looks for somebody who is there already, as the provider does before
// it creates anybody. Nothing is written.
func matchCheck() Check {
	return Check{
		ID: "match-existing", Title: "Somebody who is there already is found", Severity: Required,
		Otherwise: "The provider does not find the people who are there, and creates each of them a second time.",
		Remedy:    "Compare what the provider sends as matching attribute with what the server shows as userName: both must be the same, but for the case. Change the mapping at the provider, or at the server.",
		needs: func(s *scene) string {
			if s.Match == "" {
				return "skipped: name somebody with --match, who is looked for and not written"
			}
			return ""
		},
		do: func(s *step) {
			found, ok := s.findsOne(User, equals("userName", s.Match), "", "")
			if !ok {
				return
			}
			id := text(found, "id")
			s.note("found as %s, id %s, active %v", text(found, "userName"), id, member(found, "active"))
			for _, other := range []string{strings.ToUpper(s.Match), strings.ToLower(s.Match)} {
				if other != s.Match {
					s.findsOne(User, equals("userName", other), "", id)
				}
			}
			if member(found, "active") == nil {
				s.findAs(consequence{"The provider can't tell who is disabled.", "Show active for everybody."}, Recommended, "it is not shown whether the person is active")
			}
		},
	}
}

// inTimeCheck comes last and looks back.
func inTimeCheck() Check {
	return Check{
		ID: "answers-in-time", Title: "Every answer came in time", Severity: Recommended,
		Otherwise: "Okta closes a connection after 60 seconds. A first cycle of Entra has some requests for each person, and is expected to make 25 a second: slow answers are hours.",
		Remedy:    "Look for what is slow: a missing index behind the server, a proof that waits, a proxy that limits the rate.",
		do: func(s *step) {
			const most = 5
			for i, one := range s.slow {
				if i == most {
					s.fail("and %d more", len(s.slow)-most)
					break
				}
				s.fail("%s took %s; the provider's patience ends at %s", one.what, one.took.Round(time.Millisecond), s.Timeout)
			}
		},
	}
}
