package scim

// ParsePath reads a path of a PATCH (RFC 7644 §3.5.2, Figure 7) or a mapping:
//
//	userName
//	name.familyName
//	emails[type eq "work"].value
//	urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName
//
// All of it is without case. An attribute of an extension may stand without its
// URN where [ResourceType.Attribute] finds it. Within brackets the grammar is
// that of [ParseFilter] with the [DefaultFilterLimits].
//
// An error is a 400 invalidPath, within brackets invalidFilter, that names the
// position. An attribute that t does not have is an [UnknownAttributeError]
// within it. The URN of a schema alone is an error here: ask [SchemaForPath]
// first where a value can follow.
func ParsePath(t *ResourceType, text string) (Path, error) {
	p := parser{
		lexer:  lexer{text: text, noun: "path", kind: InvalidPath},
		t:      t,
		limits: DefaultFilterLimits,
	}
	if err := p.start(); err != nil {
		return Path{}, err
	}
	return p.path()
}

// path = name [selector ["." sub-attribute]]
func (p *parser) path() (Path, error) {
	name := p.token
	if name.kind != tokenWord {
		return Path{}, p.expected("an attribute")
	}
	target, err := p.target(name)
	if err != nil {
		return Path{}, err
	}
	if err := p.advance(); err != nil {
		return Path{}, err
	}
	path := Path{Attribute: target.Attribute, Sub: target.Sub}
	if p.token.kind == tokenLeft {
		if path.Selector, err = p.selector(name, target); err != nil {
			return Path{}, err
		}
		if p.token.kind == tokenWord && p.token.text[0] == '.' {
			if path.Sub, err = p.trailing(path.Attribute); err != nil {
				return Path{}, err
			}
		}
	}
	if p.token.kind != tokenEnd {
		return Path{}, p.expected("the end")
	}
	return path, nil
}
