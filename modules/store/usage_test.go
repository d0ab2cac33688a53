package store_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// What several processes have counted adds up, at the latest when they end.
func TestUsage(t *testing.T) {
	elsewhere(t)
	storetest.Engines(t, func(t *testing.T, engine func() store.Engine) {
		from := netip.MustParseAddr("192.0.2.7")
		for i := range 3 {
			s, _ := observed(t, engine())
			s.Start()
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, s, "the store is read", func(*store.Control) bool { return true })
			use := s.Use("directory", "entra")
			use.Note(noon.Add(time.Duration(i)*time.Hour), from)
			use.Note(noon.Add(time.Duration(i)*time.Hour+time.Second), from)
			if u := use.Usage(); u.Uses < 2 {
				t.Errorf("it was used %+v", u)
			}
			if err := s.Destruct(); err != nil {
				t.Fatal(err)
			}
		}
		usages, err := storetest.Open(t, engine()).Usages(context.Background())
		if err != nil || len(usages) != 1 {
			t.Fatalf("used were %+v, %v", usages, err)
		}
		u := usages[0]
		if u.Uses != 6 || !u.FirstUsed.Equal(noon) || !u.LastUsed.Equal(noon.Add(2*time.Hour+time.Second)) || u.LastFrom != from {
			t.Errorf("it was used %+v", u)
		}
		if u.UsualGap < 59*time.Minute || u.UsualGap > time.Hour {
			t.Errorf("the usual gap is %v", u.UsualGap)
		}
	})
}
