// Package rest is the translator for applications with an HTTP API of their own,
// the Caddy module scim.translators.rest. What the API is like stands in the
// configuration: which calls there are, what they send, where in an answer is
// what, and what an answer means. The package knows no application.
//
// Its rooms: web makes requests, signin signs them, template builds what is sent
// out of data, document reads what is answered, expression evaluates CEL.
package rest

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/signin"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// Config is what is said of the application as a whole.
type Config struct {
	// URL is the address that the URLs of calls are relative to, http:// or
	// https://, with a path or without one. Placeholders are accepted. Required.
	URL string `json:"url,omitempty"`

	// SignIn says how requests are signed in.
	SignIn *signin.Config `json:"sign_in,omitempty"`
	// Secrets are values for templates, {secret.<name>}, that are masked wherever a
	// request is printed. Placeholders are accepted, and read anew as passwords are.
	Secrets map[string]string `json:"secrets,omitempty"`
	// Web tunes connections, timeouts, repetition and limits.
	Web *web.Config `json:"web,omitempty"`

	// Defaults are for all calls: what a call says itself comes first.
	Defaults CallDefaults `json:"defaults,omitzero"`

	// Candidates bounds how many rows are looked at to answer one search. More is an
	// error, never a shorter answer. Default: 1000.
	Candidates int `json:"candidates,omitempty"`
	// ConsistentWithin is how long the application may take until what was written
	// can be read. Default: 0, at once; 10s of what it has only accepted (202).
	ConsistentWithin caddy.Duration `json:"consistent_within,omitempty"`

	// Users, Groups and Resources say how each resource type is served.
	Users     *ResourceConfig `json:"users,omitempty"`
	Groups    *ResourceConfig `json:"groups,omitempty"`
	Resources []TypeConfig    `json:"resources,omitempty"`

	// Schemas are the schemas that are defined here, in the form of RFC 7643 §7.
	Schemas []translators.SchemaConfig `json:"schemas,omitempty"`
}

// TypeConfig is a resource type besides users and groups. What is for users or for
// groups alone it can't have.
type TypeConfig struct {
	translators.ResourceTypeConfig
	ResourceConfig
}

// ResourceConfig says how one resource type is served.
//
// A record is what the application has of one resource: a JSON object, or an XML
// element read as one (see package document). Paths to values in records are
// those of package document.
type ResourceConfig struct {
	// ID is where in a record its id is. Default: id. IDs are compared to the letter,
	// whether they are numbers or texts.
	ID string `json:"id,omitempty"`
	// IDIsNumber says that templates write ids as numbers in JSON.
	IDIsNumber bool `json:"id_is_number,omitempty"`
	// Rows are the only paths (fields of maps, or their beginnings) that the rows of
	// search and list have. Where more is wanted each record is read. Default: rows
	// are whole records.
	Rows []string `json:"rows,omitempty"`
	// Version is what tells whether a record was changed: "etag" (the header of an
	// answer to read), "hash" (of the mapped fields), or a path. Default: none.
	Version string `json:"version,omitempty"`
	// Created and Modified are paths of times: meta.created, meta.lastModified.
	Created  string `json:"created,omitempty"`
	Modified string `json:"modified,omitempty"`

	// Maps are the mapped attributes; fields are paths in a record. Of members
	// (groups) and groups (users) the field is where the references are:
	// users.#.id.
	Maps []MapConfig `json:"maps,omitempty"`
	// Values are named CEL expressions for templates: {name}. They see what the
	// expressions of a call see.
	Values []NamedExpression `json:"values,omitempty"`
	// Delete says what DELETE means. A call for it means "remove".
	Delete translators.DeleteMode `json:"delete,omitempty"`
	// Absent is a CEL expression that sees record: where it is true the record counts as
	// absent, as those of people do whom an application keeps for ever. It sees what the
	// calls of read bring, and not what status does. That it fails is a fault.
	Absent string `json:"absent,omitempty"`
	// EnableFirst says that an update which enables does so before the rest: the application
	// does not change accounts that are disabled. Default: it enables last. Users only.
	EnableFirst bool `json:"enable_first,omitempty"`
	// FilterList allows to evaluate a filter that no search call can answer on the
	// rows of list, within Candidates.
	FilterList bool `json:"filter_list,omitempty"`
	// Defaults are for all calls of this type, before those of the translator.
	Defaults CallDefaults `json:"defaults,omitzero"`
	// Calls are the calls of each operation, in order.
	Calls map[Operation][]CallConfig `json:"calls,omitempty"`

	// Fixed are groups that the application has no calls for, such as its roles, and
	// which exist always. Groups only.
	Fixed []FixedGroup `json:"fixed,omitempty"`
	// OfUsers is the path in the record of a user that holds the groups, or the group,
	// that the user is in, where the application keeps them so: members are added and
	// removed by updating the user. Groups only.
	OfUsers *OfUsers `json:"of_users,omitempty"`
	// MemberBy is the SCIM attribute of a user by which the application refers to
	// members: id or userName. Groups only. Default: id.
	MemberBy string `json:"member_by,omitempty"`
}

