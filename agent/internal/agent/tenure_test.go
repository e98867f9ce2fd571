package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

func TestLeaseOf(t *testing.T) {
	const century = 100 * 365 * 24 * time.Hour
	for _, c := range []struct {
		def  config.Check
		want time.Duration
	}{
		{config.Check{Kind: config.HTTP, Interval: 10 * time.Second, Timeout: 4 * time.Second}, 39 * time.Second},
		{config.Check{Kind: config.TCP, Interval: 10 * time.Millisecond, Timeout: time.Millisecond}, minLease + 31*time.Millisecond},
		{config.Check{Kind: config.Script, Interval: time.Minute, Timeout: time.Second, FailuresBeforeCritical: 10}, 10*time.Minute + 6*time.Second},
		{config.Check{Kind: config.TTL, TTL: time.Hour}, time.Hour + minLease},
		{config.Check{Kind: config.HTTP, Interval: century, Timeout: century}, maxLease},
		{config.Check{Kind: config.HTTP, Interval: time.Hour, Timeout: century, FailuresBeforeCritical: 1 << 30}, maxLease},
		{config.Check{Kind: config.HTTP, Interval: time.Second, Timeout: century}, maxLease},
		{config.Check{Kind: config.TTL, TTL: century}, maxLease},
	} {
		if got := leaseOf(c.def); got != c.want {
			t.Errorf("%+v: %v, want %v", c.def, got, c.want)
		}
	}
}

// bench is an engine whose time the test tells, and one check in it.
type bench struct {
	t      *testing.T
	engine *lifesign.Engine
	check  *lifesign.Check
	boot   time.Duration
	log    *lines
}

