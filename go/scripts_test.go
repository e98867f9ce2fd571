package lifesign_test

import (
	"errors"
	"fmt"
	"testing"

	"lifesign.dev/lifesign"
)

// Two lifetimes of a mirror overlap. A mirror watches one check and writes what
// it sees to another one, as agents did before there were aliases: U updates
// the target, O is the mirror's old writer, N its new one. Goroutines stop at
// channels, so that each order is forced, and forced again on each run.

// stage is what the scripts have in common.
type stage struct {
	engine         *lifesign.Engine
	target, mirror *lifesign.Check
	u, o           *lifesign.Token
	watched        *lifesign.Subscription // O's, of the target
}

func newStage(t *testing.T) *stage {
	engine := open(t, lifesign.Config{Name: "mirror-agent"})
	target := register(t, engine, "db:tcp", service(t, engine, "db"))
	mirror := register(t, engine, "web:db", service(t, engine, "web"))
	s := &stage{
		engine: engine, target: target, mirror: mirror,
		u: must(target.Acquire("U"))(t), o: must(mirror.Acquire("O"))(t),
	}
	check(t, s.u.Update(lifesign.Passing, "target 0"))
	check(t, s.o.Update(lifesign.Passing, "mirror 0"))
	s.watched = subscribe(t, engine, lifesign.Filter{Check: target})
	drain(t, s.watched)
	return s
}

// newest waits for the target's newest state on a subscription.
func newest(t *testing.T, subscription *lifesign.Subscription) lifesign.Snapshot {
	batch := must(subscription.Next(patient(t)))(t)
	return batch.Events[len(batch.Events)-1].Snapshot
}

// O wakes with critical in hand and is paused; N takes over, subscribes,
// commits passing; U is passing; O resumes and writes, at each point there is.
func TestOverlappingLifetimes(t *testing.T) {
	const (
		beforeTakeOver = iota
		beforeSubscribing
		beforeCommitting
		afterCommitting
		orders
	)
	for order := range orders {
		t.Run([]string{"before the take-over", "before N subscribes", "before N commits", "after N committed"}[order], func(t *testing.T) {
			s := newStage(t)
			inHand, resume, wrote := make(chan lifesign.Status), make(chan struct{}), make(chan error)
			go func() {
				batch, err := s.watched.Next(patient(t))
				if err != nil {
					inHand <- lifesign.Gone
					return
				}
				found := batch.Events[len(batch.Events)-1]
				inHand <- found.Status
				<-resume
				wrote <- s.o.Update(found.Status, "mirror of "+found.Output)
			}()
			var late error
			resumeAt := func(point int) {
				if point == order {
					close(resume)
					late = <-wrote
				}
			}

			eventually(t, "O sleeps", func() bool { return sleepers() == 1 })
			check(t, s.u.Update(lifesign.Critical, "target down"))
			if status := <-inHand; status != lifesign.Critical {
				t.Fatalf("O woke with %v", status)
			}
			check(t, s.u.Update(lifesign.Passing, "target up"))

			resumeAt(beforeTakeOver)
			before := must(s.engine.Stats())(t)
			n := must(s.mirror.TakeOver(must(s.mirror.Who())(t).Generation, "N"))(t)
			resumeAt(beforeSubscribing)
			seen := newest(t, subscribe(t, s.engine, lifesign.Filter{Check: s.target}))
			if seen.Status != lifesign.Passing {
				t.Fatalf("N found %v", seen.Status)
			}
			resumeAt(beforeCommitting)
			check(t, n.Update(seen.Status, "mirror of "+seen.Output))
			resumeAt(afterCommitting)

			after := must(s.engine.Stats())(t)
			if order == beforeTakeOver {
				check(t, late)
				if after.RefusedFenced != before.RefusedFenced {
					t.Errorf("%d refusals", after.RefusedFenced-before.RefusedFenced)
				}
			} else {
				refusal := refused(t, late, lifesign.ErrFenced)
				mentions(t, refusal, "web:db")
				if refusal.Holder == nil || *refusal.Holder != must(n.Record())(t) || refusal.Holder.Label != "N" || refusal.Generation != n.Generation() {
					t.Errorf("O was told about %v, generation %d", refusal.Holder, refusal.Generation)
				}
				if refusal.Caller == nil || refusal.Caller.Label != "O" {
					t.Errorf("the caller is %v", refusal.Caller)
				}
				if after.RefusedFenced != before.RefusedFenced+1 {
					t.Errorf("%d refusals counted, want 1", after.RefusedFenced-before.RefusedFenced)
				}
			}
			final := must(s.mirror.Snapshot())(t)
			if s.mirror.Status() != lifesign.Passing || final.Status != lifesign.Passing || final.Output != "mirror of target up" {
				t.Errorf("the mirror is %v: %+v", s.mirror.Status(), final)
			}
			if writer := must(s.engine.Record(final.Writer))(t); writer.Label != "N" {
				t.Errorf("written by %v", writer)
			}
		})
	}
}

