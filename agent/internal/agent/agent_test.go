package agent

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

const alias = `{"service": {"name": "sidecar", "check": {"id": "alias", "alias_service": "web"}}}`

func webOf(t *target) string {
	return `{"service": {"name": "web", "check": {"id": "web", "http": "` + t.URL + `", "interval": "20ms"}}}`
}

func TestAliasFollowsItsTarget(t *testing.T) {
	web := newTarget(t)
	f := start(t, map[string]string{"a.json": alias})
	if f.status("alias") != lifesign.Critical || !strings.Contains(f.snapshot("alias").Output, "web") {
		t.Errorf("the alias of a missing service: %+v", f.snapshot("alias"))
	}
	f.write(map[string]string{"web.json": webOf(web)})
	f.reload()
	f.becomes("alias", lifesign.Passing)
	web.code.Store(503)
	f.becomes("alias", lifesign.Critical)
	web.code.Store(429)
	f.becomes("alias", lifesign.Warning)
	web.code.Store(200)
	f.becomes("alias", lifesign.Passing)
	f.eventually("the log tells of the alias, the check and the services", func() bool {
		return len(f.log.with("check changed", "check=alias", "alias_of=web", "from=critical", "to=warning")) > 0 &&
			len(f.log.with("check changed", "check=web", `writer="probe http #1"`, "to=critical")) > 0 &&
			len(f.log.with("service changed", "service=sidecar", "to=critical")) > 0 &&
			len(f.log.with("service changed", "service=web", "to=critical")) > 0
	})
	f.write(map[string]string{"web.json": ""})
	f.reload()
	if f.status("alias") != lifesign.Critical {
		t.Error("the alias of a service that has gone is not critical")
	}
	f.eventually("the log tells of the end", func() bool { return len(f.log.with("check deregistered", "check=web")) > 0 })
}

