package agent

import (
	"errors"
	"fmt"
	"strings"

	"lifesign.dev/agent/internal/config"
)

// What comes of a definition that cannot be used as written.
const (
	notRegistered = "it is not registered"
	earlierRuns   = "this definition is not used; the earlier one keeps running"
	earlierStays  = "this definition is not used; the earlier one stays"
	unrunnable    = "the check does not run and is critical"
)

var errRemote = errors.New("the id is registered over HTTP already")

// reportProblems logs what the reader of the files has found, before anything
// is changed: what comes of it depends on what is registered already.
func (r *reload) reportProblems() {
	for _, p := range r.set.Problems {
		if p.Effect == "" {
			p.Effect = r.effect(p)
		}
		r.log.Error("definition not used as written", "file", p.Place.File, "line", p.Place.Line, "column", p.Place.Column,
			"path", p.Place.Path, "field", p.Field, "problem", p.String())
	}
}

func (r *reload) effect(p config.Problem) string {
	switch {
	case p.Kind == "" && r.defined(p.Place.File):
		return "the file is not read; what it defined before goes on unchanged"
	case p.Kind == "":
		return "the file is left out"
	case p.ID == "" && r.defined(p.Place.File):
		return "it is left out; nothing that the file defined before is deregistered"
	case p.ID == "":
		return "it is left out"
	case p.Kind == "service":
		return r.serviceEffect(p)
	default:
		return r.checkEffect(p)
	}
}

func (r *reload) serviceEffect(p config.Problem) string {
	s := r.services[p.ID]
	switch {
	case s != nil && p.Duplicate:
		return "what is registered under it stays as it is"
	case p.Duplicate:
		return "the first definition is used"
	case s != nil && (s.remote || s.def.Fault == ""):
		return earlierStays + ", its checks keep running, and new ones are critical"
	default:
		return "its checks do not run and are critical"
	}
}

func (r *reload) checkEffect(p config.Problem) string {
	c := r.checks[p.ID]
	switch {
	case c != nil && p.Duplicate:
		return "what runs under it goes on unchanged"
	case p.Duplicate:
		return "the first definition is used"
	case c != nil && (c.remote || c.def.Fault == ""):
		return earlierRuns
	default:
		return unrunnable
	}
}

// defined reports whether something that is registered came from the file.
func (r *reload) defined(file string) bool {
	for _, s := range r.services {
		if !s.remote && s.def.Place.File == file {
			return true
		}
	}
	for _, c := range r.checks {
		if !c.remote && c.def.Place.File == file {
			return true
		}
	}
	return false
}

// refuse counts and logs a definition that the engine or the agent refused.
func (r *reload) refuse(kind, id string, place config.Place, err error, effect string) {
	r.failed++
	p := config.Problem{Place: place, Text: Sentence(err), Effect: effect}
	// Most refusals name what they are about themselves.
	if !strings.Contains(p.Text, fmt.Sprintf("%q", id)) {
		p.Kind, p.ID = kind, id
	}
	r.log.Error("definition refused", "file", place.File, "line", place.Line, "column", place.Column,
		"path", place.Path, "problem", p.String())
}

// Sentence is an error's text for those who know that an engine is at work: no
// line begins with the engine's name.
func Sentence(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "lifesign: ")
	}
	return strings.Join(lines, "\n")
}
