package translators

import "github.com/scimgate/scimgate/scim"

// MapConfig is one mapped leaf as the operator writes it:
//
//	map <path> <field>... {
//		default <value> | default_from <path>...
//		one_of <value>...
//		required
//		create_only | read_only | write_only
//		boolean <true> <false>
//		timestamp | binary | json | reference
//		constant <value>
//	}
//
// A path names a leaf: userName, name.familyName, `emails[type eq "work"].value`,
// urn:…:enterprise:2.0:User:manager.value. The constants of its selector are
// part of every element that is read from it.
type MapConfig struct {
	// Path is the SCIM path.
	Path string `json:"path"`
	// Fields are the backend's attributes. All are written, the first that has
	// a value is read. Empty for a constant.
	Fields []string `json:"fields,omitempty"`
	// Codec is how values are written in the backend: "" (as they are),
	// "boolean", "timestamp" (generalized time), "binary" (base64 in SCIM, octets
	// in the backend), "json" (a whole complex value as a JSON text) or
	// "reference" (an id in SCIM, a name such as a DN in the backend).
	Codec string `json:"codec,omitempty"`
	// True and False are the texts of a boolean. Default: TRUE and FALSE.
	True  string `json:"true,omitempty"`
	False string `json:"false,omitempty"`
	// Constant is the value that the path always has; nothing is written.
	Constant string `json:"constant,omitempty"`

	Required    bool     `json:"required,omitempty"`
	Default     string   `json:"default,omitempty"`
	DefaultFrom []string `json:"default_from,omitempty"`
	OneOf       []string `json:"one_of,omitempty"`
	CreateOnly  bool     `json:"create_only,omitempty"`
	ReadOnly    bool     `json:"read_only,omitempty"`
	WriteOnly   bool     `json:"write_only,omitempty"`
}

// Leaf is a compiled [MapConfig]: a path of the narrowed type, the backend's
// fields and the codec between them.
type Leaf struct {
	Config MapConfig
	Path   scim.Path    // in the narrowed type
	Terms  []scim.Field // the constants of the selector, by sub-attribute
	Fields []string
	Codec  Codec // nil for a constant
}

// Codec writes a value in the backend's form and reads it back. For every value
// v that Encode takes, Decode(Encode(v)) equals v (DESIGN §4 rule 6).
type Codec interface {
	// Encode returns the backend's form of a single value that is not absent.
	// It fails with a *scim.Error of type invalidValue.
	Encode(v scim.Value) (string, error)
	// Decode reads a single value. It fails when the backend holds something
	// that the codec can't have written and can't read.
	Decode(raw string) (scim.Value, error)
	// IsText reports whether the order and the parts of the backend's form are
	// those of the value, so that co, sw, ew, gt and lt can be left to the
	// backend as well as eq.
	IsText() bool
}

// References translates the values of leaves with the codec "reference" between
// ids and the backend's names. The translator fills it before it maps.
type References interface {
	// Name returns the backend's name of the resource with that id.
	Name(id string) (name string, ok bool)
	// ID returns the id of the resource with that name; ok is false when there
	// is none or it is not a resource that is served.
	ID(name string) (id string, ok bool)
}

// FieldValues is what a backend's field is to hold.
type FieldValues struct {
	Field  string
	Values []string
	Secret bool // masked when printed
}
