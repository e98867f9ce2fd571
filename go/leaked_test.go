package lifesign_test

import (
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// Tokens that write nothing any more and that nobody has closed.
func TestLeakedHandles(t *testing.T) {
	c := manual(t, lifesign.Config{})
	expect := func(leaked uint64, because string) {
		t.Helper()
		if counted := must(c.engine.Stats())(t).LeakedHandles; counted != leaked {
			t.Errorf("%s: %d leaked handles, want %d", because, counted, leaked)
		}
	}
	http := register(t, c.engine, "http", nil)
	old := must(http.Acquire("old"))(t)
	expect(0, "held")
	rival := must(http.TakeOver(old.Generation(), "new"))(t)
	expect(1, "fenced and open")
	check(t, old.Close())
	expect(0, "closed")
	check(t, rival.Close())

	late := must(http.Acquire("late", lifesign.WithLease(time.Second, lifesign.LapseKeep)))(t)
	c.pass(500 * time.Millisecond)
	expect(0, "in time")
	c.pass(400 * time.Millisecond)
	c.pass(400 * time.Millisecond)
	expect(1, "its lease is over")
	check(t, late.Close())

	last := must(http.Acquire("last"))(t)
	check(t, last.DeregisterCheck())
	expect(1, "its check is gone")
	check(t, last.Close())
	expect(0, "all are closed")
}
