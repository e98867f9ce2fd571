package lifesign_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"lifesign.dev/lifesign"
)

// few is how many threads may come while 1,000 goroutines wait. A wait that blocks
// takes one each. Half a dozen come for the calls before each wait; where the
// collector always runs on a busy machine the runtime starts some more for them.
const few = 64

// Threads that were started for something else would hide those that are
// counted, and Go ends none: the waiters have a process of their own.
func TestWaitingTakesNoThreads(t *testing.T) {
	switch os.Getenv(planted) {
	case "nothing":
		waitForChanges(t)
		return
	case "blocked":
		waitBlocked(t)
		return
	}
	output, err := again(t, t.Name(), "nothing")
	if err != nil || !strings.Contains(output, "--- PASS") {
		t.Errorf("%v\n%s", err, output)
	}
	// What is counted are threads, and a wait that blocks is seen to.
	output, err = again(t, t.Name(), "blocked")
	if err == nil || !strings.Contains(output, "goroutines wait on") {
		t.Errorf("goroutines that block were not found: %v\n%s", err, output)
	}
}

func waitForChanges(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token, err := register(t, engine, "http", nil).Acquire("probe")
	hold(t, token, err)
	ctx := patient(t)
	const waiters = 1000
	results := make(chan error, waiters)
	takesFewThreads(t, waiters, func() {
		subscription := subscribe(t, engine, lifesign.Filter{})
		drain(t, subscription)
		go func() { results <- wakesOnce(ctx, subscription) }()
	}, func() int { return goroutinesIn("(*Subscription).next") })
	check(t, token.Update(lifesign.Passing, "wake up"))
	for range waiters {
		check(t, <-results)
	}
}

func wakesOnce(ctx context.Context, subscription *lifesign.Subscription) error {
	batch, err := subscription.Next(ctx)
	if err == nil && (len(batch.Events) != 1 || batch.Events[0].Output != "wake up") {
		return fmt.Errorf("woke for %+v", batch)
	}
	return err
}

// takesFewThreads starts so many waiters and counts the threads they have taken
// when all are asleep. A few at a time, so that only waiting counts and not a
// rush of calls.
func takesFewThreads(t *testing.T, waiters int, start func(), asleep func() int) {
	t.Helper()
	before := threads(t)
	for started := 0; started < waiters; {
		for range 10 {
			start()
			started++
		}
		eventually(t, "they sleep", func() bool { return asleep() == started })
	}
	if added := threads(t) - before; added > few {
		t.Errorf("%d goroutines wait on %d more threads", waiters, added)
	}
}

// goroutinesIn counts those that wait in a function, the poller's way or in a
// call that blocks.
func goroutinesIn(function string) int {
	count := 0
	for _, stack := range goroutines() {
		head, _, _ := strings.Cut(stack, "\n")
		if (strings.Contains(head, "[IO wait") || strings.Contains(head, "[syscall")) && strings.Contains(stack, function) {
			count++
		}
	}
	return count
}

// threads is the number of threads of this process.
func threads(t *testing.T) int {
	t.Helper()
	return len(must(os.ReadDir("/proc/self/task"))(t))
}

// waitBlocked is the planted fault: reads that block.
func waitBlocked(t *testing.T) {
	const waiters = 200
	var ends [2]int
	check(t, syscall.Pipe(ends[:]))
	results := make(chan error, waiters)
	takesFewThreads(t, waiters, func() {
		go func() {
			_, err := syscall.Read(ends[0], make([]byte, 1))
			results <- err
		}()
	}, func() int { return goroutinesIn("syscall.Read") })
	check(t, syscall.Close(ends[1]))
	for range waiters {
		check(t, <-results)
	}
}
