package rest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/scimgate/scimgate/translators/mapfile"
)

// parseCall reads a line such as
//
//	create POST /users.json { … }
//
// and its block; the block's dispenser stands at the word of the operation. What
// only shows when all of the configuration is known, newStep finds.
func parseCall(b *mapfile.Block, op Operation) (CallConfig, error) {
	return parseRequest(b, string(op))
}

func parseRequest(b *mapfile.Block, name string) (CallConfig, error) {
	c, head := CallConfig{}, *b.Dispenser
	if err := b.Texts(name+" <method> <url>, such as "+name+" "+exampleOf(name), &c.Method, &c.URL); err != nil {
		return c, err
	}
	if err := checkMethod(c.Method); err != nil {
		return c, head.Errf("%s: %w", name, err)
	}
	in := callBlock{Block: &mapfile.Block{Dispenser: b.Dispenser, Name: name, Repeatable: repeatableInCall}, c: &c}
	return c, in.Each(in.line)
}

// repeatableInCall are the lines of a call that may stand several times.
var repeatableInCall = append([]string{"undo"}, repeatableDefaults...)

// exampleOf returns what a line of the operation may look like.
func exampleOf(name string) string {
	switch Operation(name) {
	case OpSearch:
		return "GET /users?name={userName}"
	case OpList, OpConfirmAbsence:
		return "GET /users"
	case OpRead, OpStatus, OpMembers:
		return "GET /users/{id}"
	case OpCreate:
		return "POST /users"
	case OpDelete:
		return "DELETE /users/{id}"
	case OpAddMember:
		return "POST /groups/{id}/members"
	case OpRemoveMember:
		return "DELETE /groups/{id}/members/{member.id}"
	}
	return "PUT /users/{id}"
}

// callBlock reads the block of a call.
type callBlock struct {
	*mapfile.Block
	c *CallConfig
}

func (b callBlock) line(word string) error {
	c := b.c
	switch word {
	case "header", "query":
		return readParameter(b.Block, word, &c.Header, &c.Query)
	case "body":
		return b.body()
	case "send":
		return b.Text(&c.Send, "send changed, or send whole")
	case "without":
		return b.List(&c.Without, "without <path>...")
	case "answer":
		return readAnswer(b.Block, &c.Answer)
	case "item":
		return b.Text(&c.Item, "item <path>, or item . for the whole answer")
	case "items":
		return b.Text(&c.Items, "items <path>, or items . for the whole answer")
	case "id":
		return b.id()
	case "id_header":
		return b.idHeader()
	case "into":
		return b.Text(&c.Into, "into <name>")
	case "page":
		return readPage(b.Block, &c.Page)
	case "error":
		return b.List(&c.ErrorText, "error <path>...")
	case "retry_after":
		return b.Text(&c.RetryAfter, "retry_after <path>")
	case "when":
		return b.Text(&c.When, "when <expression>, in backticks if it contains quotes or blanks")
	case "undo":
		undo, err := parseRequest(b.Block, "undo")
		c.Undo = append(c.Undo, undo)
		return err
	case "repeatable":
		return b.repeatable()
	case "if_match":
		return b.Flag(&c.IfMatch)
	case "timeout":
		return b.Duration(&c.Timeout)
	}
	if slices.Contains(verdictWords, word) {
		return readJudgement(b.Block, Verdict(word), &c.Judgements)
	}
	return b.Unknown(append([]string{"header", "query", "body", "send", "without", "answer", "item", "items", "id", "id_header", "into",
		"page", "error", "retry_after", "when", "undo", "repeatable", "if_match", "timeout"}, verdictWords...)...)
}

// body reads the form of the body, and its template.
func (b callBlock) body() error {
	const usage = "body json|form|xml|text <template>, the template in backticks; body form [dotted] for the mapped fields; or body none"
	args := b.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return b.Errf("body is not understood: write %s", usage)
	}
	b.c.Body = args[0]
	if !slices.Contains(bodyForms, args[0]) {
		return b.Errf("body %s is not understood: write %s", args[0], usage)
	}
	if len(args) == 1 {
		return nil
	}
	switch {
	case args[0] == bodyForm && args[1] == nestingDotted:
		b.c.Nesting = nestingDotted
	case args[0] == bodyNone || args[1] == "":
		return b.Errf("body %s has no template: write %s", args[0], usage)
	default:
		b.c.Template = args[1]
	}
	return nil
}

func (b callBlock) id() error {
	const usage = "id <path>, or with a pattern whose first group is the id: id . `^OK (\\d+)`, where . is the whole answer"
	return b.idAt("id", usage, &b.c.ID)
}

func (b callBlock) idHeader() error {
	const usage = "id_header Location, or with a pattern whose first group is the id: id_header Location `/users/(\\d+)$`"
	return b.idAt("id_header", usage, &b.c.IDHeader)
}

