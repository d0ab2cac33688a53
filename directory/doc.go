// Package directory is a small LDAPv3 server that lives inside the process and keeps its entries in
// memory. The demo puts it behind the gateway, so that ldapsearch can look at what SCIM did, and tests
// use it as a second implementation beside a real slapd.
//
// It behaves as OpenLDAP 2.5 with the overlays ppolicy, memberof, refint and unique does, for what an
// identity gateway meets: result codes, three-valued filters, operational attributes, the controls for
// paging, assertion and pre- and post-read, disabling by pwdAccountLockedTime. A test runs the same
// operations against both and compares. What it leaves out on purpose: SASL, aliases, referrals,
// attribute options, attribute subtypes in filters, counting of failed binds, persistence.
//
// A [Server] is made by [New], filled by [Server.Load] and served by [Server.Listen]; [Server.Close]
// ends every goroutine.
package directory
