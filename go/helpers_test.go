package lifesign_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// patience bounds every wait: what takes longer has failed.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// must is for calls that have to succeed: must(engine.Check("id"))(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks the code of an error, in each of the ways there are to ask.
func refused(t testing.TB, err error, code lifesign.Code) *lifesign.Error {
	t.Helper()
	var refusal *lifesign.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want %v", err, code)
	}
	if !errors.Is(err, code) || refusal.Code != code {
		t.Fatalf("got %v, want %v", err, code)
	}
	return refusal
}

// mentions checks that an error's message speaks of what it has to.
func mentions(t testing.TB, refusal *lifesign.Error, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(refusal.Message, word) {
			t.Errorf("%q does not mention %q", refusal.Message, word)
		}
	}
}

func open(t testing.TB, config lifesign.Config) *lifesign.Engine {
	t.Helper()
	engine := must(lifesign.Open(config))(t)
	t.Cleanup(func() { check(t, engine.Close()) })
	return engine
}

func service(t testing.TB, engine *lifesign.Engine, id string) *lifesign.Service {
	t.Helper()
	return must(engine.RegisterService(lifesign.ServiceSpec{ID: id}))(t)
}

func register(t testing.TB, engine *lifesign.Engine, id string, of *lifesign.Service) *lifesign.Check {
	t.Helper()
	return must(engine.RegisterCheck(lifesign.CheckSpec{ID: id, Service: of}))(t)
}

// hold keeps a token until the end of the test: one that nobody refers to is
// closed as forgotten.
func hold(t testing.TB, token *lifesign.Token, err error) *lifesign.Token {
	t.Helper()
	check(t, err)
	t.Cleanup(func() { token.Close() })
	return token
}

func subscribe(t testing.TB, engine *lifesign.Engine, filter lifesign.Filter) *lifesign.Subscription {
	t.Helper()
	subscription := must(engine.Subscribe(filter))(t)
	t.Cleanup(func() { subscription.Close() })
	return subscription
}

// drain takes everything that is pending.
func drain(t testing.TB, subscription *lifesign.Subscription) []lifesign.Event {
	t.Helper()
	var events []lifesign.Event
	for {
		batch := must(subscription.Poll())(t)
		events = append(events, batch.Events...)
		if !batch.More {
			return events
		}
	}
}

// eventually waits for a condition that no call can wait for.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// sleepers counts the goroutines asleep in the network poller for a
// subscription.
func sleepers() int {
	count := 0
	for _, stack := range goroutines() {
		head, _, _ := strings.Cut(stack, "\n")
		if strings.Contains(head, "[IO wait") && strings.Contains(stack, "(*Subscription).next") {
			count++
		}
	}
	return count
}