// idAt reads where the id of what is created is.
func (b callBlock) idAt(word, usage string, target *string) error {
	args := b.RemainingArgs()
	if len(args) == 0 || len(args) > 2 || slices.Contains(args, "") {
		return b.Errf("%s is not understood: write %s", word, usage)
	}
	*target = args[0]
	if len(args) == 2 {
		b.c.IDPattern = args[1]
		if err := checkIDPattern(word, args[1]); err != nil {
			return b.WrapErr(err)
		}
	}
	return nil
}

func (b callBlock) repeatable() error {
	args := b.RemainingArgs()
	is := true
	switch {
	case len(args) == 0:
	case len(args) == 1 && args[0] == "off":
		is = false
	default:
		return b.Errf("repeatable stands alone in its line, or with off: repeatable off")
	}
	b.c.Repeatable = &is
	return nil
}

// parseDefault reads a line that is for all calls of a translator, if it is one:
// answer, body, item, items, page, error, retry_after, header, query and the verdictWords.
func (c *CallDefaults) parseDefault(b *mapfile.Block, word string) (isMine bool, err error) {
	switch word {
	case "answer":
		return true, readAnswer(b, &c.Answer)
	case "body":
		args := b.RemainingArgs()
		if len(args) == 0 || len(args) > 2 || args[0] != bodyJSON && args[0] != bodyForm ||
			len(args) == 2 && (args[0] != bodyForm || args[1] != nestingDotted) {
			return true, b.Errf("body is not understood: write body json, body form or body form dotted; a template stands in the block of a call")
		}
		c.Body = args[0]
		if len(args) == 2 {
			c.Nesting = args[1]
		}
		return true, nil
	case "item":
		return true, b.Text(&c.Item, "item <path>")
	case "items":
		return true, b.Text(&c.Items, "items <path>")
	case "page":
		return true, readPage(b, &c.Page)
	case "error":
		return true, b.List(&c.ErrorText, "error <path>...")
	case "retry_after":
		return true, b.Text(&c.RetryAfter, "retry_after <path>")
	case "header", "query":
		return true, readParameter(b, word, &c.Header, &c.Query)
	}
	if slices.Contains(verdictWords, word) {
		return true, readJudgement(b, Verdict(word), &c.Judgements)
	}
	return false, nil
}

func readAnswer(b *mapfile.Block, target *string) error {
	const usage = "answer json, xml, form or text"
	if err := b.Text(target, usage); err != nil {
		return err
	}
	if !slices.Contains(answerForms, *target) {
		return b.Errf("answer %s is not understood: write %s", *target, usage)
	}
	return nil
}

// readParameter reads a line header or query. A value may be empty.
func readParameter(b *mapfile.Block, word string, header, query *[]Parameter) error {
	args := b.RemainingArgs()
	if len(args) != 2 || args[0] == "" {
		return b.Errf("%s is not understood: write %s <name> <value>, the value in quotes if it contains blanks", word, word)
	}
	list := header
	if word == "query" {
		list = query
	}
	if word == "header" && !isToken(args[0]) {
		return b.Errf("header %s: that is no name of a header", args[0])
	}
	if err := checkOpenValue(word, args[0], args[1]); err != nil {
		return b.WrapErr(fmt.Errorf("%s %w", word, err))
	}
	*list = append(*list, Parameter{args[0], args[1]})
	return nil
}

// readJudgement reads a line such as
//
//	conflict 422 "Login has already been taken"
//	failed   2xx when `body.success == false`
func readJudgement(b *mapfile.Block, verdict Verdict, list *[]Judgement) error {
	args := b.RemainingArgs()
	j := Judgement{Verdict: verdict}
	for len(args) > 0 && isStatuses.MatchString(args[0]) {
		j.Statuses, args = append(j.Statuses, args[0]), args[1:]
	}
	if len(args) > 0 && len(j.Statuses) == 0 && looksNumeric.MatchString(args[0]) {
		return b.Errf("%s: %s is no status: write one such as 422, all of a kind such as 4xx, or a range such as 200-204; a number in the body stands behind a status",
			verdict, args[0])
	}
	if len(args) > 0 && args[0] != "when" {
		j.Text, args = args[0], args[1:]
	}
	if len(args) == 2 && args[0] == "when" {
		j.When, args = args[1], nil
	}
	switch {
	case len(args) == 0 && len(j.Statuses) == 0 && j.Text == "" && j.When == "":
		return b.Errf("%s: say of which answers: %s 422 \"part of the body\", or %s when `an expression`", verdict, verdict, verdict)
	case len(args) > 0:
		return b.Errf("%s: %s is not understood: first come the statuses (422, 4xx, 200-204), then one text in quotes, then when and an expression in backticks",
			verdict, args[0])
	}
	statuses, err := compileStatuses(j.Statuses)
	if err != nil {
		return b.Errf("%s: %w", verdict, err)
	}
	for _, before := range *list {
		if before.Text == "" && before.When == "" && covers(before, statuses) {
			return b.Errf("%s %s never counts: %s %s before it says otherwise, and the first that applies counts; put it before that line",
				verdict, strings.Join(j.Statuses, " "), before.Verdict, strings.Join(before.Statuses, " "))
		}
	}
	*list = append(*list, j)
	return nil
}