// FixedGroup is a group that always exists.
type FixedGroup struct {
	ID          string `json:"id"` // what the application calls it
	DisplayName string `json:"display_name"`
}

// OfUsers says where users have their groups.
type OfUsers struct {
	Path string `json:"path"`
	// By is how the user's record refers to a group: id or displayName. Default: id.
	By string `json:"by,omitempty"`
	// Separator stands between the groups where they are one text. Default: they are a
	// list, or one value.
	Separator string `json:"separator,omitempty"`
	// Without is the value of a user's record in no group, where only one can be
	// named. Default: the value is removed.
	Without string `json:"without,omitempty"`
}

// NamedExpression is a value that templates may use under its name.
type NamedExpression struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Operation is what calls are for.
type Operation string

// The operations. Several calls of one operation are made one after the other; of
// search, those for the same attributes are united and others are alternatives.
const (
	OpSearch Operation = "search" // rows that may satisfy attribute eq value
	OpList   Operation = "list"   // all rows
	OpRead   Operation = "read"   // one record by its id; several calls add to it
	// OpConfirmAbsence has to succeed before it is believed that read finds nothing.
	OpConfirmAbsence Operation = "confirm_absence"
	OpCreate         Operation = "create"  // the first call creates
	OpUpdate         Operation = "update"  // changes fields
	OpDisable        Operation = "disable" // where it is not an update of a field
	OpEnable         Operation = "enable"
	OpStatus         Operation = "status"   // users: reads what tells whether the account is active, where read does not
	OpSecret         Operation = "password" // users: sets the password, where update does not
	OpDelete         Operation = "delete"   // removes the record

	OpMembers      Operation = "members" // groups: reads the members, where read does not
	OpAddMember    Operation = "add_member"
	OpRemoveMember Operation = "remove_member"
	OpSetMembers   Operation = "set_members"
)

// MapConfig is one mapped leaf; the fields are paths in a record.
//
// What is more than in all mappings says how the JSON value in the field and the
// value in SCIM have to do with each other. Values that stand in the configuration
// (of Table, Default, …) and look like a JSON number, true, false or null are
// written so; As says otherwise. A SCIM number or boolean is one in JSON, all
// else is a string.
type MapConfig struct {
	translators.MapConfig

	// Table pairs values in SCIM with those of the application. Of several pairs with
	// the same SCIM value the first is written and all are read; of several with the
	// same application's value the first is read. "*" as the application's value is
	// any that no other pair has, and only read.
	Table []Pair `json:"table,omitempty"`
	// As is the JSON type in the field: string, number, boolean, or "" for what suits;
	// list is an array even of one value, and may stand before one of them.
	As string `json:"as,omitempty"`
	// Format is how a time is written: rfc3339, unix, unix_ms, or a layout of Go's
	// package time, such as 2006-01-02.
	Format string `json:"format,omitempty"`
	// Zone is the time zone, such as Europe/Berlin, of times whose format says none.
	// Default: UTC.
	Zone string `json:"zone,omitempty"`
	// Join is the text between the fields that make the value together: name.formatted
	// of firstname and lastname. On write the value is split at its last occurrences.
	Join string `json:"join,omitempty"`
	// Part is the number of the part, from 1, of Of parts between which Separator
	// stands in the field that the leaf is: name.givenName is the first word of
	// full_name.
	Part      int    `json:"part,omitempty"`
	Of        int    `json:"of,omitempty"`
	Separator string `json:"separator,omitempty"`
	// Read and Write are CEL expressions. Read sees value (what the field holds),
	// values (of all fields) and record; it returns the value in SCIM. Write sees
	// value (in SCIM) and resource; it returns that of the field. What came must come
	// back: a value of which Read(Write(value)) is another is refused.
	Read  string `json:"read,omitempty"`
	Write string `json:"write,omitempty"`
	// Elements maps a whole multi-valued complex attribute to an array of objects:
	// the fields are paths within an element.
	Elements []MapConfig `json:"elements,omitempty"`
	// Clear is what is written where there is no value any more: null, empty ("" or []),
	// omit (where a whole record is sent), or text, which is ClearText: that is read as no
	// value, and refused as one. Default: null, and [] for an array.
	Clear     string `json:"clear,omitempty"`
	ClearText string `json:"clear_text,omitempty"`
	// Max is how many characters a text may have. Longer ones are refused: applications
	// cut them and say nothing. Default: any number.
	Max int `json:"max,omitempty"`
}

