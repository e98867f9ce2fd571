package agent

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/agent/internal/probe"
	"lifesign.dev/lifesign"
)

// written is a data directory with the state of an agent that was there before.
func written(t *testing.T, states map[string]lifesign.Status) string {
	t.Helper()
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	for id, status := range states {
		check, err := engine.RegisterCheck(lifesign.CheckSpec{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		token, err := check.Acquire("before")
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Update(status, "from before"); err != nil {
			t.Fatal(err)
		}
	}
	data := t.TempDir()
	if _, err := engine.Export(filepath.Join(data, stateFile)); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRestOfATTL(t *testing.T) {
	const ttl = time.Hour
	for _, c := range []struct {
		what     string
		restored *lifesign.Exported
		least    time.Duration // in which the reports run out
		most     time.Duration
	}{
		{"nothing is known", nil, ttl - time.Minute, ttl},
		{"a rest", &lifesign.Exported{State: lifesign.Restored{Status: lifesign.Passing}, Reported: time.Now().Add(-ttl / 2)}, ttl/2 - time.Minute, ttl / 2},
		{"no rest", &lifesign.Exported{State: lifesign.Restored{Status: lifesign.Warning}, Reported: time.Now().Add(-2 * ttl)}, ttl - time.Minute, ttl},
		{"reported in the future", &lifesign.Exported{State: lifesign.Restored{Status: lifesign.Passing}, Reported: time.Now().Add(ttl)}, ttl - time.Minute, ttl},
		{"critical", &lifesign.Exported{State: lifesign.Restored{Status: lifesign.Critical}, Reported: time.Now().Add(-ttl / 2)}, maxLease, maxLease},
	} {
		if left := newHeartbeat(ttl, c.restored).left(); left < c.least || left > c.most {
			t.Errorf("%s: %v are left", c.what, left)
		}
	}
}

// A check that showed something before a restart needs as many results of
// another kind as it would have needed then.
func TestResumedJudge(t *testing.T) {
	def := config.Check{SuccessBeforePassing: 2, FailuresBeforeWarning: 2, FailuresBeforeCritical: 3}
	for _, c := range []struct {
		before  lifesign.Status
		results []lifesign.Status
		counts  []bool
	}{
		{lifesign.Critical, []lifesign.Status{lifesign.Passing, lifesign.Passing}, []bool{false, true}},
		{lifesign.Critical, []lifesign.Status{lifesign.Critical}, []bool{true}},
		{lifesign.Passing, []lifesign.Status{lifesign.Critical, lifesign.Critical, lifesign.Critical}, []bool{false, true, true}},
		{lifesign.Warning, []lifesign.Status{lifesign.Passing}, []bool{true}},
	} {
		judge := probe.NewJudge(def)
		judge.Resume(c.before)
		for i, result := range c.results {
			if _, counts := judge.Next(result); counts != c.counts[i] {
				t.Errorf("from %v, result %d (%v): counts %v", c.before, i, result, counts)
			}
		}
	}
}

// A state is for the first check that comes under its id: what is registered
// again later is another life, of which nothing is known.
func TestStateIsRestoredOnce(t *testing.T) {
	data := written(t, map[string]lifesign.Status{"a": lifesign.Warning, "remote": lifesign.Passing, "alias": lifesign.Passing, "odd": lifesign.Passing})
	f := startWith(t, map[string]string{"a.json": `{"checks": [{"id": "a", "ttl": "1h"}, {"id": "alias", "alias_service": "nowhere"}, {"id": "odd", "grpc": "a:1"}]}`},
		Options{DataDirectory: data})
	if got := f.snapshot("a"); !got.Restored || got.Status != lifesign.Warning || got.Output != "from before" || got.Transitions != 0 {
		t.Errorf("%+v", got)
	}
	// What the engine derives, and what cannot run, is not what it was.
	if got := f.snapshot("alias"); got.Restored || got.Status != lifesign.Critical {
		t.Errorf("%+v", got)
	}
	if got := f.snapshot("odd"); got.Restored || got.Status != lifesign.Critical {
		t.Errorf("%+v", got)
	}
	remote := config.Check{ID: "remote", Kind: config.TTL, TTL: time.Hour, Status: lifesign.Critical, OutputMaxSize: 4096}
	for _, want := range []lifesign.Status{lifesign.Passing, lifesign.Critical} {
		if err := f.RegisterCheck(remote); err != nil {
			t.Fatal(err)
		}
		if got := f.snapshot("remote"); got.Status != want || got.Restored != (want == lifesign.Passing) {
			t.Errorf("want %v: %+v", want, got)
		}
		if err := f.DeregisterCheck("remote"); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that comes after the restart finds what its checks showed before it,
// and does not bring it back over what they were reported since.
func TestReloadAfterARestart(t *testing.T) {
	data := written(t, map[string]lifesign.Status{"late": lifesign.Warning})
	f := startWith(t, map[string]string{"a.json": `{"checks": `}, Options{DataDirectory: data})
	f.write(map[string]string{"a.json": `{"check": {"id": "late", "ttl": "1h"}}`})
	f.reload()
	if got := f.snapshot("late"); !got.Restored || got.Status != lifesign.Warning {
		t.Errorf("%+v", got)
	}
	f.report("late", lifesign.Passing, "now")
	f.write(map[string]string{"a.json": `{"check": {"id": "late", "ttl": "2h"}}`})
	f.reload()
	if got := f.snapshot("late"); got.Restored || got.Status != lifesign.Passing {
		t.Errorf("%+v", got)
	}
}

// An agent that never got to know its checks leaves the file as it is.
func TestFailedStartKeepsTheState(t *testing.T) {
	data := written(t, map[string]lifesign.Status{"a": lifesign.Warning})
	before, err := os.ReadFile(filepath.Join(data, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Directory: filepath.Join(data, "absent"), DataDirectory: data, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Reload(); err == nil {
		t.Error("definitions were read that are not there")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(filepath.Join(data, stateFile)); err != nil || string(after) != string(before) {
		t.Errorf("the file is %q, %v", after, err)
	}
}

// A state that cannot be written is said once, and written as soon as it can be.
func TestStateThatCannotBeWritten(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	f := startWith(t, map[string]string{"a.json": `{"check": {"id": "a", "ttl": "1h"}}`}, Options{DataDirectory: data})
	f.report("a", lifesign.Passing, "kept")
	kept := func(status lifesign.Status) func() bool {
		return func() bool {
			export, err := lifesign.ReadExport(filepath.Join(data, stateFile))
			return err == nil && export["a"].State.Status == status
		}
	}
	f.eventually("the state is kept", kept(lifesign.Passing))
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	f.report("a", lifesign.Warning, "lost")
	complaints := func() int { return len(f.log.with("the state is not kept over a restart", "level=ERROR")) }
	f.eventually("the log tells of it", func() bool { return complaints() > 0 })
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	f.eventually("the state is kept again", kept(lifesign.Warning))
	if complaints() != 1 {
		t.Errorf("the log tells of it %d times", complaints())
	}
}
