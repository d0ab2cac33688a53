package scim

// URNs of the schemas and messages of RFC 7643 §8.7 and RFC 7644 §8.2.
const (
	SchemaUser         = "urn:ietf:params:scim:schemas:core:2.0:User"
	SchemaGroup        = "urn:ietf:params:scim:schemas:core:2.0:Group"
	SchemaEnterprise   = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	SchemaSchema       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	SchemaResourceType = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	SchemaProvider     = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"

	MessageList  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	MessagePatch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	MessageError = "urn:ietf:params:scim:api:messages:2.0:Error"

	MessageBulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

func isCoreSchema(urn string) bool { return urn == SchemaUser || urn == SchemaGroup }

// UserType returns the resource type User with the enterprise extension, all
// attributes of RFC 7643 §4.1 and §4.3 and externalId. It is the whole that a
// mapping narrows down (see [ResourceType.Narrow]).
func UserType() *ResourceType {
	return mustType("User", "/Users", "User account", UserSchema(), EnterpriseSchema())
}

// GroupType returns the resource type Group with all attributes of RFC 7643
// §4.2 and externalId.
func GroupType() *ResourceType {
	return mustType("Group", "/Groups", "Group of users", GroupSchema())
}

func mustType(name, endpoint, description string, s *Schema, e ...*Schema) *ResourceType {
	t, err := NewResourceType(name, endpoint, description, s, e...)
	if err != nil {
		panic(err)
	}
	return t
}

// UserSchema returns the schema of RFC 7643 §4.1, and externalId (§3.1).
func UserSchema() *Schema {
	return &Schema{ID: SchemaUser, Name: "User", Description: "User account", Attributes: []*Attribute{
		ExternalID(),
		{Name: "userName", Required: true, Uniqueness: UniqueServer,
			Description: "The name by which the user signs in. Compared without case."},
		{Name: "name", Type: TypeComplex, Description: "The parts of the user's name.", SubAttributes: []*Attribute{
			{Name: "formatted", Description: "The full name, as it is displayed."},
			{Name: "familyName", Description: "The family name."},
			{Name: "givenName", Description: "The given name."},
			{Name: "middleName", Description: "The middle name."},
			{Name: "honorificPrefix", Description: "The title before the name."},
			{Name: "honorificSuffix", Description: "The suffix behind the name."},
		}},
		{Name: "displayName", Description: "The name shown to others."},
		{Name: "nickName", Description: "The casual way to address the user."},
		{Name: "profileUrl", Type: TypeReference, ReferenceTypes: []string{"external"}, CaseExact: true,
			Description: "A page about the user."},
		{Name: "title", Description: "The job title."},
		{Name: "userType", Description: "How the user relates to the organization, such as Employee or Contractor."},
		{Name: "preferredLanguage", Description: "The preferred languages, as in Accept-Language."},
		{Name: "locale", Description: "The locale for currency, dates and numbers."},
		{Name: "timezone", Description: "The time zone, as in the IANA time zone database."},
		{Name: "active", Type: TypeBoolean, Description: "Whether the account can be used."},
		{Name: "password", CaseExact: true, Mutability: WriteOnly, Returned: ReturnedNever,
			Description: "The password in clear text; never returned."},
		multi("emails", "E-mail addresses.", "work", "home", "other"),
		multi("phoneNumbers", "Telephone numbers.", "work", "home", "mobile", "fax", "pager", "other"),
		multi("ims", "Instant messaging addresses."),
		multi("photos", "Photos, by their address.", "photo", "thumbnail"),
		{Name: "addresses", Type: TypeComplex, MultiValued: true, Description: "Postal addresses.", SubAttributes: []*Attribute{
			{Name: "formatted", Description: "The full address, with line breaks."},
			{Name: "streetAddress", Description: "Street, house number, floor."},
			{Name: "locality", Description: "The city."},
			{Name: "region", Description: "The state or region."},
			{Name: "postalCode", Description: "The postal code."},
			{Name: "country", Description: "The country."},
			typeAttribute("work", "home", "other"),
			primary(),
		}},
		{Name: "groups", Type: TypeComplex, MultiValued: true, Mutability: ReadOnly,
			Description: "The groups that the user is a member of.", SubAttributes: []*Attribute{
				{Name: "value", CaseExact: true, Mutability: ReadOnly, Description: "The id of the group."},
				{Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"Group"}, CaseExact: true, Mutability: ReadOnly, Description: "The address of the group."},
				{Name: "display", Mutability: ReadOnly, Description: "The name of the group."},
				{Name: "type", Mutability: ReadOnly, CanonicalValues: []string{"direct", "indirect"}, Description: "Whether the membership is direct."},
			}},
		multi("entitlements", "Entitlements."),
		multi("roles", "Roles."),
		{Name: "x509Certificates", Type: TypeComplex, MultiValued: true, Description: "Certificates.", SubAttributes: []*Attribute{
			{Name: "value", Type: TypeBinary, CaseExact: true, Description: "The DER-encoded certificate in base64."},
			{Name: "display", Description: "A readable name."},
			typeAttribute(),
			primary(),
		}},
	}}
}