// Pair is one line of a table.
type Pair struct {
	SCIM        string `json:"scim"`
	Application string `json:"application"`
}

// CallDefaults are what all calls of a translator have in common.
type CallDefaults struct {
	// Answer is the form of answers, json, xml, form or text. Default: what the
	// Content-Type says.
	Answer string `json:"answer,omitempty"`
	// Body is the form of bodies: json or form. Default: json.
	Body string `json:"body,omitempty"`
	// Nesting is how fields within fields are named in a form: brackets,
	// user[mail]=…&roles[]=…, or dotted, user.mail=…&roles=…. Default: brackets.
	Nesting string `json:"nesting,omitempty"`
	// Item and Items are where in an answer the record, or the rows, are. Default: the
	// whole answer.
	Item  string `json:"item,omitempty"`
	Items string `json:"items,omitempty"`
	// Page says how lists are paged. Default: not at all.
	Page *PageConfig `json:"page,omitempty"`
	// Judgements say what answers mean, the first that applies.
	Judgements []Judgement `json:"judgements,omitempty"`
	// ErrorText are the paths of an answer's error text, the first that has one.
	ErrorText []string `json:"error_text,omitempty"`
	// RetryAfter is the path, in an answer that is busy, of the seconds to wait, where the
	// header Retry-After does not tell them.
	RetryAfter string `json:"retry_after,omitempty"`
	// Header and Query are sent with each call, after those of the sign-in.
	Header []Parameter `json:"header,omitempty"`
	Query  []Parameter `json:"query,omitempty"`
}

// Parameter is a named template.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CallConfig is one request to the application. URL, Header, Query and Body are
// templates (see package template). What they can name, by the operation:
//
//	{userName}, {emails[type eq "work"].value}  values in SCIM: those wanted on create
//	                and update, the one looked for in search
//	{id}            of the resource
//	{fields}        the mapped fields as a JSON object: all on create, those that
//	                change (or, with Send whole, the whole record) on update
//	{field.<path>}  one of them
//	{record.<path>} the record as it was read: update, disable, enable, delete
//	{<n>.<path>}    a value in the answer to the nth call of this operation; {<n>.id}
//	                its id, if there is no such path
//	{member.id}, {member.userName}, …  add_member and remove_member
//	{members}       the wanted members as a JSON array of references: set_members
//	{page.offset}, {page.limit}, {page.number}, {page.cursor}  search and list
//	{secret.<name>} a secret
//	{session}       the token of the session, for an application that wants it in the
//	                body or in the URL
//	{<name>}        a value of ResourceConfig.Values
type CallConfig struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header []Parameter `json:"header,omitempty"`
	Query  []Parameter `json:"query,omitempty"`
	// Body is the form of the body: json, form, xml, text or none. Default: that of the
	// translator for POST, PUT and PATCH where there is something to send.
	Body    string `json:"body,omitempty"`
	Nesting string `json:"nesting,omitempty"` // as in [CallDefaults]
	// Template is the body. Default: {fields}, below Item where there is one, for
	// create and update.
	Template string `json:"template,omitempty"`
	// Send says what {fields} of update is: changed, or whole, which is the record as
	// it was read with the changes, so that nothing that is not mapped is lost.
	// Default: whole for PUT, changed for others.
	Send string `json:"send,omitempty"`
	// Without are paths that are left out of {fields}: what the application does not take
	// back, or what a call of its own sends.
	Without []string `json:"without,omitempty"`

	// Answer, Item and Items as in [CallDefaults]; "." is the whole answer.
	Answer string `json:"answer,omitempty"`
	Item   string `json:"item,omitempty"`
	Items  string `json:"items,omitempty"`
	// ID is where the id of what was created is, in the answer. Default: that of the
	// type in the item, else the last segment of the header Location. Of search, list and
	// members it is where the id is in a row; such rows tell nothing else that Rows does
	// not say. Default: that of the type.
	ID string `json:"id,omitempty"`
	// IDHeader is the header that has it. IDPattern is a regular expression whose first
	// group is the id, in what stands at ID or in the header.
	IDHeader  string `json:"id_header,omitempty"`
	IDPattern string `json:"id_pattern,omitempty"`
	// Into is the name under which the answer is put into the record: further calls of
	// read. Default: its fields are added to the record.
	Into string `json:"into,omitempty"`

	Page       *PageConfig `json:"page,omitempty"`
	Judgements []Judgement `json:"judgements,omitempty"` // before those of the translator
	ErrorText  []string    `json:"error_text,omitempty"`
	RetryAfter string      `json:"retry_after,omitempty"` // as in [CallDefaults]

	// When is a CEL expression: the call is made where it is true.
	When string `json:"when,omitempty"`
	// Undo are the calls that take this one back when a later one of the operation fails,
	// in the order in which they are made; each is, whatever becomes of the others. They see
	// the record as it was before the call, and of create as it is then. Default: of create,
	// the calls of delete; of others, none.
	Undo []CallConfig `json:"undo,omitempty"`
	// Repeatable says that the call does no harm when it is sent twice. GET, HEAD and
	// PUT and DELETE are; POST and PATCH are not unless it is said.
	Repeatable *bool `json:"repeatable,omitempty"`
	// IfMatch sends the ETag of the record that was read.
	IfMatch bool           `json:"if_match,omitempty"`
	Timeout caddy.Duration `json:"timeout,omitempty"`
}

