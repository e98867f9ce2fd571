package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// parseJSON reads one JSON object. encoding/json's token stream is used, not
// Unmarshal, because only the former tells where each token stands and lets a
// doubled key be seen.
func parseJSON(source []byte) (*node, error) {
	p := &jsonParser{source: source, decoder: json.NewDecoder(bytes.NewReader(source))}
	p.decoder.UseNumber()
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if root.kind != objectNode {
		return nil, &syntaxError{root.line, root.column, "the top of the file must be an object, not " + root.kind.String()}
	}
	line, column := p.next()
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, &syntaxError{line, column, "something follows the end of the top object"}
	}
	return root, nil
}

type jsonParser struct {
	source  []byte
	decoder *json.Decoder

	// Where next has come to: to count the lines from the top for every token
	// would take minutes for a file of many small ones.
	offset, lines, start int
}

// next is where the next token begins.
func (p *jsonParser) next() (line, column int) {
	offset := int(p.decoder.InputOffset())
	for offset < len(p.source) && bytes.IndexByte([]byte(" \t\r\n,:"), p.source[offset]) >= 0 {
		offset++
	}
	for ; p.offset < offset; p.offset++ {
		if p.source[p.offset] == '\n' {
			p.lines++
			p.start = p.offset + 1
		}
	}
	return p.lines + 1, offset - p.start + 1
}

func (p *jsonParser) token() (json.Token, int, int, error) {
	line, column := p.next()
	token, err := p.decoder.Token()
	if err == nil {
		return token, line, column, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line, column = position(p.source, int(syntax.Offset))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		line, column = position(p.source, len(p.source))
		err = errors.New("the file ends too early")
	}
	return nil, 0, 0, &syntaxError{line, column, err.Error()}
}

func (p *jsonParser) value(depth int) (*node, error) {
	token, line, column, err := p.token()
	if err != nil {
		return nil, err
	}
	n := &node{line: line, column: column}
	switch t := token.(type) {
	case nil:
		n.kind = nullNode
	case string:
		n.kind, n.text = stringNode, t
	case json.Number:
		n.kind, n.text = numberNode, t.String()
	case bool:
		n.kind, n.truth = boolNode, t
	case json.Delim:
		if depth == maxDepth {
			return nil, &syntaxError{line, column, fmt.Sprintf("nested more than %d levels deep", maxDepth)}
		}
		if t == '[' {
			n.kind = listNode
			return n, p.list(n, depth)
		}
		n.kind = objectNode
		return n, p.object(n, depth)
	}
	return n, nil
}

func (p *jsonParser) list(n *node, depth int) error {
	for p.decoder.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, _, _, err := p.token()
	return err
}

func (p *jsonParser) object(n *node, depth int) error {
	for p.decoder.More() {
		name, line, column, err := p.token()
		if err != nil {
			return err
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.fields = append(n.fields, field{name: name.(string), line: line, column: column, value: value})
	}
	_, _, _, err := p.token()
	return err
}
