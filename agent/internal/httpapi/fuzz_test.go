package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/agent/internal/config"
)

// subject is an agent and its API, as the fuzzer meets them.
type subject struct {
	agent  *agent.Agent
	server *http.Server
	listen net.Listener
	log    said
}

// said is a log that can be read while it is written.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newSubject(t *testing.T, directory string) *subject {
	t.Helper()
	s := &subject{}
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	s.agent, err = agent.New(agent.Options{Directory: directory, Node: "here", Version: "v1", Build: "b1", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.agent.Reload(); err != nil {
		t.Fatal(err)
	}
	if s.listen, err = Listen(loopback); err != nil {
		t.Fatal(err)
	}
	s.server = NewServer(s.agent, Options{Log: log})
	go s.server.Serve(s.listen)
	return s
}

func (s *subject) end(t *testing.T) {
	t.Helper()
	s.server.Close()
	if err := s.agent.Close(); err != nil {
		t.Error(err)
	}
}

// state is all that a request may change.
func (s *subject) state(t *testing.T) string {
	t.Helper()
	checks, err := s.agent.Checks()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(struct{ Checks, Services any }{checks, s.agent.Services()})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// send writes raw bytes on a connection of their own and reads what comes until
// its end.
func (s *subject) send(t *testing.T, raw []byte) []byte {
	t.Helper()
	connection, err := net.Dial("tcp", s.listen.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tcp := connection.(*net.TCPConn)
	defer tcp.Close()
	tcp.SetLinger(0) // no port is left waiting
	tcp.SetDeadline(time.Now().Add(patience))
	go func() {
		tcp.Write(raw) // of which the server may want less
		tcp.CloseWrite()
	}()
	answer, err := io.ReadAll(tcp)
	if err != nil && len(answer) == 0 {
		t.Errorf("no answer: %v", err)
	}
	return answer
}

var statusLine = regexp.MustCompile(`(?m)^HTTP/1\.[01] (\d)(\d\d) `)

// FuzzRequest sends arbitrary requests to the API. Each is answered with a status
// that says whose fault it is, one that is refused has changed nothing, and the
// next one is served.
func FuzzRequest(f *testing.F) {
	directory := f.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "a.json"), []byte(definitions), 0o600); err != nil {
		f.Fatal(err)
	}
	var s *subject
	f.Fuzz(func(t *testing.T, method, target, header string, body []byte) {
		if asksOthers(header, body) {
			return // a check that would ask something outside
		}
		if s == nil {
			s = newSubject(t, directory)
		}
		before := s.state(t)
		raw := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s", method, target, header, len(body), body)
		answer := s.send(t, raw)
		final, accepted := false, false
		for _, line := range statusLine.FindAllSubmatch(answer, -1) {
			final = final || line[1][0] != '1'
			accepted = accepted || line[1][0] == '2'
			if string(line[1])+string(line[2]) == "500" {
				t.Errorf("%q: %q", raw, answer)
			}
		}
		if !final {
			t.Errorf("%q: no status in %q", raw, answer)
		}
		after := s.state(t)
		if !accepted && after != before {
			t.Errorf("%q was refused and has changed\n%s to\n%s", raw, before, after)
		}
		if next := s.send(t, []byte("GET /v1/agent/services HTTP/1.0\r\nHost: localhost\r\n\r\n")); !bytes.HasPrefix(next, []byte("HTTP/1.0 200 ")) {
			t.Errorf("after %q: %q", raw, next)
		}
		if log := s.log.String(); strings.Contains(log, "panic") {
			t.Errorf("%q: %s", raw, log)
		}
		if after != before || t.Failed() {
			s.end(t)
			s = nil
		}
	})
	if s != nil {
		s.server.Close()
		if err := s.agent.Close(); err != nil {
			f.Error(err)
		}
	}
}

// asksOthers reports whether the body may define a check that is no mere record:
// nobody wants to ask what a fuzzer names.
func asksOthers(header string, body []byte) bool {
	if strings.Contains(strings.ToLower(header), "encoding") && bytes.Contains(bytes.ToLower(body), []byte("interval")) {
		return true // in pieces, which this does not put together
	}
	check, _ := config.ReadCheck(body, "here")
	_, checks, _ := config.ReadService(body, "here")
	for _, c := range append(checks, check) {
		switch c.Kind {
		case config.HTTP, config.TCP, config.Script:
			return true
		}
	}
	return false
}
