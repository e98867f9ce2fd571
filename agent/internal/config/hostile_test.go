package config

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must end.
const patience = 60 * time.Second

// maxProblem is more than any problem takes to say what is wrong, in bytes.
const maxProblem = 4096

// ends fails the test when f goes on for ever.
func ends(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it is still being read")
	}
}

// What is in the directory and is not a file holds nobody.
func TestWhatIsNoFile(t *testing.T) {
	directory := write(t, map[string]string{"b.json": `{"check": {"id": "b", "ttl": "1h"}}`})
	if err := syscall.Mkfifo(directory+"/a.json", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Symlink("/dev/zero", directory+"/c.hcl"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Symlink(directory, directory+"/d.json"); err != nil {
		t.Fatal(err)
	}
	ends(t, func() {
		set, err := Load(directory, "here")
		if err != nil {
			t.Error(err)
			return
		}
		set.check(t, "b")
		for _, name := range []string{"a.json", "c.hcl", "d.json"} {
			set.problem(t, directory+"/"+name, "regular file")
		}
	})
}

// A bracket too many, which HCL's parser takes after a missing value, hides no
// nesting.
func TestStrayBrackets(t *testing.T) {
	set := load(t, map[string]string{"a.hcl": "check { id = }}\n"})
	set.problem(t, "a.hcl:1:15", `"}" closes nothing`)
	deep := strings.Repeat("[{a=}},", 2*maxDepth) + strings.Repeat("]", 2*maxDepth)
	load(t, map[string]string{"a.hcl": "a = " + deep}).problem(t, "a.hcl:1:10", "closes nothing")
	load(t, map[string]string{"a.hcl": "a = [\r\n[}]"}).problem(t, "a.hcl:2:2", "closes nothing")
}

// What the engine would refuse is critical, and not missing.
func TestWhatTheEngineWouldRefuse(t *testing.T) {
	long, longer := strings.Repeat("n", maxName), strings.Repeat("n", maxData)
	set := load(t, map[string]string{"a.json": fmt.Sprintf(`{"services": [
		{"id": "generated", "name": %q, "check": {"ttl": "1h"}},
		{"id": "meta", "name": "meta", "meta": {"k": %q}, "check": {"ttl": "1h"}},
		{"id": "name", "name": %q, "check": {"ttl": "1h"}}],
		"checks": [{"id": "notes", "notes": %q, "ttl": "1h"}, {"id": "named", "name": %q, "ttl": "1h"},
			{"id": "alias", "alias_service": %q}]}`, long, longer, longer, longer, longer, longer)})
	if c := set.check(t, "service:generated"); c.Kind != TTL || len(c.Name) > maxName {
		t.Errorf("%+v", c)
	}
	for _, id := range []string{"service:meta", "service:name", "notes", "named", "alias"} {
		if c := set.check(t, id); c.Kind != Unrunnable || !strings.Contains(c.Fault, "allowed") {
			t.Errorf("%s: %s, %s", id, c.Kind, c.Fault)
		}
	}
	for _, s := range set.Services {
		if faulty := s.ID != "generated"; faulty != (s.Fault != "") || len(s.Data()) > maxData || len(s.Name) > maxName {
			t.Errorf("%+v", s)
		}
	}
}
