// Package httpapi serves the paths of Consul's agent API that concern local
// checks, services and their health.
package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// writeTimeout is how long an answer may take to be written.
const writeTimeout = 30 * time.Second

// Options say what the API allows.
type Options struct {
	Log *slog.Logger
	// Scripts allows to register script checks over HTTP, which lets every
	// local user run commands as the agent's.
	Scripts bool
}

type api struct {
	agent   *agent.Agent
	options Options
	// stopping is done when the server is shut down: it ends the requests that
	// wait for news.
	stopping context.Context
}

// NewServer returns a server of the API with time-outs set.
func NewServer(a *agent.Agent, options Options) *http.Server {
	stopping, stop := context.WithCancel(context.Background())
	s := &api{agent: a, options: options, stopping: stopping}
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(options.Log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(stop)
	return server
}

func (s *api) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	handle("GET /v1/agent/checks", s.listChecks)
	handle("GET /v1/agent/services", s.listServices)
	handle("GET /v1/agent/service/{id...}", s.showService)
	handle("GET /v1/agent/health/service/id/{id...}", s.healthByID)
	handle("GET /v1/agent/health/service/name/{name...}", s.healthByName)
	handle("GET /v1/agent/check/who/{id...}", s.who)
	handle("GET /v1/agent/check/writers/{id...}", s.writers)
	handle("GET /v1/agent/check/history/{id...}", s.history)
	handle("GET /v1/agent/lifesign/claim", s.showClaim)
	handle("PUT /v1/agent/check/pass/{id...}", s.report(lifesign.Passing))
	handle("PUT /v1/agent/check/warn/{id...}", s.report(lifesign.Warning))
	handle("PUT /v1/agent/check/fail/{id...}", s.report(lifesign.Critical))
	handle("PUT /v1/agent/check/update/{id...}", s.update)
	handle("PUT /v1/agent/check/register", s.registerCheck)
	handle("PUT /v1/agent/check/deregister/{id...}", s.deregisterCheck)
	handle("PUT /v1/agent/service/register", s.registerService)
	handle("PUT /v1/agent/service/deregister/{id...}", s.deregisterService)
	return local(explained(mux))
}

// local refuses requests whose Host is another machine's name: that is a web
// page whose name was made to resolve to the loopback.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if address != nil && address.Network() == "tcp" {
			host := r.Host
			if bare, _, err := net.SplitHostPort(host); err == nil {
				host = bare
			}
			if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && !ip.IsLoopback() {
				http.Error(w, fmt.Sprintf("host %q is not this machine's loopback", r.Host), http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// requestError is a fault of the request.
type requestError struct {
	code int
	text string
}

func (e *requestError) Error() string { return e.text }

func bad(format string, args ...any) error {
	return &requestError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (s *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := codeOf(err)
	if code == http.StatusInternalServerError {
		s.options.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err.Error())
	}
	http.Error(w, agent.Sentence(err), code)
}

// codeOf is the HTTP status that an error is answered with.
func codeOf(err error) int {
	var request *requestError
	if errors.As(err, &request) {
		return request.code
	}
	for _, class := range []struct {
		err  error
		code int
	}{
		{agent.ErrUnknown, http.StatusNotFound},
		{agent.ErrConflict, http.StatusConflict},
		{agent.ErrMisused, http.StatusBadRequest},
		{agent.ErrClosed, http.StatusServiceUnavailable},
		{lifesign.ErrNotFound, http.StatusNotFound},
		{lifesign.ErrGone, http.StatusNotFound},
		{lifesign.ErrExists, http.StatusConflict},
		{lifesign.ErrHeld, http.StatusConflict},
		{lifesign.ErrBusy, http.StatusConflict},
		{lifesign.ErrLoop, http.StatusConflict},
		{lifesign.ErrInvalid, http.StatusBadRequest},
		{lifesign.ErrTooLarge, http.StatusBadRequest},
		{lifesign.ErrLimit, http.StatusServiceUnavailable},
		{lifesign.ErrClosed, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, class.err) {
			return class.code
		}
	}
	return http.StatusInternalServerError
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, code int, value any) error {
	body, err := json.MarshalIndent(value, "", "    ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(body, '\n')) // a client that has gone is nobody to tell
	return nil
}

// body reads the whole body.
func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody)}
	case err != nil:
		return nil, bad("reading the body: %v", err)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, bad("the request needs a JSON body")
	}
	return text, nil
}

// id is the id at the end of the path.
func id(r *http.Request, what string) (string, error) {
	value := r.PathValue("id")
	if value == "" {
		return "", bad("missing %s id at the end of the path", what)
	}
	return value, nil
}

// admit turns the problems of a definition into one refusal, or logs those it
// can be run with.
func (s *api) admit(problems []config.Problem) error {
	var fatal []string
	for _, p := range problems {
		if p.Fatal {
			fatal = append(fatal, p.String())
		}
	}
	if fatal != nil {
		return bad("nothing was registered:\n%s", strings.Join(fatal, "\n"))
	}
	for _, p := range problems {
		s.options.Log.Warn("definition not used as written", "field", p.Field, "problem", p.String())
	}
	return nil
}

func (s *api) admitScripts(checks ...config.Check) error {
	for _, c := range checks {
		if c.Kind == config.Script && !s.options.Scripts {
			return &requestError{http.StatusForbidden,
				fmt.Sprintf("check %q: field \"args\": script checks may not be registered over HTTP unless the agent runs with -http-script-checks; define it in a file", c.ID)}
		}
	}
	return nil
}
