package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

func httpCheck(url string) config.Check {
	return config.Check{Kind: config.HTTP, HTTP: url, Method: "GET", Timeout: patience, OutputMaxSize: 4096}
}

func probeOnce(t *testing.T, check config.Check) Result {
	t.Helper()
	return New(check).Probe(context.Background())
}

func expect(t *testing.T, got Result, status lifesign.Status, parts ...string) {
	t.Helper()
	if got.Status != status {
		t.Errorf("status %v, want %v (output %q)", got.Status, status, got.Output)
	}
	for _, part := range parts {
		if !strings.Contains(got.Output, part) {
			t.Errorf("output %q lacks %q", got.Output, part)
		}
	}
	if !utf8.ValidString(got.Output) {
		t.Errorf("output %q is not valid UTF-8", got.Output)
	}
}

func TestHTTPStatusCodes(t *testing.T) {
	for code, want := range map[int]lifesign.Status{
		200: lifesign.Passing, 204: lifesign.Passing, 299: lifesign.Passing,
		429: lifesign.Warning,
		304: lifesign.Critical, 400: lifesign.Critical, 404: lifesign.Critical, 500: lifesign.Critical, 503: lifesign.Critical,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(code)
				if code != 204 && code != 304 {
					io.WriteString(w, "words")
				}
			}))
			defer server.Close()
			got := probeOnce(t, httpCheck(server.URL))
			expect(t, got, want, strconv.Itoa(code))
			if code == 200 && !strings.HasSuffix(got.Output, "\nwords") {
				t.Errorf("output %q lacks the body", got.Output)
			}
		})
	}
}

func TestHTTPRequestIsAsDefined(t *testing.T) {
	var seen *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	check := httpCheck(server.URL + "/path?q=1")
	check.Method, check.Body = "POST", "hello"
	check.Header = map[string][]string{"x-foo": {"a", "b"}, "Host": {"elsewhere.example"}}
	expect(t, probeOnce(t, check), lifesign.Passing)
	if seen.Method != "POST" || seen.URL.String() != "/path?q=1" || string(body) != "hello" ||
		fmt.Sprint(seen.Header["X-Foo"]) != "[a b]" || seen.Host != "elsewhere.example" {
		t.Errorf("request %s %s, host %s, header %v, body %q", seen.Method, seen.URL, seen.Host, seen.Header, body)
	}
}

func TestHTTPRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/old", http.RedirectHandler("/new", http.StatusFound))
	mux.HandleFunc("/new", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	check := httpCheck(server.URL + "/old")
	expect(t, probeOnce(t, check), lifesign.Passing)
	check.DisableRedirects = true
	expect(t, probeOnce(t, check), lifesign.Critical, "302")
}

func TestHTTPVerifiesTheCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = nil
	defer server.Close()
	check := httpCheck(server.URL)
	expect(t, probeOnce(t, check), lifesign.Critical, "certificate")
	check.TLSSkipVerify = true
	expect(t, probeOnce(t, check), lifesign.Passing)
}

func TestHTTPWithoutAnAnswer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	check := httpCheck(server.URL)
	check.Timeout = 50 * time.Millisecond
	expect(t, probeOnce(t, check), lifesign.Critical, "no answer within 50ms")
}

func TestHTTPRefused(t *testing.T) {
	expect(t, probeOnce(t, httpCheck("http://"+unusedAddress(t)+"/")), lifesign.Critical, "connection refused")
}

func TestHTTPGivesUpWithItsContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan Result, 1)
	go func() { done <- New(httpCheck(server.URL)).Probe(ctx) }()
	<-asked
	cancel()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the probe goes on")
	}
}

