package lifesign_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// clock drives an engine with a manual clock.
type clock struct {
	t      *testing.T
	engine *lifesign.Engine
	wall   time.Time
	boot   time.Duration
}

func manual(t *testing.T, config lifesign.Config) *clock {
	t.Helper()
	config.ManualClock = true
	c := &clock{t: t, engine: open(t, config), wall: time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)}
	c.pass(0)
	return c
}

// pass lets time go by in steps of a second, as an embedder's timer would.
func (c *clock) pass(span time.Duration) {
	c.t.Helper()
	for step := time.Second; ; span -= step {
		step = min(step, span)
		c.wall, c.boot = c.wall.Add(step), c.boot+step
		check(c.t, c.engine.Tick(c.wall, c.boot))
		if span <= step {
			return
		}
	}
}

func TestLease(t *testing.T) {
	for _, onLapse := range []lifesign.OnLapse{lifesign.LapseKeep, lifesign.LapseWarning, lifesign.LapseCritical} {
		t.Run(onLapse.String(), func(t *testing.T) {
			c := manual(t, lifesign.Config{})
			http := register(t, c.engine, "http", nil)
			token := must(http.Acquire("probe", lifesign.WithLease(10*time.Second, onLapse)))(t)
			check(t, token.Update(lifesign.Passing, "fine"))
			watcher := subscribe(t, c.engine, lifesign.Filter{})
			drain(t, watcher)

			// Each of these is heard of, the heartbeat among them.
			for _, report := range []func() error{
				token.Renew,
				func() error { return token.Update(lifesign.Passing, "fine") },
				func() error { return token.Update(lifesign.Passing, "finer") },
			} {
				c.pass(9 * time.Second)
				check(t, report())
			}
			c.pass(10 * time.Second)
			if who := must(http.Who())(t); who.Holder == nil || who.Orphaned || who.Lease != 10*time.Second || who.SilentFor != 10*time.Second {
				t.Fatalf("at the end of its lease: %+v", who)
			}
			drain(t, watcher)
			c.pass(10 * time.Millisecond)

			want := lifesign.Passing
			if onLapse != lifesign.LapseKeep {
				want = lifesign.Status(onLapse)
			}
			lapsed := must(http.Snapshot())(t)
			if lapsed.Status != want || !lapsed.Orphaned || lapsed.Holder != 0 || lapsed.Generation != token.Generation() || lapsed.Writer != 1 {
				t.Errorf("after its lease: %+v", lapsed)
			}
			if names := strings.Contains(lapsed.Output, `"probe"`); names != (onLapse != lifesign.LapseKeep) {
				t.Errorf("the output is %q", lapsed.Output)
			}
			if events := drain(t, watcher); len(events) != 1 || !events[0].Orphaned || events[0].Status != want {
				t.Errorf("events: %+v", events)
			}
			if who := must(http.Who())(t); who.Holder != nil || !who.Orphaned || who.Generation != token.Generation() {
				t.Errorf("who: %+v", who)
			}
			for _, late := range []error{token.Update(lifesign.Passing, "late"), token.Renew(), token.DeregisterCheck()} {
				refusal := refused(t, late, lifesign.ErrExpired)
				if refusal.Caller == nil || refusal.Caller.Label != "probe" || refusal.Holder != nil {
					t.Errorf("caller %v, holder %v", refusal.Caller, refusal.Holder)
				}
			}
			if stats := must(c.engine.Stats())(t); stats.Lapses != 1 || stats.RefusedExpired != 3 || stats.ClockJumps != 0 {
				t.Errorf("%+v", stats)
			}

			again := must(http.Acquire("probe", lifesign.WithLease(10*time.Second, onLapse)))(t)
			check(t, again.Update(lifesign.Passing, "back"))
			back := must(http.Snapshot())(t)
			if back.Orphaned || back.Status != lifesign.Passing || back.Generation != token.Generation()+1 {
				t.Errorf("after the next acquisition: %+v", back)
			}
			refused(t, token.Update(lifesign.Critical, "somebody came"), lifesign.ErrFenced)
		})
	}
}

// An expired token is told from a fenced one wherever an error is looked into.
func TestExpiredIsAnErrorLikeTheOthers(t *testing.T) {
	c := manual(t, lifesign.Config{})
	token := must(register(t, c.engine, "http", nil).Acquire("probe", lifesign.WithLease(10*time.Second, lifesign.LapseKeep)))(t)
	c.pass(11 * time.Second)
	err := fmt.Errorf("probing: %w", token.Update(lifesign.Passing, "late"))
	var refusal *lifesign.Error
	if !errors.Is(err, lifesign.ErrExpired) || errors.Is(err, lifesign.ErrFenced) || !errors.As(err, &refusal) || refusal.Code != lifesign.ErrExpired {
		t.Errorf("%v", err)
	}
	mentions(t, refusal, `"http"`, `"probe"`)
}

// A tick that comes late, as after a suspension, costs nobody the lease.
func TestJumpOfTheClock(t *testing.T) {
	c := manual(t, lifesign.Config{})
	http := register(t, c.engine, "http", nil)
	token := must(http.Acquire("probe", lifesign.WithLease(10*time.Second, lifesign.LapseCritical)))(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	c.wall, c.boot = c.wall.Add(time.Hour), c.boot+time.Hour
	c.pass(10 * time.Second)
	if stats := must(c.engine.Stats())(t); stats.ClockJumps != 1 || stats.Lapses != 0 {
		t.Errorf("%+v", stats)
	}
	check(t, token.Update(lifesign.Passing, "fine"))
	c.pass(11 * time.Second)
	refused(t, token.Renew(), lifesign.ErrExpired)
}

// A lease below a millisecond is one of 10 ms and not none.
func TestShortestLease(t *testing.T) {
	c := manual(t, lifesign.Config{})
	http := register(t, c.engine, "http", nil)
	token, err := http.Acquire("probe", lifesign.WithLease(1, lifesign.LapseKeep))
	hold(t, token, err)
	if who := must(http.Who())(t); who.Lease != 10*time.Millisecond {
		t.Errorf("%+v", who)
	}
}

func TestTakeOverWithALease(t *testing.T) {
	c := manual(t, lifesign.Config{})
	http := register(t, c.engine, "http", nil)
	old := must(http.Acquire("old", lifesign.WithLease(10*time.Second, lifesign.LapseKeep)))(t)
	successor := must(http.TakeOver(old.Generation(), "new", lifesign.WithLease(time.Minute, lifesign.LapseCritical)))(t)
	if who := must(http.Who())(t); who.Holder == nil || who.Holder.Label != "new" || who.Lease != time.Minute {
		t.Errorf("%+v", who)
	}
	c.pass(30 * time.Second)
	check(t, successor.Update(lifesign.Passing, "fine"))
	refused(t, old.Renew(), lifesign.ErrFenced)
}
