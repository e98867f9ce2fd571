package httpapi

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/lifesign"
)

// read decodes the answer of a path.
func read[T any](c *client, path string) (value T) {
	c.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(c.want(200, "GET", path, "")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	return value
}

func TestWho(t *testing.T) {
	c := serve(t, loopback, Options{})
	who := read[whoView](c, "/v1/agent/check/who/w/2")
	if who.CheckID != "w/2" || who.Holder == nil || who.Holder.Label != "probe ttl #1" || who.Holder.Build != "b1" ||
		who.Holder.PID != uint64(os.Getpid()) || who.Holder.Machine == "" || who.Since == nil || time.Since(*who.Since) > time.Hour ||
		who.Lease != "1h0m5s" || who.SilentFor == "" || who.Orphaned || who.Generation == 0 {
		t.Errorf("%+v", who)
	}
	if alias := read[whoView](c, "/v1/agent/check/who/alias"); alias.Holder == nil || alias.Holder.Record != 1 || alias.Lease != "" {
		t.Errorf("%+v", alias)
	}
	for _, what := range []string{"who", "writers", "history"} {
		c.want(404, "GET", "/v1/agent/check/"+what+"/nowhere", "", `"nowhere"`)
		c.want(400, "GET", "/v1/agent/check/"+what+"/", "", "missing check id")
	}
}

func TestWritersAndHistory(t *testing.T) {
	c := serve(t, loopback, Options{})
	c.want(200, "PUT", "/v1/agent/check/fail/w1", "")
	c.want(200, "PUT", "/v1/agent/check/pass/w1", "")
	writers := read[writersView](c, "/v1/agent/check/writers/w1")
	if len(writers.Writers) != 1 || !writers.Writers[0].Holds || writers.Writers[0].Accepted != 3 || writers.Writers[0].Refused != 0 ||
		len(writers.Machines) != 1 || len(writers.Builds) != 1 || writers.Builds[0] != "lifesign-agent v1 (b1)" || writers.Rivalry != "" {
		t.Errorf("%+v", writers)
	}
	history := read[historyView](c, "/v1/agent/check/history/w1")
	if len(history.Entries) != 2 {
		t.Fatalf("%+v", history)
	}
	last := uint64(0)
	for i, want := range [][2]lifesign.Status{{lifesign.Passing, lifesign.Critical}, {lifesign.Critical, lifesign.Passing}} {
		entry := history.Entries[i]
		if entry.Kind != "transition" || entry.From != want[0] || entry.To != want[1] || entry.Revision <= last ||
			entry.Writer == nil || entry.Writer.Label != "probe ttl #1" || time.Since(entry.Time) > time.Hour {
			t.Errorf("entry %d: %+v", i, entry)
		}
		last = entry.Revision
	}
	if none := read[historyView](c, "/v1/agent/check/history/node"); none.Entries == nil || len(none.Entries) != 0 {
		t.Errorf("%+v", none)
	}
}

func TestRivalry(t *testing.T) {
	one := agent.Writers{Machines: []string{"a"}, Builds: []string{"agent 1 (x)"}, Processes: []string{"p"}}
	if said := rivalry(one); said != "" {
		t.Errorf("one writer: %q", said)
	}
	one.Machines, one.Builds = append(one.Machines, "b"), append(one.Builds, "agent 1 (y)")
	if said := rivalry(one); said != "2 machines: a, b; 2 builds: agent 1 (x), agent 1 (y)" {
		t.Errorf("%q", said)
	}
}
