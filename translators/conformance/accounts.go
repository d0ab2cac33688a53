package conformance

import (
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// account is a user who can sign in, if the backend has passwords.
type account struct {
	id, userName, password string
}

// newAccount creates a user with a password.
func (h *host) newAccount(active ...scim.Value) account {
	h.Helper()
	r := h.minimal(h.users)
	a := account{userName: r.Get(nameAttribute(h.users)).Text()}
	if h.users.ChangesPassword {
		a.password = h.secret()
		r.Set(h.users.Attribute("password"), scim.String(a.password))
	}
	for _, v := range active {
		r.Set(h.users.Attribute("active"), v)
	}
	a.id = h.create(r)
	return a
}

// secret returns a password that no plan and no error may show.
func (h *host) secret() string {
	s := "Correct-Horse-7-" + uniqueName()
	h.secrets = append(h.secrets, s)
	return s
}

// isActive fails unless the account is what it is said to be: by reading it, by
// searching, and at the backend's own door.
func (h *host) isActive(when string, a account, want bool) {
	h.Helper()
	if got, known := h.read(h.users, a.id).IsActive(); got != want || !known {
		h.Errorf("%s: active is %t (known: %t), want %t", when, got, known, want)
	}
	// One who is disabled is still found.
	found, _ := h.search(h.users, "userName eq "+quoted(a.userName), 2)
	h.sameIDs(when+": looking it up", found, []string{a.id})
	text := map[bool]string{true: "true", false: "false"}
	for _, active := range []bool{true, false} {
		found, _ := h.search(h.users, "userName eq "+quoted(a.userName)+" and active eq "+text[active], 2)
		if (len(found) == 1) != (active == want) {
			h.Errorf("%s: searching it with active eq %t finds %q", when, active, found)
		}
	}
	h.signsIn(when, a, want)
}

func (h *host) signsIn(when string, a account, want bool) {
	h.Helper()
	if h.CanSignIn == nil || a.password == "" {
		return
	}
	if got := h.CanSignIn(h.T, a.userName, a.password); got != want {
		h.Errorf("%s: signing in succeeds: %t, want %t", when, got, want)
	}
}

// setActive disables or enables an account as the host does: also when nothing
// differs, because the proof is what counts.
func (h *host) setActive(a account, active bool) {
	h.Helper()
	want := translators.ProofEnabled
	if !active {
		want = translators.ProofDisabled
	}
	was, _ := h.read(h.users, a.id).IsActive()
	o := h.set(h.users, a.id, "active", scim.Bool(active))
	if o.plan.Proves != want && !(was && active) {
		h.Errorf("the plan that sets active to %t proves %q", active, o.plan.Proves)
	}
}

// testDisable: one who is disabled is out, provably, and comes back the same.
func testDisable(h *host) {
	a, other := h.newAccount(), h.newAccount()
	h.isActive("at first", a, true)
	before := h.read(h.users, a.id)
	for _, round := range []string{"", " again"} {
		h.setActive(a, false)
		h.isActive("disabled"+round, a, false)
		h.isActive("another, meanwhile", other, true)
		// Disabling the disabled is proven like the first time.
		o, err := h.tryUpdate(h.users, a.id, []scim.Change{h.change(h.users, scim.Replace, "active", scim.Bool(false))}, nil)
		if err != nil || o.plan.Proves != translators.ProofDisabled {
			h.Errorf("disabling the disabled%s: %v, proving %q", round, err, o.plan.Proves)
		}
		h.isActive("disabled twice"+round, a, false)
		h.setActive(a, true)
		h.isActive("enabled"+round, a, true)
		h.setActive(a, true)
		h.isActive("enabled twice"+round, a, true)
	}
	h.sameState("after coming back", before, h.read(h.users, a.id))
	// What else is done to a disabled account does not let it in.
	h.setActive(a, false)
	for _, text := range h.paths(h.users) {
		if path := h.path(h.users, text); path.Attribute != nameAttribute(h.users) {
			h.set(h.users, a.id, text, h.value(h.users, path, 1))
		}
	}
	if !h.RefusesRename {
		a.userName = uniqueName()
		h.set(h.users, a.id, "userName", scim.String(a.userName))
	}
	h.isActive("changed while disabled", a, false)
}

// testCreateDisabled: one who is created disabled was never in.
func testCreateDisabled(h *host) {
	h.isActive("created disabled", h.newAccount(scim.Bool(false)), false)
	h.isActive("created enabled", h.newAccount(scim.Bool(true)), true)
}

// testProofIsReadBack: a proof is made by reading, not by believing: of a plan
// that was not carried out there is none.
func testProofIsReadBack(h *host) {
	for _, active := range []bool{false, true} {
		a := h.newAccount(scim.Bool(!active))
		in, err := h.updateIntent(h.users, a.id, []scim.Change{h.change(h.users, scim.Replace, "active", scim.Bool(active))}, nil)
		if err != nil {
			h.Fatal(err)
		}
		plan, err := h.Translator.Plan(h.ctx(), in)
		if err != nil {
			h.Fatal(err)
		}
		proof := h.Translator.Prove(h.ctx(), plan, translators.Report{Outcome: translators.Applied})
		if proof.Status != translators.Refuted || proof.Detail == "" {
			h.Errorf("active was not set to %t, and the proof says %q, %q", active, proof.Status, proof.Detail)
		}
		h.isActive("after a plan that was not carried out", a, !active)
	}
}

// testDefeated: a lock that keeps nobody out is no proof.
func testDefeated(h *host) {
	a := h.newAccount()
	restore := h.Defeat(h.T)
	o, err := h.tryUpdate(h.users, a.id, []scim.Change{h.change(h.users, scim.Replace, "active", scim.Bool(false))}, nil)
	if err == nil && o.proof.Status != translators.Unprovable {
		h.Errorf("locks are not enforced, and the proof says %q", o.proof.Status)
	}
	restore()
	h.setActive(a, false)
	h.isActive("with locks enforced again", a, false)
}

// testPassword: a password is set, works, and is never seen again; see looks
// for it in what is read, and carry in what is planned.
func testPassword(h *host) {
	a := h.newAccount()
	h.signsIn("with the first password", a, true)
	wrong := a
	wrong.password = h.secret()
	h.signsIn("with a wrong password", wrong, false)
	h.set(h.users, a.id, "password", scim.String(wrong.password))
	h.signsIn("with the second password", wrong, true)
	h.signsIn("with the first password, afterwards", a, false)
	// What else is changed leaves it alone.
	for _, text := range h.paths(h.users) {
		if path := h.path(h.users, text); path.Attribute != nameAttribute(h.users) {
			h.set(h.users, a.id, text, h.value(h.users, path, 1))
		}
	}
	h.signsIn("after other changes", wrong, true)
	later := h.user()
	third := account{id: later, userName: h.read(h.users, later).Get(nameAttribute(h.users)).Text(), password: h.secret()}
	h.set(h.users, later, "password", scim.String(third.password))
	h.signsIn("with a password for one who had none", third, true)
}

// testPasswordKeepsDisabled: a new password does not open a locked account.
func testPasswordKeepsDisabled(h *host) {
	a := h.newAccount()
	h.setActive(a, false)
	a.password = h.secret()
	h.set(h.users, a.id, "password", scim.String(a.password))
	h.isActive("with a new password", a, false)
	h.setActive(a, true)
	h.isActive("enabled with the new password", a, true)

	// Both in one request, as the host sends the rest after the disable.
	b := h.newAccount()
	b.password = h.secret()
	h.update(h.users, b.id, []scim.Change{
		h.change(h.users, scim.Replace, "password", scim.String(b.password)),
		h.change(h.users, scim.Replace, "active", scim.Bool(false)),
	}, nil)
	h.isActive("disabled together with a new password", b, false)
}
