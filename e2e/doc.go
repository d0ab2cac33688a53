// Package e2e tests scimgate as its users meet it: SCIM over HTTP to a Caddy
// that was loaded with a Caddyfile, before a real OpenLDAP server that is also
// killed, frozen, restarted and cut off, and before the embedded directory. What
// became of a request is looked up over LDAP, behind the gateway's back.
//
// There is a test for each rule of DESIGN.md §4, named after it, and the
// dialogues of testdata/dialogues are replayed. One Caddy runs per process, so
// that tests which load a configuration run one after the other.
package e2e
