package journal

import (
	"encoding/json"
	"time"
)

// Entry is what a gateway was about to do, and what came of it.
type Entry struct {
	// Sequence numbers the entries of a store. Numbers grow with time, and some
	// may be missing.
	Sequence  int64     `json:"sequence"`
	ID        string    `json:"id"` // request id and step
	Time      time.Time `json:"time"`
	Instance  string    `json:"instance,omitempty"` // the process
	Gateway   string    `json:"gateway"`
	Caller    string    `json:"caller"`            // name of the credential, or who gave a command
	Token     string    `json:"token,omitempty"`   // ID of the issued token
	Address   string    `json:"address,omitempty"` // empty: a command on the machine
	Request   string    `json:"request"`           // id of the request
	Operation string    `json:"operation"`         // create, update, delete, disable, enable
	Type      string    `json:"type"`
	Resource  string    `json:"resource,omitempty"` // the id; on create only once it is done
	Name      string    `json:"name,omitempty"`     // userName or displayName at the time

	Why string `json:"why,omitempty"` // that an operator gave for a command

	Changes []Change `json:"changes,omitempty"`
	Members *Members `json:"members,omitempty"`
	Calls   []Call   `json:"calls"`

	// The outcome. Result is empty while the entry is open.
	Result   Result        `json:"result,omitempty"`
	Proof    string        `json:"proof,omitempty"`
	Error    string        `json:"error,omitempty"` // its kind; never the backend's words
	Note     string        `json:"note,omitempty"`  // how the entry was closed, if not by who opened it
	Ended    time.Time     `json:"ended,omitzero"`
	Duration time.Duration `json:"duration_ns,omitempty"`
}

// Result is how an entry ended.
type Result string

// The results.
const (
	Unresolved Result = ""            // it is under way, or nobody knows
	Applied    Result = "applied"     // done
	NotApplied Result = "not applied" // the backend is as it was before
	Unknown    Result = "unknown"     // reading the backend did not tell either
)

// Change is what becomes of one attribute. A secret has neither From nor To; of what
// is private both are keyed hashes, which tell equal values and nothing else.
type Change struct {
	Attribute string          `json:"attribute"`
	From      json.RawMessage `json:"from,omitempty"` // absent: there was nothing
	To        json.RawMessage `json:"to,omitempty"`   // absent: removed
	Secret    bool            `json:"secret,omitempty"`
	Private   bool            `json:"private,omitempty"`
	// Omitted is how many bytes From and To have that are not kept, because they are
	// too long.
	Omitted int `json:"omitted,omitempty"`
}

// Members are those who come into a group and who leave it, by id.
type Members struct {
	ReplaceAll bool     `json:"replace_all,omitempty"` // Added are all there will be
	Added      []string `json:"added,omitempty"`
	Removed    []string `json:"removed,omitempty"`
	Omitted    int      `json:"omitted,omitempty"` // ids that are not listed: there are too many
}

// Call is a call to the backend as it was planned, secrets and private values
// masked.
type Call struct {
	Purpose string `json:"purpose"`
	Text    string `json:"text,omitempty"`
}
