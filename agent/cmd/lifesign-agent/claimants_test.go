package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machineOfAClaimant makes this test program, started in namespaces of its own,
// give that name to its machine and then become the command in its arguments.
const machineOfAClaimant = "LIFESIGN_TEST_MACHINE"

func becomeClaimant(machine string) error {
	if err := syscall.Sethostname([]byte(machine)); err != nil {
		return fmt.Errorf("naming the machine: %w", err)
	}
	environment := []string{}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, machineOfAClaimant+"=") {
			environment = append(environment, variable)
		}
	}
	return syscall.Exec(os.Args[1], os.Args[1:], environment)
}

// claimant is an agent of a build of its own on a machine of its own.
type claimant struct {
	machine, version, build string
	program                 string
	claims                  string
}

// newClaimant builds the agent with a version and a revision of its own.
func newClaimant(t *testing.T, name, claims string) *claimant {
	t.Helper()
	c := &claimant{machine: name + "-machine", version: "9.1-" + name, build: name + "-build", claims: claims}
	c.program = filepath.Join(programs, "agent-"+name)
	flags := fmt.Sprintf("-X main.version=%s -X main.revision=%s", c.version, c.build)
	if output, err := exec.Command("go", "build", "-ldflags", flags, "-o", c.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	return c
}

// command is the agent in a network and a machine of its own. Its API is on a
// unix socket, for no network reaches it.
func (c *claimant) command(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	directory := t.TempDir()
	command := exec.Command("/proc/self/exe", c.program, "-config-dir", directory, "-claim-dir", c.claims, "-node", "shared",
		"-http", "unix://"+filepath.Join(directory, "api"), "-log-format", "json", "-log-level", "debug")
	command.Env = append(os.Environ(), machineOfAClaimant+"="+c.machine)
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return command, directory
}

func (c *claimant) launch(t *testing.T) *process {
	t.Helper()
	command, directory := c.command(t)
	p := &process{t: t, directory: directory}
	p.run(command)
	apart(t, p)
	return p
}

// refused runs the agent to its end, which is that another has the name, and
// returns its process id and what it says.
func (c *claimant) refused(t *testing.T) (int, string) {
	t.Helper()
	command, _ := c.command(t)
	var says bytes.Buffer
	command.Stdout, command.Stderr = &says, &says
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := time.AfterFunc(patience, func() { command.Process.Kill() })
	defer ended.Stop()
	var exit *exec.ExitError
	if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitHeld {
		t.Fatalf("%v, want exit code %d; it says %s", err, exitHeld, &says)
	}
	return command.Process.Pid, says.String()
}

// names checks that a sentence speaks of this agent with this process id.
func (c *claimant) names(t *testing.T, sentence string, pid int) {
	t.Helper()
	for _, part := range []string{c.machine, c.version, c.build, "pid " + strconv.Itoa(pid) + " "} {
		if !strings.Contains(sentence, part) {
			t.Errorf("%q is missing: %s", part, sentence)
		}
	}
}

type claimState struct {
	Held, Advisory bool
	Beats          uint64
	Trouble        string
	Since          time.Time
	Holder         writerState
	Rivals         []rivalState
}

type writerState struct {
	Machine, Name, Version, Build string
	PID                           int
}

type rivalState struct {
	writerState
	First, Last time.Time
	Count       uint64
}

func (p *process) claim() claimState {
	p.t.Helper()
	code, text := p.request("GET", "/v1/agent/lifesign/claim")
	var state claimState
	if err := json.Unmarshal(text, &state); err != nil || code != 200 {
		p.t.Fatalf("claim: %d, %v: %s", code, err, text)
	}
	return state
}

// sees waits until a whole heartbeat has gone by, and wants this rival alone by
// then, seen in that time.
func (p *process) sees(rival *claimant, pid int, heartbeats uint64, from time.Time) rivalState {
	p.t.Helper()
	// The heartbeat that is under way may have looked too early.
	last := p.claim().Beats + 1 + heartbeats
	var state claimState
	eventually(p.t, "a rival or the last heartbeat", func() bool {
		state = p.claim()
		return len(state.Rivals) > 0 || state.Beats >= last
	})
	want := writerState{Machine: rival.machine, Name: "lifesign-agent", Version: rival.version, Build: rival.build, PID: pid}
	if len(state.Rivals) != 1 || state.Rivals[0].writerState != want {
		p.t.Fatalf("after %d heartbeats the rivals are %+v, want %+v", heartbeats, state.Rivals, want)
	}
	found := state.Rivals[0]
	if found.First.Before(from.Add(-time.Second)) || found.Last.After(time.Now()) || found.Last.Before(found.First) {
		p.t.Errorf("seen from %v to %v, want after %v", found.First, found.Last, from)
	}
	eventually(p.t, "the log names the rival", func() bool {
		return len(p.lines("another agent claims this node", "machine", rival.machine, "version", rival.version,
			"build", rival.build, "rival_pid", float64(pid))) == 1
	})
	return found
}

// apart checks that these agents share neither network nor machine with each
// other or with this process.
func apart(t *testing.T, agents ...*process) {
	t.Helper()
	for _, namespace := range []string{"net", "uts"} {
		seen := map[string]bool{}
		for _, id := range append([]int{os.Getpid()}, pids(agents)...) {
			link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", id, namespace))
			if err != nil || seen[link] {
				t.Fatalf("process %d has the %s namespace %q, seen before: %v; %v", id, namespace, link, seen, err)
			}
			seen[link] = true
		}
	}
}

func pids(agents []*process) []int {
	ids := make([]int, len(agents))
	for i, p := range agents {
		ids[i] = p.command.Process.Pid
	}
	return ids
}

// needNamespaces ends the test where processes cannot be kept apart.
func needNamespaces(t *testing.T) {
	t.Helper()
	command, _ := (&claimant{program: "/bin/true", machine: "some-machine"}).command(t)
	output, err := command.CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("CI is set and no namespaces can be made: %v %s", err, output)
	default:
		t.Skipf("SKIPPED %s: no namespaces can be made here: %v %s", t.Name(), err, output)
	}
}

