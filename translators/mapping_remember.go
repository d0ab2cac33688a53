package translators

import (
	"errors"
	"fmt"

	"github.com/scimgate/scimgate/scim"
)

// addRemembered checks a leaf that the backend has no place for.
func (c *compiler) addRemembered(l *Leaf) error {
	config := l.Config
	if len(l.Fields) > 0 || config.Constant != "" || config.Codec != CodecText || config.RefersTo != "" || config.True != "" || config.False != "" ||
		config.Required || config.Default != "" || len(config.DefaultFrom) > 0 || len(config.OneOf) > 0 ||
		config.CreateOnly || config.ReadOnly || config.WriteOnly || config.Private {
		return errors.New("what is remembered has no field in the backend and no options: remove them, or map it")
	}
	if err := checkRemembered(l.Path); err != nil {
		return err
	}
	if err := c.take(l); err != nil {
		return err
	}
	c.leaves = append(c.leaves, l)
	return nil
}

// checkRemembered refuses what is no simple text, and what has to be where the
// accounts are: the store can be lost, and nobody must be lost with it.
func checkRemembered(path scim.Path) error {
	const mapIt = "map it to an attribute of the backend"
	a := path.Attribute
	switch {
	case a.Schema() == "":
		return fmt.Errorf("%s comes from the backend by itself: remove it", a)
	case a.IsReferenceSet():
		return fmt.Errorf("who is a member of a group is the backend's to say: map %s and the attribute that holds them", a)
	case path.Sub != nil || a.IsComplex():
		return fmt.Errorf("%s is complex, and only simple texts can be remembered: %s", a, mapIt)
	case a.MultiValued:
		return fmt.Errorf("it may have many values, and only single ones can be remembered: %s", mapIt)
	case a.Mutability == scim.WriteOnly || a.Returned == scim.ReturnedNever:
		return fmt.Errorf("it is a secret, and the store keeps none: %s", mapIt)
	case a.Type != scim.TypeString:
		return fmt.Errorf("it is of the type %s, and only texts can be remembered: %s", a.Type, mapIt)
	case a.Mutability == scim.ReadOnly:
		return errors.New("it is read-only, so that no provider can give what is to be remembered: remove it")
	case a.Required:
		return fmt.Errorf("it is required, and has to be where the accounts are: %s", mapIt)
	case a.Uniqueness != scim.UniqueNone:
		return fmt.Errorf("its schema says that it is unique, which the store does not see to: %s, or remove uniqueness from the schema", mapIt)
	}
	return nil
}
