package agent

import (
	"errors"
	"fmt"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// The functions of this file bring one definition into the engine. Each
// changes nothing when it fails; a.mu is held.

// label names a check's loop in its writer record. It does without the check's
// id, which stands beside every record, and its numbers begin anew with each life
// of an id: the engine keeps a record for every distinct label, and ids come and
// go.
func label(def config.Check, run int) string {
	return fmt.Sprintf("probe %s #%d", def.Kind, run)
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
	a.services[def.ID] = &service{def: def, handle: handle, remote: remote}
	a.changes.note(ServicesTopic, serviceTopic(def.ID), nameTopic(def.Name))
	return nil
}

func (a *Agent) changeService(s *service, def config.Service) error {
	if err := s.handle.Redefine(serviceSpec(def)); err != nil {
		return err
	}
	a.changes.note(ServicesTopic, serviceTopic(def.ID), nameTopic(s.def.Name), nameTopic(def.Name))
	s.def = def
	return nil
}

func (a *Agent) removeService(s *service) error {
	if err := s.handle.Deregister(); err != nil {
		return err
	}
	if s.unwatch != nil {
		s.unwatch()
	}
	delete(a.services, s.def.ID)
	a.changes.note(ServicesTopic, serviceTopic(s.def.ID), nameTopic(s.def.Name))
	return nil
}

func (a *Agent) addCheck(def config.Check, remote bool) error {
	spec, err := a.checkSpec(def)
	if err != nil {
		return err
	}
	restored := a.restorable(def)
	if restored != nil {
		spec.Restored = &restored.State
	}
	handle, err := a.engine.RegisterCheck(spec)
	if err != nil {
		return err
	}
	c := &check{def: def, handle: handle, remote: remote, runs: 1}
	if !def.Kind.Alias() {
		tenure := newTenure(a.log, handle, def, c.runs)
		if err := tenure.acquire(); err != nil {
			return errors.Join(err, handle.Deregister())
		}
		c.runner = a.start(def, tenure, restored)
	}
	if restored != nil {
		delete(a.restored, def.ID)
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
		old := c.runner
		tenure := newTenure(a.log, c.handle, def, c.runs+1)
		if err := tenure.succeed(old.tenure); err != nil {
			return errors.Join(err, c.handle.Redefine(before))
		}
		c.runner = a.start(def, tenure, nil)
		c.runs++
		old.retire()
	}
	c.def = def
	return nil
}

// removeCheck deregisters a check by its loop's right; an alias has none.
func (a *Agent) removeCheck(c *check) error {
	if c.runner == nil {
		if err := c.handle.Deregister(); err != nil {
			return err
		}
	} else {
		if err := c.runner.tenure.deregister(); err != nil {
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
