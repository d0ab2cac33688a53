package scim

import (
	"net/http"
	"strconv"
)

// appendErrorV1 appends an error as SCIM 1.1 has it (draft-scim-api-01 §3.9).
func appendErrorV1(dst []byte, e *Error, status int) []byte {
	description := e.Detail
	if description == "" {
		description = http.StatusText(status)
	}
	dst = appendString(append(dst, `{"Errors":[{"description":`...), description)
	dst = strconv.AppendInt(append(dst, `,"code":"`...), int64(status), 10)
	return append(dst, `"}]}`...)
}

// metaV1 writes the meta of a resource, which in SCIM 1.1 has no resourceType
// (draft-scim-core-schema-01 §5.1) and is always there, whatever attributes are
// asked for (draft-scim-api-01 §3.2).
func (e *encoder) metaV1(r *Resource) {
	mark := len(e.dst)
	e.key(AttributeMeta.Name)
	e.dst = append(e.dst, '{')
	empty := len(e.dst)
	e.time(metaCreated.Name, r.Meta.Created)
	e.time(metaLastModified.Name, r.Meta.LastModified)
	if r.ID != "" {
		e.link(metaLocation.Name, r.Type.Endpoint, r.ID)
	}
	if r.Meta.Version != "" {
		e.text(metaVersion.Name, r.Meta.ETag())
	}
	if len(e.dst) == empty {
		e.dst = e.dst[:mark]
		return
	}
	e.dst = append(e.dst, '}')
}