func TestReloadLeavesWhatIsTheSame(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"checks": [{"id": "a", "ttl": "1h"}, {"id": "b", "ttl": "1h"}]}`})
	f.report("a", lifesign.Passing, "fine")
	f.report("b", lifesign.Passing, "fine")
	a, b, runner := f.snapshot("a"), f.snapshot("b"), f.checks["a"].runner
	f.write(map[string]string{"a.json": "", "b.hcl": "check {\n id = \"a\"\n ttl = \"60m\"\n}\ncheck {\n id = \"b\"\n ttl = \"2h\"\n}"})
	f.reload()
	if got := f.snapshot("a"); got.Revision != a.Revision || f.checks["a"].runner != runner {
		t.Errorf("a was touched: %+v, before %+v", got, a)
	}
	got := f.snapshot("b")
	if got.Incarnation != b.Incarnation || got.Status != lifesign.Passing || got.Output != "fine" || got.Generation == b.Generation {
		t.Errorf("b: %+v, before %+v", got, b)
	}
	f.report("b", lifesign.Warning, "still here")
	if f.status("b") != lifesign.Warning {
		t.Error("b cannot be fed after the reload")
	}
}

// A probe that is under way when its check is redefined comes back to find
// itself fenced.
func TestReloadFencesTheProbeInFlight(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	mux := http.NewServeMux()
	mux.HandleFunc("/old", func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { close(asked) })
		<-release
		w.WriteHeader(503)
	})
	mux.HandleFunc("/new", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	define := func(path string) map[string]string {
		return map[string]string{"a.json": `{"check": {"id": "c", "http": "` + server.URL + path + `", "interval": "20ms", "timeout": "1h"}}`}
	}
	f := start(t, define("/old"))
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	<-asked
	before := f.snapshot("c")
	f.write(define("/new"))
	f.reload()
	f.becomes("c", lifesign.Passing)
	transitions := f.snapshot("c").Transitions
	let()
	f.eventually("the old loop is refused", func() bool {
		return len(f.log.with("late result refused", "check=c", "reason=FENCED", `writer="probe http #1"`, `holder="probe http #2"`)) == 1
	})
	after := f.snapshot("c")
	if after.Status != lifesign.Passing || after.Transitions != transitions || after.Incarnation != before.Incarnation {
		t.Errorf("after the late result: %+v, before the reload %+v", after, before)
	}
	stats, err := f.engine.Stats()
	if err != nil || stats.RefusedFenced != 1 {
		t.Errorf("refusals counted: %d, %v", stats.RefusedFenced, err)
	}
}

func TestBrokenReloadLosesNothing(t *testing.T) {
	good := map[string]string{
		"a.json": `{"service": {"name": "s", "port": 80, "check": {"id": "s", "ttl": "1h"}}, "checks": [{"id": "x", "ttl": "1h"}, {"id": "y", "ttl": "1h"}]}`,
		"b.json": `{"check": {"id": "z", "ttl": "1h"}}`,
	}
	for _, broken := range []struct {
		name  string
		files map[string]string
		log   string
		then  string
	}{
		{"syntax", map[string]string{"a.json": `{"service": `}, "ends too early", "; the file is not read; what it defined before goes on unchanged"},
		{"unsupported field", map[string]string{"a.json": strings.Replace(good["a.json"], `"ttl": "1h"}, {"id": "y"`, `"grpc": "a:1"}, {"id": "y"`, 1)}, "not supported", "; this definition is not used; the earlier one keeps running"},
		{"lost its id", map[string]string{"a.json": strings.Replace(good["a.json"], `"id": "x", `, "", 1)}, "a check must have a name or an id", "; it is left out; nothing that the file defined before is deregistered"},
		{"bad service", map[string]string{"a.json": strings.Replace(good["a.json"], "80", "800000", 1)}, "from 0 to 65535", "; this definition is not used; the earlier one stays, its checks keep running"},
		{"duplicate in an earlier file", map[string]string{"0.json": `{"check": {"id": "z", "ttl": "2h"}}`}, "already defined", "; what runs under it goes on unchanged"},
		{"check of no service", map[string]string{"a.json": strings.Replace(good["a.json"], `{"id": "x",`, `{"id": "x", "service_id": "nowhere",`, 1)}, `\"nowhere\", which is not registered`, "; this definition is not used; the earlier one keeps running"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			f := start(t, good)
			before := map[string]lifesign.Snapshot{}
			for _, id := range []string{"s", "x", "y", "z"} {
				f.report(id, lifesign.Passing, "fine")
				before[id] = f.snapshot(id)
			}
			f.write(broken.files)
			f.reload()
			if len(f.log.with("level=ERROR", broken.log, broken.then)) != 1 {
				t.Errorf("the log does not say %q and %q", broken.log, broken.then)
			}
			for id, old := range before {
				if got := f.snapshot(id); got.Revision != old.Revision {
					t.Errorf("%s: %+v, before %+v", id, got, old)
				}
				f.report(id, lifesign.Warning, "still fed")
			}
			if def := f.Services()["s"]; def.Port != 80 {
				t.Errorf("service: %+v", def)
			}
		})
	}
}

func TestUnreadableDirectoryLosesNothing(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"check": {"id": "x", "ttl": "1h"}}`})
	f.report("x", lifesign.Passing, "fine")
	if err := os.Rename(f.directory, f.directory+"-moved"); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(f.directory + "-moved")
	if err := f.Reload(); err == nil {
		t.Error("a directory that has gone was read")
	}
	if f.status("x") != lifesign.Passing {
		t.Error("the check has gone with its directory")
	}
}

func TestUnrunnableCheckIsCriticalAndSaysWhy(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"service": {"name": "s", "checks": [{"id": "bad", "grpc": "a:1", "interval": "1s"}, {"id": "good", "ttl": "1h", "status": "passing"}]}}`})
	f.eventually("the reason is the output", func() bool { return strings.Contains(f.snapshot("bad").Output, `field "grpc" is not supported`) })
	if f.status("bad") != lifesign.Critical || f.status("good") != lifesign.Passing {
		t.Errorf("bad is %v, good is %v", f.status("bad"), f.status("good"))
	}
	incarnation := f.snapshot("bad").Incarnation
	f.write(map[string]string{"a.json": `{"service": {"name": "s", "checks": [{"id": "bad", "ttl": "1h"}, {"id": "good", "ttl": "1h", "status": "passing"}]}}`})
	f.reload()
	f.report("bad", lifesign.Passing, "mended")
	if got := f.snapshot("bad"); got.Status != lifesign.Passing || got.Incarnation != incarnation {
		t.Errorf("mended: %+v", got)
	}
}

