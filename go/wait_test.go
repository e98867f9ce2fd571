package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// A commit at each moment of a wait ends it: before, while the waiter looks,
// asleep, and again right after it woke. The writer runs free, and what each
// round waits for is the state it has to see in the end.
func TestNoWakeIsMissed(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "http", nil).Acquire("probe"))(t)
	subscription := subscribe(t, engine, lifesign.Filter{})
	drain(t, subscription)
	asleep := 0
	const rounds = 5000
	seen := make(chan string)
	go func() {
		defer close(seen)
		for range rounds {
			batch, err := subscription.Next(patient(t))
			if err != nil {
				t.Error(err)
				return
			}
			seen <- batch.Events[len(batch.Events)-1].Output
		}
	}()
	for round := range rounds {
		if round%100 == 0 {
			eventually(t, "the waiter sleeps", func() bool { return sleepers() == 1 })
			asleep++
		}
		for range round % 7 {
			runtime.Gosched()
		}
		output := fmt.Sprint(round)
		check(t, token.Update(lifesign.Passing, output))
		if got, ok := <-seen; !ok || got != output {
			t.Fatalf("round %d: %q", round, got)
		}
	}
	if asleep != rounds/100 {
		t.Errorf("the waiter slept %d times", asleep)
	}
}

func TestNextIsCancelled(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "http", nil).Acquire("probe"))(t)
	subscription := subscribe(t, engine, lifesign.Filter{})

	// With something pending and an ended context, the context wins.
	ended, end := context.WithCancel(context.Background())
	end()
	if _, err := subscription.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: %v", err)
	}
	drain(t, subscription)

	for range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error)
		go func() {
			_, err := subscription.Next(ctx)
			result <- err
		}()
		eventually(t, "it sleeps", func() bool { return sleepers() == 1 })
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := subscription.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after a time-out: %v", err)
	}
	// One who gave a cause is told it.
	stopping := errors.New("the agent stops")
	stopped, stop := context.WithCancelCause(context.Background())
	time.AfterFunc(time.Millisecond, func() { stop(stopping) })
	if _, err := subscription.Next(stopped); !errors.Is(err, context.Canceled) || !errors.Is(err, stopping) {
		t.Errorf("after a cause: %v", err)
	}
	if _, err := subscription.Next(ended); err != context.Canceled {
		t.Errorf("without a cause: %#v", err)
	}
	// A cancelled wait spoils none that follows.
	go token.Update(lifesign.Warning, "after all")
	if got := newest(t, subscription); got.Output != "after all" {
		t.Errorf("%+v", got)
	}
	for event, err := range subscription.Events(ended) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%+v, %v", event, err)
		}
	}
}

// A context that ends while events come: either the one or the other, and
// nothing is lost.
func TestCancellationBesideCommits(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "http", nil).Acquire("probe"))(t)
	subscription := subscribe(t, engine, lifesign.Filter{})
	drain(t, subscription)
	for round := range 500 {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		output := fmt.Sprint(round)
		wrote := make(chan error)
		go func() { wrote <- token.Update(lifesign.Passing, output) }()
		batch, err := subscription.Next(ctx)
		check(t, <-wrote)
		switch {
		case errors.Is(err, context.Canceled):
			batch = must(subscription.Next(patient(t)))(t)
		case err != nil:
			t.Fatal(err)
		}
		if got := batch.Events[0].Output; got != output {
			t.Fatalf("round %d: %q", round, got)
		}
	}
}

// Both ways to end a wait from outside.
func TestCloseEndsWaits(t *testing.T) {
	for _, what := range []string{"subscription", "engine"} {
		t.Run(what, func(t *testing.T) {
			goroutines := runtime.NumGoroutine()
			engine := must(lifesign.Open(lifesign.Config{}))(t)
			register(t, engine, "http", nil)
			var subscriptions []*lifesign.Subscription
			results := make(chan error)
			for range 10 {
				subscription := must(engine.Subscribe(lifesign.Filter{}))(t)
				subscriptions = append(subscriptions, subscription)
				go func() {
					var last error
					for _, err := range subscription.Events(context.Background()) {
						last = err
					}
					results <- last
				}()
			}
			eventually(t, "all are asleep", func() bool { return sleepers() == 10 })
			if what == "engine" {
				check(t, engine.Close())
			} else {
				for _, subscription := range subscriptions {
					check(t, subscription.Close())
				}
			}
			for range subscriptions {
				refused(t, <-results, lifesign.ErrClosed)
			}
			for _, subscription := range subscriptions {
				_, err := subscription.Poll()
				refused(t, err, lifesign.ErrClosed)
				_, err = subscription.Next(context.Background())
				refused(t, err, lifesign.ErrClosed)
				subscription.Close()
			}
			check(t, engine.Close())
			eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
		})
	}
}

func TestOneConsumer(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "http", nil).Acquire("probe"))(t)
	subscription := subscribe(t, engine, lifesign.Filter{})
	drain(t, subscription)
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		if _, err := subscription.Next(patient(t)); err != nil {
			t.Error(err)
		}
	}()
	eventually(t, "the consumer sleeps", func() bool { return sleepers() == 1 })
	_, err := subscription.Poll()
	refused(t, err, lifesign.ErrBusy)
	_, err = subscription.Next(patient(t))
	refused(t, err, lifesign.ErrBusy)
	for _, err := range subscription.Events(patient(t)) {
		refused(t, err, lifesign.ErrBusy)
	}
	check(t, token.Update(lifesign.Passing, "go"))
	group.Wait()
	must(subscription.Poll())(t)

	// A loop is the consumer of its own body as well, until it ends.
	check(t, token.Update(lifesign.Passing, "again"))
	for _, err := range subscription.Events(patient(t)) {
		check(t, err)
		_, err = subscription.Poll()
		mentions(t, refused(t, err, lifesign.ErrBusy), "a loop over Events")
		break
	}
	must(subscription.Poll())(t)
}

// An engine that closes at any moment of a wait: before, while the waiter
// looks, asleep, or between two events.
func TestCloseBesideWaits(t *testing.T) {
	for round := range 300 {
		engine := must(lifesign.Open(lifesign.Config{}))(t)
		token := must(register(t, engine, "http", nil).Acquire("probe"))(t)
		subscription := must(engine.Subscribe(lifesign.Filter{}))(t)
		waiting, ended := make(chan struct{}), make(chan error)
		go func() {
			_, err := subscription.Next(patient(t))
			close(waiting)
			for err == nil {
				_, err = subscription.Next(patient(t))
			}
			ended <- err
		}()
		<-waiting
		for i := range round % 10 {
			check(t, token.Update(lifesign.Passing, fmt.Sprint(i)))
		}
		check(t, engine.Close())
		refused(t, <-ended, lifesign.ErrClosed)
	}
}
