package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// isReference reports whether an id is a reference that has not been resolved
// (RFC 7644 §3.7.2).
func isReference(id string) bool { return strings.HasPrefix(id, "bulkId:") }

// resolved returns an operation with ids for its references. Beside an error, those
// that are known are resolved.
func (b *bulk) resolved(op scim.BulkOperation) (scim.BulkOperation, error) {
	var invalid error
	for _, bulkID := range op.References() {
		if b.created[bulkID] == "" && invalid == nil {
			invalid = b.missing(bulkID)
		}
	}
	return op.Resolve(b.created), invalid
}

// missing says why nothing has been created under a bulkId. That is a conflict
// with what has become of the others, as RFC 7644 §3.7.1 has it of references
// that can't be resolved.
func (b *bulk) missing(bulkID string) error {
	creator, is := b.creators[bulkID]
	if !is {
		return &scim.Error{Status: http.StatusBadRequest, Type: scim.InvalidValue, Detail: fmt.Sprintf(
			"The operation refers to bulkId:%s, and no POST of this Bulk has this bulkId.", shortID(bulkID))}
	}
	became := "was not carried out"
	if result := b.results[creator]; result != nil {
		became = fmt.Sprintf("failed with the status %d", result.Status)
	}
	return &scim.Error{Status: http.StatusConflict, Type: scim.InvalidValue, Detail: fmt.Sprintf(
		"The operation refers to bulkId:%s, which does not exist: the POST that was to create it %s.", shortID(bulkID), became)}
}

// shortID returns as much of a bulkId as it takes to find it.
func shortID(bulkID string) string {
	const most = 80
	if len(bulkID) > most {
		return strings.ToValidUTF8(bulkID[:most], "") + "…"
	}
	return bulkID
}
