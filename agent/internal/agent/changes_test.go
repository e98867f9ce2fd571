package agent

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"lifesign.dev/lifesign"
)

func of(topics ...Topic) func() []Topic { return func() []Topic { return topics } }

func TestChanges(t *testing.T) {
	a := &Agent{changes: newChanges()}
	seen := a.Index([]Topic{"one"})
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if got := a.Await(done, seen, of("one")); got != seen {
		t.Errorf("nothing has happened, and the number is %d after %d", got, seen)
	}
	a.changes.note("one")
	first := a.Index([]Topic{"one"})
	if first <= seen {
		t.Errorf("after a change the number is %d, before it %d", first, seen)
	}
	background := context.Background()
	if got := a.Await(background, seen, of("one")); got != first {
		t.Errorf("a change that came before the wait: %d, want %d", got, first)
	}
	if got := a.Await(background, first+1, of("one")); got != first {
		t.Errorf("a number that was never given out: %d, want %d", got, first)
	}
	a.changes.noteAll()
	if got := a.Await(background, first, of("one")); got <= first {
		t.Errorf("after everything may have changed: %d, and %d before it", got, first)
	}
	if next := newChanges().index; next < first {
		t.Errorf("an agent that is started later begins at %d, below %d", next, first)
	}
}

// Many topics share few places, and none of them is ever behind.
func TestNoTopicIsMissed(t *testing.T) {
	a := &Agent{changes: newChanges()}
	for i := range 5000 {
		topic := []Topic{Topic(fmt.Sprint("topic ", i))}
		seen := a.Index(topic)
		a.changes.note(topic...)
		if a.Index(topic) <= seen {
			t.Fatalf("topic %d has not moved", i)
		}
	}
}

// A waiter that asks again with what it was told sees every change, however they
// fall between its calls.
func TestNoChangeIsMissedByAWaiter(t *testing.T) {
	const rounds = 2000
	a := &Agent{changes: newChanges()}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var value int
	var mu sync.Mutex // stands for the engine
	var waits int
	go func() {
		for i := range rounds {
			mu.Lock()
			value = i + 1
			mu.Unlock()
			a.changes.note("value")
			a.changes.note(Topic(fmt.Sprint("noise ", i)))
		}
	}()
	for seen, read := uint64(1), 0; read < rounds; waits++ {
		seen = a.Await(ctx, seen, of("value"))
		mu.Lock()
		read = value
		mu.Unlock()
		if ctx.Err() != nil {
			t.Fatalf("stands at %d of %d", read, rounds)
		}
	}
	if waits < 2 {
		t.Errorf("all was over after %d waits", waits)
	}
}

// What the API shows of a service is news to those who wait for it, and of
// another service it is not.
func TestTopicsOfTheAgent(t *testing.T) {
	const services = `{"services": [
		{"id": "one", "name": "web", "check": {"id": "one", "ttl": "1h"}},
		{"id": "two", "name": "web", "check": {"id": "two", "ttl": "1h"}},
		{"id": "side", "name": "side", "check": {"id": "side", "alias_service": "one"}}%s],
		"check": {"id": "node", "ttl": "1h", "status": "passing"}}`
	f := start(t, map[string]string{"a.json": fmt.Sprintf(services, "")})
	named := func(name string) func() []Topic { return func() []Topic { return f.NamedHealthTopics(name) } }
	health := func(id string) func() []Topic { return of(f.HealthTopics(id)...) }
	for what, c := range map[string]struct {
		change func()
		moves  []func() []Topic
		stays  func() []Topic
	}{
		"a check": {func() { f.report("one", lifesign.Warning, "1") },
			[]func() []Topic{health("one"), health("side"), named("web"), named("side"), of(ChecksTopic)}, of(ServicesTopic)},
		"an output": {func() { f.report("two", lifesign.Critical, "2") },
			[]func() []Topic{health("two"), named("web"), of(ChecksTopic)}, of(ServicesTopic)},
		"the node": {func() { f.report("node", lifesign.Warning, "3") },
			[]func() []Topic{health("one"), health("two"), named("side"), of(ChecksTopic)}, of(ServicesTopic)},
	} {
		var seen []uint64
		for _, topics := range c.moves {
			seen = append(seen, f.Index(topics()))
		}
		stays := f.Index(c.stays())
		c.change()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		for i, topics := range c.moves {
			if got := f.Await(ctx, seen[i], topics); got <= seen[i] {
				t.Errorf("%s: topic %d has not moved", what, i)
			}
		}
		if got := f.Index(c.stays()); got != stays {
			t.Errorf("%s: what does not depend on it has moved", what)
		}
		cancel()
	}
	// A definition that comes, changes and goes.
	for _, added := range []string{`, {"id": "new", "name": "web"}`, `, {"id": "new", "name": "other"}`, ``} {
		seen, byID, byName := f.Index([]Topic{ServicesTopic}), f.Index(f.HealthTopics("new")), f.Index(f.NamedHealthTopics("web"))
		f.write(map[string]string{"a.json": fmt.Sprintf(services, added)})
		f.reload()
		if f.Index([]Topic{ServicesTopic}) <= seen || f.Index(f.HealthTopics("new")) <= byID {
			t.Errorf("after %q: the services have not moved", added)
		}
		if added != "" && f.Index(f.NamedHealthTopics("web")) <= byName {
			t.Errorf("after %q: the name has not moved", added)
		}
	}
}
