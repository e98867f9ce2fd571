package config

import (
	"fmt"
	"strings"
)

// Place says where in the operator's input something stands.
type Place struct {
	File   string // as the agent opened it; "request body" for HTTP
	Line   int    // from 1; 0 when the whole file is meant
	Column int    // in bytes, from 1
	Path   string // from the top of the file, as services[0].check.http
}

// String returns file:line:column, the form editors jump to.
func (p Place) String() string {
	switch {
	case p.File == "":
		return "unknown place"
	case p.Line == 0:
		return p.File
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// Problem is one thing in a definition that the agent could not take as it is
// written.
type Problem struct {
	Place  Place
	Field  string // as written; empty when no single field is to blame
	Object string // check "web" or service "web"; empty when it has no id yet
	Text   string // what is wrong
	Effect string // what the agent does about it
	Fatal  bool   // the object is not run as written
}

// String returns the problem on one line, place first.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Place.String())
	if p.Place.Path != "" {
		b.WriteString(": " + p.Place.Path)
	}
	if p.Object != "" {
		b.WriteString(": " + p.Object)
	}
	b.WriteString(": " + p.Text)
	if p.Effect != "" {
		b.WriteString("; " + p.Effect)
	}
	return b.String()
}
