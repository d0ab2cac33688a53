package legacy

import "time"

// Options say what an application is like. The zero value is a plain one: JSON,
// numeric ids, a search that compares whole logins, pages by offset, members on
// groups, PATCH, a key in a header.
type Options struct {
	Wire   Wire
	Paging Paging
	Search Search
	SignIn SignIn
	Groups Groups
	// Members is how groups have them.
	Members Members
	Update  Update
	Status  Status

	// PutByName: the login is the id, and PUT creates or overwrites, without a
	// conflict ever. There is no POST, and no rename.
	PutByName bool
	// LocationOnly answers a creation with a header Location and no body.
	LocationOnly bool
	// ErrorsIn200 answers everything with 200 and says in the body how it went.
	ErrorsIn200 bool
	// Sentences answers everything with 200: what is read in JSON, and a write, or what
	// can't be done, with a line of text, "OK 17" or "ERR not_found there is no such user".
	Sentences bool
	// VagueMembers answers alike when a member is one already and when there is no
	// such user.
	VagueMembers bool
	// NamesStay: what stands in users of a group stays when the group is renamed or
	// deleted.
	NamesStay bool
	// InSteps: the role of a user is set by a call of its own, and a third one puts
	// the user on a list of staff; until then the user may do nothing.
	InSteps bool
	// BriefRows leaves all but id, login and names out of the rows of a list.
	BriefRows bool
	// DeafToLocks answers a locking with success and does not lock.
	DeafToLocks bool
	// SilentOnStatus shows nobody who is locked.
	SilentOnStatus bool
	// Retires: a user who is deleted stays, readable and in lists and searches, with the
	// state RETIRED instead of EMPLOYED. Nobody can sign in as one, nothing of one can be
	// changed, and somebody else may have the login.
	Retires bool
	// LockedStay: nothing of a locked account can be changed but that it is locked.
	LockedStay bool
	// MaxPage is the most rows of a page. Default: 100.
	MaxPage int

	// Nested has names and addresses in objects of their own.
	Nested bool
	// JoinedNames has one field for the whole name.
	JoinedNames bool
	// Mails has an array of objects for mail addresses.
	Mails bool
	// UnixTimes has seconds since 1970 instead of RFC 3339.
	UnixTimes bool
	// TextNumbers has strings of digits for numbers, ids too.
	TextNumbers bool
	// Latin1 answers in ISO 8859-1.
	Latin1 bool

	// LagReads is how often what was written is still read as it was before.
	LagReads int
	// Lag is for how long it is.
	Lag time.Duration
	// TokenUses is how many requests a session or an access token is good for.
	// Default: any number.
	TokenUses int

	// Seed is the number of users user000000@example.com … that are there from the
	// beginning; half of them, and 5,000 at most, are in the group "Everybody".
	Seed int
	// NoAudit keeps no list of requests.
	NoAudit bool
}

// Wire is the form of requests and answers.
type Wire string

// The wires.
const (
	JSON Wire = ""
	Form Wire = "form" // bodies as forms with nested brackets, answers in JSON
	XML  Wire = "xml"
	SOAP Wire = "soap" // one URL, faults with 500
	RPC  Wire = "rpc"  // JSON-RPC 2.0: one URL, errors with 200
	// GraphQL has one URL, errors with 200, and lists as connections: Paging is ByCursor.
	GraphQL Wire = "graphql"
)

// Paging is how lists go on.
type Paging string

// The pagings.
const (
	ByOffset Paging = ""       // offset, limit; total
	ByNumber Paging = "number" // page (from 1), per_page; pages
	ByCursor Paging = "cursor" // cursor, limit; next_cursor
	ByLink   Paging = "link"   // the header Link
	ByURL    Paging = "url"    // the URL of the next page in the body: next
	Unpaged  Paging = "none"
)

// Search is how users are looked up.
type Search string

// The searches.
const (
	Whole     Search = ""          // login=, mail=, personnel_no=: the whole value, without regard to case
	Exact     Search = "exact"     // the same with regard to case
	Substring Search = "substring" // q= over logins, names and mail addresses; the locked only with status=all
	NoSearch  Search = "none"      // lists alone
)

// SignIn is how requests are signed in.
type SignIn string

// The ways to sign in.
const (
	ByKey    SignIn = ""       // the header X-Api-Key
	ByBasic  SignIn = "basic"  // HTTP Basic
	ByBearer SignIn = "bearer" // the key as a bearer token
	ByQuery  SignIn = "query"  // the parameter key
	ByLogin  SignIn = "login"  // POST /session gives a token for the header X-Session
	ByCookie SignIn = "cookie" // POST /session sets a cookie; without it comes a login page, with 200
	ByOAuth  SignIn = "oauth"  // POST /oauth/token, client credentials
	ByHMAC   SignIn = "hmac"   // a signature of method, target, time, nonce and body
)

// Groups is what the application has of groups.
type Groups string

// What there may be of groups.
const (
	WithMembers Groups = ""      // objects with members
	OnUsers     Groups = "users" // objects; who is in them is a list of names in the user: groups
	// The same with ids, group_ids, and with objects that have an id and a since,
	// memberships.
	OnUsersByID      Groups = "user ids"
	OnUsersAsObjects Groups = "user objects"

	Roles    Groups = "roles" // each user has one role, "none" too
	NoGroups Groups = "none"
)

// Members is how groups have their members.
type Members string

// The ways to have members. Without calls of their own the members are written with
// the group, as Options.Update says: then a group has a description too, which is for
// the application alone, and its members are since a time.
const (
	MemberCalls   Members = ""        // members: id, login; POST and DELETE of one, PUT of all
	MemberIDs     Members = "ids"     // user_ids in the group, no calls
	MemberObjects Members = "objects" // users in the group, with id and since; no calls
	MemberPages   Members = "pages"   // GET groups/{id}/members, in pages; not in the group
	MemberLogins  Members = "logins"  // members: login; POST and DELETE of one, PUT of all, by logins
)

// areWritten reports whether members are written with their group.
func (m Members) areWritten() bool { return m == MemberIDs || m == MemberObjects }

// Update is how a record is changed.
type Update string

// The updates.
const (
	Patch       Update = ""        // PATCH, of what changes
	PutETag     Update = "etag"    // PUT, whole, with If-Match; what is left out is reset
	PutVersion  Update = "version" // PUT, whole, with the field version; what is left out is reset
	PutOverlays Update = "put"     // PUT, of what changes
)

// Status is how a record says that an account is locked.
type Status string

// The ways to say so.
const (
	Word     Status = ""         // status: active, locked
	Number   Status = "number"   // status: 1, 3
	Inverted Status = "inverted" // locked: true
	YesNo    Status = "yesno"    // enabled: Y, N
	ByCall   Status = "call"     // status: active, locked, which only the calls lock and unlock change
)

// What is shown to sign in.
const (
	Key      = "legacy-key-Tz4Rm8Wq1Nf6"
	User     = "scimgate"
	Password = "legacy-password-Hv2Jx7Lc5Ys9"
	Secret   = "legacy-secret-Bd3Kp6Gt0Za8"
)
