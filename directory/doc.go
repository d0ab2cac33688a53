// Package directory is a small LDAPv3 server that lives inside the process and keeps its entries in
// memory. The demo puts it behind the gateway, so that ldapsearch can look at what SCIM did, and tests
// use it as a second implementation beside a real slapd.
//
// It behaves as OpenLDAP 2.5 with the overlays ppolicy, memberof, refint and unique does, for what an
// identity gateway meets: result codes, three-valued filters, operational attributes, the controls for
// paging, assertion and pre- and post-read, disabling by pwdAccountLockedTime. A test runs the same
// operations against both and compares.
//
// Left out on purpose: SASL, aliases, referrals, attribute options, attribute subtypes in filters,
// counting of failed binds, password history and age, persistence. Different on purpose: memberOf is
// computed, so it also names groups that knew the member before the member existed, and a change of
// membership does not touch the member's modifiersName; integrity of references is immediate, where
// slapd's refint works in the background; text is compared without Unicode normalisation; ids are
// random.
//
// A [Server] is made by [New], filled by [Server.Load] and served by [Server.Listen]; [Server.Close]
// ends every goroutine.
package directory
