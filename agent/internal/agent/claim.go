package agent

import (
	"time"

	"lifesign.dev/lifesign"
)

// rivalEvery bounds how often one rival is logged.
const rivalEvery = time.Minute

// ClaimState is the claim of the node's name.
type ClaimState struct {
	lifesign.ClaimState
	Directory string
	Holder    lifesign.WriterRecord // this agent
	Rivals    []lifesign.Rival
}

// claimNode makes the agent the only one with this node's name.
func (a *Agent) claimNode() error {
	if a.options.ClaimDirectory == "" {
		return nil
	}
	claim, err := a.engine.Claim(a.options.ClaimDirectory, a.options.Node)
	if err != nil {
		return err
	}
	state, err := claim.State()
	if err != nil {
		return err
	}
	a.claim = claim
	log := a.log.With("node", a.options.Node, "directory", a.options.ClaimDirectory)
	if state.Advisory {
		log.Warn("claimed, but the directory cannot exclude: a rival is seen by its heartbeats alone")
	} else {
		log.Info("claimed")
	}
	return nil
}

// Claim tells how the claim of the node's name stands.
func (a *Agent) Claim() (ClaimState, error) {
	if a.claim == nil {
		return ClaimState{}, refuse(ErrUnknown, "node %q is not claimed: the agent runs without -claim-dir", a.options.Node)
	}
	state := ClaimState{Directory: a.options.ClaimDirectory}
	var err error
	if state.ClaimState, err = a.claim.State(); err != nil {
		return ClaimState{}, err
	}
	if state.Rivals, err = a.claim.Rivals(); err != nil {
		return ClaimState{}, err
	}
	// The engine's own record is the first.
	state.Holder, err = a.engine.Record(1)
	return state, err
}

// claimWatch remembers what was logged of a claim.
type claimWatch struct {
	agent   *Agent
	trouble string
	rivals  map[rivalKey]time.Time
}

// rivalKey is a program in one place, whichever process it is just now.
type rivalKey struct {
	machine, executable, name, version, build string
	boot                                      lifesign.UUID
	namespace                                 uint64
}

// look logs what the tick has brought to light.
func (w *claimWatch) look() {
	if w.agent.claim == nil {
		return
	}
	log := w.agent.log
	state, err := w.agent.Claim()
	if err != nil {
		log.Error("the claim cannot be looked at", "error", err.Error())
		return
	}
	trouble := ""
	if state.Trouble != nil {
		trouble = Sentence(state.Trouble)
	}
	if trouble != w.trouble {
		if trouble != "" {
			log.Error("the claim is in trouble", "held", state.Held, "problem", trouble)
		} else {
			log.Info("the claim is in order again")
		}
		w.trouble = trouble
	}
	for _, rival := range state.Rivals {
		w.tell(rival)
	}
}

// tell logs a rival when it is seen first, and once in a while as long as it
// goes on.
func (w *claimWatch) tell(rival lifesign.Rival) {
	r := rival.Record
	key := rivalKey{r.Machine, r.Executable, r.Name, r.Version, r.Build, r.Boot, r.PIDNamespace}
	last, known := w.rivals[key]
	if known && (!rival.Last.After(last) || rival.Last.Sub(last) < rivalEvery) {
		return
	}
	w.rivals[key] = rival.Last
	w.agent.log.Warn("another agent claims this node", "node", w.agent.options.Node, "machine", r.Machine, "rival_pid", r.PID,
		"name", r.Name, "version", r.Version, "build", r.Build, "executable", r.Executable,
		"first", rival.First, "last", rival.Last, "count", rival.Count)
}
