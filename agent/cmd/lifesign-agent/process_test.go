package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// programs is where TestMain has built lifesign-agent and flappy.
var programs string

func TestMain(m *testing.M) {
	if machine := os.Getenv(machineOfAClaimant); machine != "" {
		fmt.Fprintln(os.Stderr, becomeClaimant(machine))
		os.Exit(1)
	}
	code := func() int {
		directory, err := os.MkdirTemp("", "lifesign-agent")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(directory)
		programs = directory
		build := exec.Command("go", "build", "-o", directory, ".", "../flappy")
		if output, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}()
	os.Exit(code)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// process is a running agent.
type process struct {
	t         *testing.T
	command   *exec.Cmd
	directory string
	network   string
	address   string
	client    http.Client

	mu    sync.Mutex
	log   []map[string]any
	ended chan struct{} // closed when the log has ended
}

// launch starts an agent on the files and waits until it serves.
func launch(t *testing.T, files map[string]string, args ...string) *process {
	t.Helper()
	p := &process{t: t, directory: t.TempDir()}
	p.write(files)
	p.start(args...)
	return p
}

// start starts the agent on the directory as it is and waits until it serves.
func (p *process) start(args ...string) {
	p.t.Helper()
	p.run(exec.Command(filepath.Join(programs, "lifesign-agent"), append([]string{"-config-dir", p.directory, "-http", "127.0.0.1:0",
		"-node", "here", "-log-format", "json", "-log-level", "debug"}, args...)...))
}

// run starts the command, an agent on the directory that logs JSON, and waits
// until it serves.
func (p *process) run(command *exec.Cmd) {
	t := p.t
	t.Helper()
	p.command, p.address, p.log, p.ended = command, "", nil, make(chan struct{})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, p.network, p.address)
	}}
	p.client.Transport = transport
	if p.command.Stderr == nil {
		p.command.Stderr = os.Stderr
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(output, p.ended)
	ended := p.ended
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		command.Process.Kill() // of no effect when it has ended
		<-ended
		if t.Failed() {
			for _, line := range p.lines("") {
				t.Log(line)
			}
		}
	})
	eventually(t, "the agent serves", func() bool {
		for _, line := range p.lines("serving") {
			p.network, p.address = line["network"].(string), line["address"].(string)
		}
		return p.address != ""
	})
}

// kill ends the agent as a crash does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
	p.command.Wait() // says that it was killed
}

func (p *process) read(output io.Reader, ended chan struct{}) {
	defer close(ended)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			line = map[string]any{"msg": "not JSON: " + lines.Text()}
		}
		p.mu.Lock()
		p.log = append(p.log, line)
		p.mu.Unlock()
	}
}

// lines are those of the log with the message, any if that is empty, and the key,
// value pairs.
func (p *process) lines(message string, pairs ...any) []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []map[string]any
next:
	for _, line := range p.log {
		if message != "" && line["msg"] != message {
			continue
		}
		for i := 0; i < len(pairs); i += 2 {
			if line[pairs[i].(string)] != pairs[i+1] {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// write replaces the files of the directory.
func (p *process) write(files map[string]string) {
	p.t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.directory, name), []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

// hangUp sends SIGHUP and waits until the agent has read its definitions anew.
func (p *process) hangUp() {
	p.t.Helper()
	before := len(p.lines("definitions read"))
	p.signal(syscall.SIGHUP)
	eventually(p.t, "the definitions are read anew", func() bool { return len(p.lines("definitions read")) > before })
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// endsCleanly sends the signal and expects exit code 0.
func (p *process) endsCleanly(s syscall.Signal) {
	p.t.Helper()
	p.signal(s)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("still running after %v", s)
	}
	if err := p.command.Wait(); err != nil {
		p.t.Errorf("after %v: %v", s, err)
	}
	if len(p.lines("stopped")) != 1 {
		p.t.Errorf("after %v: the log does not end with its end", s)
	}
	if found := p.lines("audit failed"); len(found) != 0 {
		p.t.Errorf("audit: %v", found)
	}
}

// request does a request and returns code and body.
func (p *process) request(method, path string) (int, []byte) {
	p.t.Helper()
	request, err := http.NewRequest(method, "http://localhost"+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, text
}

// state is what the API says of a check.
type state struct {
	Status   string
	Output   string
	Lifesign struct {
		Version, Transitions, Incarnation, Generation uint64
		Since                                         time.Time
		Initial, Restored, Orphaned                   bool
		Writer                                        struct{ Label string }
	}
}

func (p *process) check(id string) state {
	p.t.Helper()
	code, text := p.request("GET", "/v1/agent/checks")
	var all map[string]state
	if err := json.Unmarshal(text, &all); err != nil || code != 200 {
		p.t.Fatalf("checks: %d, %v", code, err)
	}
	return all[id]
}

func (p *process) becomes(id, status string) {
	p.t.Helper()
	eventually(p.t, id+" is "+status, func() bool { return p.check(id).Status == status })
}

// usage runs the agent to its end and returns exit code and standard error.
func usage(t *testing.T, args ...string) (int, string) {
	t.Helper()
	output, err := exec.Command(filepath.Join(programs, "lifesign-agent"), args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(output)
	}
	return 0, string(output)
}

// freeAddress is an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// flappy starts the example service as a process.
func flappy(t *testing.T, address string) *exec.Cmd {
	t.Helper()
	command := exec.Command(filepath.Join(programs, "flappy"), "-addr", address, "-failing-for", "0s")
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill() // of no effect when it has ended
		command.Wait()
	})
	return command
}