// covers reports whether a judgement of statuses alone applies to all of these, where there
// are some.
func covers(j Judgement, statuses []statusRange) bool {
	wide, err := compileStatuses(j.Statuses)
	within := func(r statusRange) bool {
		return slices.ContainsFunc(wide, func(w statusRange) bool { return w.low <= r.low && r.high <= w.high })
	}
	return err == nil && len(statuses) > 0 && !slices.ContainsFunc(statuses, func(r statusRange) bool { return !within(r) })
}

// readPage reads a line page and its block:
//
//	page offset|number [<parameter>] [<limit parameter> <size>] [<total>]
//	page cursor [<parameter>] [<limit parameter> <size>] [<next>]
//	page url <next>
//	page link [<limit parameter> <size>]
//	page none
func readPage(b *mapfile.Block, target **PageConfig) error {
	const usage = "page offset|number|cursor|link|url|none, and then the query parameter, the one of the size with its value, and the path of the total " +
		"(of cursor and url: of what comes next), such as page offset offset limit 100 total_count; or say them in a block"
	args := b.RemainingArgs()
	if len(args) == 0 || !slices.Contains(pageWays, args[0]) {
		return b.Errf("page is not understood: write %s", usage)
	}
	head, p := *b.Dispenser, &PageConfig{By: args[0]}
	*target = p
	args = args[1:]
	before, after := args, []string(nil)
	if i := slices.IndexFunc(args, func(a string) bool { n, err := strconv.Atoi(a); return err == nil && n > 0 }); i > 0 {
		p.Limit = args[i-1]
		p.Size, _ = strconv.Atoi(args[i])
		before, after = args[:i-1], args[i+1:]
	}
	take := func(target *string, from *[]string) {
		if len(*from) > 0 {
			*target, *from = (*from)[0], (*from)[1:]
		}
	}
	switch p.By {
	case pageOffset, pageNumber:
		take(&p.Parameter, &before)
		take(&p.Total, &after)
	case pageCursor:
		take(&p.Parameter, &before)
		if p.Limit == "" {
			take(&p.Next, &before)
		} else {
			take(&p.Next, &after)
		}
	case pageURL:
		take(&p.Next, &before)
	case pageLink:
		take(&p.Total, &after)
	}
	if len(before)+len(after) > 0 {
		return b.Errf("page %s: %s is not understood: write %s", p.By, append(before, after...)[0], usage)
	}
	in := &mapfile.Block{Dispenser: b.Dispenser, Name: "page " + p.By}
	err := in.Each(func(word string) error {
		switch word {
		case "parameter":
			return in.Text(&p.Parameter, "parameter <query parameter>")
		case "limit":
			return readLimit(in, p)
		case "first":
			text := ""
			if err := in.Text(&text, "first <number>"); err != nil {
				return err
			}
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return in.Errf("first %s is not understood: write the offset or number of the first page, such as first 0", text)
			}
			p.First = &n
			return nil
		case "total":
			return in.Text(&p.Total, "total <path of the number of all rows>")
		case "pages":
			return in.Text(&p.Pages, "pages <path of the number of all pages>")
		case "next":
			return in.Text(&p.Next, "next <path of the next cursor or URL>")
		case "more":
			return in.Text(&p.More, "more <path of whether there is another page>")
		}
		return in.Unknown("parameter", "limit", "first", "total", "pages", "next", "more")
	})
	if err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return head.WrapErr(err)
	}
	return nil
}

func readLimit(b *mapfile.Block, p *PageConfig) error {
	const usage = "limit <query parameter> <rows of a page>, such as limit per_page 100"
	size := ""
	if err := b.Texts(usage, &p.Limit, &size); err != nil {
		return err
	}
	n, err := strconv.Atoi(size)
	if err != nil || n < 1 {
		return b.Errf("limit %s %s is not understood: write %s", p.Limit, size, usage)
	}
	p.Size = n
	return nil
}

// isStatuses finds what is meant as statuses, well formed or not, and looksNumeric what may be
// a number in the body.
var (
	isStatuses   = regexp.MustCompile(`^[0-9]{3}(-[0-9]{3})?$|^[0-9][xX]{2}$`)
	looksNumeric = regexp.MustCompile(`^[0-9][0-9xX-]*$|^[1-5][0-9OolI]{2}$`)
)

// checkMethod says what is wrong with a method.
func checkMethod(method string) error {
	if slices.Contains(methods, method) {
		return nil
	}
	if upper := strings.ToUpper(method); slices.Contains(methods, upper) {
		return fmt.Errorf("the method %s is written in capitals: %s", method, upper)
	}
	return fmt.Errorf("there is no method %s: there are %s", method, strings.Join(methods, ", "))
}