func TestAliasWithAnotherTargetIsRegisteredAgain(t *testing.T) {
	services := `"services": [{"name": "a", "check": {"id": "a", "ttl": "1h", "status": "passing"}}, {"name": "b", "check": {"id": "b", "ttl": "1h", "status": "warning"}}, {"name": "c"}]`
	define := func(target string) map[string]string {
		return map[string]string{"a.json": `{` + services + `, "check": {"id": "alias", "service_id": "c", "alias_service": "` + target + `"}}`}
	}
	f := start(t, define("a"))
	before := f.snapshot("alias")
	if before.Status != lifesign.Passing || before.Target != "a" {
		t.Errorf("alias: %+v", before)
	}
	f.write(define("b"))
	f.reload()
	if got := f.snapshot("alias"); got.Status != lifesign.Warning || got.Target != "b" || got.Incarnation == before.Incarnation {
		t.Errorf("alias: %+v", got)
	}
	// A loop is refused, and what was there comes back.
	f.write(define("c"))
	f.reload()
	if got := f.snapshot("alias"); got.Target != "b" {
		t.Errorf("alias after a refused loop: %+v", got)
	}
	if len(f.log.with("level=ERROR", "definition refused", "alias")) == 0 {
		t.Error("the loop is not reported")
	}
}

// Two aliases that swap their direction at once are a loop only half-way.
func TestAliasesTurnedRound(t *testing.T) {
	define := func(first, second string) map[string]string {
		return map[string]string{"a.json": `{"services": [{"name": "a", "check": ` + first + `}, {"name": "b", "check": ` + second + `}]}`}
	}
	of := func(id, target string) string { return `{"id": "` + id + `", "alias_service": "` + target + `"}` }
	ttl := func(id string) string { return `{"id": "` + id + `", "ttl": "1h", "status": "warning"}` }
	f := start(t, define(of("x", "b"), ttl("y")))
	if f.status("x") != lifesign.Warning {
		t.Errorf("x is %v", f.status("x"))
	}
	f.write(define(ttl("x"), of("y", "a")))
	f.reload()
	if f.snapshot("y").Target != "a" || f.status("y") != lifesign.Warning {
		t.Errorf("y: %+v", f.snapshot("y"))
	}
	if found := f.log.with("level=ERROR"); len(found) != 0 {
		t.Errorf("errors: %v", found)
	}
}

