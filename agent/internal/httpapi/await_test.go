package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// answered is the answer to a request that may wait.
type answered struct {
	code  int
	index uint64
	body  string
	err   error
}

// get asks in the background.
func (c *client) get(ctx context.Context, path string) <-chan answered {
	c.t.Helper()
	request, err := http.NewRequestWithContext(ctx, "GET", c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	answers := make(chan answered, 1)
	go func() {
		response, err := c.http.Do(request)
		if err != nil {
			answers <- answered{err: err}
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		index, _ := strconv.ParseUint(response.Header.Get("X-Lifesign-Index"), 10, 64)
		if response.Header.Get("X-Consul-Index") != response.Header.Get("X-Lifesign-Index") {
			err = errors.New("the two index headers differ")
		}
		answers <- answered{response.StatusCode, index, string(body), err}
	}()
	return answers
}

// answer waits for an answer.
func (c *client) answer(answers <-chan answered) answered {
	c.t.Helper()
	select {
	case answer := <-answers:
		if answer.err != nil {
			c.t.Fatal(answer.err)
		}
		return answer
	case <-time.After(patience):
		c.t.Fatal("no answer")
		panic("unreachable")
	}
}

// waiting is the number of requests that wait for news.
func waiting() int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "(*Agent).Await(")
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// quiet returns the index of a path once all that happened so far is counted.
func (c *client) quiet(path string) uint64 {
	c.t.Helper()
	index := uint64(0)
	eventually(c.t, "no more news of "+path, func() bool {
		before := index
		index = c.answer(c.get(context.Background(), path)).index
		time.Sleep(50 * time.Millisecond)
		return before == index && index == c.answer(c.get(context.Background(), path)).index
	})
	return index
}

func after(path string, index uint64, more string) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "index=" + strconv.FormatUint(index, 10) + more
}

var blockingPaths = []string{
	"/v1/agent/checks", "/v1/agent/health/service/id/web1", "/v1/agent/health/service/name/web", "/v1/agent/health/service/id/sidecar?format=text",
}

// A request that knows the latest state is answered when there is a newer one,
// with it.
func TestBlockingRead(t *testing.T) {
	c := serve(t, loopback, Options{})
	for i, path := range blockingPaths {
		status := []string{"critical", "passing"}[i%2]
		index := c.quiet(path)
		waits := c.get(context.Background(), after(path, index, ""))
		eventually(t, path+" waits", func() bool { return waiting() == 1 })
		c.want(200, "PUT", "/v1/agent/check/update/w1", `{"Status": "`+status+`"}`)
		news := c.answer(waits)
		if news.index <= index || !strings.Contains(news.body, status) {
			t.Errorf("%s: index %d after %d: %s", path, news.index, index, news.body)
		}
		// An old index is answered at once, and so is one that was never given out.
		for _, known := range []uint64{index, 1, news.index + 1<<40} {
			if again := c.answer(c.get(context.Background(), after(path, known, ""))); again.index < news.index {
				t.Errorf("%s: index %d after %d", path, again.index, news.index)
			}
		}
	}
}

// The services are news when a definition comes, changes or goes, and not when a
// check is reported.
func TestBlockingReadOfServices(t *testing.T) {
	c := serve(t, loopback, Options{})
	const path = "/v1/agent/services"
	index := c.quiet(path)
	for _, step := range []struct{ path, body, want string }{
		{"/v1/agent/service/register", `{"Name": "new", "Port": 1}`, `"Port": 1`},
		{"/v1/agent/service/register", `{"Name": "new", "Port": 2}`, `"Port": 2`},
		{"/v1/agent/service/deregister/new", "", ""},
	} {
		waits := c.get(context.Background(), after(path, index, ""))
		eventually(t, "it waits", func() bool { return waiting() == 1 })
		c.want(200, "PUT", "/v1/agent/check/warn/w1", "")
		c.want(200, "PUT", step.path, step.body)
		news := c.answer(waits)
		if news.index <= index || step.want != "" && !strings.Contains(news.body, step.want) || strings.Contains(news.body, `"new"`) != (step.want != "") {
			t.Errorf("%s %s: index %d after %d: %s", step.path, step.body, news.index, index, news.body)
		}
		index = news.index
	}
}