func TestOutputIsCutAtACharactersEdge(t *testing.T) {
	page := strings.Repeat("é", 100_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) }))
	defer server.Close()
	check := httpCheck(server.URL)
	for _, limit := range []int{4096, 4095, 100, 99, 5} {
		check.OutputMaxSize = limit
		got := probeOnce(t, check)
		expect(t, got, lifesign.Passing)
		if len(got.Output) > limit || strings.ContainsRune(got.Output, utf8.RuneError) {
			t.Errorf("limit %d: %d bytes, %q", limit, len(got.Output), got.Output[max(0, len(got.Output)-60):])
		}
		if limit >= 99 && !strings.Contains(got.Output, "[cut: 2000") {
			t.Errorf("limit %d: the cut is not told: %q", limit, got.Output[len(got.Output)-60:])
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 10, ""},
		{"short", 5, "short"},
		{"a\xffb", 10, "a\ufffdb"},
		{"ééé", 5, "éé"},
		{strings.Repeat("x", 100), 50, strings.Repeat("x", 26) + "\n[cut: 100 bytes in all]"},
	} {
		got := Cut(c.text, c.limit)
		if len(got) > c.limit || !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) = %q", c.text, c.limit, got)
		}
		if got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	check := config.Check{Kind: config.TCP, TCP: listener.Addr().String(), Timeout: patience, OutputMaxSize: 4096}
	expect(t, probeOnce(t, check), lifesign.Passing, check.TCP, "success")
	listener.Close()
	expect(t, probeOnce(t, check), lifesign.Critical, check.TCP, "refused")
}

func script(line string) config.Check {
	return config.Check{Kind: config.Script, Args: []string{"sh", "-c", line}, Timeout: patience, OutputMaxSize: 4096}
}

func TestScriptExitCodes(t *testing.T) {
	for line, want := range map[string]lifesign.Status{
		"echo out; echo err >&2; exit 0":  lifesign.Passing,
		"echo out; echo err >&2; exit 1":  lifesign.Warning,
		"echo out; echo err >&2; exit 2":  lifesign.Critical,
		"echo out; echo err >&2; exit 9":  lifesign.Critical,
		"echo out; echo err >&2; kill $$": lifesign.Critical,
	} {
		t.Run(line, func(t *testing.T) { expect(t, probeOnce(t, script(line)), want, "out\n", "err\n") })
	}
	missing := script("")
	missing.Args = []string{"/nonexistent/program"}
	expect(t, probeOnce(t, missing), lifesign.Critical, "could not be run", "/nonexistent/program")
}

func TestScriptOutputIsBounded(t *testing.T) {
	got := probeOnce(t, script("head -c 10000000 /dev/zero | tr '\\0' x"))
	expect(t, got, lifesign.Passing, "[cut: 10000000 bytes in all]")
	if len(got.Output) != 4096 {
		t.Errorf("%d bytes", len(got.Output))
	}
}

func TestScriptTimeoutKillsTheProcessGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	check := script(fmt.Sprintf("sleep 1000 & echo $! > %s; echo waiting; wait", file))
	check.Timeout = 500 * time.Millisecond
	expect(t, probeOnce(t, check), lifesign.Critical, "not done within 500ms", "waiting")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the script's child %d is still there", pid)
		}
	}
}

// alive reports whether the process runs; one that nobody has waited for yet
// does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// A script that leaves a process behind which holds its output open must not
// hold the probe.
func TestScriptWithALeftover(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	check := script(fmt.Sprintf("sleep 1000 & echo $! > %s; echo done", file))
	done := make(chan Result, 1)
	go func() { done <- New(check).Probe(context.Background()) }()
	select {
	case got := <-done:
		expect(t, got, lifesign.Passing, "done")
	case <-time.After(patience):
		t.Error("the probe waits for the leftover")
	}
	if text, err := os.ReadFile(file); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func TestOthersHaveNoProber(t *testing.T) {
	for _, kind := range []config.Kind{config.TTL, config.AliasService, config.AliasNode, config.Unrunnable} {
		if New(config.Check{Kind: kind}) != nil {
			t.Errorf("%s has a prober", kind)
		}
	}
}
