package ldap

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// A directory compares an attribute by the rule in its schema, SCIM by what the
// SCIM schema says. Where the directory is looser, what it finds is checked
// again. Where it is tighter, it must not be asked: it would find too little.
// That is so for texts that SCIM compares without case and the directory does not.
//
// Only attributes of schemas that the operator defines are looked at. Those of RFC
// 7643 are what the directory's rule makes of them, for a lookup by them must
// never become a walk through everything.

// isFolding reports whether the leaf's values are compared without case, and the
// directory has to be asked whether it does so too.
func isFolding(l *translators.Leaf) bool {
	return l.IsReadable() && l.Codec.IsText() && !l.Path.Leaf().CaseExact && !scim.IsCoreSchema(l.Path.Attribute.Schema())
}

// rules remembers which attributes a directory compares with regard to case.
type rules struct {
	mu    sync.Mutex
	exact map[string]bool // by the names of the schema's attributes, in lower case; nil when they are not known
	at    time.Time       // when it was read
}

// rulesFor is how long the rules are remembered: a schema changes rarely, and is
// long.
const rulesFor = time.Hour

// isExact reports whether the directory compares the attribute with regard to
// case, as far as is known. Of what the directory does not tell it says that it
// does: then nothing is missed.
func (r *rules) isExact(field string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, _, _ := strings.Cut(strings.ToLower(field), ";")
	exact, isKnown := r.exact[name]
	return exact || !isKnown
}

// learnRules reads the directory's schema if the filter compares texts without
// case that the directory might compare otherwise.
func (t *Translator) learnRules(ctx context.Context, k *kind, f scim.Filter) error {
	if len(k.folding) == 0 {
		return nil
	}
	needed := false
	walkFilter(f, func(f scim.Filter) {
		if c, is := f.(scim.Compare); is {
			needed = needed || slices.ContainsFunc(k.folding, func(l *translators.Leaf) bool { return l.Path.Attribute == c.Target.Attribute })
		}
	})
	if !needed {
		return nil
	}
	t.rules.mu.Lock()
	isKnown := t.rules.exact != nil && time.Since(t.rules.at) < rulesFor
	t.rules.mu.Unlock()
	if isKnown {
		return nil
	}
	return t.readRules(ctx)
}

// readRules reads the subschema (RFC 4512 §4.4). One that is hidden from the
// account of scimgate tells nothing.
func (t *Translator) readRules(ctx context.Context) error {
	name := "cn=Subschema"
	root, err := t.pool.RootDSE(ctx)
	if err != nil {
		return t.fault("reading the root entry", err)
	}
	if told := root.Entry.GetEqualFoldAttributeValue("subschemaSubentry"); told != "" {
		name = told
	}
	entries, err := t.search(ctx, goldap.NewSearchRequest(name, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=subschema)", []string{"attributeTypes"}, nil))
	switch resultCode(err) {
	case goldap.LDAPResultNoSuchObject, goldap.LDAPResultInsufficientAccessRights:
		entries, err = nil, nil
	}
	if err != nil {
		return t.fault("reading the schema", err)
	}
	exact := make(map[string]bool)
	if len(entries) > 0 {
		exact = exactAttributes(attributeValues(entries[0], "attributeTypes"))
	}
	t.rules.mu.Lock()
	defer t.rules.mu.Unlock()
	t.rules.exact, t.rules.at = exact, time.Now()
	return nil
}

// exactAttributes returns for each name of an attribute whether values are
// compared with regard to case. What has no rule of its own has that of the type
// above it (RFC 4512 §2.5.1).
func exactAttributes(types []string) map[string]bool {
	type definition struct{ rule, above string }
	known := make(map[string]definition)
	for _, text := range types {
		names, above, rule := attributeType(text)
		for _, name := range names {
			known[name] = definition{rule, above}
		}
	}
	exact := make(map[string]bool, len(known))
	for name, d := range known {
		for depth := 0; d.rule == "" && d.above != "" && depth < 16; depth++ {
			d = known[d.above]
		}
		exact[name] = isExactRule(d.rule)
	}
	return exact
}

// isExactRule reports whether an equality rule tells upper from lower case (RFC
// 4517 §4.2).
func isExactRule(rule string) bool {
	return strings.HasPrefix(rule, "caseexact") || rule == "octetstringmatch" || rule == "2.5.13.5" || rule == "1.3.6.1.4.1.1466.109.114.1" || rule == "2.5.13.17"
}

// attributeType reads the names, the type above and the equality rule out of the
// description of a type (RFC 4512 §4.1.2), all in lower case.
func attributeType(text string) (names []string, above, rule string) {
	words := schemaWords(strings.ToLower(text))
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "name":
			for i++; i < len(words); i++ {
				name, isQuoted := strings.CutPrefix(words[i], "'")
				if isQuoted {
					names = append(names, name)
				} else if words[i] != "(" {
					break
				}
			}
			i--
		case "sup":
			above = strings.TrimPrefix(words[i+1], "'")
		case "equality":
			rule = words[i+1]
		}
	}
	return names, above, rule
}

// schemaWords splits a description into its words. A quoted one keeps its first
// quote, so that nothing in it is taken for a keyword.
func schemaWords(text string) []string {
	var words []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		end := 1
		switch text[0] {
		case '(', ')':
		case '\'':
			if at := strings.IndexByte(text[1:], '\''); at >= 0 {
				words, text = append(words, text[:1+at]), text[2+at:]
				continue
			}
			end = len(text)
		default:
			if end = strings.IndexAny(text, " ()'\t\n"); end < 0 {
				end = len(text)
			}
		}
		words, text = append(words, text[:end]), text[end:]
	}
	return words
}
