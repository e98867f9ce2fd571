package main

import (
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
)

const sidecar = `service {
  name = "sidecar"
  check {
    id            = "alias"
    alias_service = "web"
  }
}`

func web(url string) string {
	return fmt.Sprintf(`{"service": {"name": "web", "check": {"id": "web", "http": %q, "interval": "50ms", "timeout": "1h"}}}`, url)
}

func TestAliasFollowsItsTarget(t *testing.T) {
	var code atomic.Int64
	code.Store(200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(code.Load())) }))
	defer server.Close()
	p := launch(t, map[string]string{"web.json": web(server.URL), "sidecar.hcl": sidecar})
	health := func(want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("the sidecar's health is %d", want), func() bool {
			got, _ := p.request("GET", "/v1/agent/health/service/id/sidecar")
			return got == want
		})
	}
	p.becomes("alias", "passing")
	health(200)
	code.Store(503)
	p.becomes("alias", "critical")
	health(503)
	code.Store(429)
	p.becomes("alias", "warning")
	health(429)
	code.Store(200)
	p.becomes("alias", "passing")
	eventually(t, "the log tells of it", func() bool {
		return len(p.lines("check changed", "check", "alias", "alias_of", "web", "from", "critical", "to", "warning")) > 0 &&
			len(p.lines("check changed", "check", "web", "to", "critical", "writer", "probe http #1")) > 0 &&
			len(p.lines("service changed", "service", "sidecar", "to", "critical")) > 0
	})
	p.endsCleanly(syscall.SIGTERM)
}

