package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// Every call after a close says that, and so does every status. To close again
// what is closed is no error.
func TestEveryCallAfterClose(t *testing.T) {
	for _, what := range endable {
		for i, more := 0, true; more; i++ {
			h := newHandles(t, must(lifesign.Open(lifesign.Config{}))(t), "web", t.TempDir())
			ending := h.ending(t, patient(t), what)
			more = i+1 < len(ending.calls)
			call := ending.calls[i]
			t.Run(what+"/"+call.name, func(t *testing.T) {
				check(t, ending.end())
				switch status, err := call.make(); {
				case slices.Contains(silent, call.name):
				case slices.Contains(closers, call.name) && strings.HasPrefix(call.name, what+"."):
					check(t, err)
				case status != nil && err == nil:
					if *status != lifesign.Gone {
						t.Errorf("a status is %v", *status)
					}
				case !errors.Is(err, lifesign.ErrClosed):
					t.Errorf("got %v, want %v", err, lifesign.ErrClosed)
				default:
					var refusal *lifesign.Error
					if !errors.As(err, &refusal) || refusal.Message == "" {
						t.Errorf("%v does not say what was closed", err)
					}
				}
			})
			check(t, h.engine.Close())
		}
	}
}

// Every call, over and over, while the engine closes, each on things of its own.
func TestEngineCloseBesideEveryCall(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	for range 3 {
		engine, directory := must(lifesign.Open(lifesign.Config{}))(t), t.TempDir()
		var calls []call
		for i, more := 0, true; more; i++ {
			h := newHandles(t, engine, fmt.Sprint("web-", i), directory)
			ending := h.ending(t, patient(t), "Engine")
			more = i+1 < len(ending.calls)
			if ending.calls[i].name != "Engine.Close" {
				calls = append(calls, ending.calls[i])
			}
		}
		beside(t, calls, engine.Close)
	}
}

// Every call of what is closed while it is closed, one by one, so that none
// spoils it for another.
func TestCloseBesideEveryCall(t *testing.T) {
	engine, directory := open(t, lifesign.Config{MaxRecords: 1 << 16}), t.TempDir()
	number := 0
	for _, what := range endable[1:] {
		for i, more := 0, true; more; i++ {
			for range 10 {
				number++
				h := newHandles(t, engine, fmt.Sprint("web-", number), directory)
				ending := h.ending(t, patient(t), what)
				more = i+1 < len(ending.calls)
				beside(t, []call{ending.calls[i]}, ending.end)
				check(t, h.old.Close())
				check(t, h.token.Close())
				check(t, h.subscription.Close())
				check(t, h.claim.Release())
			}
		}
	}
}

// beside makes each call over and over, in a goroutine for each, and closes
// while all are at work: each succeeds, or is refused as closed or because what
// it did before cannot be done twice.
func beside(t *testing.T, calls []call, end func() error) {
	t.Helper()
	var group sync.WaitGroup
	var working atomic.Int32
	var closed atomic.Bool
	for _, call := range calls {
		group.Add(1)
		go func() {
			defer group.Done()
			if call.waits {
				working.Add(1)
			}
			for n, last := 0, false; !last; n++ {
				last = closed.Load()
				status, err := call.make()
				switch {
				case err == nil && status != nil && *status == lifesign.Gone && last:
				case err == nil && (!last || slices.Contains(silent, call.name) || slices.Contains(closers, call.name)):
				case n == 0 && !call.waits:
					t.Errorf("%s never succeeded: %v", call.name, err)
					return
				case errors.Is(err, lifesign.ErrClosed), errors.Is(err, lifesign.ErrGone), errors.Is(err, lifesign.ErrHeld):
				default:
					t.Errorf("%s, call %d: %v, %v", call.name, n, status, err)
					return
				}
				if n == 0 && !call.waits {
					working.Add(1)
				}
			}
		}()
	}
	eventually(t, "all are at work", func() bool { return int(working.Load()) == len(calls) || t.Failed() })
	results := make(chan error)
	for range 2 {
		go func() { results <- end() }()
	}
	check(t, <-results)
	check(t, <-results)
	closed.Store(true)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func TestTokenClose(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	token := must(http.Acquire("first"))(t)
	check(t, token.Update(lifesign.Warning, "kept"))
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				if err := token.Update(lifesign.Warning, "kept"); err != nil {
					if !errors.Is(err, lifesign.ErrClosed) {
						t.Errorf("got %v, want %v", err, lifesign.ErrClosed)
					}
					return
				}
			}
		}()
	}
	check(t, token.Close())
	group.Wait()
	check(t, token.Close())
	if snapshot := must(http.Snapshot())(t); snapshot.Status != lifesign.Warning || snapshot.Output != "kept" || snapshot.Holder != 0 {
		t.Errorf("%+v", snapshot)
	}
	successor := must(http.Acquire("second"))(t)
	check(t, token.Close())
	check(t, successor.Update(lifesign.Passing, "undisturbed"))
	refused(t, token.DeregisterCheck(), lifesign.ErrClosed)
}

// What is forgotten is closed in the end; what is used is not, however much
// garbage is collected.
func TestForgotten(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	func() {
		must(http.Acquire("forgotten"))(t)
		must(engine.Subscribe(lifesign.Filter{}))(t)
	}()
	eventually(t, "token and subscription are closed", func() bool {
		runtime.GC()
		stats := must(engine.Stats())(t)
		return stats.Tokens == 0 && stats.Subscriptions == 0
	})
	check(t, must(http.Acquire("second"))(t).Update(lifesign.Passing, ""))

	// Only a check is left of this engine: it is used.
	check := func() *lifesign.Check {
		return register(t, must(lifesign.Open(lifesign.Config{}))(t), "alone", nil)
	}()
	for range 5 {
		runtime.GC()
	}
	time.Sleep(10 * time.Millisecond)
	if status := check.Status(); status != lifesign.Critical {
		t.Errorf("an engine was closed under its check: %v", status)
	}
}

// Everything at once while the collector runs all the time.
func TestGarbageCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	var reads, events atomic.Int64
	for i := range 4 {
		id := fmt.Sprintf("web:%d", i)
		token := must(register(t, engine, id, web).Acquire(id))(t)
		subscription := subscribe(t, engine, lifesign.Filter{Prefix: id})
		group.Add(3)
		go func() {
			defer group.Done()
			for n := 0; ctx.Err() == nil; n++ {
				if err := token.Update(lifesign.Status(1+n%3), fmt.Sprintf("%s says %d", id, n)); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		go func() {
			defer group.Done()
			for event, err := range subscription.Events(ctx) {
				if err != nil {
					return
				}
				var n int
				if _, err := fmt.Sscanf(event.Output, id+" says %d", &n); !event.Initial && (err != nil || event.Status != lifesign.Status(1+n%3)) {
					t.Errorf("torn: %+v", event)
					return
				}
				events.Add(1)
			}
		}()
		go func() {
			defer group.Done()
			for ctx.Err() == nil {
				view, err := web.Snapshot()
				if err != nil {
					t.Error(err)
					return
				}
				worst := lifesign.Passing
				for _, check := range view.Checks {
					worst = max(worst, check.Status)
				}
				if view.Own != worst {
					t.Errorf("the worst is %v, the service %v", worst, view.Own)
					return
				}
				reads.Add(1)
			}
		}()
	}
	eventually(t, "enough was seen", func() bool { return reads.Load() > 500 && events.Load() > 500 || t.Failed() })
	cancel()
	group.Wait()
}
