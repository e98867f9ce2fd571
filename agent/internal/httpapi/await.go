package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lifesign.dev/agent/internal/agent"
)

const (
	defaultWait = 5 * time.Minute
	maxWait     = 10 * time.Minute
)

// await holds a request with an index back until there is news of its topics to
// one who has seen everything up to that index, and puts the index of what is
// read after it into the answer's header. It returns early when the time is up,
// the client has gone or the server is being shut down: the state is answered
// then as it is.
func (s *api) await(w http.ResponseWriter, r *http.Request, topics func() []agent.Topic) error {
	seen, wait, err := blocking(r.URL.Query())
	if err != nil {
		return err
	}
	index := s.agent.Index(topics())
	if wait > 0 {
		// With a body that is never sent nobody would notice that the client has
		// gone.
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // the server would wait for it first
			return bad("a request that waits takes no body")
		}
		// The server's own time-out is for requests that are answered at once.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + writeTimeout)); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		defer context.AfterFunc(s.stopping, cancel)()
		index = s.agent.Await(ctx, seen, topics)
	}
	for _, name := range []string{"X-Lifesign-Index", "X-Consul-Index"} {
		w.Header().Set(name, strconv.FormatUint(index, 10))
	}
	return nil
}

// blocking reads the parameters index and wait. A request without an index, or
// with 0, does not wait.
func blocking(query url.Values) (seen uint64, wait time.Duration, err error) {
	if text := query.Get("index"); text != "" {
		if seen, err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0, 0, bad("parameter \"index\" takes the number of an earlier answer, not %q", text)
		}
	}
	if text := query.Get("wait"); text != "" {
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 {
			return 0, 0, bad("parameter \"wait\" takes a time such as 30s or 5m, not %q", text)
		}
	}
	switch {
	case seen == 0:
		return 0, 0, nil
	case wait == 0:
		return seen, defaultWait, nil
	default:
		return seen, min(wait, maxWait), nil
	}
}
