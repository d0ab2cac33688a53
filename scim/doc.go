// Package scim is the SCIM 2.0 language (RFC 7643, RFC 7644): resources,
// schemas, paths, filters, changes, queries and errors as values, and the two
// ends at which they meet the wire, Decode and Encode.
//
// Every dialect a provider speaks ends at Decode. Behind it there is one
// [Operation] in canonical attribute names, and nothing knows which provider
// called.
//
// The package imports neither Caddy nor any network code and starts no
// goroutine. Values made by it are not changed after they were handed out,
// unless a method says so.
package scim
