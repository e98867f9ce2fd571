package config

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/hcl/ast"
	"github.com/hashicorp/hcl/hcl/parser"
	"github.com/hashicorp/hcl/hcl/scanner"
	"github.com/hashicorp/hcl/hcl/token"
)

// parseHCL reads a file in HCL 1, the version whose grammar Consul's
// definitions are written in: version 2 refuses some of them, such as two
// attributes on a line.
func parseHCL(source []byte) (root *node, err error) {
	// As the parser does first: both must see the same tokens.
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	if err := checkNesting(source); err != nil {
		return nil, err
	}
	// The parser panics on some malformed literals, which for a file of the
	// operator's must be a message and not the end of the agent.
	defer func() {
		if broken := recover(); broken != nil {
			root, err = nil, &syntaxError{text: fmt.Sprintf("not valid HCL: %v", broken)}
		}
	}()
	file, err := parser.Parse(source)
	if err != nil {
		var at *parser.PosError
		if errors.As(err, &at) {
			return nil, &syntaxError{at.Pos.Line, at.Pos.Column, at.Err.Error()}
		}
		return nil, &syntaxError{text: err.Error()}
	}
	items, ok := file.Node.(*ast.ObjectList)
	if !ok {
		return nil, &syntaxError{text: "the top of the file must be an object"}
	}
	return hclObject(items, token.Pos{Line: 1, Column: 1})
}

// checkNesting refuses a file whose nesting would exhaust the recursive parser,
// and one whose brackets do not match: the parser lets a stray one pass after a
// missing value, so that a count of them would not be how deep it is.
func checkNesting(source []byte) error {
	s := scanner.New(source)
	s.Error = func(token.Pos, string) {} // the parser reports it, with its place
	closing := map[token.Type]token.Type{token.LBRACE: token.RBRACE, token.LBRACK: token.RBRACK}
	var open []token.Type // what would close each
	for t := s.Scan(); t.Type != token.EOF; t = s.Scan() {
		switch t.Type {
		case token.LBRACE, token.LBRACK:
			open = append(open, closing[t.Type])
		case token.RBRACE, token.RBRACK:
			if len(open) == 0 || open[len(open)-1] != t.Type {
				return &syntaxError{t.Pos.Line, t.Pos.Column, fmt.Sprintf("%q closes nothing", t.Text)}
			}
			open = open[:len(open)-1]
		case token.ILLEGAL:
			return nil
		}
		if len(open) > maxDepth {
			return &syntaxError{t.Pos.Line, t.Pos.Column, fmt.Sprintf("nested more than %d levels deep", maxDepth)}
		}
	}
	return nil
}

func hclObject(list *ast.ObjectList, pos token.Pos) (*node, error) {
	n := &node{kind: objectNode, line: pos.Line, column: pos.Column}
	for _, item := range list.Items {
		key := item.Keys[0].Token
		if len(item.Keys) > 1 {
			label := item.Keys[1].Token
			return nil, &syntaxError{label.Pos.Line, label.Pos.Column,
				fmt.Sprintf("label %s after %q: definitions have no labels, give the name as a field inside", label.Text, key.Text)}
		}
		name, err := hclText(key)
		if err != nil {
			return nil, err
		}
		value, err := hclValue(item.Val)
		if err != nil {
			return nil, err
		}
		n.fields = append(n.fields, field{
			name: name, line: key.Pos.Line, column: key.Pos.Column,
			block: !item.Assign.IsValid(), value: value,
		})
	}
	return n, nil
}

func hclValue(value ast.Node) (*node, error) {
	switch v := value.(type) {
	case *ast.ObjectType:
		return hclObject(v.List, v.Lbrace)
	case *ast.ListType:
		n := &node{kind: listNode, line: v.Lbrack.Line, column: v.Lbrack.Column}
		for _, item := range v.List {
			child, err := hclValue(item)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, child)
		}
		return n, nil
	case *ast.LiteralType:
		n := &node{line: v.Token.Pos.Line, column: v.Token.Pos.Column}
		switch v.Token.Type {
		case token.NUMBER, token.FLOAT:
			n.kind, n.text = numberNode, v.Token.Text
		case token.BOOL:
			n.kind, n.truth = boolNode, v.Token.Text == "true"
		default:
			text, err := hclText(v.Token)
			if err != nil {
				return nil, err
			}
			n.kind, n.text = stringNode, text
		}
		return n, nil
	default:
		at := value.Pos()
		return nil, &syntaxError{at.Line, at.Column, "neither a value, a list nor an object"}
	}
}

// hclText is the string a token stands for; the library panics on a bad escape.
func hclText(t token.Token) (text string, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = &syntaxError{t.Pos.Line, t.Pos.Column, fmt.Sprintf("bad string %s: %v", t.Text, broken)}
		}
	}()
	text, ok := t.Value().(string)
	if !ok {
		return t.Text, nil
	}
	return text, nil
}
