package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// The functions of this file bring one definition into the engine. Each
// changes nothing when it fails; a.mu is held.

// labelID bounds the part of a label that is the check's id, in bytes, so that
// the run's number after it is not cut from the writer record.
const labelID = 80

// label names a check's loop in its writer record. Numbers begin anew with each
// life of an id, since a record is kept for every distinct label.
func label(def config.Check, run int) string {
	id := def.ID
	if len(id) > labelID {
		id = strings.ToValidUTF8(id[:labelID], "") + "…"
	}
	return fmt.Sprintf("probe %s %s #%d", def.Kind, id, run)
}

func serviceSpec(def config.Service) lifesign.ServiceSpec {
	return lifesign.ServiceSpec{ID: def.ID, Name: def.Name, Data: def.Data()}
}

func (a *Agent) checkSpec(def config.Check) (lifesign.CheckSpec, error) {
	spec := lifesign.CheckSpec{ID: def.ID, Name: def.Name, Data: def.Data(), Initial: def.Status,
		AliasOf: def.AliasService, AliasNode: def.Kind == config.AliasNode}
	if def.ServiceID != "" {
		s := a.services[def.ServiceID]
		if s == nil {
			return spec, refuse(ErrUnknown, "check %q refers to service %q, which is not registered", def.ID, def.ServiceID)
		}
		spec.Service = s.handle
	}
	return spec, nil
}

func (a *Agent) addService(def config.Service, remote bool) error {
	handle, err := a.engine.RegisterService(serviceSpec(def))
	if err != nil {
		return err
	}
	summary, err := a.engine.Subscribe(lifesign.Filter{Service: handle, Summary: true})
	if err != nil {
		return errors.Join(err, handle.Deregister())
	}
	ctx, unwatch := context.WithCancel(a.ctx)
	a.services[def.ID] = &service{def: def, handle: handle, remote: remote, unwatch: unwatch}
	a.running.Add(1)
	go func() {
		defer a.running.Done()
		a.watchService(ctx, def.ID, summary)
	}()
	return nil
}

func (a *Agent) changeService(s *service, def config.Service) error {
	if err := s.handle.Redefine(serviceSpec(def)); err != nil {
		return err
	}
	s.def = def
	return nil
}

func (a *Agent) removeService(s *service) error {
	if err := s.handle.Deregister(); err != nil {
		return err
	}
	s.unwatch()
	delete(a.services, s.def.ID)
	return nil
}

func (a *Agent) addCheck(def config.Check, remote bool) error {
	spec, err := a.checkSpec(def)
	if err != nil {
		return err
	}
	handle, err := a.engine.RegisterCheck(spec)
	if err != nil {
		return err
	}
	c := &check{def: def, handle: handle, remote: remote, runs: 1}
	if !def.Kind.Alias() {
		token, err := handle.Acquire(label(def, c.runs))
		if err != nil {
			return errors.Join(err, handle.Deregister())
		}
		c.runner = a.start(def, token)
	}
	a.checks[def.ID] = c
	return nil
}

// changeCheck redefines a running check in place: it is never missing, keeps
// its status, and from the take-over on only the new loop can write it.
func (a *Agent) changeCheck(c *check, def config.Check) error {
	spec, err := a.checkSpec(def)
	if err != nil {
		return err
	}
	before, err := a.checkSpec(c.def)
	if err != nil {
		return err
	}
	if err := c.handle.Redefine(spec); err != nil {
		return err
	}
	if !def.Kind.Alias() {
		token, err := c.handle.TakeOver(c.runner.token.Generation(), label(def, c.runs+1))
		if err != nil {
			return errors.Join(err, c.handle.Redefine(before))
		}
		old := c.runner
		c.runner = a.start(def, token)
		c.runs++
		old.retire()
	}
	c.def = def
	return nil
}

// removeCheck deregisters a check by its token; an alias has none.
func (a *Agent) removeCheck(c *check) error {
	if c.runner == nil {
		if err := c.handle.Deregister(); err != nil {
			return err
		}
	} else {
		if err := c.runner.token.DeregisterCheck(); err != nil {
			return err
		}
		c.runner.retire()
		c.runner.abandon()
	}
	delete(a.checks, c.def.ID)
	return nil
}

// replaceCheck makes def run in the place of c, in place when that can be.
// What cannot be is deregistered and registered again, and the old definition
// comes back if the new one is refused.
func (a *Agent) replaceCheck(c *check, def config.Check) error {
	if def.Redefines(c.def) {
		return a.changeCheck(c, def)
	}
	if _, err := a.checkSpec(def); err != nil {
		return err
	}
	if err := a.removeCheck(c); err != nil {
		return err
	}
	if err := a.addCheck(def, c.remote); err != nil {
		return errors.Join(err, a.addCheck(c.def, c.remote))
	}
	return nil
}