func TestServiceThatMovesAway(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"service": {"name": "s", "tags": ["x"], "check": {"id": "c", "ttl": "1h"}}}`})
	incarnation := f.snapshot("c").Incarnation
	f.write(map[string]string{"a.json": `{"service": {"name": "s", "tags": ["y"], "check": {"id": "c", "ttl": "1h"}}}`})
	f.reload()
	if def := f.Services()["s"]; len(def.Tags) != 1 || def.Tags[0] != "y" || f.snapshot("c").Incarnation != incarnation {
		t.Errorf("service: %+v", def)
	}
	remote := config.Check{ID: "r", Name: "r", ServiceID: "s", Kind: config.TTL, TTL: time.Hour, Status: lifesign.Passing, OutputMaxSize: 4096}
	if err := f.RegisterCheck(remote); err != nil {
		t.Fatal(err)
	}
	f.write(map[string]string{"a.json": `{}`})
	f.reload()
	if f.status("c") != lifesign.Gone || f.status("r") != lifesign.Passing {
		t.Errorf("c is %v, r is %v", f.status("c"), f.status("r"))
	}
	if len(f.log.with("level=ERROR", "kept while it has checks")) != 1 {
		t.Error("the service that stays is not reported")
	}
	if err := f.DeregisterCheck("r"); err != nil {
		t.Fatal(err)
	}
	f.reload()
	if _, err := f.Service("s"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the service: %v", err)
	}
}

func TestTTLRunsOut(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "100ms", "status": "passing"}}`})
	f.becomes("c", lifesign.Critical)
	if got := f.snapshot("c"); got.Initial || !strings.Contains(got.Output, "No report within 100ms") {
		t.Errorf("expired: %+v", got)
	}
	f.report("c", lifesign.Passing, "back")
	f.eventually("it runs out again, quoting the last report", func() bool {
		got := f.snapshot("c")
		return got.Status == lifesign.Critical && strings.HasSuffix(got.Output, "back")
	})
}

// Reports and reloads at once: no report is lost to the loop before.
func TestReportsDuringReloads(t *testing.T) {
	define := func(ttl string) map[string]string {
		return map[string]string{"a.json": `{"check": {"id": "c", "ttl": "` + ttl + `"}}`}
	}
	f := start(t, define("1h"))
	stop := make(chan struct{})
	var reports sync.WaitGroup
	var count atomic.Int64
	for range 4 {
		reports.Add(1)
		go func() {
			defer reports.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := f.Report("c", lifesign.Passing, "fine"); err != nil {
					t.Errorf("report: %v", err)
					return
				}
				count.Add(1)
			}
		}()
	}
	for i := range 40 {
		before := count.Load()
		f.write(define([]string{"2h", "1h"}[i%2]))
		f.reload()
		f.eventually("reports go on", func() bool { return count.Load() > before || t.Failed() })
	}
	close(stop)
	reports.Wait()
}

