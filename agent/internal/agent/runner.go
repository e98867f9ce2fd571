package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/agent/internal/probe"
	"lifesign.dev/lifesign"
)

// maxStagger bounds the random delay of a loop's first probe, which keeps a
// hundred checks of one file from starting as one burst.
const maxStagger = 200 * time.Millisecond

// runner is the loop that writes one check, and the token it writes with. The
// token is what keeps a loop that was replaced from doing harm, however late
// it comes; stopping the loop is only tidiness.
type runner struct {
	log   *slog.Logger
	def   config.Check
	token *lifesign.Token

	// retired is closed when a successor took over or the check was
	// deregistered. A probe in flight is let run to its end: it may not write
	// any more, and says so.
	retired chan struct{}
	retire  func()
	// abandon gives up a probe in flight.
	abandon context.CancelFunc

	beat heartbeat // of a TTL check
}

// heartbeat is when a TTL check's reports run out.
type heartbeat struct {
	mu       sync.Mutex
	deadline time.Time
	last     string        // the output of the last report
	moved    chan struct{} // tells the loop of a new deadline
}

// left is the time until the reports run out.
func (h *heartbeat) left() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(h.deadline)
}

// start runs the loop for the definition with the token, which is the loop's
// from here on. a.mu is held.
func (a *Agent) start(def config.Check, token *lifesign.Token) *runner {
	ctx, abandon := context.WithCancel(a.ctx)
	retired := make(chan struct{})
	r := &runner{
		log: a.log.With("check", def.ID), def: def, token: token,
		retired: retired, retire: sync.OnceFunc(func() { close(retired) }), abandon: abandon,
		beat: heartbeat{deadline: time.Now().Add(def.TTL), moved: make(chan struct{}, 1)},
	}
	a.running.Add(1)
	go func() {
		defer a.running.Done()
		defer abandon()
		r.run(ctx)
		if err := token.Close(); err != nil {
			r.log.Error("closing the token", "error", err)
		}
	}()
	return r
}

func (r *runner) run(ctx context.Context) {
	switch r.def.Kind {
	case config.TTL:
		r.expectReports(ctx)
	case config.Unrunnable:
		if r.write(lifesign.Critical, "This check does not run: "+r.def.Fault) {
			r.sleep(ctx, nil)
		}
	default:
		r.probe(ctx)
	}
}

// probe asks the target once an interval, counted from start to start.
func (r *runner) probe(ctx context.Context) {
	prober := probe.New(r.def)
	judge := probe.NewJudge(r.def)
	next := time.Now().Add(rand.N(min(maxStagger, r.def.Interval)))
	for {
		timer := time.NewTimer(time.Until(next))
		if !r.sleep(ctx, timer.C) {
			timer.Stop()
			return
		}
		started := time.Now()
		result := prober.Probe(ctx)
		if ctx.Err() != nil {
			return // the result says only that the probe was given up
		}
		if status, counts := judge.Next(result.Status); !counts {
			r.log.Debug("result below its threshold", "result", result.Status, "output", excerpt(result.Output))
		} else if !r.write(status, result.Output) {
			return
		}
		next = started.Add(r.def.Interval)
	}
}

// sleep waits for the timer and reports whether the loop goes on.
func (r *runner) sleep(ctx context.Context, timer <-chan time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-r.retired:
		return false
	case <-timer:
		return true
	}
}

// write commits a result and reports whether the loop goes on.
func (r *runner) write(status lifesign.Status, output string) bool {
	err := r.token.Update(status, probe.Cut(output, r.def.OutputMaxSize))
	if err == nil {
		return true
	}
	return !r.refused(status, err)
}

// refused logs why a write was refused, naming both sides, and reports whether
// the token is of no more use.
func (r *runner) refused(status lifesign.Status, err error) bool {
	attributes := []any{"status", status, "error", err}
	var detail *lifesign.Error
	if errors.As(err, &detail) {
		attributes = append(attributes, "reason", detail.Code.String())
		if detail.Caller != nil {
			attributes = append(attributes, "writer", detail.Caller.Label)
		}
		if detail.Holder != nil {
			attributes = append(attributes, "holder", detail.Holder.Label)
		}
	}
	for _, final := range []error{lifesign.ErrFenced, lifesign.ErrGone, lifesign.ErrExpired, lifesign.ErrRevoked, lifesign.ErrClosed} {
		if errors.Is(err, final) {
			r.log.Info("late result refused, its probe ends", attributes...)
			return true
		}
	}
	r.log.Error("result could not be kept", attributes...)
	return false
}

// expectReports turns a TTL check critical when its reports stay away.
func (r *runner) expectReports(ctx context.Context) {
	timer := time.NewTimer(r.beat.left())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.retired:
			return
		case <-r.beat.moved:
			timer.Reset(r.beat.left())
		case <-timer.C:
			if !r.expire() {
				return
			}
		}
	}
}

// expire commits the lapse, unless a report has come at the last moment.
func (r *runner) expire() bool {
	r.beat.mu.Lock()
	defer r.beat.mu.Unlock()
	if time.Until(r.beat.deadline) > 0 {
		return true // moved says so to the loop
	}
	output := fmt.Sprintf("No report within %v.", r.def.TTL)
	if r.beat.last != "" {
		output += " The last one was: " + r.beat.last
	}
	return r.write(lifesign.Critical, output)
}

// report commits a report to a TTL check and gives it another TTL.
func (r *runner) report(status lifesign.Status, output string) error {
	r.beat.mu.Lock()
	defer r.beat.mu.Unlock()
	if err := r.token.Update(status, probe.Cut(output, r.def.OutputMaxSize)); err != nil {
		return err
	}
	r.beat.deadline = time.Now().Add(r.def.TTL)
	r.beat.last = output
	select {
	case r.beat.moved <- struct{}{}:
	default: // the loop has not yet looked at the one before, and will see both
	}
	return nil
}
