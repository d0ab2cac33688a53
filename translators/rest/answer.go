package rest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators/rest/document"
	"github.com/scimgate/scimgate/translators/rest/expression"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// The forms of answers.
const (
	answerJSON = "json"
	answerXML  = "xml"
	answerForm = "form"
	answerText = "text"
)

var answerForms = []string{answerJSON, answerXML, answerForm, answerText}

// accepted are the values of the header Accept for the forms, unless a header says
// another.
var accepted = map[string]string{
	answerJSON: "application/json",
	answerXML:  "application/xml, text/xml",
	answerForm: "application/x-www-form-urlencoded",
	answerText: "text/plain, */*;q=0.5",
}

// usualErrorText is where the error text of most answers is.
var usualErrorText = paths("error.message", "error_description", "error", "errors", "message", "detail", "title",
	"Envelope.Body.Fault.faultstring", "Envelope.Body.Fault.Reason.Text")

func paths(texts ...string) []*document.Path {
	var all []*document.Path
	for _, text := range texts {
		if p, err := document.ParsePath(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// compileAnswer compiles where in an answer is what, and what it means.
func (s *step) compileAnswer(n *namer, c CallConfig, d CallDefaults) error {
	s.form = firstOf(c.Answer, d.Answer)
	if s.form != "" && !slices.Contains(answerForms, s.form) {
		return fmt.Errorf("there is no answer %s: there are %s", s.form, strings.Join(answerForms, ", "))
	}
	if s.header.Get("Accept") == "" && !slices.ContainsFunc(s.headers, func(p parameter) bool { return p.name == "Accept" }) {
		accept := accepted[firstOf(s.form, answerJSON)]
		if s.form == "" && s.body != nil && s.body.form == bodyXML {
			accept = accepted[answerXML]
		}
		s.header.Set("Accept", accept)
	}
	for _, p := range []struct {
		target *(*document.Path)
		what   string
		text   string
	}{
		{&s.item, "item", firstOf(c.Item, d.Item)},
		{&s.items, "items", firstOf(c.Items, d.Items)},
		{&s.id, "id", c.ID},
		{&s.retryAfter, "retry_after", firstOf(c.RetryAfter, d.RetryAfter)},
	} {
		if p.text == "" {
			continue
		}
		parsed, err := document.ParsePath(p.text)
		if err != nil {
			return fmt.Errorf("%s %s: %w", p.what, p.text, err)
		}
		*p.target = parsed
	}
	isOfRows := c.IDHeader == "" && slices.Contains([]Operation{OpSearch, OpList, OpMembers}, s.op)
	if isOfRows && c.ID != "" && s.op != OpMembers && len(s.kind.config.Calls[OpRead]) == 0 {
		return fmt.Errorf("rows with an id of their own are no records: add read to %s, by which those are read", s.kind.block)
	}
	if (c.ID != "" || c.IDHeader != "") && s.op != OpCreate && !isOfRows {
		return fmt.Errorf("id and id_header are for create, whose answer tells the id: remove them from %s", s.op)
	}
	if c.ID != "" && c.IDHeader != "" {
		return errors.New("there are both id and id_header: the id is in one place, so remove one of the two")
	}
	if c.IDPattern != "" {
		word := "id"
		if c.IDHeader != "" {
			word = "id_header"
		}
		if err := checkIDPattern(word, c.IDPattern); err != nil {
			return err
		}
		s.idPattern = regexp.MustCompile(c.IDPattern)
	}
	if c.Into != "" && (s.op != OpRead || s.number == 1) {
		return errors.New("into is for the second call of read and those behind it: the first is the record")
	}
	s.errorText = usualErrorText
	if texts := c.ErrorText; len(texts) > 0 || len(d.ErrorText) > 0 {
		if len(texts) == 0 {
			texts = d.ErrorText
		}
		s.errorText = nil
		for _, text := range texts {
			p, err := document.ParsePath(text)
			if err != nil {
				return fmt.Errorf("error %s: %w", text, err)
			}
			s.errorText = append(s.errorText, p)
		}
	}
	judges, err := compileJudges(append(slices.Clone(c.Judgements), d.Judgements...))
	s.judges, s.asksWeb = judges, len(judges) > 0 || s.retryAfter != nil
	return err
}

// checkIDPattern says what is wrong with the pattern of an id, which stands behind word.
func checkIDPattern(word, pattern string) error {
	p, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("%s: the pattern %s: %w", word, pattern, err)
	}
	if p.NumSubexp() == 0 {
		return fmt.Errorf("%s: the pattern %s needs a group that is the id, such as /users/(\\d+)$", word, pattern)
	}
	return nil
}

// read reads an answer. What can't be read is kept as its fault: what that means, the
// verdict says.
func (s *step) read(r *web.Response) *answer {
	a := &answer{status: r.Status, header: r.Header, url: r.URL, retryAfter: r.RetryAfter, raw: r.Body}
	media := r.Header.Get("Content-Type")
	a.isHTML = document.IsPage(r.Body, media)
	doc, err := document.Parse(r.Body, media, s.form)
	switch {
	case errors.Is(err, document.ErrEmpty):
	case err != nil:
		a.fault = err
	default:
		a.doc = doc
		// What is read and begins so is XML, unless it is a text.
		a.isXML = doc.IsObject() && bytes.HasPrefix(bytes.TrimLeft(r.Body, " \t\r\n\ufeff"), []byte("<"))
	}
	if s.retryAfter != nil {
		a.retryAfter = max(a.retryAfter, secondsAt(s.retryAfter, a.doc))
	}
	if !isSuccess(r.Status) || len(s.judges) > 0 {
		a.text = s.textOf(a)
	}
	return a
}

// longestRetryAfter bounds what is made of the seconds to wait.
const longestRetryAfter = time.Hour

// secondsAt are the seconds at a path, a number or a text. What is none of these is 0.
func secondsAt(p *document.Path, doc gjson.Result) time.Duration {
	for _, v := range p.Get(doc) {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(v.String()), 64)
		if err == nil && seconds > 0 {
			return time.Duration(min(seconds, longestRetryAfter.Seconds()) * float64(time.Second))
		}
	}
	return 0
}

// contains reports whether the body, or the error text in it, has a part, which is in
// lower case.
func (a *answer) contains(part string) bool {
	if a.lower == nil {
		a.lower = bytes.ToLower(a.raw)
	}
	return bytes.Contains(a.lower, []byte(part)) || strings.Contains(strings.ToLower(a.text), part) ||
		a.doc.Type == gjson.String && strings.Contains(strings.ToLower(a.doc.Str), part)
}

// variables returns those of a judgement's expression.
func (a *answer) variables(names []string) map[string]string {
	variables := make(map[string]string, len(names))
	for _, name := range names {
		switch name {
		case "status":
			variables[name] = strconv.Itoa(a.status)
		case "body":
			variables[name] = firstOf(a.doc.Raw, "null")
		case "text":
			variables[name] = quote(a.text)
		case "header":
			variables[name] = expression.Header(a.header)
		}
	}
	return variables
}

// longestText bounds what is quoted of an answer.
const longestText = 200

// textOf returns the text of an error in an answer, safe to show.
func (s *step) textOf(a *answer) string {
	if a.doc.Type == gjson.String {
		return safeText(a.doc.Str)
	}
	if !a.doc.Exists() {
		return ""
	}
	for _, p := range s.errorText {
		var words []string
		for _, v := range p.Get(a.doc) {
			words = appendWords(words, "", v, 0)
		}
		if text := safeText(strings.Join(words, "; ")); text != "" {
			return text
		}
	}
	return ""
}

// wordNames are the members of an object that says what is wrong.
var wordNames = []string{"message", "detail", "description", "error", "title", "text", "reason", "msg"}

// appendWords adds the texts that say what is wrong: texts, those of the usual members of an
// object, and lists of texts below the name of a field, as in {"mail": ["is taken"]}. Other
// members may be anything, a secret too.
func appendWords(words []string, name string, v gjson.Result, depth int) []string {
	if depth > 4 || len(words) > 10 {
		return words
	}
	switch {
	case v.Type == gjson.String:
		return append(words, strings.TrimSpace(name+" "+v.Str))
	case v.IsArray():
		v.ForEach(func(_, element gjson.Result) bool {
			words = appendWords(words, name, element, depth+1)
			return len(words) <= 10
		})
	case v.IsObject():
		v.ForEach(func(key, value gjson.Result) bool {
			switch {
			case slices.Contains(wordNames, strings.ToLower(key.Str)) && !value.IsObject():
				words = appendWords(words, name, value, depth+1)
			case value.IsArray():
				words = appendWords(words, key.Str, value, depth+1)
			}
			return len(words) <= 10
		})
	}
	return words
}

// safeText makes one bounded line of a text from outside.
func safeText(text string) string {
	var b strings.Builder
	count, isSpace := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			isSpace = b.Len() > 0
			continue
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar { // formatting characters can turn a line around
			continue
		}
		if isSpace {
			count++
		}
		if count++; count > longestText {
			return b.String() + "…"
		}
		if isSpace {
			b.WriteByte(' ')
			isSpace = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// take finds in an answer what the operation needs of it. It returns why that is not
// there.
func (s *step) take(a *answer) error {
	switch s.op {
	case OpRead, OpStatus:
		return s.takeItem(a)
	case OpMembers, OpConfirmAbsence:
		return a.fault
	case OpCreate:
		if s.number == 1 {
			return s.takeID(a)
		}
	}
	return nil
}

// takeItem finds the record.
func (s *step) takeItem(a *answer) error {
	if a.isSaid && !isSuccess(a.status) && (s.number > 1 || s.op == OpStatus) {
		return nil // the configuration says that there is nothing to add to the record
	}
	switch {
	case a.fault != nil:
		return a.fault
	case !a.doc.Exists():
		return errors.New("it is empty, and a record was expected; if the application says so that there is none, write not_found and the status into the call")
	}
	item := a.doc
	if s.item != nil {
		if item = s.item.Value(a.doc); !item.Exists() {
			return fmt.Errorf("it has no record at item %s: %s; say with item where the record is, or item . for the whole answer", s.item, shape(a.doc))
		}
	}
	if !item.IsObject() && s.config.Into == "" {
		if s.item == nil {
			return fmt.Errorf("it is no record: %s; say with item where the record is", shape(a.doc))
		}
		return fmt.Errorf("what it has at item %s is no record: %s; say with item where the record itself is", s.item, shape(item))
	}
	a.item = item
	return nil
}

// takeID finds the id of what was created, and the record where the answer has one.
func (s *step) takeID(a *answer) error {
	a.item = a.doc
	if s.item != nil {
		a.item = s.item.Value(a.doc)
	}
	if !a.item.IsObject() {
		a.item = gjson.Result{}
	}
	switch {
	case s.config.IDHeader != "":
		value := a.header.Get(s.config.IDHeader)
		if value == "" {
			return fmt.Errorf("it has no header %s, where the id is: there are %s; say with id_header which has it, or with id where it is in the body",
				s.config.IDHeader, safeText(strings.Join(slices.Sorted(maps.Keys(a.header)), ", ")))
		}
		if a.id = s.idOf(value); a.id == "" {
			if s.idPattern != nil {
				return fmt.Errorf("the value of the header %s does not match the pattern %s of id_header", s.config.IDHeader, s.idPattern)
			}
			return fmt.Errorf("the value of the header %s does not end in an id: say with id_header %[1]s and a pattern which part of it is the id", s.config.IDHeader)
		}
	case s.id != nil:
		if a.fault != nil {
			return a.fault
		}
		value := strings.TrimSpace(idText(s.id.Value(a.doc)))
		if value == "" {
			return fmt.Errorf("it has no id at %s: %s; say with id in create where in the whole answer it is", s.id, shapeAt(s.id, a.doc))
		}
		if a.id = s.idAmong(value); a.id == "" {
			return fmt.Errorf("what it has at %s, a text of %d characters, does not match the pattern %s of id", s.id, utf8.RuneCountInString(value), s.idPattern)
		}
	default:
		if a.item.Exists() {
			a.id = idText(s.kind.id.Value(a.item))
			a.isIDOfRecord = a.id != ""
		}
		if location := a.header.Get("Location"); a.id == "" && location != "" {
			a.id = s.idOf(location)
		}
	}
	return nil
}

// idText is an id as it is compared, or "" for what can't be one.
func idText(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Number:
		return v.Raw
	}
	return ""
}

// idAmong is the id in a text: what the pattern finds, or else all of it.
func (s *step) idAmong(text string) string {
	if s.idPattern == nil {
		return text
	}
	if found := s.idPattern.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// idOf finds an id in a header: by the pattern, or else as the last segment of a URL,
// without the .json or .xml that the URL of the call ends in as well.
func (s *step) idOf(value string) string {
	if s.idPattern != nil {
		return s.idAmong(value)
	}
	u, err := url.Parse(value)
	if err != nil {
		return ""
	}
	segment := path.Base(strings.TrimRight(u.EscapedPath(), "/"))
	if segment == "." || segment == "/" {
		return ""
	}
	own, _, _ := strings.Cut(s.config.URL, "?")
	if extension := path.Ext(own); extension != "" {
		segment = strings.TrimSuffix(segment, extension)
	}
	id, err := url.PathUnescape(segment)
	if err != nil {
		return ""
	}
	return id
}

// shape says what a document is, without the values in it, any of which may be secret.
func shape(v gjson.Result) string {
	switch {
	case !v.Exists():
		return "there is nothing"
	case v.IsArray():
		elements := v.Array()
		if len(elements) == 0 {
			return "there is an empty array"
		}
		return fmt.Sprintf("there is an array of %d, the first of which is %s", len(elements), aShape(elements[0]))
	}
	return "there is " + aShape(v)
}

// shapeAt says what stands at a path, or what the document is where nothing does.
func shapeAt(p *document.Path, doc gjson.Result) string {
	if v := p.Value(doc); v.Exists() {
		return shape(v)
	}
	return shape(doc)
}

func aShape(v gjson.Result) string {
	switch {
	case v.IsArray():
		return "an array"
	case v.IsObject():
		var names []string
		v.ForEach(func(key, _ gjson.Result) bool {
			names = append(names, safeText(key.Str))
			return len(names) < mostNames
		})
		if len(names) == 0 {
			return "an empty object"
		}
		return "an object with " + safeText(strings.Join(names, ", "))
	}
	return typeOf(v, false)
}

// mostNames bounds the members of an object that are named.
const mostNames = 40

// media is the Content-Type, safe to show.
func (a *answer) media() string {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return "of no known type"
	}
	return safeText(media)
}
