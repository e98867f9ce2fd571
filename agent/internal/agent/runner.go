package agent

import (
	"context"
	"errors"
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

// runner is the loop that writes one check, and the right it writes by. The
// engine keeps a loop that was replaced from doing harm, however late it comes;
// stopping the loop is only tidiness.
type runner struct {
	log    *slog.Logger
	def    config.Check
	tenure *tenure
	// restored is what the check showed before a restart; nil for nothing.
	restored *lifesign.Exported
	reported func() // called after a report to a TTL check

	// retired is closed when a successor took over or the check was
	// deregistered. A probe in flight is let run to its end: it may not write
	// any more, and says so.
	retired chan struct{}
	retire  func()
	// abandon gives up a probe in flight.
	abandon context.CancelFunc

	beat *heartbeat // of a TTL check
}

// start runs the loop for the definition by the right, which is the loop's from
// here on. a.mu is held.
func (a *Agent) start(def config.Check, tenure *tenure, restored *lifesign.Exported) *runner {
	ctx, abandon := context.WithCancel(a.ctx)
	retired := make(chan struct{})
	r := &runner{
		log: a.log.With("check", def.ID), def: def, tenure: tenure, restored: restored, reported: a.unsaved.mark,
		retired: retired, retire: sync.OnceFunc(func() { close(retired) }), abandon: abandon,
		beat: newHeartbeat(def.TTL, restored),
	}
	a.run(func() {
		defer abandon()
		r.run(ctx)
		if err := tenure.close(); err != nil {
			r.log.Error("closing the token", "error", err.Error())
		}
	})
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
	if r.restored != nil {
		judge.Resume(r.restored.State.Status)
	}
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
			if !r.renew() {
				return
			}
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
	err := r.tenure.update(status, probe.Cut(output, r.def.OutputMaxSize))
	if err == nil {
		return true
	}
	return !r.refused(err, "status", status)
}

// renew says that the loop runs, and reports whether it goes on.
func (r *runner) renew() bool {
	err := r.tenure.renew()
	if err == nil {
		return true
	}
	return !r.refused(err)
}

// refused logs why a write was refused, naming both sides, and reports whether
// the token is of no more use.
func (r *runner) refused(err error, attributes ...any) bool {
	attributes = append(attributes, "error", err.Error())
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
	for _, final := range []error{lifesign.ErrFenced, lifesign.ErrHeld, lifesign.ErrGone, lifesign.ErrExpired, lifesign.ErrRevoked, lifesign.ErrClosed} {
		if errors.Is(err, final) {
			r.log.Info("late result refused, its probe ends", attributes...)
			return true
		}
	}
	r.log.Error("result could not be kept", attributes...)
	return false
}
