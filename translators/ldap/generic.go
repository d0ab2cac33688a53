package ldap

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators/mapfile"
)

// GenericConfig describes a directory that scimgate has no profile of.
type GenericConfig struct {
	// ID is the operational attribute that holds an entry's immutable id.
	// Required.
	ID string `json:"id,omitempty"`
	// IDForm is what its values are: text; uuid, which is text without case; guid,
	// the 16 octets of Active Directory's objectGUID, shown as a UUID; or binary,
	// any octets, shown in hexadecimal. Default: text.
	IDForm string `json:"id_form,omitempty"`
	// Created and Modified are the operational attributes with an entry's times;
	// "off" is none. Default: createTimestamp and modifyTimestamp (RFC 4512 §3.4).
	Created  string `json:"created,omitempty"`
	Modified string `json:"modified,omitempty"`
	// Version is an attribute whose value differs after each write of the entry.
	// Default: none, and resources have no version.
	Version string `json:"version,omitempty"`

	// Lock is the attribute by which the directory locks an account, Locked its
	// value then, and Unlocked that of an account which is not locked, if it is
	// to have one. They are compared without case. Default: none.
	Lock     string `json:"lock,omitempty"`
	Locked   string `json:"locked,omitempty"`
	Unlocked string `json:"unlocked,omitempty"`
	// LockTellsCode and LockTellsText are how the directory answers whoever signs
	// in to a locked account with any password: the result code, 19, 48, 49 or
	// 53, and a part of its diagnostic message. Both must be so. 49 alone is the
	// answer to any wrong password. Default: none, and a disable is proven only
	// where the directory has the password policy control of
	// draft-behera-ldap-password-policy.
	LockTellsCode uint16 `json:"lock_tells_code,omitempty"`
	LockTellsText string `json:"lock_tells_text,omitempty"`

	// Assertion (RFC 4528), PostRead (RFC 4527), Paging (RFC 2696) and ServerSort
	// (RFC 2891) say whether requests are sent with that control. Default: where
	// the directory advertises it.
	Assertion  *bool `json:"assertion,omitempty"`
	PostRead   *bool `json:"post_read,omitempty"`
	Paging     *bool `json:"paging,omitempty"`
	ServerSort *bool `json:"server_sort,omitempty"`
}

const (
	genericName = "generic"
	// off is the name of no attribute, and a control that is not used.
	off = "off"
)

// profile compiles the description.
func (c *GenericConfig) profile() (*profile, error) {
	p := &profile{name: genericName, isGeneric: true, id: c.ID, created: "createTimestamp", modified: "modifyTimestamp",
		version: c.Version, lock: c.Lock, locked: c.Locked, unlocked: c.Unlocked}
	for _, a := range []struct {
		word, given string
		target      *string
	}{{"created", c.Created, &p.created}, {"modified", c.Modified, &p.modified}} {
		switch {
		case strings.EqualFold(a.given, off):
			*a.target = ""
		case a.given != "":
			*a.target = a.given
		}
	}
	if p.id == "" {
		return nil, errors.New("directory generic: id is missing: name the operational attribute that holds an entry's immutable id, such as id entryUUID uuid")
	}
	for _, name := range []string{p.id, p.created, p.modified, p.version, p.lock} {
		if name != "" && !isAttributeName(name) {
			return nil, fmt.Errorf("directory generic: %q is not the name of an attribute", name)
		}
	}
	form, ok := idForms[c.IDForm]
	if !ok {
		return nil, fmt.Errorf("directory generic: the id %s can't be %s: it is text, uuid, guid or binary", c.ID, c.IDForm)
	}
	p.assertID, p.readID = form(c.ID)
	p.foldsIDs = c.IDForm == "" || c.IDForm == idText
	if err := c.checkLock(); err != nil {
		return nil, err
	}
	if c.LockTellsCode != 0 || c.LockTellsText != "" {
		p.tells = &tell{c.LockTellsCode, c.LockTellsText}
	}
	for _, control := range []struct {
		given  *bool
		oid    string
		target *string
	}{
		{c.Assertion, openLDAP.assertionControl, &p.assertionControl}, {c.PostRead, openLDAP.postReadControl, &p.postReadControl},
		{c.Paging, openLDAP.pagingControl, &p.pagingControl}, {c.ServerSort, openLDAP.sortingControl, &p.sortingControl},
	} {
		if control.given == nil {
			p.optional = append(p.optional, control.oid)
		}
		if control.given == nil || *control.given {
			*control.target = control.oid
		}
	}
	return p, nil
}

