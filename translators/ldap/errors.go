package ldap

import (
	"errors"
	"fmt"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
)

// verdict is what a result code means to the one who asked.
type verdict struct {
	kind   translators.ErrorKind
	detail string // for the provider's log: what to change, no names
}

// verdicts is the one table from LDAP result codes (RFC 4511 Appendix A) to the
// kinds of errors. A code that is not listed is a fault: Unavailable.
var verdicts = map[uint16]verdict{
	// Incomplete answers. They are never passed on as a short list.
	goldap.LDAPResultTimeLimitExceeded:  {translators.Unavailable, "The directory ran out of time while it searched. Index the attributes that are searched, or raise its time limit."},
	goldap.LDAPResultSizeLimitExceeded:  {translators.TooMany, "More entries match than the directory returns at a time. Narrow the filter, or raise the directory's size limit for the account of scimgate."},
	goldap.LDAPResultAdminLimitExceeded: {translators.TooMany, "The search exceeds a limit of the directory. Narrow the filter, or raise the limits for the account of scimgate (OpenLDAP: olcLimits)."},
	goldap.LDAPResultReferral:           {translators.Unavailable, "The directory refers to another server. Configure a server that holds all entries itself."},

	// Our account or our configuration: while it is wrong nothing works, and when it
	// is mended everything does.
	goldap.LDAPResultStrongAuthRequired:           {translators.Unavailable, "The directory demands an encrypted connection. Use ldaps:// or starttls."},
	goldap.LDAPResultConfidentialityRequired:      {translators.Unavailable, "The directory demands an encrypted connection. Use ldaps:// or starttls."},
	goldap.LDAPResultUnavailableCriticalExtension: {translators.Refused, "The directory does not know a control that scimgate needs. See the findings of the check of this gateway."},
	goldap.LDAPResultInappropriateAuthentication:  {translators.Unavailable, "The directory refuses the account of scimgate. Check its DN and password in the configuration."},
	goldap.LDAPResultInvalidCredentials:           {translators.Unavailable, "The directory refuses the account of scimgate. Check its DN and password in the configuration."},
	goldap.LDAPResultInsufficientAccessRights:     {translators.Refused, "The account of scimgate lacks the right to do this in the directory. Extend its access rules."},
	goldap.LDAPResultUnwillingToPerform:           {translators.Refused, "The directory is not willing to do this; it may be read only, or demand something that the mapping does not give. Its log says why."},
	goldap.LDAPResultAuthorizationDenied:          {translators.Refused, "The account of scimgate lacks the right to do this in the directory. Extend its access rules."},
	goldap.LDAPResultNoSuchObject:                 {translators.Unavailable, "A base of the configuration does not exist in the directory, or the account of scimgate can't see it. Check base and access rules."},
	goldap.LDAPResultNotAllowedOnNonLeaf:          {translators.Refused, "There are entries below this one in the directory. They must be removed first."},
	goldap.LDAPResultAffectsMultipleDSAs:          {translators.Refused, "The directory can't move an entry to another of its databases. Check create_in and the containers of disable."},

	// The value is taken.
	goldap.LDAPResultEntryAlreadyExists: {translators.Conflict, "An entry with that name exists already in the directory."},

	// The directory does not take what was sent.
	goldap.LDAPResultConstraintViolation:       {translators.Invalid, "A value violates a rule of the directory: it is taken already, too long, too many, or a password that its policy refuses. Change the value at the provider."},
	goldap.LDAPResultInvalidAttributeSyntax:    {translators.Invalid, "The directory does not accept the form of a value, such as an empty text or a character that its attribute does not allow. Change the value at the provider."},
	goldap.LDAPResultInvalidDNSyntax:           {translators.Invalid, "The directory does not accept a value as a name. Change the value at the provider."},
	goldap.LDAPResultUndefinedAttributeType:    {translators.Invalid, "The mapping names an attribute that the directory does not know. Correct the map, or load the schema that defines it."},
	goldap.LDAPResultObjectClassViolation:      {translators.Invalid, "The object classes of the entry demand an attribute that has no value, or do not allow one that has. Map the attribute and send a value, or add the object class."},
	goldap.LDAPResultObjectClassModsProhibited: {translators.Invalid, "The directory does not change the object classes of an entry. Correct object_class."},
	goldap.LDAPResultNamingViolation:           {translators.Invalid, "The directory does not accept the name of the entry. Check rdn and the value that is mapped to it."},
	goldap.LDAPResultNotAllowedOnRDN:           {translators.Invalid, "The attribute that names the entry can be changed by renaming alone. Correct rdn."},
	goldap.LDAPResultInappropriateMatching:     {translators.Invalid, "The directory can't compare the values of a mapped attribute. Map an attribute that has an equality rule."},
	goldap.LDAPResultNoSuchAttribute:           {translators.Invalid, "The directory does not hold the value that was to be removed. The next synchronization repeats the change."},
	goldap.LDAPResultAttributeOrValueExists:    {translators.Invalid, "The directory holds the value already. The next synchronization repeats the change."},
	goldap.LDAPResultAssertionFailed:           {translators.Unavailable, "The entry was changed by somebody else at the same time. Try again."},
	goldap.LDAPResultBusy:                      {translators.Unavailable, "The directory is busy. Try again."},
	goldap.LDAPResultUnavailable:               {translators.Unavailable, "The directory is shutting down or not available. Try again."},
	goldap.LDAPResultOther:                     {translators.Unavailable, "The directory reports an internal error. Its log says more."},
	goldap.LDAPResultOperationsError:           {translators.Unavailable, "The directory reports an internal error. Its log says more."},
}

