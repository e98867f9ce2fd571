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
	Kind   string // "check" or "service"; empty for the file as a whole
	ID     string // of the check or service; empty when it cannot be told
	Text   string // what is wrong
	Effect string // what comes of it; empty when that depends on what runs
	Fatal  bool   // the object is not run as written

	// Duplicate means that the definition is a second one of its id.
	Duplicate bool
}

// Object is check "web" or service "web", empty for what has no id.
func (p Problem) Object() string {
	if p.ID == "" {
		return ""
	}
	return fmt.Sprintf("%s %q", p.Kind, p.ID)
}

// String returns the problem on one line, place first.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Place.String())
	if p.Place.Path != "" {
		b.WriteString(": " + p.Place.Path)
	}
	if object := p.Object(); object != "" {
		b.WriteString(": " + object)
	}
	b.WriteString(": " + p.Text)
	if p.Effect != "" {
		b.WriteString("; " + p.Effect)
	}
	return b.String()
}
