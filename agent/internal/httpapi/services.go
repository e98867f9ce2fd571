package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// serviceView is a service in Consul's field names.
type serviceView struct {
	ID      string
	Service string
	Tags    []string
	Meta    map[string]string
	Address string
	Port    int
}

func viewService(def config.Service) serviceView {
	view := serviceView{ID: def.ID, Service: def.Name, Tags: def.Tags, Meta: def.Meta, Address: def.Address, Port: def.Port}
	if view.Tags == nil {
		view.Tags = []string{}
	}
	if view.Meta == nil {
		view.Meta = map[string]string{}
	}
	return view
}

func (s *api) listServices(w http.ResponseWriter, r *http.Request) error {
	err := s.await(w, r, func() []agent.Topic { return []agent.Topic{agent.ServicesTopic} })
	if err != nil {
		return err
	}
	views := map[string]serviceView{}
	for id, def := range s.agent.Services() {
		views[id] = viewService(def)
	}
	return answer(w, http.StatusOK, views)
}

func (s *api) showService(w http.ResponseWriter, r *http.Request) error {
	service, err := id(r, "service")
	if err != nil {
		return err
	}
	state, err := s.agent.Service(service)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, viewService(state.Definition))
}

func (s *api) registerService(w http.ResponseWriter, r *http.Request) error {
	replace, err := flag(r, "replace-existing-checks")
	if err != nil {
		return err
	}
	text, err := body(w, r)
	if err != nil {
		return err
	}
	service, checks, problems := config.ReadService(text, s.agent.Node())
	if err := s.admit(problems); err != nil {
		return err
	}
	if err := s.admitScripts(checks...); err != nil {
		return err
	}
	return s.agent.RegisterService(service, checks, replace)
}

// flag is a query parameter that is on when given empty or as true.
func flag(r *http.Request, name string) (bool, error) {
	query := r.URL.Query()
	if !query.Has(name) {
		return false, nil
	}
	switch value := query.Get(name); value {
	case "", "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, bad("parameter %q takes true or false, not %q", name, value)
	}
}

func (s *api) deregisterService(_ http.ResponseWriter, r *http.Request) error {
	service, err := id(r, "service")
	if err != nil {
		return err
	}
	return s.agent.DeregisterService(service)
}

// healthView is one service with the checks that decide its status: its own
// and the node's.
type healthView struct {
	AggregatedStatus lifesign.Status
	Service          serviceView
	Checks           []checkView
}

func (s *api) viewHealth(state agent.ServiceState) healthView {
	view := healthView{AggregatedStatus: state.Summary.Status, Service: viewService(state.Definition), Checks: []checkView{}}
	for _, c := range state.Checks {
		view.Checks = append(view.Checks, s.view(c))
	}
	return view
}

func (s *api) healthByID(w http.ResponseWriter, r *http.Request) error {
	service, err := id(r, "service")
	if err != nil {
		return err
	}
	if err := s.await(w, r, func() []agent.Topic { return s.agent.HealthTopics(service) }); err != nil {
		return err
	}
	state, err := s.agent.Service(service)
	if err != nil {
		return err
	}
	return answerHealth(w, r, state.Summary.Status, s.viewHealth(state))
}

func (s *api) healthByName(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if name == "" {
		return bad("missing service name at the end of the path")
	}
	if err := s.await(w, r, func() []agent.Topic { return s.agent.NamedHealthTopics(name) }); err != nil {
		return err
	}
	states, err := s.agent.ServicesNamed(name)
	if err != nil {
		return err
	}
	worst := lifesign.Passing
	var views []healthView
	for _, state := range states {
		worst = max(worst, state.Summary.Status)
		views = append(views, s.viewHealth(state))
	}
	return answerHealth(w, r, worst, views)
}

// answerHealth puts the status into the response code, for load balancers, and
// into the body in the form asked for.
func answerHealth(w http.ResponseWriter, r *http.Request, status lifesign.Status, view any) error {
	code := http.StatusServiceUnavailable
	switch status {
	case lifesign.Passing:
		code = http.StatusOK
	case lifesign.Warning:
		code = http.StatusTooManyRequests
	}
	switch format := r.URL.Query().Get("format"); {
	case format == "text", format == "" && strings.HasPrefix(r.Header.Get("Accept"), "text/plain"):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		fmt.Fprintln(w, status) // a client that has gone is nobody to tell
		return nil
	case format == "", format == "json":
		return answer(w, code, view)
	default:
		return bad("parameter \"format\" takes text or json, not %q", format)
	}
}
