package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// exported is what the file in the data directory says of a check.
type exported struct {
	ID, Status, Output string
	Reported           int64 `json:"reported_ns"`
}

// saved reads the file as any reader would; absent is the zero value.
func saved(t *testing.T, data, id string) exported {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "checks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return exported{}
	}
	var document struct {
		Checks []exported
	}
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range document.Checks {
		if check.ID == id {
			return check
		}
	}
	return exported{}
}

func isSaved(t *testing.T, data, id, status string) {
	t.Helper()
	eventually(t, id+" is kept as "+status, func() bool { return saved(t, data, id).Status == status })
}

// gate is a web service that answers with a code, and can be held back.
type gate struct {
	*httptest.Server
	code  atomic.Int64
	asked atomic.Int64

	mu   sync.Mutex
	open chan struct{}
}

func newGate(t *testing.T, code int64) *gate {
	g := &gate{open: make(chan struct{})}
	g.code.Store(code)
	close(g.open)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		g.asked.Add(1)
		select {
		case <-open:
			w.WriteHeader(int(g.code.Load()))
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(g.Close)
	return g
}

// hold keeps the answers back until the returned function is called.
func (g *gate) hold() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
	open := g.open
	return sync.OnceFunc(func() { close(open) })
}

// nothingChanged checks that the log of a restarted agent tells of no change.
func (p *process) nothingChanged() {
	p.t.Helper()
	for _, message := range []string{"check changed", "service changed"} {
		if lines := p.lines(message); len(lines) != 0 {
			p.t.Errorf("after a restart: %v", lines)
		}
	}
}

// A crash and a restart: what was critical stays so until there is a new result,
// and nobody is told of anything that did not happen.
func TestRestartNeverFlaps(t *testing.T) {
	target, data := newGate(t, 503), filepath.Join(t.TempDir(), "made", "here")
	p := launch(t, map[string]string{"web.json": web(target.URL), "sidecar.hcl": sidecar,
		"node.json": `{"check": {"id": "disk", "ttl": "1h"}}`}, "-data-dir", data)
	p.becomes("web", "critical")
	if code, text := p.request("PUT", "/v1/agent/check/warn/disk?note=80%25"); code != 200 {
		t.Fatalf("%d: %s", code, text)
	}
	isSaved(t, data, "web", "critical")
	isSaved(t, data, "disk", "warning")
	before := p.check("web")

	for round := range 3 {
		release := target.hold()
		defer release()
		p.kill()
		asked := target.asked.Load()
		p.start("-data-dir", data)
		eventually(t, "the first probe is under way", func() bool { return target.asked.Load() > asked })
		restored := p.check("web")
		if restored.Status != "critical" || restored.Output != before.Output || !restored.Lifesign.Restored || restored.Lifesign.Initial ||
			restored.Lifesign.Transitions != 0 || !restored.Lifesign.Since.Equal(before.Lifesign.Since) {
			t.Errorf("round %d: %+v, before %+v", round, restored, before)
		}
		if alias := p.check("alias"); alias.Status != "critical" || !strings.Contains(alias.Output, `"web"`) {
			t.Errorf("round %d: the alias is %+v", round, alias)
		}
		if disk := p.check("disk"); disk.Status != "warning" || disk.Output != "80%" || !disk.Lifesign.Restored {
			t.Errorf("round %d: disk is %+v", round, disk)
		}
		p.nothingChanged()
		if round == 0 {
			// The same result again is no change either, and no longer a restored one.
			release()
			eventually(t, "web is reported", func() bool { return !p.check("web").Lifesign.Restored })
			p.nothingChanged()
			if same := p.check("web"); same.Status != "critical" || same.Lifesign.Transitions != 0 {
				t.Errorf("after the same result: %+v", same)
			}
		}
		if round == 2 {
			target.code.Store(200)
			release()
			p.becomes("web", "passing")
			if now := p.check("web"); now.Lifesign.Restored || now.Lifesign.Transitions != 1 {
				t.Errorf("after a new result: %+v", now)
			}
			eventually(t, "the log tells of it", func() bool {
				return len(p.lines("check changed", "check", "web", "from", "critical", "to", "passing")) == 1
			})
		}
	}
	p.endsCleanly(syscall.SIGTERM)
}

