package agent

import (
	"errors"
	"maps"
	"slices"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// RegisterCheck registers a check over HTTP, or redefines one that came that
// way. The same definition again changes nothing. One that a file defines is
// refused with ErrConflict.
func (a *Agent) RegisterCheck(def config.Check) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	_, err := a.bringRemote(def)
	return err
}

// bringRemote registers or redefines, and returns what takes that back.
func (a *Agent) bringRemote(def config.Check) (undo func() error, err error) {
	c := a.checks[def.ID]
	switch {
	case c == nil:
		undo = func() error { return a.removeCheck(a.checks[def.ID]) }
		return undo, a.addCheck(def, true)
	case def.Same(c.def):
		return func() error { return nil }, nil
	case !c.remote:
		return nil, refuse(ErrConflict, "check %q is defined at %s: change it there and reload", def.ID, origin(c.def.Place, c.remote))
	default:
		before := c.def
		undo = func() error { return a.replaceCheck(a.checks[def.ID], before) }
		return undo, a.replaceCheck(c, def)
	}
}

// RegisterService registers a service with its checks over HTTP, or redefines
// one that came that way: all of it or nothing. With replace, other checks of
// the service that came over HTTP are deregistered.
func (a *Agent) RegisterService(def config.Service, checks []config.Check, replace bool) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	defer a.watchServices()
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, step := range slices.Backward(undo) {
			err = errors.Join(err, step())
		}
	}()
	s := a.services[def.ID]
	switch {
	case s == nil:
		if err := a.addService(def, true); err != nil {
			return err
		}
		undo = append(undo, func() error { return a.removeService(a.services[def.ID]) })
	case def.Same(s.def):
	case !s.remote:
		return refuse(ErrConflict, "service %q is defined at %s: change it there and reload", def.ID, origin(s.def.Place, s.remote))
	default:
		before := s.def
		if err := a.changeService(s, def); err != nil {
			return err
		}
		undo = append(undo, func() error { return a.changeService(s, before) })
	}
	kept := map[string]bool{}
	for _, c := range checks {
		step, err := a.bringRemote(c)
		if err != nil {
			return err
		}
		undo = append(undo, step)
		kept[c.ID] = true
	}
	if !replace {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(a.checks)) {
		c := a.checks[id]
		if !c.remote || kept[id] || c.def.ServiceID != def.ID {
			continue
		}
		if err := a.removeCheck(c); err != nil {
			return err
		}
		undo = append(undo, func() error { return a.addCheck(c.def, true) })
	}
	return nil
}

// DeregisterCheck deregisters a check. One that a file defines comes back with
// the next reload.
func (a *Agent) DeregisterCheck(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.checks[id]
	if c == nil {
		return refuse(ErrUnknown, "check %q is not registered", id)
	}
	a.warnOfReturn("check", id, c.def.Place, c.remote)
	return a.removeCheck(c)
}

// DeregisterService deregisters a service and the checks bound to it.
func (a *Agent) DeregisterService(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.services[id]
	if s == nil {
		return refuse(ErrUnknown, "service %q is not registered", id)
	}
	a.warnOfReturn("service", id, s.def.Place, s.remote)
	for _, checkID := range slices.Sorted(maps.Keys(a.checks)) {
		if c := a.checks[checkID]; c.def.ServiceID == id {
			if err := a.removeCheck(c); err != nil {
				return err
			}
		}
	}
	return a.removeService(s)
}

func (a *Agent) warnOfReturn(kind, id string, place config.Place, remote bool) {
	if !remote {
		a.log.Warn("deregistered over HTTP; it is defined in a file and comes back with the next reload",
			kind, id, "file", place.File, "line", place.Line)
	}
}

// Report feeds a TTL check. When it returns, every reader sees the report.
func (a *Agent) Report(id string, status lifesign.Status, output string) error {
	for {
		a.mu.RLock()
		c := a.checks[id]
		var r *runner
		var kind config.Kind
		if c != nil {
			r, kind = c.runner, c.def.Kind
		}
		a.mu.RUnlock()
		switch {
		case c == nil:
			return refuse(ErrUnknown, "check %q is not registered", id)
		case kind != config.TTL:
			return refuse(ErrMisused, "check %q is no ttl check but %s: its status cannot be reported", id, kind)
		}
		err := r.report(status, output)
		if err != nil && a.superseded(id, r) {
			// A reload came between the look-up and the write: the report is
			// for whoever holds the check now.
			continue
		}
		return err
	}
}

func (a *Agent) superseded(id string, r *runner) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	c := a.checks[id]
	return c == nil || c.runner != r
}
