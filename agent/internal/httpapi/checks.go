package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// checkView is a check in Consul's field names, with what only Lifesign knows
// under a name of its own.
type checkView struct {
	Node        string
	CheckID     string
	Name        string
	Status      lifesign.Status
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string
	ServiceTags []string
	Type        config.Kind
	Lifesign    checkDetail
}

type checkDetail struct {
	Version     uint64      // commits of the check in this life
	Transitions uint64      // changes of status
	Incarnation uint64      // which life of the id
	Generation  uint64      // which writer of this life
	Since       time.Time   // the last change of status
	Updated     time.Time   // the last commit
	Initial     bool        // nobody has reported yet
	Restored    bool        // from before a restart; nobody has reported since
	Orphaned    bool        // its writer was silent for longer than its lease
	AliasTarget string      `json:",omitempty"` // service id, or "node"
	Writer      *writerView // who wrote the last commit
}

func (s *api) view(c agent.CheckState) checkView {
	view := checkView{
		Node: s.agent.Node(), CheckID: c.ID, Name: c.Name, Status: c.Status, Notes: c.Notes, Output: c.Output,
		ServiceID: c.Service, ServiceName: c.ServiceName, ServiceTags: c.ServiceTags, Type: c.Kind,
		Lifesign: checkDetail{
			Version: c.Version, Transitions: c.Transitions, Incarnation: c.Incarnation, Generation: c.Generation,
			Since: c.Since, Updated: c.Time, Initial: c.Initial, Restored: c.Restored, Orphaned: c.Orphaned, AliasTarget: c.AliasTarget(),
		},
	}
	if view.ServiceTags == nil {
		view.ServiceTags = []string{}
	}
	view.Lifesign.Writer = viewWriter(c.LastWriter)
	return view
}

func (s *api) listChecks(w http.ResponseWriter, r *http.Request) error {
	err := s.await(w, r, func() []agent.Topic { return []agent.Topic{agent.ChecksTopic} })
	if err != nil {
		return err
	}
	states, err := s.agent.Checks()
	if err != nil {
		return err
	}
	views := make(map[string]checkView, len(states))
	for _, c := range states {
		views[c.ID] = s.view(c)
	}
	return answer(w, http.StatusOK, views)
}

// report serves pass, warn and fail.
func (s *api) report(status lifesign.Status) func(http.ResponseWriter, *http.Request) error {
	return func(_ http.ResponseWriter, r *http.Request) error {
		check, err := id(r, "check")
		if err != nil {
			return err
		}
		return s.agent.Report(check, status, r.URL.Query().Get("note"))
	}
}

func (s *api) update(w http.ResponseWriter, r *http.Request) error {
	check, err := id(r, "check")
	if err != nil {
		return err
	}
	text, err := body(w, r)
	if err != nil {
		return err
	}
	var update struct{ Status, Output string }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&update); err != nil {
		return bad("check %q: reading the body: %v", check, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return bad("check %q: something follows the object in the body", check)
	}
	switch update.Status {
	case "passing", "warning", "critical":
	default:
		return bad("check %q: field \"Status\" takes passing, warning or critical, not %q", check, update.Status)
	}
	status, err := lifesign.ParseStatus(update.Status)
	if err != nil {
		return err
	}
	return s.agent.Report(check, status, update.Output)
}

func (s *api) registerCheck(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	check, problems := config.ReadCheck(text, s.agent.Node())
	if err := s.admit(problems); err != nil {
		return err
	}
	if err := s.admitScripts(check); err != nil {
		return err
	}
	return s.agent.RegisterCheck(check)
}

func (s *api) deregisterCheck(_ http.ResponseWriter, r *http.Request) error {
	check, err := id(r, "check")
	if err != nil {
		return err
	}
	return s.agent.DeregisterCheck(check)
}
