package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lifesign.dev/agent/internal/probe"
	"lifesign.dev/lifesign"
)

// heartbeat is when a TTL check's reports run out.
type heartbeat struct {
	mu       sync.Mutex
	deadline time.Time     // zero: not before there is a report
	last     string        // the output of the last report
	moved    chan struct{} // tells the loop of a new deadline
}

// newHeartbeat begins with a whole TTL, or with what is left of it after a
// restart. Where nothing is left there is a whole one all the same: nobody could
// report to an agent that was not there. What was critical stays so until there
// is a report: silence makes it no worse.
func newHeartbeat(ttl time.Duration, restored *lifesign.Exported) *heartbeat {
	beat := &heartbeat{deadline: time.Now().Add(ttl), moved: make(chan struct{}, 1)}
	if restored == nil {
		return beat
	}
	beat.last = restored.State.Output
	if restored.State.Status == lifesign.Critical {
		beat.deadline = time.Time{}
	} else if left := time.Until(restored.Reported.Add(ttl)); left > 0 && left < ttl {
		beat.deadline = time.Now().Add(left)
	}
	return beat
}

// left is the time until the reports run out.
func (h *heartbeat) left() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deadline.IsZero() {
		return maxLease // the loop looks again then
	}
	return time.Until(h.deadline)
}

// expectReports turns a TTL check critical when its reports stay away.
func (r *runner) expectReports(ctx context.Context) {
	timer := time.NewTimer(r.beat.left())
	defer timer.Stop()
	running := time.NewTicker(r.tenure.lease / minMissed)
	defer running.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.retired:
			return
		case <-r.beat.moved:
			timer.Reset(r.beat.left())
		case <-running.C:
			if !r.renew() {
				return
			}
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
	if r.beat.deadline.IsZero() || time.Until(r.beat.deadline) > 0 {
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
	output = probe.Cut(output, r.def.OutputMaxSize)
	if err := r.tenure.update(status, output); err != nil {
		return err
	}
	r.beat.deadline = time.Now().Add(r.def.TTL)
	r.beat.last = output
	r.reported()
	select {
	case r.beat.moved <- struct{}{}:
	default: // the loop has not yet looked at the one before, and will see both
	}
	return nil
}
