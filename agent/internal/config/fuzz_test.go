package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzJSON and FuzzHCL read arbitrary files as definitions. What is wrong is a
// problem that names its place, and what is taken is complete.
func FuzzJSON(f *testing.F) { fuzzFile(f, "a.json") }
func FuzzHCL(f *testing.F)  { fuzzFile(f, "a.hcl") }

func fuzzFile(f *testing.F, name string) {
	directory := f.TempDir()
	path := filepath.Join(directory, name)
	f.Fuzz(func(t *testing.T, source []byte) {
		if err := os.WriteFile(path, source, 0o600); err != nil {
			t.Fatal(err)
		}
		ends(t, func() {
			set, err := Load(directory, "here")
			if err != nil {
				t.Error(err)
				return
			}
			sound(t, path, source, set.Services, set.Checks, set.Problems)
			if set.Unclear[path] && !fatal(set.Problems) {
				t.Error("the file is unclear, and nobody is told why")
			}
			if !utf8.Valid(source) && !set.Unclear[path] {
				t.Error("the file is not UTF-8, and is taken")
			}
			if again, err := Load(directory, "here"); err != nil || !reflect.DeepEqual(again.Services, set.Services) ||
				!reflect.DeepEqual(again.Checks, set.Checks) || len(again.Problems) != len(set.Problems) {
				t.Errorf("the same file means something else: %+v, before %+v, %v", again, set, err)
			}
		})
	})
}

// FuzzBody reads arbitrary bodies of the requests that register.
func FuzzBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		ends(t, func() {
			check, problems := ReadCheck(body, "here")
			if !fatal(problems) {
				sound(t, "request body", body, nil, []Check{check}, problems)
			}
			service, checks, problems := ReadService(body, "here")
			if !fatal(problems) {
				sound(t, "request body", body, []Service{service}, checks, problems)
			}
		})
	})
}

func fatal(problems []Problem) bool {
	for _, p := range problems {
		if p.Fatal {
			return true
		}
	}
	return false
}

// sound checks what was read of a source: each problem tells where it is, each
// definition is one that the engine takes and the agent can run.
func sound(t *testing.T, file string, source []byte, services []Service, checks []Check, problems []Problem) {
	t.Helper()
	lines := bytes.Count(source, []byte("\n")) + 1
	faulty := map[string]bool{}
	for _, p := range problems {
		if p.Place.File != file || p.Text == "" || p.Place.Line < 1 || p.Place.Line > lines || p.Place.Column < 1 {
			t.Errorf("a problem without a place of %d lines: %+v", lines, p)
		}
		if text := p.String(); len(text) > maxProblem || !utf8.ValidString(text) {
			t.Errorf("a problem that cannot be shown: %q", text)
		}
		if p.Fatal && !p.Duplicate && p.Kind == "check" {
			faulty[p.ID] = true
		}
	}
	for _, s := range services {
		if s.ID == "" || len(s.ID) > maxID || s.Name == "" || len(s.Name) > maxName || len(s.Data()) > maxData ||
			!utf8.ValidString(s.ID+s.Name) || s.Port < 0 || s.Port > 65535 {
			t.Errorf("a service that the engine refuses: %+v", s)
		}
		if s.Fault != "" && !fatal(problems) {
			t.Errorf("service %q has a fault that is no problem: %s", s.ID, s.Fault)
		}
	}
	seen := map[string]bool{}
	for _, c := range checks {
		if c.ID == "" || len(c.ID) > maxID || len(c.Name) > maxName || len(c.Data()) > maxData || len(c.AliasService) > maxID ||
			!utf8.ValidString(c.ID+c.Name) || c.OutputMaxSize < 1 || c.OutputMaxSize > maxOutput || c.Status == 0 {
			t.Errorf("a check that the engine refuses: %+v", c)
		}
		if seen[c.ID] {
			t.Errorf("check %q stands twice", c.ID)
		}
		seen[c.ID] = true
		if !runnable(c) {
			t.Errorf("a check that cannot be run: %+v", c)
		}
		if faulty[c.ID] && c.Kind != Unrunnable && len(checks) == 1 {
			t.Errorf("check %q runs although it has a problem: %v", c.ID, problems)
		}
	}
}

// runnable reports whether the definition has what its kind needs.
func runnable(c Check) bool {
	switch c.Kind {
	case HTTP:
		return c.HTTP != "" && c.Method != "" && c.Interval >= minInterval && c.Timeout > 0
	case TCP:
		return c.TCP != "" && c.Interval >= minInterval && c.Timeout > 0
	case Script:
		return len(c.Args) > 0 && c.Interval >= minInterval && c.Timeout > 0
	case TTL:
		return c.TTL >= minInterval
	case AliasService:
		return c.AliasService != ""
	case AliasNode:
		return c.AliasService == ""
	case Unrunnable:
		return c.Fault != ""
	default:
		return false
	}
}
