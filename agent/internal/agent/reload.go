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
	return a.bring(set)
}

func (a *Agent) bring(set config.Set) error {
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
	r.reportProblems()
	// Checks leave before their services do, and come after them; an alias
	// that changed leaves first, since only the new aliases together are
	// known to be free of loops.
	r.removeChecks()
	r.bringServices()
	r.bringChecks()
	r.removeServices()
	a.watchServices()
	a.keep()
	a.log.Info("definitions read", "directory", a.options.Directory, "services", len(a.services), "checks", len(a.checks),
		"added", r.added, "changed", r.changed, "removed", r.removed, "untouched", r.untouched,
		"problems", len(set.Problems)+r.failed)
	return nil
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
			r.refuse("check", id, c.def.Place, err, "it stays registered")
			continue
		}
		r.removed++
	}
}

func (r *reload) bringServices() {
	for _, def := range r.set.Services {
		s := r.services[def.ID]
		switch {
		case s == nil:
			if err := r.addService(def, false); err != nil {
				r.refuse("service", def.ID, def.Place, err, notRegistered)
			} else {
				r.added++
			}
		case s.remote:
			r.refuse("service", def.ID, def.Place, errRemote, earlierStays)
		case r.set.DuplicateServices[def.ID], def.Fault != "" && s.def.Fault == "":
			r.untouched++ // reported as a problem; what is known to be good stays
		case def.Same(s.def):
			s.def.Place = def.Place
			r.untouched++
		default:
			if err := r.changeService(s, def); err != nil {
				r.refuse("service", def.ID, def.Place, err, earlierStays)
			} else {
				r.changed++
			}
		}
	}
}

func (r *reload) bringChecks() {
	var again []config.Check
	before := map[string]config.Check{}
	for _, def := range r.set.Checks {
		c := r.checks[def.ID]
		switch {
		case c == nil:
			again = append(again, def)
		case c.remote:
			r.refuse("check", def.ID, def.Place, errRemote, earlierRuns)
		case r.set.DuplicateChecks[def.ID], def.Fault != "" && c.def.Fault == "":
			r.untouched++ // reported as a problem; what is known to be good stays
		case def.Same(c.def):
			c.def.Place = def.Place
			r.untouched++
		case def.Redefines(c.def):
			if err := r.changeCheck(c, def); err != nil {
				r.refuse("check", def.ID, def.Place, err, earlierRuns)
			} else {
				r.changed++
			}
		default:
			// Another target, kind or binding: another life of the id.
			_, err := r.checkSpec(def)
			if err == nil {
				err = r.removeCheck(c)
			}
			if err != nil {
				r.refuse("check", def.ID, def.Place, err, earlierRuns)
				continue
			}
			before[def.ID] = c.def
			again = append(again, def)
		}
	}
	for _, def := range inOrder(again) {
		old, existed := before[def.ID]
		err := r.addCheck(def, false)
		switch {
		case err != nil && existed:
			r.bringBack(def, old, err)
		case err != nil:
			r.standIn(def, err)
		case existed:
			r.changed++
		default:
			r.added++
		}
	}
}

// bringBack registers the earlier definition again when the new one was
// refused.
func (r *reload) bringBack(def, old config.Check, refused error) {
	if old.Fault != "" {
		r.standIn(def, refused)
		return
	}
	if err := r.addCheck(old, false); err != nil {
		r.refuse("check", def.ID, def.Place, errors.Join(refused, err), notRegistered)
		return
	}
	r.refuse("check", def.ID, def.Place, refused, "the earlier one runs again")
}

// standIn registers a check that says why it cannot run in the place of an
// alias in a loop: its service must not look healthier for the lack of it. One
// whose service is not registered has nobody to stand in for.
func (r *reload) standIn(def config.Check, refused error) {
	if !errors.Is(refused, lifesign.ErrLoop) {
		r.refuse("check", def.ID, def.Place, refused, notRegistered)
		return
	}
	fault := fmt.Sprintf("%s (%s)", Sentence(refused), def.Place)
	if err := r.addCheck(def.Unrunnable(fault), false); err != nil {
		r.refuse("check", def.ID, def.Place, errors.Join(refused, err), notRegistered)
		return
	}
	r.refuse("check", def.ID, def.Place, refused, unrunnable)
}

func (r *reload) removeServices() {
	for _, id := range slices.Sorted(maps.Keys(r.services)) {
		s := r.services[id]
		if s.remote || r.wantedServices[id] || r.stays(s.def.Place) {
			continue
		}
		switch err := r.removeService(s); {
		case errors.Is(err, lifesign.ErrBusy):
			r.refuse("service", id, s.def.Place, err, "no longer defined, and kept while it has checks")
		case err != nil:
			r.refuse("service", id, s.def.Place, err, "it stays registered")
		default:
			r.removed++
		}
	}
}
