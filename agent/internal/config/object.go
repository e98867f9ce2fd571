package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// spec is one field of a definition of type T. Exactly one of read and refusal
// is set.
type spec[T any] struct {
	name     string
	read     func(o *object, into *T, n *node)
	refusal  string // a documented field that is not supported: what it would have asked for
	harmless bool   // refused, but of no consequence for anybody's health
	kinds    []Kind // the kinds of check it has an effect on; nil: all
}

// table finds a field by the name as written, in lower case. Consul takes both
// check_id and CheckID, in files as well as over HTTP.
type table[T any] map[string]*spec[T]

func newTable[T any](specs ...spec[T]) table[T] {
	t := make(table[T], 2*len(specs))
	for _, s := range specs {
		t[s.name] = &s
		t[strings.ReplaceAll(s.name, "_", "")] = &s
	}
	return t
}

// object is one definition being read, with what is wrong in it.
type object struct {
	file     string
	path     string
	problems []Problem
}

func (o *object) place(n *node, path string) Place {
	return Place{File: o.file, Line: n.line, Column: n.column, Path: path}
}

func (o *object) complain(p Problem) { o.problems = append(o.problems, p) }

// fault is the first thing that keeps the object from being run as written.
func (o *object) fault() string {
	for _, p := range o.problems {
		if p.Fatal {
			return fmt.Sprintf("%s (%s)", p.Text, p.Place)
		}
	}
	return ""
}

// readFields reads each field of n into into and returns the known ones that
// were given, by name.
func readFields[T any](o *object, n *node, t table[T], into *T) map[string]field {
	given := map[string]field{}
	for _, f := range n.fields {
		f.name = shorten(f.name, maxShown) // of no consequence for those there are
		path := join(o.path, f.name)
		place := Place{File: o.file, Line: f.line, Column: f.column, Path: path}
		s := t[strings.ToLower(f.name)]
		switch {
		case s == nil:
			o.complain(Problem{Place: place, Field: f.name, Fatal: true,
				Text: fmt.Sprintf("unknown field %q", f.name)})
			continue
		case f.value.kind == nullNode:
			continue
		case s.refusal != "":
			// A default written out asks for nothing and is nothing to report.
			if !f.value.zero() {
				o.complain(Problem{Place: place, Field: f.name, Fatal: !s.harmless,
					Text: fmt.Sprintf("field %q is not supported (%s)", f.name, s.refusal)})
			}
			continue
		}
		if first, twice := given[s.name]; twice && !(f.block && first.block) {
			o.complain(Problem{Place: place, Field: f.name, Fatal: true,
				Text: fmt.Sprintf("field %q is given twice, first on line %d", f.name, first.line)})
			continue
		}
		given[s.name] = f
		outer := o.path
		o.path = path
		s.read(o, into, f.value)
		o.path = outer
	}
	return given
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// mismatch reports that the value at the object's present path is not what the
// field takes.
func (o *object) mismatch(n *node, want string) {
	name := o.path[strings.LastIndexByte(o.path, '.')+1:]
	o.complain(Problem{Place: o.place(n, o.path), Field: name, Fatal: true,
		Text: fmt.Sprintf("field %q takes %s, not %s", name, want, n.describe())})
}

// describe is the value as an error message shows it.
func (n *node) describe() string {
	switch n.kind {
	case stringNode:
		return strconv.Quote(shorten(n.text, maxShown))
	case numberNode:
		return shorten(n.text, maxShown)
	case boolNode:
		return strconv.FormatBool(n.truth)
	default:
		return n.kind.String()
	}
}

const (
	// maxShown bounds a name or a value in a message, in bytes.
	maxShown = 64
	// maxSentence bounds what a parser says, which may quote its whole input.
	maxSentence = 512
)

// shorten keeps a message short when the value is not.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func (o *object) text(n *node) string {
	if n.kind != stringNode {
		o.mismatch(n, "a string")
	}
	return n.text
}

func (o *object) truth(n *node) bool {
	if n.kind != boolNode {
		o.mismatch(n, "true or false")
	}
	return n.truth
}

// number reads a whole number of least..most.
func (o *object) number(n *node, least, most int) int {
	if n.kind == numberNode {
		if v, err := strconv.ParseInt(n.text, 0, 64); err == nil && v >= int64(least) && v <= int64(most) {
			return int(v)
		}
	}
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	if most == math.MaxInt32 {
		want = fmt.Sprintf("a whole number from %d", least)
	}
	o.mismatch(n, want)
	return 0
}

// duration reads a duration of at least least. The empty string is the absence
// of one, as with every string.
func (o *object) duration(n *node, least time.Duration) time.Duration {
	if n.kind == stringNode {
		if n.text == "" {
			return 0
		}
		if v, err := time.ParseDuration(n.text); err == nil && v >= least {
			return v
		}
	}
	o.mismatch(n, fmt.Sprintf("a duration such as \"10s\", at least %q", least))
	return 0
}

func (o *object) texts(n *node) []string {
	if n.kind != listNode {
		o.mismatch(n, "a list of strings")
		return nil
	}
	var all []string
	for _, item := range n.items {
		if item.kind != stringNode {
			o.mismatch(item, "a list of strings")
			return nil
		}
		all = append(all, item.text)
	}
	return all
}

// each calls read for every field of an object of free keys, such as meta.
func (o *object) each(n *node, want string, read func(name string, value *node)) {
	if n.kind != objectNode {
		o.mismatch(n, want)
		return
	}
	given := map[string]bool{}
	for _, f := range n.fields {
		if given[f.name] {
			name := shorten(f.name, maxShown)
			o.complain(Problem{Place: Place{o.file, f.line, f.column, join(o.path, name)}, Field: name, Fatal: true,
				Text: fmt.Sprintf("key %q is given twice", name)})
			continue
		}
		given[f.name] = true
		read(f.name, f.value)
	}
}

func (o *object) textMap(n *node) map[string]string {
	m := map[string]string{}
	o.each(n, "an object of strings", func(name string, value *node) {
		if value.kind != stringNode {
			o.mismatch(value, "an object of strings")
			return
		}
		m[name] = value.text
	})
	return m
}

func (o *object) textsMap(n *node) map[string][]string {
	m := map[string][]string{}
	o.each(n, "an object of lists of strings", func(name string, value *node) {
		m[name] = o.texts(value)
	})
	return m
}