// O's deferred clean-up, all that it can do and all too late, after N's start:
// N is asleep on its own subscription, wakes for U's commit, and its check
// stands.
func TestLateCleanUp(t *testing.T) {
	cleanUps := map[string]func(t *testing.T, s *stage){
		"unsubscribes": func(t *testing.T, s *stage) { check(t, s.watched.Close()) },
		"deregisters by its token": func(t *testing.T, s *stage) {
			refusal := refused(t, s.o.DeregisterCheck(), lifesign.ErrFenced)
			if refusal.Holder == nil || refusal.Holder.Label != "N" || refusal.Caller == nil || refusal.Caller.Label != "O" {
				t.Errorf("%v was refused for %v", refusal.Caller, refusal.Holder)
			}
		},
		"deregisters by the handle": func(t *testing.T, s *stage) {
			if refusal := refused(t, s.mirror.Deregister(), lifesign.ErrHeld); refusal.Holder == nil || refusal.Holder.Label != "N" {
				t.Errorf("refused for %v", refusal.Holder)
			}
		},
		"drops its token": func(t *testing.T, s *stage) { check(t, s.o.Close()) },
	}
	all := func(t *testing.T, s *stage) {
		for _, step := range []string{"unsubscribes", "deregisters by its token", "deregisters by the handle", "drops its token"} {
			cleanUps[step](t, s)
		}
	}
	cases := map[string]func(t *testing.T, s *stage){"does all of it": all}
	for what, cleanUp := range cleanUps {
		cases[what] = cleanUp
	}
	for what, cleanUp := range cases {
		t.Run("O "+what, func(t *testing.T) {
			s := newStage(t)
			n := must(s.mirror.TakeOver(s.o.Generation(), "N"))(t)
			own := subscribe(t, s.engine, lifesign.Filter{Check: s.target})
			drain(t, own)
			wrote := make(chan error)
			go func() {
				batch, err := own.Next(patient(t))
				if err == nil {
					found := batch.Events[len(batch.Events)-1]
					err = n.Update(found.Status, "mirror of "+found.Output)
				}
				wrote <- err
			}()
			eventually(t, "N sleeps", func() bool { return sleepers() == 1 })

			cleanUp(t, s)
			check(t, s.u.Update(lifesign.Critical, "target down"))
			check(t, <-wrote)

			final := must(s.mirror.Snapshot())(t)
			if s.mirror.Status() != lifesign.Critical || final.Output != "mirror of target down" || final.Generation != n.Generation() {
				t.Errorf("the mirror is %v: %+v", s.mirror.Status(), final)
			}
			if who := must(s.mirror.Who())(t); who.Holder == nil || who.Holder.Label != "N" || who.Generation != n.Generation() {
				t.Errorf("held by %v, generation %d", who.Holder, who.Generation)
			}
		})
	}
}

// The same two lifetimes a hundred times over without forced orders: whatever
// happens, what N committed last is what stands.
func TestOverlappingLifetimesUnforced(t *testing.T) {
	engine := open(t, lifesign.Config{})
	mirror := register(t, engine, "web:db", service(t, engine, "web"))
	token := must(mirror.Acquire("writer 0"))(t)
	fenced, committed := 0, 0
	for round := range 100 {
		old, start, late := token, make(chan struct{}), make(chan error, 1)
		go func() {
			<-start
			var err error
			for i := 0; err == nil; i++ {
				err = old.Update(lifesign.Critical, fmt.Sprintf("old %d", i))
			}
			late <- err
		}()
		close(start)
		for before := must(mirror.Snapshot())(t).Version; must(mirror.Snapshot())(t).Version == before; {
			continue // until the old writer is at work
		}
		token = must(mirror.TakeOver(old.Generation(), fmt.Sprintf("writer %d", round+1)))(t)
		check(t, token.Update(lifesign.Passing, "new"))
		committed++
		refused(t, <-late, lifesign.ErrFenced)
		fenced++
		check(t, old.Close())
		if snapshot := must(mirror.Snapshot())(t); mirror.Status() != lifesign.Passing || snapshot.Output != "new" {
			t.Fatalf("round %d: %v, %+v", round, mirror.Status(), snapshot)
		}
	}
	if stats := must(engine.Stats())(t); stats.RefusedFenced != 100 || fenced != committed {
		t.Errorf("%d refusals counted of %d", stats.RefusedFenced, fenced)
	}
}

// O's runner is first scheduled after the take-over: its subscribe is refused,
// and N wakes.
func TestLateRegister(t *testing.T) {
	s := newStage(t)
	n := must(s.mirror.TakeOver(s.o.Generation(), "N"))(t)
	changes := must(n.Subscribe(lifesign.Filter{Check: s.target}))(t)
	drain(t, changes)

	_, err := s.o.Subscribe(lifesign.Filter{Check: s.target})
	var refused *lifesign.Error
	if !errors.As(err, &refused) || !errors.Is(err, lifesign.ErrFenced) || refused.Holder == nil || refused.Holder.Label != "N" {
		t.Fatalf("O's late subscribe: %v, want FENCED by N", err)
	}

	check(t, s.u.Update(lifesign.Warning, "slow"))
	if state := newest(t, changes); state.Status != lifesign.Warning {
		t.Errorf("N sees %v, want warning", state.Status)
	}
	check(t, changes.Close())
	check(t, n.Close())
}
