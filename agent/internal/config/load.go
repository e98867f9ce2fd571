package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

// maxFile bounds one definition file, in bytes.
const maxFile = 1 << 20

// Set is what a directory of definitions says.
type Set struct {
	Services []Service
	Checks   []Check
	Problems []Problem

	// Unclear are the files in which something could not be read far enough to
	// know its id. What came from them earlier cannot be taken for removed.
	Unclear map[string]bool

	// Duplicates are the ids that are defined more than once; the first
	// definition is the one in Services or Checks.
	DuplicateServices map[string]bool
	DuplicateChecks   map[string]bool
}

// reader gathers what one file or request body says.
type reader struct {
	file     string
	services []Service
	checks   []Check
	problems []Problem
	unclear  bool
}

// finish puts the object's kind and id on its problems.
func (r *reader) finish(o *object, kind, id string) {
	for _, p := range o.problems {
		p.Kind, p.ID = kind, id
		if !p.Fatal {
			p.Effect = "the rest of it is used"
		}
		r.problems = append(r.problems, p)
	}
}

// Load reads every *.json and *.hcl file of the directory in the order of
// their names. node is this node's name, which alias checks may refer to. What
// is wrong in one definition or one file is in Set.Problems and does not touch
// the others; an error means that the directory itself could not be read.
func Load(directory, node string) (Set, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return Set{}, fmt.Errorf("reading definitions: %w", err)
	}
	set := Set{Unclear: map[string]bool{}, DuplicateServices: map[string]bool{}, DuplicateChecks: map[string]bool{}}
	services, checks := map[string]Place{}, map[string]Place{}
	for _, entry := range entries {
		extension := filepath.Ext(entry.Name())
		if entry.IsDir() || extension != ".json" && extension != ".hcl" {
			continue
		}
		r := &reader{file: filepath.Join(directory, entry.Name())}
		r.readFile(extension, node)
		set.Problems = append(set.Problems, r.problems...)
		if r.unclear {
			set.Unclear[r.file] = true
		}
		for _, s := range r.services {
			if first, twice := services[s.ID]; twice {
				set.DuplicateServices[s.ID] = true
				set.Problems = append(set.Problems, duplicate("service", s.ID, s.Place, first))
				continue
			}
			services[s.ID] = s.Place
			set.Services = append(set.Services, s)
		}
		for _, c := range r.checks {
			if first, twice := checks[c.ID]; twice {
				set.DuplicateChecks[c.ID] = true
				set.Problems = append(set.Problems, duplicate("check", c.ID, c.Place, first))
				continue
			}
			checks[c.ID] = c.Place
			set.Checks = append(set.Checks, c)
		}
	}
	return set, nil
}

func duplicate(kind, id string, place, first Place) Problem {
	return Problem{Place: place, Field: "id", Kind: kind, ID: id, Fatal: true, Duplicate: true,
		Text: fmt.Sprintf("the id is already defined at %s", first)}
}

func (r *reader) readFile(extension, this string) {
	source, err := slurp(r.file)
	if err != nil {
		r.unclear = true
		r.problems = append(r.problems, Problem{Place: Place{File: r.file}, Text: err.Error(), Fatal: true})
		return
	}
	parse := parseJSON
	if extension == ".hcl" {
		parse = parseHCL
	}
	root := r.parse(source, parse)
	if root == nil {
		return
	}
	for _, f := range root.fields {
		switch strings.ToLower(f.name) {
		case "service", "services", "check", "checks":
		default:
			name := shorten(f.name, maxShown)
			r.problems = append(r.problems, Problem{Place: Place{r.file, f.line, f.column, name}, Field: name,
				Text:   fmt.Sprintf("unknown field %q: only service, services, check and checks are read here", name),
				Effect: "the rest of the file is used"})
		}
	}
	r.refuseRepeated(root)
	for _, m := range members(root, "", "service", "services") {
		r.readService(m.value, m.path, this)
	}
	for _, m := range members(root, "", "check", "checks") {
		r.readCheck(m.value, m.path, nil, this)
	}
}

// refuseRepeated reports a member of the top object that stands twice where
// the syntax has no way to mean a list by it.
func (r *reader) refuseRepeated(root *node) {
	first := map[string]field{}
	for _, f := range root.fields {
		name := strings.ToLower(f.name)
		if before, twice := first[name]; twice && !(f.block && before.block) {
			shown := shorten(f.name, maxShown)
			r.problems = append(r.problems, Problem{Place: Place{r.file, f.line, f.column, shown}, Field: shown,
				Text:   fmt.Sprintf("field %q is given twice, first on line %d", shown, before.line),
				Effect: "both are used"})
			continue
		}
		first[name] = f
	}
}

// parse returns nil, with the problem noted, for what is not valid input.
func (r *reader) parse(source []byte, parse func([]byte) (*node, error)) *node {
	root, err := parse(source)
	if at := invalidUTF8(source); at >= 0 {
		line, column := position(source, at)
		err = &syntaxError{line, column, "not valid UTF-8"}
	}
	if err == nil {
		return root
	}
	r.unclear = true
	p := Problem{Place: Place{File: r.file}, Text: shorten(err.Error(), maxSentence), Fatal: true}
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		p.Place.Line, p.Place.Column = syntax.line, syntax.column
	}
	r.problems = append(r.problems, p)
	return nil
}

func invalidUTF8(source []byte) int {
	for i := 0; i < len(source); {
		c, size := utf8.DecodeRune(source[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func slurp(name string) ([]byte, error) {
	// What is not a file may never end, or never begin: without O_NONBLOCK the
	// opening of a pipe that nobody writes would hold the agent for ever.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	source, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(source) > maxFile {
		return nil, fmt.Errorf("the file has more than %d bytes", maxFile)
	}
	return bytes.TrimPrefix(source, []byte("\ufeff")), nil
}

func fieldsNamed(n *node, name string) []field {
	var found []field
	for _, f := range n.fields {
		if strings.EqualFold(f.name, name) {
			found = append(found, f)
		}
	}
	return found
}

// ReadCheck reads the body of a request that registers a check. Any problem
// that is Fatal means that it must be refused.
func ReadCheck(body []byte, node string) (Check, []Problem) {
	r := &reader{file: "request body"}
	if root := r.parse(body, parseJSON); root != nil {
		r.readCheck(root, "", nil, node)
	}
	if len(r.checks) == 0 {
		return Check{}, r.problems
	}
	return r.checks[0], r.problems
}

// ReadService reads the body of a request that registers a service, with its
// checks. Any problem that is Fatal means that it must be refused.
func ReadService(body []byte, node string) (Service, []Check, []Problem) {
	r := &reader{file: "request body"}
	if root := r.parse(body, parseJSON); root != nil {
		r.readService(root, "", node)
	}
	if len(r.services) == 0 {
		return Service{}, nil, r.problems
	}
	seen := map[string]Place{}
	for _, c := range r.checks {
		if first, twice := seen[c.ID]; twice {
			r.problems = append(r.problems, duplicate("check", c.ID, c.Place, first))
		}
		seen[c.ID] = c.Place
	}
	return r.services[0], r.checks, r.problems
}
