package translators

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/scimgate/scimgate/scim"
)

// NewCodec returns the codec that the configuration names for the values of a, as
// [Compile] would: for translators that write what it writes in a form of their own.
func NewCodec(c MapConfig, a *scim.Attribute) (Codec, error) {
	return newCodec(c, a, a.IsComplex())
}

// newCodec returns the codec of that name for the values of a. whole is set
// when the leaf is a complex value as a whole. The error is the remedy.
func newCodec(c MapConfig, a *scim.Attribute, whole bool) (Codec, error) {
	if c.Custom != nil {
		return c.Custom.Codec, nil
	}
	if c.Codec != CodecBoolean && (c.True != "" || c.False != "") {
		return nil, errors.New("the texts of a boolean stand behind boolean: boolean TRUE FALSE")
	}
	if c.Codec != CodecReference && c.RefersTo != "" {
		return nil, errors.New("the resource type of a reference stands behind reference: reference User")
	}
	demand := func(ok bool, what string) error {
		if ok {
			return nil
		}
		return fmt.Errorf("%s is for %s, and this is of the type %s: leave it away", c.Codec, what, a.Type)
	}
	if whole && c.Codec != CodecJSON {
		return nil, fmt.Errorf("it is complex: map one of its sub-attributes (%s), or all of it to one field with json", subNames(a))
	}
	switch c.Codec {
	case CodecText:
		if a.Type == scim.TypeBoolean {
			return booleanCodec{"TRUE", "FALSE"}, nil
		}
		return textCodec{a}, nil
	case CodecBoolean:
		if err := demand(a.Type == scim.TypeBoolean, "booleans"); err != nil {
			return nil, err
		}
		codec := booleanCodec{"TRUE", "FALSE"}
		if c.True != "" {
			codec.isTrue = c.True
		}
		if c.False != "" {
			codec.isFalse = c.False
		}
		if strings.EqualFold(codec.isTrue, codec.isFalse) {
			return nil, fmt.Errorf("true and false are both %q: give each a text of its own", codec.isTrue)
		}
		return codec, nil
	case CodecTimestamp:
		return timestampCodec{}, demand(a.Type == scim.TypeDateTime, "dates and times")
	case CodecBinary:
		return binaryCodec{}, demand(a.Type == scim.TypeBinary, "binary values")
	case CodecPostalAddress:
		return postalAddressCodec{}, demand(a.Type == scim.TypeString, "strings")
	case CodecJSON:
		return jsonCodec{a}, demand(whole, "whole complex values")
	case CodecReference:
		if len(refersTo(c, a)) == 0 && a.Type == scim.TypeString {
			return nil, errors.New("say what resources the value is an id of: reference <resource type>, such as reference User")
		}
		return referenceCodec{}, demand(a.Type == scim.TypeString, "ids of other resources, such as manager.value")
	}
	return nil, fmt.Errorf("there is no codec %q: it is one of boolean, timestamp, binary, postal_address, json, reference", c.Codec)
}

// refersTo returns the resource types whose ids the values of a are: what the
// operator says, or else the schema of the $ref beside the value.
func refersTo(c MapConfig, a *scim.Attribute) []string {
	switch {
	case c.RefersTo != "":
		return []string{c.RefersTo}
	case a.Parent() == nil || !strings.EqualFold(a.Name, "value") || a.Parent().Sub("$ref") == nil:
		return nil
	}
	return a.Parent().Sub("$ref").ReferenceTypes
}

