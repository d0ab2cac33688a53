package rest

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// step is a compiled [CallConfig]: one call of an operation.
type step struct {
	op     Operation
	number int // of the operation's calls, from 1
	config CallConfig
	undo   *step
}

// scope is what the templates and expressions of a call can name. What is not
// known has its zero value; what only an earlier call will tell, when a plan is
// printed, is a symbol such as {1.id}.
type scope struct {
	kind *kind
	id   string // of the resource
	// resource is the one that is wanted (create, update), or that was found.
	resource *scim.Resource
	// attribute and value are what a search looks for.
	attribute scim.Target
	value     scim.Value
	// fields are what is to be written, record is what was read.
	fields []fieldValue
	record gjson.Result
	etag   string
	// member is a resource that comes or goes, members are all that are wanted, as the
	// application refers to them.
	member  *translators.Entry
	members []string
	// prior are the answers to the calls of the operation that went before; a nil one
	// was not made, because its When was not true.
	prior []*answer
	page  *position
}

// position is where a walk through a list is.
type position struct {
	offset, number, limit int
	cursor                string
}

// answer is what a call brought.
type answer struct {
	verdict Verdict
	status  int
	header  http.Header
	doc     gjson.Result // the whole
	item    gjson.Result // the record in it, where the step says where that is
	id      string       // of what the call created
	text    string       // of an error, safe to show: one line, bounded, no control characters
}

// newStep compiles a call.
func newStep(k *kind, op Operation, number int, c CallConfig, d CallDefaults) (*step, error) {
	return nil, errors.New("calls are not compiled")
}

// attributes are the SCIM attributes of which a search needs a value: those that its
// templates name.
func (s *step) attributes() []scim.Target { return nil }

// print is the request as an operator knows it: method, URL, headers and body, secrets
// masked.
func (s *step) print(t *Translator, with *scope) string { return "" }

// run makes the call and judges the answer. Its error is an *translators.Error, of a
// kind that suits the verdict; one of the kind Indefinite is a write that may have been
// done. An answer is there also with an error, where one came. A step whose When is not
// true is not made: answer and error are nil.
func (t *Translator) run(ctx context.Context, s *step, with *scope) (*answer, error) {
	return nil, errors.New("calls are not made")
}

// rows yields the rows of a search or a list, page after page. An error ends it; what
// came before is then not the answer. What is out of order is an error: a page that
// came before, fewer rows than the total, a URL of another host.
func (t *Translator) rows(ctx context.Context, s *step, with *scope) iter.Seq2[gjson.Result, error] {
	return func(yield func(gjson.Result, error) bool) {
		yield(gjson.Result{}, errors.New("calls are not made"))
	}
}