// checkLock looks at what belongs together.
func (c *GenericConfig) checkLock() error {
	tells := c.LockTellsCode != 0 || c.LockTellsText != ""
	switch {
	case c.Lock == "" && (c.Locked != "" || c.Unlocked != ""):
		return errors.New("directory generic: lock: the attribute is missing")
	case c.Lock != "" && c.Locked == "":
		return fmt.Errorf("directory generic: lock %s: the value of a locked account is missing", c.Lock)
	case c.Lock != "" && strings.EqualFold(c.Locked, c.Unlocked):
		return fmt.Errorf("directory generic: lock %s: the value %q can't mean both locked and not", c.Lock, c.Locked)
	case c.Lock == "" && tells:
		return errors.New("directory generic: lock_tells: there is no lock: add lock <attribute> <value>")
	case c.LockTellsCode != 0 && !slices.Contains(refusals, c.LockTellsCode):
		return fmt.Errorf("directory generic: lock_tells %d: a refusal has the result code 19, 48, 49 or 53", c.LockTellsCode)
	case c.LockTellsCode == goldap.LDAPResultInvalidCredentials && c.LockTellsText == "":
		return errors.New("directory generic: lock_tells 49: that is the answer to any wrong password: add a part of the message that a locked account alone is answered with")
	case c.LockTellsText != "" && (c.LockTellsCode == 0 || c.LockTellsCode == goldap.LDAPResultInvalidCredentials):
		isIn := func(answer string) bool { return strings.Contains(answer, strings.ToLower(c.LockTellsText)) }
		if i := slices.IndexFunc(wrongPassword, isIn); i >= 0 {
			return fmt.Errorf("directory generic: lock_tells %q: that is in the answer to any wrong password (%s): name a part of the message that a locked account alone is answered with", c.LockTellsText, wrongPassword[i])
		}
	}
	return nil
}

// wrongPassword is how directories refuse a wrong password of somebody who exists,
// in lower case. Some of them answer otherwise where nobody has the name, so that
// what lock_tells is held against would not show that it tells nothing.
var wrongPassword = []string{"invalid credentials", "invalid password", "wrong password", "incorrect password",
	"failed authentication", "acceptsecuritycontext error, data 52e"}

// unmarshalCaddyfile reads the block of directory generic.
func (c *GenericConfig) unmarshalCaddyfile(d *caddyfile.Dispenser) error {
	b := &mapfile.Block{Dispenser: d, Name: "directory generic"}
	return b.Each(func(word string) error {
		args := b.RemainingArgs()
		var isRight bool
		switch word {
		case "id":
			isRight = assign(args, 1, &c.ID, &c.IDForm)
		case "created":
			isRight = assign(args, 1, &c.Created)
		case "modified":
			isRight = assign(args, 1, &c.Modified)
		case "version":
			isRight = assign(args, 1, &c.Version)
		case "lock":
			isRight = assign(args, 2, &c.Lock, &c.Locked, &c.Unlocked)
		case "lock_tells":
			isRight = c.tell(args)
		case "assertion":
			isRight = onOrOff(args, &c.Assertion)
		case "post_read":
			isRight = onOrOff(args, &c.PostRead)
		case "paging":
			isRight = onOrOff(args, &c.Paging)
		case "server_sort":
			isRight = onOrOff(args, &c.ServerSort)
		default:
			return b.Errf("%s: there is no %s here: there are %s", b.Name, word,
				"id, created, modified, version, lock, lock_tells, assertion, post_read, paging, server_sort")
		}
		if !isRight {
			return b.Errf("%s is not understood: write %s", word, genericUsage[word])
		}
		return nil
	})
}

// genericUsage is how the lines of directory generic are written.
var genericUsage = map[string]string{
	"id":          "id <attribute> [text|uuid|guid|binary]",
	"created":     "created <attribute>, or created off",
	"modified":    "modified <attribute>, or modified off",
	"version":     "version <attribute>",
	"lock":        "lock <attribute> <value of a locked account> [<value of any other>]",
	"lock_tells":  "lock_tells <result code>, lock_tells <part of the message> or lock_tells <result code> <part of the message>",
	"assertion":   "assertion on, or assertion off",
	"post_read":   "post_read on, or post_read off",
	"paging":      "paging on, or paging off",
	"server_sort": "server_sort on, or server_sort off",
}

// assign sets the targets to the arguments, of which the first least must be
// there.
func assign(args []string, least int, targets ...*string) bool {
	if len(args) < least || len(args) > len(targets) || slices.Contains(args, "") {
		return false
	}
	for i, a := range args {
		*targets[i] = a
	}
	return true
}

func onOrOff(args []string, target **bool) bool {
	if len(args) != 1 || args[0] != "on" && args[0] != off {
		return false
	}
	isOn := args[0] == "on"
	*target = &isOn
	return true
}

// tell reads how a locked account is refused.
func (c *GenericConfig) tell(args []string) bool {
	if len(args) == 0 || len(args) > 2 || slices.Contains(args, "") {
		return false
	}
	if code, err := strconv.ParseUint(args[0], 10, 16); err == nil {
		if code == 0 {
			return false
		}
		c.LockTellsCode, args = uint16(code), args[1:]
	}
	if len(args) > 1 {
		return false
	}
	if len(args) == 1 {
		c.LockTellsText = args[0]
	}
	return true
}