// Verdict is what an answer means.
type Verdict string

// The verdicts.
const (
	VerdictSuccess  Verdict = "success"
	VerdictAlready  Verdict = "already"   // the application was in the wanted state: success
	VerdictAccepted Verdict = "accepted"  // of a write: it is done later, and looked for until then
	VerdictNotFound Verdict = "not_found" // there is no such resource
	VerdictConflict Verdict = "conflict"  // the value is taken
	VerdictInvalid  Verdict = "invalid"   // a value is not taken
	VerdictRefused  Verdict = "refused"   // it is forbidden
	VerdictChanged  Verdict = "changed"   // the record has another version
	VerdictBusy     Verdict = "busy"      // not done, try again
	VerdictSignIn   Verdict = "sign_in"   // not done, signed out
	VerdictUnclear  Verdict = "unclear"   // the same answer for several reasons: look, and compare
	VerdictFailed   Verdict = "failed"    // broken; a write may have been done
)

// Judgement says of some answers what they mean. All that is given must apply.
//
// Where no judgement applies: 202 to a write is accepted, any other 2xx success, 404 and 410 not_found for calls that
// name an {id} or a {member.…} and whose answer is no HTML, 409 conflict, 412
// changed, 400 and 422 invalid, 401 sign_in, 403 refused, 408, 425, 429 and 503
// busy, all else failed.
type Judgement struct {
	Verdict  Verdict  `json:"verdict"`
	Statuses []string `json:"statuses,omitempty"` // 422, 4xx, 200-204; none: any
	// Text is a part of the body, compared without case.
	Text string `json:"text,omitempty"`
	// When is a CEL expression that sees status, body (the answer as it was read),
	// text and header.
	When string `json:"when,omitempty"`
}

// PageConfig says how a list goes on.
type PageConfig struct {
	// By is offset, number, cursor, link (the header Link, rel=next, RFC 8288), url (of
	// the next page, in the body), or none.
	By string `json:"by"`
	// Parameter is the query parameter of the offset, the number or the cursor. Default:
	// offset, page or cursor, unless the templates of the call name {page.offset},
	// {page.number} or {page.cursor}.
	Parameter string `json:"parameter,omitempty"`
	// Limit is the parameter of the size of a page, and Size its value. Default: the
	// application chooses.
	Limit string `json:"limit,omitempty"`
	Size  int    `json:"size,omitempty"`
	// First is the offset or number of the first page. Default: 0 of offsets, 1 of
	// numbers.
	First *int `json:"first,omitempty"`
	// Total is the path of the number of all rows. A list that ends before is a fault.
	Total string `json:"total,omitempty"`
	// Pages is the path of the number of all pages.
	Pages string `json:"pages,omitempty"`
	// Next is the path of the cursor or the URL of the next page.
	Next string `json:"next,omitempty"`
	// More is the path of whether there is another page: true or false. Default: the list
	// ends where there is no cursor, or where the rows or what is counted say so.
	More string `json:"more,omitempty"`
}
