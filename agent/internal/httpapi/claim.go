package httpapi

import (
	"net/http"
	"time"

	"lifesign.dev/agent/internal/agent"
)

// claimView is the claim of the node's name: who has it and who wants it.
type claimView struct {
	Node      string
	Directory string
	Held      bool   // the name is this agent's
	Advisory  bool   // the directory cannot exclude
	Beats     uint64 // ticks that have looked after the claim
	Trouble   string `json:",omitempty"`
	Since     time.Time
	Holder    *writerView // this agent
	Rivals    []rivalView
}

type rivalView struct {
	*writerView
	First time.Time
	Last  time.Time
	Count uint64 // attempts, or heartbeats seen
}

func (s *api) showClaim(w http.ResponseWriter, _ *http.Request) error {
	state, err := s.agent.Claim()
	if err != nil {
		return err
	}
	view := claimView{Node: s.agent.Node(), Directory: state.Directory, Held: state.Held, Advisory: state.Advisory,
		Beats: state.Beats, Since: state.Since, Holder: viewWriter(&state.Holder), Rivals: []rivalView{}}
	if state.Trouble != nil {
		view.Trouble = agent.Sentence(state.Trouble)
	}
	for _, rival := range state.Rivals {
		view.Rivals = append(view.Rivals, rivalView{viewWriter(&rival.Record), rival.First, rival.Last, rival.Count})
	}
	return answer(w, http.StatusOK, view)
}
