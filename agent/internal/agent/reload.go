package agent

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// reload is one pass over the definitions of the directory. a.mu is held.
type reload struct {
	*Agent
	set config.Set

	wantedServices, wantedChecks       map[string]bool
	added, changed, removed, untouched int
	failed                             int
}

// Reload reads the directory and brings the engine to what it says: what is
// the same stays untouched, what changed is redefined and taken over, what is
// gone is deregistered. A definition that cannot be used leaves what runs under
// its id running. What was registered over HTTP stays. An error means that the
// directory could not be read, and that nothing has changed.
func (a *Agent) Reload() error {
	set, err := config.Load(a.options.Directory, a.options.Node)
	if err != nil {
		return err
	}
	for _, p := range set.Problems {
		a.log.Error("definition not used as written", "file", p.Place.File, "line", p.Place.Line, "column", p.Place.Column,
			"path", p.Place.Path, "field", p.Field, "problem", p.String())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	r := &reload{Agent: a, set: set, wantedServices: map[string]bool{}, wantedChecks: map[string]bool{}}
	for _, s := range set.Services {
		r.wantedServices[s.ID] = true
	}
	for _, c := range set.Checks {
		r.wantedChecks[c.ID] = true
	}
	// Checks leave before their services do, and come after them; an alias
	// that changed leaves first, since only the new aliases together are
	// known to be free of loops.
	r.removeChecks()
	r.bringServices()
	r.bringChecks()
	r.removeServices()
	a.log.Info("definitions read", "directory", a.options.Directory, "services", len(a.services), "checks", len(a.checks),
		"added", r.added, "changed", r.changed, "removed", r.removed, "untouched", r.untouched,
		"problems", len(set.Problems)+r.failed)
	return nil
}

// report counts and logs a definition that the engine or the agent refused.
func (r *reload) report(object string, place config.Place, err error) {
	r.failed++
	r.log.Error("definition refused", "file", place.File, "line", place.Line, "column", place.Column,
		"path", place.Path, "problem", fmt.Sprintf("%s: %s: %v", place, object, err))
}

// stays reports whether a definition that is no longer found must be kept all
// the same: its file could not be read in full.
func (r *reload) stays(place config.Place) bool { return r.set.Unclear[place.File] }

func (r *reload) removeChecks() {
	for _, id := range slices.Sorted(maps.Keys(r.checks)) {
		c := r.checks[id]
		if c.remote || r.wantedChecks[id] || r.stays(c.def.Place) {
			continue
		}
		if err := r.removeCheck(c); err != nil {
			r.report(fmt.Sprintf("deregistering check %q", id), c.def.Place, err)
			continue
		}
		r.removed++
	}
}

func (r *reload) bringServices() {
	for _, def := range r.set.Services {
		object := fmt.Sprintf("service %q", def.ID)
		s := r.services[def.ID]
		switch {
		case s == nil:
			r.count(&r.added, object, def.Place, r.addService(def, false))
		case s.remote:
			r.report(object, def.Place, errors.New("registered over HTTP already, which stays"))
		case r.set.DuplicateServices[def.ID], def.Fault != "" && s.def.Fault == "":
			r.untouched++ // reported as a problem; what is known to be good stays
		case def.Same(s.def):
			s.def.Place = def.Place
			r.untouched++
		default:
			r.count(&r.changed, object, def.Place, r.changeService(s, def))
		}
	}
}

func (r *reload) bringChecks() {
	var again []config.Check
	before := map[string]config.Check{}
	for _, def := range r.set.Checks {
		object := fmt.Sprintf("check %q", def.ID)
		c := r.checks[def.ID]
		switch {
		case c == nil:
			again = append(again, def)
		case c.remote:
			r.report(object, def.Place, errors.New("registered over HTTP already, which stays"))
		case r.set.DuplicateChecks[def.ID], def.Fault != "" && c.def.Fault == "":
			r.untouched++ // reported as a problem; what is known to be good stays
		case def.Same(c.def):
			c.def.Place = def.Place
			r.untouched++
		case def.Redefines(c.def):
			r.count(&r.changed, object, def.Place, r.changeCheck(c, def))
		default:
			// Another target, kind or binding: another life of the id.
			if _, err := r.checkSpec(def); err != nil {
				r.report(object, def.Place, err)
			} else if err := r.removeCheck(c); err != nil {
				r.report(object, def.Place, err)
			} else {
				before[def.ID] = c.def
				again = append(again, def)
			}
		}
	}
	for _, def := range again {
		object := fmt.Sprintf("check %q", def.ID)
		old, existed := before[def.ID]
		err := r.addCheck(def, false)
		if err != nil && existed {
			err = errors.Join(err, r.addCheck(old, false))
		}
		if existed {
			r.count(&r.changed, object, def.Place, err)
		} else {
			r.count(&r.added, object, def.Place, err)
		}
	}
}

func (r *reload) removeServices() {
	for _, id := range slices.Sorted(maps.Keys(r.services)) {
		s := r.services[id]
		if s.remote || r.wantedServices[id] || r.stays(s.def.Place) {
			continue
		}
		err := r.removeService(s)
		if errors.Is(err, lifesign.ErrBusy) {
			err = fmt.Errorf("no longer defined, and kept while it has checks: %w", err)
		}
		r.count(&r.removed, fmt.Sprintf("deregistering service %q", id), s.def.Place, err)
	}
}

func (r *reload) count(into *int, object string, place config.Place, err error) {
	if err != nil {
		r.report(object, place, err)
		return
	}
	*into++
}