// fault turns what a search came to into an *[translators.Error]; doing says for
// our log what was being done to what. No search that failed is ever absence
// (DESIGN §4 rule 1): a base that does not exist is a mistake of configuration.
// Nor is it a refusal: what our account may not see says nothing about whether
// the caller may ask, and is to be asked again when it was mended.
func (t *Translator) fault(doing string, err error) error {
	if translators.KindOf(err) != "" {
		return t.translate(doing, err, translators.Unavailable)
	}
	err = t.translate(doing, err, translators.Unavailable)
	if fault, ok := errors.AsType[*translators.Error](err); ok && fault.Kind == translators.Refused {
		fault.Kind = translators.Unavailable
	}
	return err
}

// wholeFault is fault for a search for everything: a limit that it exceeds is no
// question of a filter.
func (t *Translator) wholeFault(doing string, err error) error {
	err = t.fault(doing, err)
	if fault, ok := errors.AsType[*translators.Error](err); ok && fault.Kind == translators.TooMany {
		return &translators.Error{Kind: translators.Unavailable, Err: fault.Err,
			Detail: "The directory does not return all its entries to the account of scimgate. Raise its limits for it (OpenLDAP: olcLimits with size.prtotal=unlimited), or lower page_size."}
	}
	return err
}

// writeFault is fault for a write: where no answer came, it may have been done.
func (t *Translator) writeFault(doing string, err error) error {
	return t.translate(doing, err, translators.Indefinite)
}

// batchFault is fault for a search for at most batchSize entries: a limit below
// that is no question of the request.
func (t *Translator) batchFault(doing string, err error) error {
	switch resultCode(err) {
	case goldap.LDAPResultSizeLimitExceeded, goldap.LDAPResultAdminLimitExceeded:
		return &translators.Error{Kind: translators.Unavailable, Err: fmt.Errorf("%s: %w", doing, err),
			Detail: fmt.Sprintf("The directory returns fewer than %d entries at a time to the account of scimgate. Raise its size limit for it.", batchSize)}
	}
	return t.fault(doing, err)
}

// translate is the function behind fault and writeFault; unanswered is the kind
// of an error after which it is not known what the directory has done.
func (t *Translator) translate(doing string, err error, unanswered translators.ErrorKind) error {
	if err == nil {
		return nil
	}
	if translators.KindOf(err) != "" || scim.AsError(err) != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	fault := &translators.Error{
		Kind: translators.Unavailable, Err: fmt.Errorf("%s: %w", doing, err),
		Detail: "The directory can't be reached, or accepts no connection. Try again later; the log of scimgate says why.",
	}
	exchange, _ := errors.AsType[*ldapconn.Error](err)
	if exchange != nil {
		fault.RetryAfter = exchange.RetryAfter
	}
	switch code := resultCode(err); {
	case errors.Is(err, ldapconn.ErrBindRefused):
		fault.Detail = verdicts[goldap.LDAPResultInvalidCredentials].detail
	case errors.Is(err, ldapconn.ErrExternalRefused):
		fault.Detail = "The directory does not sign scimgate in by SASL EXTERNAL. Check its client certificate, and that the directory asks for one; over ldapi the user of its process."
	case errors.Is(err, ldapconn.ErrReferences):
		fault.Detail = verdicts[goldap.LDAPResultReferral].detail
	case errors.Is(err, ldapconn.ErrPagingIgnored):
		fault.Detail = "The directory does not return entries in pages. Set page_size -1."
	case code != goldap.LDAPResultSuccess:
		v, listed := verdicts[code]
		if !listed {
			v = verdicts[goldap.LDAPResultOther]
		}
		fault.Kind, fault.Detail = v.kind, v.detail
	case exchange != nil && exchange.Outcome == ldapconn.Unknown:
		fault.Kind, fault.Detail = unanswered, "The directory did not answer in time. Try again later."
	}
	return fault
}

// resultCode returns the code with which the directory answered, or 0 when it did
// not answer, or with success.
func resultCode(err error) uint16 {
	if answer, ok := errors.AsType[*goldap.Error](err); ok && answer.ResultCode < goldap.ErrorNetwork {
		return answer.ResultCode
	}
	return goldap.LDAPResultSuccess
}

// hiddenID is what it means when an entry is shown without its id.
func (t *Translator) hiddenID() error {
	return &translators.Error{Kind: translators.Unavailable,
		Detail: "The directory does not show the ids of entries (" + t.profile.id + ") to the account of scimgate. Extend its access rules."}
}

// changed is the refusal of a write for a version that the resource has not any
// more.
func changed(k *kind, id string) error {
	return &translators.Error{Kind: translators.Changed, Detail: fmt.Sprintf(
		"The %s %q was changed since the version that the request is for. Read it again and repeat the request with its new version.", k.served.Name, id)}
}

// notFound is the absence of a resource, as the directory stated it.
func notFound(k *kind, id string) error {
	return &translators.Error{Kind: translators.NotFound, Detail: fmt.Sprintf("There is no %s with the id %q.", k.served.Name, id)}
}
