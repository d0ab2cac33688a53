package access

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// limited is an Access in the time of a bubble, whose log is seen.
func limited(t *testing.T, allow ...string) (*Access, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	a := &Access{Allow: allow, Credentials: []*Credential{
		{Name: "entra", Secret: secret}, {Name: "old", Secret: "an-expired-token", Expires: "1999-12-31"},
	}}
	provision(t, a, zap.New(core))
	return a, logs
}

func (a *Access) status(address, token string) (status int, wait time.Duration) {
	_, refusal := a.Admit(request(address, token))
	if refusal == nil {
		return http.StatusOK, 0
	}
	return refusal.Status, refusal.RetryAfter
}

// Wrong tokens are answered with 401 at first, then with 429 and a wait that doubles;
// the right one always gets through, from the same address and from all others.
func TestWrongTokensWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := limited(t)
		const wrong = "Bearer not-the-token-at-all"
		right := func() {
			t.Helper()
			if status, _ := a.status("192.0.2.1", "Bearer "+secret); status != http.StatusOK {
				t.Fatalf("the right token is answered with %d", status)
			}
		}
		for n := range freely {
			if status, _ := a.status("192.0.2.1", wrong); status != http.StatusUnauthorized {
				t.Fatalf("wrong token %d is answered with %d", n+1, status)
			}
			right()
		}
		want := firstWait
		for range 16 {
			for range 3 { // coming too soon costs nothing more
				if status, wait := a.status("192.0.2.1", wrong); status != http.StatusTooManyRequests || wait != want {
					t.Fatalf("answered with %d and a wait of %s, want 429 and %s", status, wait, want)
				}
				right()
			}
			if status, _ := a.status("192.0.2.1", ""); status != http.StatusUnauthorized {
				t.Fatalf("a caller without a token is answered with %d", status)
			}
			if status, _ := a.status("192.0.2.1", "Bearer an-expired-token"); status != http.StatusUnauthorized {
				t.Fatalf("a caller with an expired token is answered with %d", status)
			}
			if status, _ := a.status("192.0.2.2", wrong); status == http.StatusTooManyRequests && want == firstWait {
				t.Fatalf("another address is limited, too: %d", status)
			}
			time.Sleep(want)
			if status, _ := a.status("192.0.2.1", wrong); status != http.StatusUnauthorized {
				t.Fatalf("who has waited is answered with %d", status)
			}
			want = min(2*want, longestWait)
		}
		if want != longestWait {
			t.Errorf("the wait has come to %s, want %s", want, longestWait)
		}
		time.Sleep(forgottenAfter + time.Second)
		for range freely {
			if status, _ := a.status("192.0.2.1", wrong); status != http.StatusUnauthorized {
				t.Fatalf("after a pause a wrong token is answered with %d", status)
			}
		}
	})
}

// An IPv6 network of 64 bits is one caller, as it is one customer.
func TestWrongTokensOfANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := limited(t)
		for n := range freely {
			_, _ = a.status(fmt.Sprintf("2001:db8:0:1::%x", n), "Bearer wrong-wrong-wrong")
		}
		if status, _ := a.status("2001:db8:0:1:ffff::1", "Bearer wrong-wrong-wrong"); status != http.StatusTooManyRequests {
			t.Errorf("a neighbour is answered with %d", status)
		}
		if status, _ := a.status("2001:db8:0:2::1", "Bearer wrong-wrong-wrong"); status != http.StatusUnauthorized {
			t.Errorf("another network is answered with %d", status)
		}
	})
}