func TestRemoteDefinitions(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"service": {"name": "filed"}, "check": {"id": "filed", "ttl": "1h"}}`})
	ttl := func(id, service string) config.Check {
		return config.Check{ID: id, Name: id, ServiceID: service, Kind: config.TTL, TTL: time.Hour, Status: lifesign.Passing, OutputMaxSize: 4096}
	}
	if err := f.RegisterCheck(ttl("filed", "")); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "a.json:1:") {
		t.Errorf("another definition of a file's check: %v", err)
	}
	if err := f.RegisterCheck(ttl("c", "nowhere")); !errors.Is(err, ErrUnknown) {
		t.Errorf("a check of no service: %v", err)
	}
	service := config.Service{ID: "s", Name: "s"}
	if err := f.RegisterService(service, []config.Check{ttl("s1", "s"), ttl("s2", "s")}, false); err != nil {
		t.Fatal(err)
	}
	revision := f.snapshot("s1").Revision
	if err := f.RegisterService(service, []config.Check{ttl("s1", "s")}, false); err != nil {
		t.Fatal(err)
	}
	if f.snapshot("s1").Revision != revision || f.status("s2") != lifesign.Passing {
		t.Error("registering the same again was a change")
	}
	// All or nothing: the third check conflicts, so the others are not there.
	changed := config.Service{ID: "s", Name: "renamed"}
	err := f.RegisterService(changed, []config.Check{ttl("s1", "s"), ttl("new", "s"), ttl("filed", "s")}, true)
	if !errors.Is(err, ErrConflict) {
		t.Errorf("conflict: %v", err)
	}
	if f.status("new") != lifesign.Gone || f.Services()["s"].Name != "s" || f.status("s2") != lifesign.Passing {
		t.Errorf("half of a refused registration is there: new is %v, %+v", f.status("new"), f.Services()["s"])
	}
	if err := f.RegisterService(service, []config.Check{ttl("s1", "s")}, true); err != nil {
		t.Fatal(err)
	}
	if f.status("s2") != lifesign.Gone {
		t.Error("s2 was not replaced")
	}
	f.reload()
	if f.status("s1") != lifesign.Passing {
		t.Error("a reload took what was registered over HTTP")
	}
	f.write(map[string]string{"b.json": `{"service": {"name": "s"}, "check": {"id": "s1", "ttl": "2h"}}`})
	f.reload()
	if len(f.log.with("level=ERROR", "registered over HTTP already")) != 2 {
		t.Error("a file's definition of what came over HTTP is not reported")
	}
	if err := f.DeregisterService("s"); err != nil {
		t.Fatal(err)
	}
	if f.status("s1") != lifesign.Gone {
		t.Error("the service's check is still there")
	}
	f.reload()
	if f.snapshot("s1").Service != "" {
		t.Error("the file's definition did not come into its own")
	}
}

// Ids come and go for as long as the agent runs, and the engine forgets no
// writer record.
func TestIDsThatComeAndGoUseUpNothing(t *testing.T) {
	f := start(t, nil)
	for i := range 50 {
		id := fmt.Sprint("job-", i)
		def := config.Check{ID: id, Name: id, Kind: config.TTL, TTL: time.Hour, Status: lifesign.Passing, OutputMaxSize: 4096}
		if err := f.RegisterCheck(def); err != nil {
			t.Fatal(err)
		}
		f.report(id, lifesign.Passing, "")
		if err := f.DeregisterCheck(id); err != nil {
			t.Fatal(err)
		}
	}
	// The engine's own, that of the first loop of a TTL check, and no third one.
	if _, err := f.engine.Record(2); err != nil {
		t.Error(err)
	}
	if record, err := f.engine.Record(3); !errors.Is(err, lifesign.ErrNotFound) {
		t.Errorf("after 50 ids there is a record %+v, %v", record, err)
	}
}

func TestReportsThatCannotBe(t *testing.T) {
	web := newTarget(t)
	f := start(t, map[string]string{"a.json": alias, "web.json": webOf(web)})
	for id, want := range map[string]error{"nowhere": ErrUnknown, "alias": ErrMisused, "web": ErrMisused} {
		if err := f.Report(id, lifesign.Passing, ""); !errors.Is(err, want) || !strings.Contains(err.Error(), id) {
			t.Errorf("report to %s: %v", id, err)
		}
	}
}

func TestThresholdsInALoop(t *testing.T) {
	web := newTarget(t)
	web.code.Store(503)
	f := start(t, map[string]string{"a.json": `{"check": {"id": "c", "http": "` + web.URL + `", "interval": "10ms",
		"success_before_passing": 1000000, "status": "passing"}}`})
	f.becomes("c", lifesign.Critical)
	web.code.Store(200)
	f.eventually("a result below its threshold is seen", func() bool { return len(f.log.with("below its threshold", "check=c")) > 3 })
	if f.status("c") != lifesign.Critical {
		t.Error("the threshold is not kept")
	}
}

// Closing gives up what is in flight, a script and its children included.
func TestCloseWithProbesInFlight(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-release
	}))
	defer server.Close()
	defer close(release)
	marker := filepath.Join(t.TempDir(), "started")
	f := start(t, map[string]string{"a.json": `{"checks": [{"id": "web", "http": "` + server.URL + `", "interval": "10ms", "timeout": "1h"},
		{"id": "script", "args": ["sh", "-c", "touch ` + marker + `; sleep 1000"], "interval": "10ms", "timeout": "1h"}]}`})
	<-asked
	f.eventually("the script runs", func() bool { _, err := os.Stat(marker); return err == nil })
	done := make(chan error, 1)
	go func() { done <- f.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("close waits for a probe")
	}
	if err := f.Reload(); !errors.Is(err, ErrClosed) {
		t.Errorf("reload after close: %v", err)
	}
}