// What was written last is kept by an agent that ends as it should, however soon
// after.
func TestEndKeepsTheLatest(t *testing.T) {
	data := t.TempDir()
	p := launch(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h"}}`}, "-data-dir", data)
	for i, status := range []string{"warn", "fail", "pass"} {
		if code, text := p.request("PUT", fmt.Sprintf("/v1/agent/check/%s/c?note=%d", status, i)); code != 200 {
			t.Fatalf("%d: %s", code, text)
		}
	}
	p.endsCleanly(syscall.SIGTERM)
	if got := saved(t, data, "c"); got.Status != "passing" || got.Output != "2" {
		t.Errorf("kept: %+v", got)
	}
	p.start("-data-dir", data)
	if got := p.check("c"); got.Status != "passing" || got.Output != "2" || !got.Lifesign.Restored {
		t.Errorf("after the restart: %+v", got)
	}
	p.endsCleanly(syscall.SIGTERM)
}

// The heartbeats of a TTL check change nothing that can be seen, and are kept
// all the same: after a restart the check has the rest of its time, and not the
// whole.
func TestRestartKeepsTheRestOfATTL(t *testing.T) {
	data := t.TempDir()
	p := launch(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h"}}`}, "-data-dir", data)
	pass := func() {
		t.Helper()
		if code, text := p.request("PUT", "/v1/agent/check/pass/c?note=fine"); code != 200 {
			t.Fatalf("%d: %s", code, text)
		}
	}
	pass()
	isSaved(t, data, "c", "passing")
	first, version := saved(t, data, "c"), p.check("c").Lifesign.Version
	eventually(t, "a heartbeat is kept", func() bool {
		pass()
		return saved(t, data, "c").Reported > first.Reported
	})
	if now := p.check("c"); now.Lifesign.Version != version {
		t.Fatalf("a heartbeat made version %d of %d", now.Lifesign.Version, version)
	}
	p.kill()

	// As if the last heartbeat had been most of the hour ago.
	path := filepath.Join(data, "checks.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := saved(t, data, "c").Reported
	long := time.Now().Add(3*time.Second - time.Hour).UnixNano()
	aged := strings.Replace(string(text), fmt.Sprint(last), fmt.Sprint(long), 1)
	if err := os.WriteFile(path, []byte(aged), 0o600); err != nil || aged == string(text) {
		t.Fatalf("%v: %s", err, aged)
	}
	p.start("-data-dir", data)
	if got := p.check("c"); got.Status != "passing" || !got.Lifesign.Restored {
		t.Errorf("after the restart: %+v", got)
	}
	p.becomes("c", "critical") // and not in an hour
	if output := p.check("c").Output; output != "No report within 1h0m0s. The last one was: fine" {
		t.Errorf("the output is %q", output)
	}
	isSaved(t, data, "c", "critical")
	p.kill()
	p.start("-data-dir", data)
	if got := p.check("c"); got.Status != "critical" || !got.Lifesign.Restored {
		t.Errorf("after another restart: %+v", got)
	}
	pass()
	if got := p.check("c"); got.Status != "passing" || got.Lifesign.Restored || got.Lifesign.Transitions != 1 {
		t.Errorf("after a report: %+v", got)
	}
	p.endsCleanly(syscall.SIGTERM)
}

// Thresholds hold across a restart: one failure of three is none.
func TestRestartKeepsToThresholds(t *testing.T) {
	target, data := newGate(t, 200), t.TempDir()
	p := launch(t, map[string]string{"web.json": fmt.Sprintf(
		`{"check": {"id": "web", "http": %q, "interval": "50ms", "failures_before_critical": 3}}`, target.URL)}, "-data-dir", data)
	p.becomes("web", "passing")
	isSaved(t, data, "web", "passing")
	release := target.hold()
	defer release()
	p.kill()
	target.code.Store(503)
	p.start("-data-dir", data)
	release()
	eventually(t, "web has failed twice", func() bool { return len(p.lines("result below its threshold", "check", "web")) >= 2 })
	p.becomes("web", "critical")
	if changes := p.lines("check changed", "check", "web"); len(changes) != 1 {
		t.Errorf("%v", changes)
	}
	if below := p.lines("result below its threshold", "check", "web"); len(below) != 2 {
		t.Errorf("%v", below)
	}
	p.endsCleanly(syscall.SIGTERM)
}

// A file that cannot be read costs the state and nothing else.
func TestDamagedState(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(data, "checks.json")
	const damaged = `{"format": "lifesign-exp`
	if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h", "status": "warning"}}`}, "-data-dir", data)
	if found := p.lines("the state before the restart cannot be read, the checks start anew"); len(found) != 1 ||
		!strings.Contains(found[0]["error"].(string), path) {
		t.Errorf("the log: %v", found)
	}
	if got := p.check("c"); got.Status != "warning" || !got.Lifesign.Initial {
		t.Errorf("c is %+v", got)
	}
	if code, text := p.request("PUT", "/v1/agent/check/pass/c"); code != 200 {
		t.Fatalf("%d: %s", code, text)
	}
	eventually(t, "the file is written anew", func() bool {
		text, err := os.ReadFile(path)
		return err == nil && string(text) != damaged
	})
	isSaved(t, data, "c", "passing")
	p.endsCleanly(syscall.SIGTERM)
}

// An agent that was stopped for longer than its loops' leases, as a suspended
// machine is, loses none of them.
func TestStoppedAgentLosesNothing(t *testing.T) {
	target := newGate(t, 200)
	p := launch(t, map[string]string{"web.json": fmt.Sprintf(
		`{"check": {"id": "web", "http": %q, "interval": "50ms", "timeout": "1s"}}`, target.URL)})
	p.becomes("web", "passing")
	code, text := p.request("GET", "/v1/agent/check/who/web")
	var who struct{ Lease string }
	if err := json.Unmarshal(text, &who); err != nil || code != 200 {
		t.Fatalf("%d: %s", code, text)
	}
	lease, err := time.ParseDuration(who.Lease)
	if err != nil {
		t.Fatal(err)
	}
	before := p.check("web")
	p.signal(syscall.SIGSTOP)
	time.Sleep(lease + 2*time.Second)
	p.signal(syscall.SIGCONT)
	for again := target.asked.Load(); target.asked.Load() < again+50; { // some ticks long
		if got := p.check("web"); got.Lifesign.Orphaned || got.Status != "passing" {
			t.Fatalf("%+v", got)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if after := p.check("web"); after.Lifesign.Generation != before.Lifesign.Generation || after.Lifesign.Transitions != before.Lifesign.Transitions {
		t.Errorf("%+v, before %+v", after, before)
	}
	p.endsCleanly(syscall.SIGTERM)
}