// EnterpriseSchema returns the extension of RFC 7643 §4.3.
func EnterpriseSchema() *Schema {
	return &Schema{ID: SchemaEnterprise, Name: "EnterpriseUser", Description: "Enterprise User", Attributes: []*Attribute{
		{Name: "employeeNumber", Description: "The number of the employee."},
		{Name: "costCenter", Description: "The cost center."},
		{Name: "organization", Description: "The organization."},
		{Name: "division", Description: "The division."},
		{Name: "department", Description: "The department."},
		{Name: "manager", Type: TypeComplex, Description: "The user's manager.", SubAttributes: []*Attribute{
			{Name: "value", CaseExact: true, Description: "The id of the manager."},
			{Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"User"}, CaseExact: true, Description: "The address of the manager."},
			{Name: "displayName", Mutability: ReadOnly, Description: "The name of the manager."},
		}},
	}}
}

// GroupSchema returns the schema of RFC 7643 §4.2, and externalId (§3.1).
func GroupSchema() *Schema {
	return &Schema{ID: SchemaGroup, Name: "Group", Description: "Group", Attributes: []*Attribute{
		ExternalID(),
		{Name: "displayName", Required: true, Uniqueness: UniqueServer, Description: "The name of the group."},
		{Name: "members", Type: TypeComplex, MultiValued: true, Description: "The members of the group.", SubAttributes: []*Attribute{
			{Name: "value", CaseExact: true, Mutability: Immutable, Description: "The id of the member."},
			{Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"User", "Group"}, CaseExact: true, Mutability: Immutable, Description: "The address of the member."},
			{Name: "type", Mutability: Immutable, CanonicalValues: []string{"User", "Group"}, Description: "What the member is."},
			{Name: "display", Mutability: ReadOnly, Description: "The name of the member."},
		}},
	}}
}

// ExternalID returns the attribute externalId, which every base schema has here.
// It is compared without case, although RFC 7643 §3.1 makes it exact: Microsoft's
// validator asks so.
func ExternalID() *Attribute {
	return &Attribute{Name: "externalId", Description: "The identifier that the provider gave."}
}

func multi(name, description string, types ...string) *Attribute {
	return &Attribute{Name: name, Type: TypeComplex, MultiValued: true, Description: description, SubAttributes: []*Attribute{
		{Name: "value", Description: "The value."},
		{Name: "display", Description: "A readable name."},
		typeAttribute(types...),
		primary(),
	}}
}

func typeAttribute(types ...string) *Attribute {
	return &Attribute{Name: "type", CanonicalValues: types, Description: "What kind of value this is."}
}

func primary() *Attribute {
	return &Attribute{Name: "primary", Type: TypeBoolean, Description: "Whether this is the preferred value; true for one at most."}
}
