package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

const (
	// stateFile holds, in the data directory, what the checks show.
	stateFile = "checks.json"

	// saveEvery bounds how often it is written, and how old it is after a crash.
	saveEvery = 2 * time.Second
)

// mark is set by many and taken by one.
type mark chan struct{}

func newMark() mark { return make(mark, 1) }

func (m mark) mark() {
	select {
	case m <- struct{}{}:
	default: // set already, and not yet taken
	}
}

// readState reads what the checks showed before a restart. A file that cannot be
// read costs that and nothing else.
func (a *Agent) readState() error {
	if a.options.DataDirectory == "" {
		return nil
	}
	if err := os.MkdirAll(a.options.DataDirectory, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	restored, err := lifesign.ReadExport(a.stateFile())
	switch {
	case errors.Is(err, lifesign.ErrNotFound):
	case err != nil:
		a.log.Error("the state before the restart cannot be read, the checks start anew", "error", err.Error())
	default:
		a.restored = restored
		a.log.Info("state read", "file", a.stateFile(), "checks", len(restored))
	}
	return nil
}

func (a *Agent) stateFile() string { return filepath.Join(a.options.DataDirectory, stateFile) }

// restorable is what a check showed before a restart, for the first check that
// is registered under its id; nil for nothing. a.mu is held.
func (a *Agent) restorable(def config.Check) *lifesign.Exported {
	known, ok := a.restored[def.ID]
	if !ok || def.Kind.Alias() || def.Kind == config.Unrunnable {
		return nil
	}
	return &known
}

// keep begins to keep the state, once the definitions were read: until then what
// is registered is a part of what the file holds. a.mu is held.
func (a *Agent) keep() {
	if !a.keeping && a.options.DataDirectory != "" {
		a.keeping = true
		a.run(a.keepState)
	}
}

// keepState writes the state soon after each change, until the agent ends.
func (a *Agent) keepState() {
	var last error
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-a.unsaved:
		}
		err := a.saveState()
		if err != nil && (last == nil || err.Error() != last.Error()) {
			a.log.Error("the state is not kept over a restart", "error", err.Error())
		}
		last = err
		if err != nil {
			a.unsaved.mark() // try again
		}
		select {
		case <-a.ctx.Done():
			return
		case <-time.After(saveEvery):
		}
	}
}

func (a *Agent) saveState() error {
	// The times of the last reports are counted from a tick.
	if err := a.engine.Tick(time.Now(), 0); err != nil {
		return err
	}
	_, err := a.engine.Export(a.stateFile())
	return err
}
