package agent

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

const (
	// tickEvery is how often the engine is told the time.
	tickEvery = time.Second

	// minLease leaves room for several ticks, and for a busy machine, in the
	// lease of a check that is probed many times a second.
	minLease = 5 * time.Second
	// maxLease is within what the engine takes.
	maxLease = 365 * 24 * time.Hour

	// minMissed is how many intervals without a result are no accident.
	minMissed = 3
)

// leaseOf is how long a loop may be silent. One that hangs is seen by it: for
// as many intervals as the definition asks failures for, three at least, and the
// time that the last probe may take. A loop that feeds nothing by itself, of a
// TTL check, has its TTL.
func leaseOf(def config.Check) time.Duration {
	lease := def.TTL
	if def.Kind != config.TTL {
		missed := time.Duration(max(minMissed, def.FailuresBeforeCritical))
		if def.Interval > maxLease/missed {
			return maxLease
		}
		lease = missed*def.Interval + min(def.Timeout, maxLease)
	}
	return min(lease+minLease, maxLease)
}

// tenure is a loop's right to write one check. Its token has a lease: where the
// loop hangs, the check is critical by the engine's own hand and says so, and
// where the loop comes back it acquires anew, unless somebody else has come.
type tenure struct {
	log     *slog.Logger
	check   *lifesign.Check
	label   string
	options []lifesign.AcquireOption
	lease   time.Duration // 0: none

	mu    sync.Mutex
	token *lifesign.Token
	over  bool // passed on, or the check was deregistered: never acquire again
}

func newTenure(log *slog.Logger, handle *lifesign.Check, def config.Check, run int) *tenure {
	t := &tenure{log: log.With("check", def.ID), check: handle, label: label(def, run)}
	// A check that does not run has no loop that could hang.
	if def.Kind != config.Unrunnable {
		t.lease = leaseOf(def)
		t.options = []lifesign.AcquireOption{lifesign.WithLease(t.lease, lifesign.LapseCritical)}
	}
	return t
}

// acquire begins the tenure of a check that nobody holds.
func (t *tenure) acquire() (err error) {
	t.token, err = t.check.Acquire(t.label, t.options...)
	return err
}

// succeed begins the tenure in the place of another one, which can write no more
// from then on.
func (t *tenure) succeed(old *tenure) (err error) {
	old.mu.Lock()
	defer old.mu.Unlock()
	t.token, err = t.check.TakeOver(old.token.Generation(), t.label, t.options...)
	old.over = err == nil
	return err
}

// deregister ends the check's life, and the tenure with it.
func (t *tenure) deregister() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.token.DeregisterCheck()
	if errors.Is(err, lifesign.ErrExpired) {
		err = t.check.Deregister() // nobody holds it
	}
	t.over = err == nil
	return err
}

// update commits a status and an output.
func (t *tenure) update(status lifesign.Status, output string) error {
	return t.use(func(token *lifesign.Token) error { return token.Update(status, output) })
}

// renew says that the loop runs although it has nothing to report.
func (t *tenure) renew() error {
	if t.lease == 0 {
		return nil
	}
	return t.use((*lifesign.Token).Renew)
}

func (t *tenure) use(call func(*lifesign.Token) error) error {
	t.mu.Lock()
	token := t.token
	t.mu.Unlock()
	err := call(token)
	if !errors.Is(err, lifesign.ErrExpired) {
		return err
	}
	if token, err = t.again(token, err); err != nil {
		return err
	}
	return call(token)
}

// again acquires the check whose lease ran out, unless another call of this loop
// has done so.
func (t *tenure) again(lost *lifesign.Token, expired error) (*lifesign.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return nil, expired
	}
	if t.token != lost {
		return t.token, nil
	}
	token, err := t.check.Acquire(t.label, t.options...)
	if err != nil {
		return nil, err
	}
	t.token = token
	t.log.Warn("the check's loop was silent for longer than its lease and is back", "lease", t.lease)
	if err := lost.Close(); err != nil {
		t.log.Error("closing the token", "error", err.Error())
	}
	return token, nil
}

func (t *tenure) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token.Close()
}
