package scim

// Dialect is a version of the SCIM protocol, in which requests are read and
// answers are written. What stands between is the same.
type Dialect int

// The dialects.
const (
	V2 Dialect = iota // SCIM 2.0 (RFC 7643, RFC 7644)
	V1                // SCIM 1.1 (draft-scim-core-schema-01, draft-scim-api-01)
)

// Output is how answers are written.
type Output struct {
	// Base is the address of the gateway as the provider sees it, such as
	// https://scim.example.com/scim/v2; it stands before every location and $ref.
	Base    string
	Dialect Dialect
}
