package gateway

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// withGroups is a backend with groups, whose reads wait to be let go.
type withGroups struct {
	*backend
	reading chan struct{} // has one element for each read that waits
	letGo   chan struct{}
}

var groups = scim.GroupType()

func (b *withGroups) Types() []translators.Type {
	return append(b.backend.Types(), translators.Type{ResourceType: groups, Delete: translators.DeleteRemove})
}

func (b *withGroups) Read(ctx context.Context, t *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	if t != groups {
		return b.backend.Read(ctx, t, ids, s)
	}
	if s.Members {
		b.reading <- struct{}{}
		<-b.letGo
	}
	r := scim.NewResource(groups)
	r.ID = ids[0]
	return []*translators.Entry{{Resource: r}}, nil
}

// Many readers of large groups take turns, so that together they don't hold more
// than a few of them in memory, and keep nobody else waiting.
func TestReadersOfGroupsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const readers = 3 * mostWide
		b := &withGroups{works(), make(chan struct{}, readers), make(chan struct{})}
		h, _ := newHandler(t, b.backend, func(h *Handler) {
			h.translator, h.types, h.resource = b, b.Types(), []*scim.ResourceType{users, groups}
		})
		answers := make(chan int, readers)
		for range readers {
			go func() { answers <- ask(h, "GET", "/scim/v2/Groups/"+userID, "").Code }()
		}
		synctest.Wait()
		if got := len(b.reading); got != mostWide {
			t.Errorf("%d groups are read at a time, want %d", got, mostWide)
		}
		for _, path := range []string{"/scim/v2/Users/" + userID, "/scim/v2/Groups/" + userID + "?excludedAttributes=members"} {
			if got := ask(h, "GET", path, "").Code; got != http.StatusOK {
				t.Errorf("meanwhile %s is answered %d", path, got)
			}
		}
		close(b.letGo)
		for range readers {
			if got := <-answers; got != http.StatusOK {
				t.Errorf("a reader was answered %d", got)
			}
		}
	})
}