// A reload while a probe is under way: the check is never missing, the old
// probe's late result is refused with both names, and nothing else is touched.
func TestReloadInFlight(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	var first sync.Once
	mux := http.NewServeMux()
	mux.HandleFunc("/old", func(w http.ResponseWriter, _ *http.Request) {
		first.Do(func() { close(asked) })
		<-release
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/new", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer let()

	p := launch(t, map[string]string{"web.json": web(server.URL + "/old"), "sidecar.hcl": sidecar,
		"fed.json": `{"service": {"name": "other", "check": {"id": "fed", "ttl": "1h"}}}`})
	<-asked
	if code, text := p.request("PUT", "/v1/agent/check/pass/fed?note=fine"); code != 200 {
		t.Fatalf("%d: %s", code, text)
	}
	before, alias, fed := p.check("web"), p.check("alias"), p.check("fed")
	p.write(map[string]string{"web.json": web(server.URL + "/new")})
	p.hangUp()
	p.becomes("web", "passing")
	p.becomes("alias", "passing")
	let()
	eventually(t, "the old probe is refused", func() bool {
		return len(p.lines("late result refused, its probe ends", "check", "web", "reason", "FENCED",
			"writer", "probe http #1", "holder", "probe http #2")) == 1
	})
	after := p.check("web")
	if after.Status != "passing" || after.Lifesign.Incarnation != before.Lifesign.Incarnation ||
		after.Lifesign.Generation <= before.Lifesign.Generation || after.Lifesign.Writer.Label != "probe http #2" {
		t.Errorf("web is %+v, before %+v", after, before)
	}
	if got := p.check("alias"); got.Status != "passing" || got.Lifesign.Transitions != alias.Lifesign.Transitions+1 {
		t.Errorf("alias is %+v, before %+v", got, alias)
	}
	if got := p.check("fed"); got != fed {
		t.Errorf("fed is %+v, before %+v", got, fed)
	}
	if gone := p.lines("check deregistered"); len(gone) != 0 {
		t.Errorf("deregistered: %v", gone)
	}
	p.endsCleanly(syscall.SIGTERM)
}

func TestTargetStoppedByHand(t *testing.T) {
	address := freeAddress(t)
	service := flappy(t, address)
	p := launch(t, map[string]string{"sidecar.hcl": sidecar, "web.json": web("http://" + address + "/health")})
	p.becomes("alias", "passing")
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := service.Wait(); err != nil {
		t.Errorf("flappy: %v", err)
	}
	p.becomes("web", "critical")
	// No wait here: what the target's write changed, the alias shows.
	if got := p.check("alias"); got.Status != "critical" || !strings.Contains(got.Output, `"web"`) {
		t.Errorf("alias is %+v", got)
	}
	flappy(t, address)
	p.becomes("alias", "passing")
	p.endsCleanly(syscall.SIGINT)
}

func TestProblemsAreReportedWithTheirPlace(t *testing.T) {
	p := launch(t, map[string]string{
		"a.json": "{\"checks\": [\n {\"id\": \"bad\",\n  \"grpc\": \"a:1\", \"interval\": \"1s\"},\n {\"id\": \"good\", \"ttl\": \"1h\", \"status\": \"passing\"}]}",
		"b.hcl":  "check {",
	})
	found := p.lines("definition not used as written", "file", filepath.Join(p.directory, "a.json"), "line", 3.0, "field", "grpc", "path", "checks[0].grpc")
	if len(found) != 1 || !strings.Contains(found[0]["problem"].(string), `check "bad"`) {
		t.Errorf("grpc: %v", found)
	}
	if found := p.lines("definition not used as written", "file", filepath.Join(p.directory, "b.hcl")); len(found) != 1 {
		t.Errorf("b.hcl: %v", found)
	}
	p.becomes("good", "passing")
	eventually(t, "the reason is the output", func() bool {
		bad := p.check("bad")
		return bad.Status == "critical" && strings.Contains(bad.Output, `field "grpc" is not supported`)
	})
	p.endsCleanly(syscall.SIGTERM)
}

func TestBrokenReloadKeepsWhatRuns(t *testing.T) {
	p := launch(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h", "status": "passing"}}`})
	before := p.check("c")
	p.write(map[string]string{"a.json": `{"check": `})
	p.hangUp()
	if got := p.check("c"); got != before {
		t.Errorf("c is %+v, before %+v", got, before)
	}
	if err := os.RemoveAll(p.directory); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	eventually(t, "the reload fails", func() bool { return len(p.lines("reload failed, everything stays as it was")) == 1 })
	if got := p.check("c"); got != before {
		t.Errorf("c is %+v, before %+v", got, before)
	}
	p.endsCleanly(syscall.SIGTERM)
}

// An agent that ends does not wait for its probes.
func TestEndWithAProbeInFlight(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		first.Do(func() { close(asked) })
		<-release
	}))
	defer server.Close()
	defer close(release)
	p := launch(t, map[string]string{"web.json": web(server.URL)})
	<-asked
	p.endsCleanly(syscall.SIGTERM)
}

func TestCommandLine(t *testing.T) {
	directory := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "-config-dir is missing"},
		{[]string{"-config-dir", filepath.Join(directory, "absent")}, 2, "absent"},
		{[]string{"-config-dir", directory, "-http", "0.0.0.0:0"}, 1, "not on the loopback"},
		{[]string{"-config-dir", directory, "-log-format", "xml"}, 2, `"xml"`},
		{[]string{"-config-dir", directory, "-log-level", "loud"}, 2, "loud"},
		{[]string{"-config-dir", directory, "-board", "perhaps"}, 2, `"perhaps"`},
		{[]string{"-config-dir", directory, "-claim-dir", filepath.Join(directory, "absent")}, 1, "absent"},
		{[]string{"-config-dir", directory, "-claim-dir", directory, "-node", "a/b"}, 1, `"a/b"`},
		{[]string{"-config-dir", directory, "-history", "10001"}, 2, "at most 10000"},
		{[]string{"-config-dir", directory, "further"}, 2, `"further"`},
		{[]string{"-nonsense"}, 2, "nonsense"},
		{[]string{"-version"}, 0, "lifesign-agent " + version},
		{[]string{"-help"}, 0, "-config-dir"},
	} {
		code, output := usage(t, c.args...)
		if code != c.code || !strings.Contains(output, c.want) {
			t.Errorf("%q: exit code %d, want %d; output %q, want %q in it", c.args, code, c.code, output, c.want)
		}
	}
}
