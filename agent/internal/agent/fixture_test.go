package agent

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) with(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
next:
	for _, line := range strings.Split(l.text.String(), "\n") {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

type fixture struct {
	*Agent
	t         *testing.T
	directory string
	log       *lines
}

func start(t *testing.T, files map[string]string) *fixture {
	t.Helper()
	return startWith(t, files, Options{})
}

// startWith starts an agent with what is special in its options.
func startWith(t *testing.T, files map[string]string, options Options) *fixture {
	t.Helper()
	f := &fixture{t: t, directory: t.TempDir(), log: &lines{}}
	f.write(files)
	options.Directory, options.Node, options.Version, options.Build = f.directory, "here", "test", "test"
	if options.Log == nil {
		options.Log = slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	a, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	f.Agent = a
	t.Cleanup(func() {
		repaired, err := a.engine.Audit()
		if err != nil && !a.closed || repaired != 0 {
			t.Errorf("audit: %d repaired, %v", repaired, err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if t.Failed() {
			t.Log(f.log.text.String())
		}
	})
	f.reload()
	return f
}

// write replaces files; an empty text removes one.
func (f *fixture) write(files map[string]string) {
	f.t.Helper()
	for name, text := range files {
		path := filepath.Join(f.directory, name)
		var err error
		if text == "" {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) reload() {
	f.t.Helper()
	if err := f.Reload(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) snapshot(id string) lifesign.Snapshot {
	f.t.Helper()
	check, err := f.engine.Check(id)
	if err != nil {
		f.t.Fatal(err)
	}
	snapshot, err := check.Snapshot()
	if err != nil {
		f.t.Fatal(err)
	}
	return snapshot
}

func (f *fixture) status(id string) lifesign.Status {
	check, err := f.engine.Check(id)
	if err != nil {
		return lifesign.Gone
	}
	return check.Status()
}

func (f *fixture) eventually(what string, condition func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("never: %s", what)
		}
	}
}

func (f *fixture) becomes(id string, want lifesign.Status) {
	f.t.Helper()
	f.eventually(id+" is "+want.String(), func() bool { return f.status(id) == want })
}

func (f *fixture) report(id string, status lifesign.Status, output string) {
	f.t.Helper()
	if err := f.Report(id, status, output); err != nil {
		f.t.Fatal(err)
	}
}

// target is a web service whose answer can be set.
type target struct {
	*httptest.Server
	code  atomic.Int64
	asked atomic.Int64
}

func newTarget(t *testing.T) *target {
	s := &target{}
	s.code.Store(200)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		w.WriteHeader(int(s.code.Load()))
	}))
	t.Cleanup(s.Close)
	return s
}
