package agent

import (
	"strings"
	"testing"

	"lifesign.dev/lifesign"
)

func TestWhatComesOfABadDefinitionAtFirst(t *testing.T) {
	f := start(t, map[string]string{
		"a.json": `{"service": {"name": "s", "port": -1, "check": {"id": "s", "ttl": "1h"}}, "checks": [{"id": "x", "grpc": "a:1"}, {"ttl": "1h"}]}`,
		"b.json": `{"check": `,
		"c.json": `{"checks": [{"id": "d", "name": "first", "ttl": "1h"}, {"id": "d", "ttl": "2h"}, {"id": "lost", "service_id": "nowhere", "ttl": "1h"}]}`,
	})
	for _, parts := range [][]string{
		{`service \"s\"`, "; its checks do not run and are critical"},
		{`check \"x\"`, "; the check does not run and is critical"},
		{"a name or an id", "; it is left out"},
		{"b.json", "; the file is left out"},
		{`check \"d\"`, "; the first definition is used"},
		{`check \"lost\" refers to service \"nowhere\"`, "; it is not registered"},
	} {
		if len(f.log.with(append(parts, "level=ERROR")...)) != 1 {
			t.Errorf("the log does not say %q", parts)
		}
	}
	if f.snapshot("d").Name != "first" || f.status("lost") != lifesign.Gone {
		t.Errorf("d: %+v, lost is %v", f.snapshot("d"), f.status("lost"))
	}
	for _, id := range []string{"s", "x"} {
		f.eventually(id+" says why it does not run", func() bool {
			got := f.snapshot(id)
			return got.Status == lifesign.Critical && strings.HasPrefix(got.Output, "This check does not run: ")
		})
	}
}

// A service that merely lost an alias to a loop would look healthier than it
// is.
func TestAliasInALoopIsCriticalAndSaysWhy(t *testing.T) {
	define := func(second string) map[string]string {
		return map[string]string{"a.json": `{"services": [
			{"name": "a", "checks": [{"id": "a", "ttl": "1h", "status": "passing"}, {"id": "ab", "alias_service": "b"}]},
			{"name": "b", "checks": [{"id": "b", "ttl": "1h", "status": "passing"}, ` + second + `]}]}`}
	}
	const loop = `{"id": "ba", "alias_service": "a"}`
	f := start(t, define(loop))
	inLoop := func() string {
		for _, id := range []string{"ab", "ba"} {
			if strings.Contains(f.snapshot(id).Output, "LOOP") {
				return id
			}
		}
		return ""
	}
	for range 2 {
		f.eventually("one of the aliases says why it does not run", func() bool { return inLoop() != "" })
		if f.status("ab") != lifesign.Critical || f.status("ba") != lifesign.Critical {
			t.Errorf("ab is %v, ba is %v", f.status("ab"), f.status("ba"))
		}
		f.reload()
	}
	found := f.log.with("definition refused", "; the check does not run and is critical")
	if len(found) != 3 {
		t.Errorf("refusals: %v", found)
	}
	for _, line := range found {
		if strings.Contains(line, "lifesign:") || strings.Contains(line, `check \"`+inLoop()+`\": `) {
			t.Errorf("the refusal says things twice: %s", line)
		}
	}
	f.write(define(`{"id": "other", "ttl": "1h", "status": "warning"}`))
	f.reload()
	if f.snapshot("ab").Target != "b" || f.status("ab") != lifesign.Warning {
		t.Errorf("the alias that is in no loop any more: %+v", f.snapshot("ab"))
	}
}
