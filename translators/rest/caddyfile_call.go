package rest

import "github.com/scimgate/scimgate/translators/mapfile"

// parseCall reads a line such as
//
//	create POST /users.json { … }
//
// and its block; the block's dispenser stands at the word of the operation.
func parseCall(b *mapfile.Block, op Operation) (CallConfig, error) {
	return CallConfig{}, b.Errf("%s: calls are not read", b.Name)
}

// parseDefault reads a line that is for all calls of a translator, if it is one:
// answer, body, item, items, page, error, header, query and the verdicts.
func (c *CallDefaults) parseDefault(b *mapfile.Block, word string) (isMine bool, err error) {
	return false, nil
}
