package rehearse

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// What both providers do with people. The bodies are a provider's own.

// create creates a user and takes it over, or says what is wrong with the answer.
// It reports whether it is there.
func (s *step) create(p *person, body object) bool {
	x := s.send(request{operation: "create", method: http.MethodPost, kind: User, name: p.userName, body: body})
	isCreated := x.status/100 == 2
	if isCreated && x.status != http.StatusCreated {
		s.warn("POST /Users was answered %d and should be 201", x.status)
	} else if !isCreated {
		s.answers(x, http.StatusCreated)
	}
	id := s.created(x, p.userName)
	if id == "" {
		return false
	}
	p.id = id
	if strings.Contains(strings.ToLower(id), "bulkid") {
		s.fail("the id %s has bulkId in it, which no id may", id)
	}
	return isCreated
}

// created returns the id of what an answer says it has created, when it is
// certain that this is what was sent; else it looks it up.
func (s *step) created(x exchange, name string) string {
	if x.status/100 == 2 {
		if body, ok := s.body(x); ok {
			id, shown := text(body, "id"), text(body, x.kind.nameAttribute())
			switch {
			case id == "":
				s.fail("the answer to %s has no id", what(x))
			case shown == "":
				s.fail("the answer to %s has no %s", what(x), x.kind.nameAttribute())
			default:
				s.location(x, body, id)
				err := s.confirm(s.ctx, x.kind, id, name)
				if err == nil {
					return id
				}
				s.fail("%v", err)
			}
		}
	} else if x.status/100 == 4 {
		return ""
	}
	ids, err := s.adopt(s.ctx, x.kind, name)
	if err != nil || len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// takeOver takes over what should not have been created, so that it is removed.
func (s *step) takeOver(x exchange, name string) {
	_, _ = s.adopt(s.ctx, x.kind, name)
	if v, err := decode(x.answer); err == nil {
		_ = s.confirm(s.ctx, x.kind, text(v, "id"), name)
	}
}

// location checks what a created resource says of itself.
func (s *step) location(x exchange, body map[string]any, id string) {
	if !leadsTo(x.header.Get("Location"), id) {
		s.warn("the answer to %s has no Location header with the new id", what(x))
	}
	if kind := text(member(body, "meta"), "resourceType"); kind != string(x.kind) {
		s.warn("meta.resourceType is %q, and should be %q", kind, x.kind)
	}
}

// leadsTo reports whether a URL ends in the id, however that is encoded in it (RFC 3986 §2.4).
func leadsTo(location, id string) bool {
	u, err := url.Parse(location)
	if err != nil {
		return false
	}
	escaped := u.EscapedPath()
	last, err := url.PathUnescape(escaped[strings.LastIndexByte(escaped, '/')+1:])
	return err == nil && id != "" && last == id
}

// duplicateCheck creates the same user again.
func duplicateCheck(body func(*scene, *person) object) Check {
	return Check{
		ID: "create-duplicate", Title: "Create the same user again", Severity: Required, needs: needsAda,
		Otherwise: "People exist twice: whoever is disabled afterwards has a second account that is not.",
		Remedy:    `Answer 409 with scimType "uniqueness" when the userName is taken, and create nothing.`,
		do: func(s *step) {
			x := s.send(request{operation: "create", method: http.MethodPost, kind: User, name: s.ada.userName, body: body(s.scene, s.ada)})
			if x.status/100 == 2 {
				// Whatever was created is to be removed.
				s.takeOver(x, s.ada.userName)
			}
			if !s.answers(x, http.StatusConflict) {
				return
			}
			s.scimError(x, Recommended)
			if v, err := decode(x.answer); err == nil && text(v, "scimType") != "uniqueness" {
				s.findAs(consequence{s.provider.Name() + " goes by the status; other clients may not.", s.check.Remedy}, Recommended, `the error has the scimType %q, and should have "uniqueness"`, text(v, "scimType"))
			}
		},
	}
}

func findUserCheck() Check {
	return Check{
		ID: "find-user", Title: "The user is found by userName", Severity: Required, needs: needsAda,
		Otherwise: "The provider does not find whom it has created, and creates the person again.",
		Remedy:    `Answer filter=userName eq "…" with the one user, under the id of the creation.`,
		do:        func(s *step) { s.findsOne(User, equals("userName", s.ada.userName), "", s.ada.id) },
	}
}

func findUserCaseCheck(severity Severity) Check {
	return Check{
		ID: "find-user-case", Title: "The user is found in another case", Severity: severity, needs: needsAda,
		Otherwise: "A person whose name is written otherwise at the provider is created a second time.",
		Remedy:    "Compare userName without regard to case, and answer with the name as it is stored.",
		do: func(s *step) {
			found, ok := s.findsOne(User, equals("userName", strings.ToUpper(s.ada.userName)), "", s.ada.id)
			if ok && text(found, "userName") != s.ada.userName {
				s.fail("it is shown as %q, and was created as %q", text(found, "userName"), s.ada.userName)
			}
		},
	}
}

func readUserCheck() Check {
	return Check{
		ID: "read-user", Title: "Read the user by id", Severity: Required, needs: needsAda,
		Otherwise: "The provider reads each user before it changes one, and stops there.",
		Remedy:    "Answer GET /Users/{id} with the user, whose id is the one that was asked for.",
		do: func(s *step) {
			x := s.read(User, s.ada.id)
			if !s.answers(x, http.StatusOK) {
				return
			}
			body, ok := s.body(x)
			if !ok {
				return
			}
			if id := text(body, "id"); id != s.ada.id {
				s.fail("it has the id %q, and was created as %q", id, s.ada.id)
			}
			if !hasSchema(body, userURN) {
				s.fail("its schemas lack %s", userURN)
			}
			s.noPassword(body)
		},
	}
}

func (s *step) noPassword(body map[string]any) {
	if member(body, "password") != nil {
		s.find(Required, "the password is shown")
	}
}

// isActive checks after a change that the user reads back so.
func (s *step) isActive(p *person, isActive bool) {
	before := p.state
	if after, ok := s.look(p); ok {
		s.became(before, after, want{"active", isActive})
	}
}

// stillFoundCheck looks for a disabled user.
func stillFoundCheck() Check {
	return Check{
		ID: "disabled-visible", Title: "The disabled user is still found", Severity: Required, needs: needsAda,
		Otherwise: "The provider takes a disabled person for one who was deleted: when they come back it creates a second account, and who has the first one keeps it.",
		Remedy:    "Show disabled users by id and in filters, with active false. Only what was deleted for good is gone.",
		do: func(s *step) {
			if found, ok := s.findsOne(User, equals("userName", s.ada.userName), "", s.ada.id); ok && member(found, "active") != false {
				s.fail("the filter shows active %s, and the user is disabled", mustEncode(member(found, "active")))
			}
			x := s.read(User, s.ada.id)
			if !s.answers(x, http.StatusOK) {
				return
			}
			if body, ok := s.body(x); ok && member(body, "active") != false {
				s.fail("GET by id shows active %s, and the user is disabled", mustEncode(member(body, "active")))
			}
		},
	}
}

// activation is a check that changes active by a request of the provider's own,
// and reads it back.
func activation(c Check, isActive bool, send func(*step) bool) Check {
	c.Severity, c.needs = Required, needsAda
	if c.Otherwise == "" && isActive {
		c.Otherwise = "Who comes back can't work, and the provider reports an error for each of them."
	} else if c.Otherwise == "" {
		c.Otherwise = "Who has left keeps the account, or the provider repeats it with every cycle until it goes into quarantine."
	}
	c.do = func(s *step) {
		if send(s) {
			s.isActive(s.ada, isActive)
		}
	}
	return c
}

// renamed checks that a user is found by the new name, and by the old one no
// more.
func (s *step) renamed(old string) {
	s.findsOne(User, equals("userName", s.ada.userName), "", s.ada.id)
	s.findsNone(User, equals("userName", old), "")
}

// anotherName is a further userName of this run.
func (s *scene) anotherName(word string) string {
	return fmt.Sprintf("%s-%s-%s@%s", s.own.prefix, s.provider, word, s.Domain)
}