// evidence appends the test's result to the file that LIFESIGN_EVIDENCE names.
func evidence(t *testing.T, name string, count *int) {
	begin := time.Now()
	t.Cleanup(func() {
		path := os.Getenv("LIFESIGN_EVIDENCE")
		if path == "" {
			return
		}
		result := "ok"
		if t.Failed() {
			result = "failed"
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fmt.Fprintf(file, "script\t%s\t%d\t%.1f\t%s\n", name, *count, time.Since(begin).Seconds(), result)
	})
}

var since = regexp.MustCompile(`since (\S+Z)`)

// Two claimants: the second agent is refused and names the first, and within
// one heartbeat the first names the second.
func TestTwoClaimants(t *testing.T) {
	needNamespaces(t)
	checks := 0
	evidence(t, "two claimants", &checks)
	claims := t.TempDir()
	west, east := newClaimant(t, "west", claims), newClaimant(t, "east", claims)

	begin := time.Now()
	first := west.launch(t)
	holder := first.command.Process.Pid
	if state := first.claim(); !state.Held || state.Advisory || len(state.Rivals) != 0 || state.Holder.Machine != west.machine ||
		state.Holder.PID != holder || state.Since.Before(begin.Add(-time.Second)) {
		t.Fatalf("the first agent has claimed the name alone: %+v", state)
	}
	rival, says := east.refused(t)
	west.names(t, says, holder)
	east.names(t, says, rival)
	claimed, err := time.Parse(time.RFC3339, append(since.FindStringSubmatch(says), "", "")[1])
	if at := first.claim().Since; err != nil || !claimed.Equal(at.Truncate(time.Second)) {
		t.Errorf("it says %q, the name was claimed at %v; %v", says, at, err)
	}
	if found := first.sees(east, rival, 1, begin); found.Count != 1 {
		t.Errorf("one attempt is counted as %d", found.Count)
	}
	checks++

	// A holder that stands still is a holder.
	first.signal(syscall.SIGSTOP)
	rival, says = east.refused(t)
	west.names(t, says, holder)
	first.signal(syscall.SIGCONT)
	eventually(t, "the second attempt is counted", func() bool {
		rivals := first.claim().Rivals
		return len(rivals) == 1 && rivals[0].Count == 2 && rivals[0].PID == rival
	})
	checks++

	// One that was killed is none: the next comes at once.
	if err := first.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.command.Wait()
	second := east.launch(t)
	if state := second.claim(); !state.Held || len(state.Rivals) != 0 || state.Holder.Machine != east.machine {
		t.Errorf("after the first was killed: %+v", state)
	}
	rival, says = west.refused(t)
	east.names(t, says, second.command.Process.Pid)
	second.sees(west, rival, 1, begin)
	checks++
	second.endsCleanly(syscall.SIGTERM)
}

// The same where the directory cannot exclude: both run, and within two
// heartbeats each names the other.
func TestTwoClaimantsWithoutALock(t *testing.T) {
	needNamespaces(t)
	checks := 0
	evidence(t, "two claimants, the lock turned off", &checks)
	claims := t.TempDir()
	if err := os.WriteFile(filepath.Join(claims, ".lifesign-advisory"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	west, east := newClaimant(t, "west", claims), newClaimant(t, "east", claims)
	begin := time.Now()
	first, second := west.launch(t), east.launch(t)
	apart(t, first, second)
	if !first.claim().Advisory || !second.claim().Advisory {
		t.Error("the claims are not said to be advisory")
	}
	first.sees(east, second.command.Process.Pid, 2, begin)
	second.sees(west, first.command.Process.Pid, 2, begin)
	checks++

	// A dead rival is not seen again, and a new one finds no trace of it.
	if err := second.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	second.command.Wait()
	beats := first.claim().Beats
	eventually(t, "two heartbeats", func() bool { return first.claim().Beats >= beats+2 })
	before := first.claim()
	eventually(t, "two heartbeats", func() bool { return first.claim().Beats >= before.Beats+2 })
	if after := first.claim(); after.Rivals[0].Count != before.Rivals[0].Count {
		t.Errorf("a dead rival is seen: %+v", after.Rivals)
	}
	first.endsCleanly(syscall.SIGTERM)
	third := west.launch(t)
	eventually(t, "two heartbeats", func() bool { return third.claim().Beats >= 2 })
	if state := third.claim(); len(state.Rivals) != 0 || !state.Held {
		t.Errorf("a heartbeat that stands still is a rival: %+v", state)
	}
	checks++
	third.endsCleanly(syscall.SIGTERM)
}

func TestWithoutAClaim(t *testing.T) {
	p := launch(t, nil)
	if code, text := p.request("GET", "/v1/agent/lifesign/claim"); code != 404 || !strings.Contains(string(text), "-claim-dir") {
		t.Errorf("%d: %s", code, text)
	}
	p.endsCleanly(syscall.SIGTERM)
}