// Who has many addresses makes the table neither grow nor forget.
func TestManyStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := limited(t)
		const wrong = "Bearer not-the-token-at-all"
		for range freely {
			_, _ = a.status("192.0.2.1", wrong)
		}
		address := netip.MustParseAddr("198.18.0.0")
		limited := 0
		for range 3 * mostStrangers {
			address = address.Next()
			if status, _ := a.status(address.String(), wrong); status == http.StatusTooManyRequests {
				limited++
			}
		}
		if len(a.strangers.known) != mostStrangers || a.strangers.order.Len() != mostStrangers {
			t.Errorf("%d addresses are remembered in %d places, want %d", len(a.strangers.known), a.strangers.order.Len(), mostStrangers)
		}
		if limited < mostStrangers {
			t.Errorf("only %d were limited of those for whom there was no room", limited)
		}
		if status, _ := a.status("192.0.2.1", wrong); status != http.StatusTooManyRequests {
			t.Errorf("the first one was forgotten: %d", status)
		}
		if status, _ := a.status("203.0.113.200", "Bearer "+secret); status != http.StatusOK {
			t.Errorf("the right token from somewhere new is answered with %d", status)
		}
		time.Sleep(forgottenAfter + time.Second)
		for range mostStrangers {
			address = address.Next()
			if status, _ := a.status(address.String(), wrong); status != http.StatusUnauthorized {
				t.Fatalf("there is no room after a pause: %d", status)
			}
		}
		if len(a.strangers.known) != mostStrangers {
			t.Errorf("%d addresses are remembered, want %d", len(a.strangers.known), mostStrangers)
		}
	})
}

// The log has a line for each of the first refusals of an address, and then one a
// minute that counts them.
func TestRefusalsAreSummed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, logs := limited(t, "192.0.2.0/24")
		single := 0
		note := func(address, token string) {
			if _, refusal := a.Admit(request(address, token)); refusal != nil && !refusal.IsSummed {
				single++
			}
		}
		for range 100 {
			note("192.0.2.1", "Bearer wrong-wrong-wrong")
			note("203.0.113.7", "Bearer "+secret)
		}
		if single != 2*freely {
			t.Errorf("%d refusals have a line of their own, want %d", single, 2*freely)
		}
		if logs.Len() != 0 {
			t.Errorf("the sum is told too soon: %v", logs.All())
		}
		time.Sleep(sumEvery + time.Second)
		told := make(map[string]map[string]any)
		for _, line := range logs.TakeAll() {
			fields := line.ContextMap()
			told[fmt.Sprint(fields["address"])] = fields
		}
		if len(told) != 2 || told["192.0.2.1"]["count"] != int64(80) || told["192.0.2.1"]["unknown"] != int64(80) || told["203.0.113.7"]["outside"] != int64(80) {
			t.Errorf("told %v", told)
		}
		time.Sleep(10 * sumEvery)
		if logs.Len() != 0 {
			t.Errorf("nothing has happened, and %v is told", logs.All())
		}

		// A crowd has few lines altogether.
		single = 0
		address := netip.MustParseAddr("198.18.0.0")
		for range 2 * mostStrangers {
			address = address.Next()
			note(address.String(), "")
		}
		if single > 1000 {
			t.Errorf("a crowd has %d lines of its own", single)
		}
		a.Cleanup() // tells what is left
		lines := logs.TakeAll()
		if len(lines) != mostSummed+1 {
			t.Fatalf("a crowd is told of in %d lines, want %d", len(lines), mostSummed+1)
		}
		sum := int64(single)
		for _, line := range lines {
			sum += line.ContextMap()["count"].(int64)
		}
		if sum != 2*mostStrangers {
			t.Errorf("of %d refusals %d are told", 2*mostStrangers, sum)
		}
		if note("192.0.2.1", ""); len(logs.TakeAll()) != 0 {
			t.Error("a sum is told after the end")
		}
	})
}

// Nothing is remembered of those who are let in, and they cost no memory.
func TestAdmitAllocatesNothing(t *testing.T) {
	a := door(t, &Access{Allow: []string{"192.0.2.0/24", "2001:db8::/32"}, Credentials: []*Credential{{Name: "entra", Secret: secret, Allow: []string{"192.0.2.1"}}}})
	r := request("192.0.2.1", "Bearer "+secret)
	most := testing.AllocsPerRun(100, func() {
		if _, refusal := a.Admit(r); refusal != nil {
			t.Fatalf("refused: %+v", refusal)
		}
	})
	if most > 0 {
		t.Errorf("a caller who is let in costs %v allocations", most)
	}
	if len(a.strangers.known) != 0 {
		t.Error("a caller who is let in is remembered")
	}
}
