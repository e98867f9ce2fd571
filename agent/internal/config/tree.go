package config

import "strings"

type nodeKind int

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	boolNode
	listNode
	objectNode
)

func (k nodeKind) String() string {
	return [...]string{"null", "a string", "a number", "a boolean", "a list", "an object"}[k]
}

// node is what both syntaxes are read into: plain values that remember where
// they stand, so that every later complaint can name its line.
type node struct {
	kind   nodeKind
	line   int
	column int
	text   string // stringNode: the value; numberNode: as written
	truth  bool
	items  []*node // listNode
	fields []field // objectNode, in the order written
}

type field struct {
	name   string
	line   int
	column int
	// block is set for HCL's `name { }`, which may be repeated to form a list;
	// an attribute or a JSON member may stand only once.
	block bool
	value *node
}

// maxDepth bounds nesting: definitions need six levels, and both parsers
// recurse.
const maxDepth = 32

// zero reports whether the value asks for nothing: the documented default of
// every field is the empty value of its type.
func (n *node) zero() bool {
	switch n.kind {
	case stringNode:
		return n.text == ""
	case numberNode:
		return strings.Trim(n.text, "0.") == ""
	case boolNode:
		return !n.truth
	case listNode:
		return len(n.items) == 0
	case objectNode:
		return len(n.fields) == 0
	default:
		return true
	}
}

// syntaxError is a file that is not valid JSON or HCL.
type syntaxError struct {
	line, column int
	text         string
}

func (e *syntaxError) Error() string { return e.text }

// position turns a byte offset into a line and a column, both from 1.
func position(source []byte, offset int) (line, column int) {
	before := string(source[:min(offset, len(source))])
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}
