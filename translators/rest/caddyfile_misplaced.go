package rest

import (
	"fmt"
	"slices"

	"github.com/scimgate/scimgate/translators/mapfile"
)

// Where lines stand that are often written into another block.
var (
	wordsOfTranslator = []string{"auth", "secret", "candidates", "consistent_within", "proxy", "connections", "rate", "dial_timeout",
		"retries", "breaker", "max_answer", "schema"}
	wordsOfTypes = []string{"id", "rows", "version", "created", "modified", "value", "absent", "filter_list", "map", "remember"}
	wordsOfGroup = []string{"member_by", "fixed", "of_users"}
	wordsOfCalls = []string{"send", "without", "id_header", "into", "when", "undo", "repeatable", "if_match"}
	wordsOfMaps  = append([]string{"default", "default_from", "one_of", "required", "create_only", "read_only", "write_only", "private", "constant"}, mapWords...)
)

// The block of the translator itself, for misplaced.
const blockTranslator = "rest"

// misplaced says where a line belongs that stands in a block which has none of that name;
// "" where that is not known.
func misplaced(word, block string) string {
	isOperation := slices.Contains(operations, Operation(word))
	isOfType := block != blockTranslator
	switch {
	case slices.Contains(wordsOfTranslator, word) && isOfType:
		return fmt.Sprintf("%s stands in the block of the translator, beside %s: move it there", word, block)
	case slices.Contains(wordsOfGroup, word), isOperation && slices.Contains(operationsOf(blockGroups), Operation(word)) && !slices.Contains(operationsOf(blockUsers), Operation(word)):
		return fmt.Sprintf("%s stands in the block groups: move it there", word)
	case isOperation && !slices.Contains(operationsOf(blockGroups), Operation(word)):
		return fmt.Sprintf("%s stands in the block users: move it there", word)
	case isOperation || slices.Contains(wordsOfTypes, word) && !isOfType:
		return fmt.Sprintf("%s stands in the block users or groups: move it there", word)
	case slices.Contains(wordsOfCalls, word):
		return fmt.Sprintf("%s stands in the block of a call, such as update PUT /users/{id} { %[1]s … }: move it there, or add the brace { behind the call above", word)
	case slices.Contains(wordsOfMaps, word):
		return fmt.Sprintf("%s stands in the block of a map, such as map active status { … }: move it there, or add the brace { behind the map above, with a blank before it", word)
	}
	return ""
}

// unknown is the error for a line that no line of the block has.
func unknown(b *mapfile.Block, block string, words ...string) error {
	if where := misplaced(b.Val(), block); where != "" {
		return b.Errf("%s: there is no %s here: %s", b.Name, b.Val(), where)
	}
	return b.Unknown(words...)
}

// noOption says why a line is no option of a map: the brace that ends the options of the
// map above is missing.
func noOption(word string) string {
	isLine := slices.Contains(operations, Operation(word)) || slices.Contains(wordsOfTypes, word) || slices.Contains(wordsOfTranslator, word) ||
		slices.Contains(wordsOfCalls, word) || slices.Contains([]string{"item", "items", "page", "error", "header", "query", "body", "answer", "delete", blockGroups, blockUsers}, word) ||
		slices.Contains(verdictWords, word)
	if !isLine {
		return ""
	}
	return "it is a line of its own: add the brace } behind the last option of the map"
}