func subNames(a *scim.Attribute) string {
	names := make([]string, len(a.SubAttributes))
	for i, s := range a.SubAttributes {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

// notText says why s is no text that both SCIM and a backend can hold, or "".
func notText(s string) string {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return "it holds the character NUL"
	case !utf8.ValidString(s):
		return "it is not UTF-8"
	}
	return ""
}

func encodeText(s string) (string, error) {
	if why := notText(s); why != "" {
		return "", scim.Invalid(scim.InvalidValue, "%s", why)
	}
	return s, nil
}

func decodeText(raw string) (scim.Value, error) {
	if why := notText(raw); why != "" {
		return scim.Value{}, errors.New(why)
	}
	return scim.String(raw), nil
}

// textCodec leaves strings as they are and numbers as they are written.
type textCodec struct{ attribute *scim.Attribute }

// Bind implements [Binder].
func (c textCodec) Bind(a *scim.Attribute) Codec { return textCodec{a} }

func (c textCodec) Encode(v scim.Value) (string, error) {
	if v.Kind() != scim.KindString && v.Kind() != scim.KindNumber {
		return "", scim.Invalid(scim.InvalidValue, "expected a %s", c.attribute.Type)
	}
	return encodeText(v.Text())
}

func (c textCodec) Decode(raw string) (scim.Value, error) {
	switch c.attribute.Type {
	case scim.TypeInteger, scim.TypeDecimal:
		v, err := scim.Coerce(c.attribute, scim.Number(raw))
		if err != nil {
			return scim.Value{}, fmt.Errorf("it is no %s", c.attribute.Type)
		}
		return v, nil
	}
	return decodeText(raw)
}

func (c textCodec) IsText() bool {
	return c.attribute.Type == scim.TypeString || c.attribute.Type == scim.TypeReference
}

// booleanCodec writes a boolean as one of two texts and reads them in any case.
type booleanCodec struct{ isTrue, isFalse string }

func (c booleanCodec) Encode(v scim.Value) (string, error) {
	switch {
	case v.Kind() != scim.KindBool:
		return "", scim.Invalid(scim.InvalidValue, "expected true or false")
	case v.IsTrue():
		return c.isTrue, nil
	}
	return c.isFalse, nil
}

func (c booleanCodec) Decode(raw string) (scim.Value, error) {
	switch {
	case strings.EqualFold(raw, c.isTrue):
		return scim.Bool(true), nil
	case strings.EqualFold(raw, c.isFalse):
		return scim.Bool(false), nil
	}
	return scim.Value{}, fmt.Errorf("it is neither %q nor %q", c.isTrue, c.isFalse)
}

func (booleanCodec) IsText() bool { return false }

// binaryCodec is base64 in SCIM (RFC 7643 §2.3.6) and octets in the backend.
type binaryCodec struct{}

func (binaryCodec) Encode(v scim.Value) (string, error) {
	octets, err := scim.DecodeBinary(v.Text())
	if err != nil || v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected base64")
	}
	return string(octets), nil
}

func (binaryCodec) Decode(raw string) (scim.Value, error) {
	return scim.String(base64.StdEncoding.EncodeToString([]byte(raw))), nil
}

func (binaryCodec) IsText() bool { return false }

// postalAddressCodec is the syntax Postal Address (RFC 4517 §3.3.28): lines are
// separated by $, which is written \24 itself, as the backslash is \5C. An
// OpenLDAP would take line breaks as they are, but the programs that read the
// directory beside us would not.
type postalAddressCodec struct{}

var (
	toPostalAddress   = strings.NewReplacer("\n", "$", "$", `\24`, `\`, `\5C`)
	fromPostalAddress = strings.NewReplacer("$", "\n", `\24`, "$", `\5C`, `\`, `\5c`, `\`)
)

func (postalAddressCodec) Encode(v scim.Value) (string, error) {
	if v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected a string")
	}
	return encodeText(toPostalAddress.Replace(v.Text()))
}

func (postalAddressCodec) Decode(raw string) (scim.Value, error) {
	return decodeText(fromPostalAddress.Replace(raw))
}

func (postalAddressCodec) IsText() bool { return false }

// referenceCodec leaves values as they are: which name belongs to which id is
// not a matter of form, the mapping asks [References].
type referenceCodec struct{}

func (referenceCodec) Encode(v scim.Value) (string, error) {
	if v.Kind() != scim.KindString {
		return "", scim.Invalid(scim.InvalidValue, "expected an id")
	}
	return encodeText(v.Text())
}

func (referenceCodec) Decode(raw string) (scim.Value, error) { return scim.String(raw), nil }

func (referenceCodec) IsText() bool { return false }

// Interface guards
var (
	_ Codec = textCodec{}
	_ Codec = booleanCodec{}
	_ Codec = timestampCodec{}
	_ Codec = binaryCodec{}
	_ Codec = postalAddressCodec{}
	_ Codec = jsonCodec{}
	_ Codec = referenceCodec{}
)
