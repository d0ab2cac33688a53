package gateway

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// changedDetail tells what to do about a version that is not the present one.
const changedDetail = "The resource has not the version that the request asks for (If-Match): it was changed since it was read. Read it again with GET, and send the request with its new version."

// unmet returns the 412 for a condition that does not hold of a resource as it was
// read, else nil (RFC 7644 §3.14, RFC 9110 §13.1).
func (x *exchange) unmet(c scim.Condition, r *scim.Resource) error {
	if c.IsNone() {
		return nil
	}
	detail, version := changedDetail, x.version(r)
	switch matches := (scim.Condition{Match: c.Match}); {
	case c.Holds(version):
		return nil
	case matches.Holds(version):
		detail = "The resource has a version that the request excludes (If-None-Match)."
	case version == "":
		detail = fmt.Sprintf("The backend keeps no versions of %s, so that none can be asked for (If-Match). Send the request without, or with If-Match: *.", r.Type.Endpoint[1:])
	}
	return &scim.Error{Status: http.StatusPreconditionFailed, Detail: detail}
}

// version returns the version of a resource, or "" where it does not tell of every
// change.
func (x *exchange) version(r *scim.Resource) string {
	if !x.h.typeOf(r.Type).HasVersions {
		return ""
	}
	return r.Meta.Version
}

// expected returns the version that the backend has to compare when it writes, for
// a condition that holds of what was read; "" where none was asked for.
func (x *exchange) expected(c scim.Condition, read *scim.Resource) string {
	if c.Match == nil || slices.Contains(c.Match, "*") {
		return ""
	}
	return x.version(read)
}

// behindDisable returns the condition of what is done behind a disable in the same
// request: it has looked at the version already and changed it, and nobody else
// may have.
func (x *exchange) behindDisable(c scim.Condition, disabled *translators.Entry) scim.Condition {
	if c.Match == nil || slices.Contains(c.Match, "*") || disabled == nil {
		return scim.Condition{}
	}
	version := x.version(disabled.Resource)
	if version == "" {
		return scim.Condition{}
	}
	return scim.Condition{Match: []string{version}}
}
