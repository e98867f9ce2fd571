package agent

import (
	"cmp"
	"errors"
	"slices"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// CheckState is a check as the engine has it, with what the agent knows of its
// definition.
type CheckState struct {
	lifesign.Snapshot
	Kind        config.Kind
	Notes       string
	ServiceName string
	ServiceTags []string
	LastWriter  *lifesign.WriterRecord // nil while nobody has written
}

// ServiceState is a service as of one version and epoch of its summary.
type ServiceState struct {
	Definition config.Service
	Summary    lifesign.ServiceSnapshot
	Checks     []CheckState // its own, then the node's, which count for every service
}

// Checks returns every check, sorted by id.
func (a *Agent) Checks() ([]CheckState, error) {
	handles, err := a.engine.Checks()
	if err != nil {
		return nil, err
	}
	var snapshots []lifesign.Snapshot
	for _, handle := range handles {
		snapshot, err := handle.Snapshot()
		if errors.Is(err, lifesign.ErrGone) {
			continue // deregistered since the list was taken
		}
		if err != nil {
			return nil, err
		}
		snapshots = append(snapshots, snapshot)
	}
	states := a.describe(snapshots)
	slices.SortFunc(states, func(x, y CheckState) int { return cmp.Compare(x.ID, y.ID) })
	return states, nil
}

// describe adds to snapshots what the definitions say.
func (a *Agent) describe(snapshots []lifesign.Snapshot) []CheckState {
	states := make([]CheckState, len(snapshots))
	a.mu.RLock()
	for i, snapshot := range snapshots {
		states[i].Snapshot = snapshot
		if c := a.checks[snapshot.ID]; c != nil {
			states[i].Kind, states[i].Notes = c.def.Kind, c.def.Notes
		}
		if s := a.services[snapshot.Service]; s != nil {
			states[i].ServiceName, states[i].ServiceTags = s.def.Name, s.def.Tags
		}
	}
	a.mu.RUnlock()
	for i := range states {
		states[i].LastWriter = a.writer(states[i].Writer)
	}
	return states
}

// writer is the record with the number, nil for none.
func (a *Agent) writer(id uint32) *lifesign.WriterRecord {
	if id == 0 {
		return nil
	}
	record, err := a.engine.Record(id)
	if err != nil {
		return nil
	}
	return &record
}

// Services returns the definitions of every service, by id.
func (a *Agent) Services() map[string]config.Service {
	a.mu.RLock()
	defer a.mu.RUnlock()
	all := make(map[string]config.Service, len(a.services))
	for id, s := range a.services {
		all[id] = s.def
	}
	return all
}

// Service returns one service with its checks and the node's.
func (a *Agent) Service(id string) (ServiceState, error) {
	a.mu.RLock()
	s := a.services[id]
	var state ServiceState
	if s != nil {
		state.Definition = s.def
	}
	a.mu.RUnlock()
	if s == nil {
		return state, refuse(ErrUnknown, "service %q is not registered", id)
	}
	summary, err := s.handle.Snapshot()
	if errors.Is(err, lifesign.ErrGone) {
		return state, refuse(ErrUnknown, "service %q is not registered", id)
	}
	if err != nil {
		return state, err
	}
	node, err := a.engine.Node()
	if err != nil {
		return state, err
	}
	state.Summary = summary
	state.Checks = a.describe(append(slices.Clone(summary.Checks), node.Checks...))
	return state, nil
}

// ServicesNamed returns every service of that name, sorted by id.
func (a *Agent) ServicesNamed(name string) ([]ServiceState, error) {
	var states []ServiceState
	for id, def := range a.Services() {
		if def.Name != name {
			continue
		}
		state, err := a.Service(id)
		if errors.Is(err, ErrUnknown) {
			continue // deregistered since the list was taken
		}
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	if len(states) == 0 {
		return nil, refuse(ErrUnknown, "no service is named %q", name)
	}
	slices.SortFunc(states, func(x, y ServiceState) int { return cmp.Compare(x.Definition.ID, y.Definition.ID) })
	return states, nil
}

// AliasTarget is what an alias shows: a service's id, or "node"; empty for any
// other check.
func (c CheckState) AliasTarget() string {
	switch c.Snapshot.Kind {
	case lifesign.AliasService:
		return c.Target
	case lifesign.AliasNode:
		return "node"
	default:
		return ""
	}
}