func newBench(t *testing.T) *bench {
	t.Helper()
	engine, err := lifesign.Open(lifesign.Config{ManualClock: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	b := &bench{t: t, engine: engine, log: &lines{}}
	b.check, err = engine.RegisterCheck(lifesign.CheckSpec{ID: "web"})
	if err != nil {
		t.Fatal(err)
	}
	b.pass(0)
	return b
}

// pass lets time go by as the agent's ticks do.
func (b *bench) pass(span time.Duration) {
	b.t.Helper()
	for end := b.boot + span; ; b.boot = min(b.boot+tickEvery, end) {
		if err := b.engine.Tick(time.Unix(0, 0).Add(b.boot), b.boot); err != nil {
			b.t.Fatal(err)
		}
		if b.boot == end {
			return
		}
	}
}

var probed = config.Check{ID: "web", Kind: config.HTTP, Interval: 10 * time.Second, Timeout: time.Second}

func (b *bench) tenure(run int) *tenure {
	return newTenure(slog.New(slog.NewTextHandler(b.log, nil)), b.check, probed, run)
}

func (b *bench) acquired() *tenure {
	b.t.Helper()
	tenure := b.tenure(1)
	if err := tenure.acquire(); err != nil {
		b.t.Fatal(err)
	}
	return tenure
}

func (b *bench) succeeds(errs ...error) {
	b.t.Helper()
	for _, err := range errs {
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// A loop that was silent for too long has lost the check to nobody, acquires it
// anew and goes on; several calls of it at once do so once.
func TestSilentLoopComesBack(t *testing.T) {
	b := newBench(t)
	tenure := b.acquired()
	b.succeeds(tenure.update(lifesign.Passing, "fine"))
	b.pass(30 * time.Second)
	b.succeeds(tenure.renew())
	b.pass(30 * time.Second)
	if b.check.Status() != lifesign.Passing {
		t.Fatal("a loop that says that it runs has lost its check")
	}
	b.pass(20 * time.Second)
	snapshot, err := b.check.Snapshot()
	b.succeeds(err)
	if snapshot.Status != lifesign.Critical || !snapshot.Orphaned || !strings.Contains(snapshot.Output, "probe http #1") {
		t.Fatalf("a silent loop's check is %+v", snapshot)
	}
	lost := tenure.token
	expired := lost.Renew()
	first, err := tenure.again(lost, expired)
	b.succeeds(err)
	second, err := tenure.again(lost, expired)
	b.succeeds(err)
	if first != second || first == lost {
		t.Errorf("two calls have acquired %v and %v", first, second)
	}
	b.succeeds(tenure.update(lifesign.Passing, "back"))
	after, err := b.check.Snapshot()
	b.succeeds(err)
	if after.Status != lifesign.Passing || after.Orphaned || after.Generation != snapshot.Generation+1 {
		t.Errorf("after its return: %+v", after)
	}
	if found := b.log.with("silent for longer than its lease"); len(found) != 1 {
		t.Errorf("the log: %v", found)
	}
	b.succeeds(tenure.close())
	if stats, err := b.engine.Stats(); err != nil || stats.Tokens != 0 {
		t.Errorf("%d tokens are open, %v", stats.Tokens, err)
	}
}

// A loop that lost its check and then its place stays away, also when the one
// that came after it is lost as well.
func TestSilentLoopWithASuccessorStaysAway(t *testing.T) {
	b := newBench(t)
	old := b.acquired()
	b.pass(time.Minute)
	successor := b.tenure(2)
	b.succeeds(successor.succeed(old))
	if err := old.update(lifesign.Critical, "late"); !errors.Is(err, lifesign.ErrFenced) {
		t.Errorf("the old loop: %v", err)
	}
	b.succeeds(successor.update(lifesign.Passing, "fine"))

	// Found out too late that its lease is over: meanwhile it was replaced, and
	// its successor is lost as well.
	old = successor
	b.pass(time.Minute)
	lost := old.token
	expired := lost.Renew()
	third := b.tenure(3)
	b.succeeds(third.succeed(old))
	b.pass(time.Minute)
	if _, err := old.again(lost, expired); !errors.Is(err, lifesign.ErrExpired) || err != expired {
		t.Errorf("a loop that was replaced takes the check that its successor lost: %v", err)
	}
	b.succeeds(third.update(lifesign.Passing, "back"))
}

// A check is deregistered by its loop's right, whether that has lapsed or not.
func TestDeregisterByASilentLoop(t *testing.T) {
	for _, silence := range []time.Duration{0, time.Minute} {
		b := newBench(t)
		tenure := b.acquired()
		b.pass(silence)
		b.succeeds(tenure.deregister())
		if b.check.Status() != lifesign.Gone {
			t.Errorf("after %v it is %v", silence, b.check.Status())
		}
		if err := tenure.update(lifesign.Passing, "late"); !errors.Is(err, lifesign.ErrGone) {
			t.Errorf("a late write: %v", err)
		}
	}
}

// stuck is a log whose reader has stopped reading: the loop that writes the line
// hangs in it.
type stuck struct {
	slog.Handler
	on      string
	reached chan struct{}
	release chan struct{}
	once    *sync.Once
}

func (s *stuck) Handle(ctx context.Context, record slog.Record) error {
	if record.Message == s.on {
		s.once.Do(func() {
			close(s.reached)
			<-s.release
		})
	}
	return s.Handler.Handle(ctx, record)
}

func (s *stuck) WithAttrs(attributes []slog.Attr) slog.Handler {
	with := *s
	with.Handler = s.Handler.WithAttrs(attributes)
	return &with
}

// A loop that hangs is seen, though everything else goes on: its check turns
// critical and says whose it was. When it comes back so does its check.
func TestLoopThatHangsIsSeen(t *testing.T) {
	web, other := newTarget(t), newTarget(t)
	log := &stuck{Handler: slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}),
		on: "result below its threshold", reached: make(chan struct{}), release: make(chan struct{}), once: &sync.Once{}}
	f := startWith(t, map[string]string{
		"a.json": `{"checks": [
			{"id": "web", "http": "` + web.URL + `", "interval": "20ms", "timeout": "1s", "failures_before_critical": 2},
			{"id": "other", "http": "` + other.URL + `", "interval": "20ms", "timeout": "1s"}]}`}, Options{Log: slog.New(log)})
	release := sync.OnceFunc(func() { close(log.release) })
	defer release()
	f.becomes("web", lifesign.Passing)
	f.becomes("other", lifesign.Passing)
	// One failure counts for nothing, and is logged.
	web.code.Store(503)
	<-log.reached
	web.code.Store(200)
	f.becomes("web", lifesign.Critical)
	lost := f.snapshot("web")
	if !lost.Orphaned || lost.Holder != 0 || !strings.Contains(lost.Output, "probe http #1") {
		t.Errorf("%+v", lost)
	}
	if f.status("other") != lifesign.Passing {
		t.Errorf("the other check is %v", f.status("other"))
	}
	release()
	f.becomes("web", lifesign.Passing)
	if back := f.snapshot("web"); back.Orphaned || back.Generation != lost.Generation+1 {
		t.Errorf("%+v", back)
	}
}