// One can wait for a service that is not there yet.
func TestBlockingReadOfWhatIsNotThere(t *testing.T) {
	c := serve(t, loopback, Options{})
	for _, path := range []string{"/v1/agent/health/service/id/new", "/v1/agent/health/service/name/new"} {
		absent := c.answer(c.get(context.Background(), path))
		if absent.code != 404 || absent.index == 0 {
			t.Errorf("%s: %+v", path, absent)
		}
		waits := c.get(context.Background(), after(path, c.quiet(path), ""))
		eventually(t, "it waits", func() bool { return waiting() == 1 })
		c.want(200, "PUT", "/v1/agent/service/register", `{"Name": "new"}`)
		if there := c.answer(waits); there.code != 200 || there.index <= absent.index {
			t.Errorf("%s: %+v", path, there)
		}
		c.want(200, "PUT", "/v1/agent/service/deregister/new", "")
	}
}

// When the time is up the state is answered as it is.
func TestBlockingReadTimesOut(t *testing.T) {
	c := serve(t, loopback, Options{})
	for _, path := range append(blockingPaths, "/v1/agent/services") {
		index := c.quiet(path)
		same := c.answer(c.get(context.Background(), path))
		late := c.answer(c.get(context.Background(), after(path, index, "&wait=20ms")))
		if late != same {
			t.Errorf("%s: %+v, want %+v", path, late, same)
		}
	}
}

// The server's time-outs for plain requests do not end one that waits.
func TestBlockingReadOutlastsTheServersTimeouts(t *testing.T) {
	const timeouts = 100 * time.Millisecond
	c := serveWith(t, loopback, Options{}, func(server *http.Server) {
		server.ReadTimeout, server.WriteTimeout = timeouts, timeouts
	})
	// On a connection that it has used before the client would ask once more.
	c.http.Transport = &http.Transport{DisableKeepAlives: true}
	const path = "/v1/agent/checks"
	index := c.quiet(path)
	waits := c.get(context.Background(), after(path, index, ""))
	eventually(t, "it waits", func() bool { return waiting() == 1 })
	time.Sleep(5 * timeouts)
	select {
	case early := <-waits:
		t.Fatalf("it has ended: %+v", early)
	default:
	}
	c.want(200, "PUT", "/v1/agent/check/warn/w1", "")
	if news := c.answer(waits); news.code != 200 || news.index <= index {
		t.Errorf("%+v", news)
	}
}

// A client that goes away leaves nothing behind.
func TestClientThatGoesAway(t *testing.T) {
	c := serve(t, loopback, Options{})
	index := c.quiet("/v1/agent/checks")
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	var all []<-chan answered
	for range 20 {
		all = append(all, c.get(ctx, after("/v1/agent/checks", index, "")))
	}
	eventually(t, "all wait", func() bool { return waiting() == 20 })
	cancel()
	for _, answers := range all {
		if gone := <-answers; !errors.Is(gone.err, context.Canceled) {
			t.Errorf("%+v", gone)
		}
	}
	c.http.CloseIdleConnections()
	eventually(t, "nobody waits", func() bool { return waiting() == 0 && runtime.NumGoroutine() <= before })
}

// A server that is shut down answers those who wait.
func TestShutdownAnswersThoseWhoWait(t *testing.T) {
	c := serve(t, loopback, Options{})
	waits := c.get(context.Background(), after("/v1/agent/checks", c.quiet("/v1/agent/checks"), ""))
	eventually(t, "it waits", func() bool { return waiting() == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	var checks map[string]any
	if last := c.answer(waits); last.code != 200 || json.Unmarshal([]byte(last.body), &checks) != nil || checks["w1"] == nil {
		t.Errorf("%+v", last)
	}
}

func TestBlockingParameters(t *testing.T) {
	c := serve(t, loopback, Options{})
	for _, query := range []string{"index=x", "index=-1", "index=18446744073709551616", "index=1&wait=soon", "wait=-1s", "index=1&wait=5"} {
		c.want(400, "GET", "/v1/agent/checks?"+query, "", "parameter")
	}
	for query, want := range map[string]time.Duration{"": 0, "index=0&wait=1s": 0, "wait=1s": 0, "index=7": defaultWait,
		"index=7&wait=0s": defaultWait, "index=7&wait=1m30s": 90 * time.Second, "index=7&wait=24h": maxWait} {
		request, err := http.NewRequest("GET", "/?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, wait, err := blocking(request.URL.Query()); err != nil || wait != want {
			t.Errorf("%q: waits %v, %v", query, wait, err)
		}
	}
}
