package rest

import (
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

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
	// isDisable is set where the call disables, whatever its operation is.
	isDisable bool
	// member is a resource that comes or goes, members are all that are wanted, as the
	// application refers to them: as numbers in JSON where membersAreNumbers is set.
	member            *translators.Entry
	members           []string
	membersAreNumbers bool
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
	url     string       // that it came from
	doc     gjson.Result // the whole
	item    gjson.Result // the record in it, where the step says where that is
	id      string       // of what the call created
	// isIDOfRecord is set where the id stands where it does in all records: it is not one
	// that a line of the call has picked out of something else.
	isIDOfRecord bool
	text         string // of an error, safe to show: one line, bounded, no control characters

	raw        []byte
	lower      []byte // raw in lower case, once it was needed
	retryAfter time.Duration
	fault      error // why the body could not be read
	isHTML     bool
	isXML      bool
	isSaid     bool // the verdict is one of the configuration
	// mayBeDone is set where the request was sent before, and may have been carried out.
	mayBeDone bool
}

// isUnchanged reports whether the application says that all was so already: nothing was
// done by the call.
func (a *answer) isUnchanged() bool { return a.verdict == VerdictAlready && !a.mayBeDone }
