package agent

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifesign.dev/agent/internal/config"
)

// renewed is after how many inputs an engine is exchanged: it keeps a record of
// every distinct writer.
const renewed = 1000

// FuzzDefinitions brings what arbitrary files define into an engine: all that is
// read is registered, but for what belongs to a service that is not, and all of
// it leaves again.
func FuzzDefinitions(f *testing.F) {
	directory := f.TempDir()
	var a *Agent
	inputs := 0
	f.Fuzz(func(t *testing.T, hcl bool, source []byte) {
		if inputs++; a == nil || inputs%renewed == 0 {
			if a != nil && a.Close() != nil {
				t.Error("the agent does not end")
			}
			var err error
			a, err = New(Options{Directory: directory, Node: "here", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
			if err != nil {
				t.Fatal(err)
			}
		}
		name := filepath.Join(directory, map[bool]string{true: "a.hcl", false: "a.json"}[hcl])
		if err := os.WriteFile(name, source, 0o600); err != nil {
			t.Fatal(err)
		}
		set, err := config.Load(directory, "here")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		tame(&set)
		for range 2 { // the second time it is a reload of the same
			if err := a.bring(set); err != nil {
				t.Fatal(err)
			}
			registered(t, a, set)
		}
		if repaired, err := a.engine.Audit(); repaired != 0 || err != nil {
			t.Errorf("audit: %d repaired, %v", repaired, err)
		}
		if err := a.bring(config.Set{}); err != nil || len(a.checks) != 0 || len(a.services) != 0 {
			t.Errorf("left over: %d checks, %d services, %v", len(a.checks), len(a.services), err)
		}
	})
	if a != nil {
		if err := a.Close(); err != nil {
			f.Error(err)
		}
	}
}

// tame makes a check of every kind that asks for something outside one that waits
// for reports: nobody wants to run what a fuzzer writes.
func tame(set *config.Set) {
	for i := range set.Checks {
		switch c := &set.Checks[i]; c.Kind {
		case config.HTTP, config.TCP, config.Script:
			c.Kind, c.TTL = config.TTL, time.Hour
		}
	}
}

func registered(t *testing.T, a *Agent, set config.Set) {
	t.Helper()
	for _, s := range set.Services {
		if a.services[s.ID] == nil {
			t.Errorf("service %q is not registered", s.ID)
		}
	}
	for _, c := range set.Checks {
		if a.checks[c.ID] == nil && (c.ServiceID == "" || a.services[c.ServiceID] != nil) {
			t.Errorf("check %q of service %q is not registered", c.ID, c.ServiceID)
		}
	}
	states, err := a.Checks()
	if err != nil || len(states) != len(a.checks) {
		t.Errorf("%d checks in the engine, %d in the agent, %v", len(states), len(a.checks), err)
	}
}
