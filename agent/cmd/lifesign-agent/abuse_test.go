package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// descriptors is how many the agent has open.
func (p *process) descriptors() int {
	p.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(open)
}

// memory is a line of the agent's status, such as VmRSS, in KiB.
func (p *process) memory(name string) int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name+":" {
			size, err := strconv.Atoi(fields[1])
			if err != nil {
				p.t.Fatal(err)
			}
			return size
		}
	}
	p.t.Fatalf("no %s in the status", name)
	return 0
}

// ticks is the processor time that the agent has used.
func (p *process) ticks() int {
	p.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return user + system
}

// rests waits until the agent has nothing to do but its clock.
func (p *process) rests() {
	p.t.Helper()
	eventually(p.t, "the agent rests", func() bool {
		before := p.ticks()
		time.Sleep(200 * time.Millisecond)
		return p.ticks()-before <= 2 // hundredths of a second
	})
}

// hard is as many descriptors as there may be.
const hard = "$(ulimit -Hn)"

// launchQuietly is launch of an agent that logs no results and prints its stacks
// into the buffer when it is quit.
func launchQuietly(t *testing.T, files map[string]string, limit string) (*process, *bytes.Buffer) {
	t.Helper()
	p, stacks := &process{t: t, directory: t.TempDir()}, &bytes.Buffer{}
	p.write(files)
	command := exec.Command("sh", "-c", `ulimit -n `+limit+` && exec "$0" "$@"`, filepath.Join(programs, "lifesign-agent"),
		"-config-dir", p.directory, "-http", "127.0.0.1:0", "-node", "here", "-log-format", "json")
	command.Stderr = stacks
	p.run(command)
	return p, stacks
}

// quit ends the agent by SIGQUIT, upon which it prints the stacks of its goroutines.
func (p *process) quit(stacks *bytes.Buffer) string {
	p.t.Helper()
	p.signal(syscall.SIGQUIT)
	<-p.ended
	p.command.Wait() // says that it was quit
	return stacks.String()
}

// caller is a client of its own connection.
type caller struct {
	net.Conn
	*bufio.Reader
}

func dial(address string) (*caller, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	connection.(*net.TCPConn).SetLinger(0) // no port is left waiting
	connection.SetDeadline(time.Now().Add(5 * patience))
	return &caller{connection, bufio.NewReaderSize(connection, 512)}, nil
}

func (c *caller) ask(path string) error {
	_, err := fmt.Fprintf(c.Conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	return err
}

func (c *caller) hear() (index uint64, body string, err error) {
	response, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	index, _ = strconv.ParseUint(response.Header.Get("X-Lifesign-Index"), 10, 64)
	return index, string(text), err
}

// each does something for every caller, a hundred at a time.
func each(t *testing.T, all []*caller, does func(i int) error) {
	t.Helper()
	var group sync.WaitGroup
	var failed atomic.Int64
	for worker := range 100 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := worker; i < len(all); i += 100 {
				if err := does(i); err != nil && failed.Add(1) == 1 {
					t.Errorf("caller %d: %v", i, err)
				}
			}
		}()
	}
	group.Wait()
	if n := failed.Load(); n > 0 {
		t.Fatalf("%d of %d failed", n, len(all))
	}
}

// affordable is how many connections this process and the agent can have, of the
// number that is wanted: the agent takes three quarters of its descriptors.
func affordable(t *testing.T, wanted int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if most := limit.Max/4*3 - 100; most < uint64(wanted) {
		t.Logf("%d connections instead of %d: this process may have %d descriptors", most, wanted, limit.Max)
		return int(most)
	}
	return wanted
}

// Ten thousand stay connected, all of them wait for one change, all are told, and
// nothing is left of them.
func TestTenThousandClients(t *testing.T) {
	many := affordable(t, 10_000)
	p, stacks := launchQuietly(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h", "status": "passing"}}`}, hard)
	p.rests()
	p.client.CloseIdleConnections()
	p.rests()
	open, resident := p.descriptors(), p.memory("VmRSS")

	const path = "/v1/agent/checks"
	all := make([]*caller, many)
	indices := make([]uint64, many)
	each(t, all, func(i int) (err error) {
		if all[i], err = dial(p.address); err != nil {
			return err
		}
		if err := all[i].ask(path); err != nil {
			return err
		}
		indices[i], _, err = all[i].hear()
		return err
	})
	if now := p.descriptors(); now < open+many {
		t.Errorf("%d descriptors, before %d: the connections are not all there", now, open)
	}
	p.check("c") // by another client, who is served as well
	idle := p.memory("VmRSS")

	each(t, all, func(i int) error {
		return all[i].ask(fmt.Sprintf("%s?index=%d&wait=10m", path, indices[i]))
	})
	p.rests()
	waits := p.memory("VmRSS")
	if code, text := p.request("PUT", "/v1/agent/check/warn/c"); code != 200 {
		t.Fatalf("%d: %s", code, text)
	}
	each(t, all, func(i int) error {
		index, body, err := all[i].hear()
		if err == nil && (index <= indices[i] || !strings.Contains(body, `"warning"`)) {
			err = fmt.Errorf("index %d after %d: %s", index, indices[i], body)
		}
		return err
	})
	t.Logf("%d connections: %d MiB resident without, %d idle, %d waiting, %d at most", many,
		resident>>10, idle>>10, waits>>10, p.memory("VmHWM")>>10)
	for _, c := range all {
		c.Close()
	}
	p.client.CloseIdleConnections()
	eventually(t, "the descriptors are free again", func() bool { return p.descriptors() <= open })
	p.check("c")
	p.client.CloseIdleConnections()
	p.rests()
	printed := p.quit(stacks)
	if left := strings.Count(printed, "net/http.(*conn).serve("); left > 0 || !strings.Contains(printed, "(*Agent).tick(") {
		t.Errorf("%d connections are still served: %.2000s", left, printed)
	}
}

// At the limit of its descriptors the agent neither gives up nor spins: whoever
// holds connections fails no check, whatever else runs out is said and waited for,
// and all goes on when there is room again.
func TestDescriptorLimit(t *testing.T) {
	const limit, greedy = 256, 150
	beside := newGate(t, 200)
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	p, _ := launchQuietly(t, map[string]string{"beside.json": web(beside.URL)}, strconv.Itoa(limit))
	p.becomes("web", "passing")

	// More connections than the agent has descriptors.
	idle := make([]*caller, 2*limit)
	each(t, idle, func(i int) (err error) {
		idle[i], err = dial(p.address)
		return err
	})
	eventually(t, "all the places are taken", func() bool { return p.descriptors() >= limit/4*3 })
	asked := beside.asked.Load()
	eventually(t, "the check goes on", func() bool { return beside.asked.Load() > asked+20 })
	if changes := p.lines("check changed", "check", "web", "to", "critical"); len(changes) > 0 {
		t.Errorf("who holds connections fails a check: %v", changes)
	}
	for _, c := range idle {
		c.Close()
	}
	if got := p.check("web"); got.Status != "passing" || got.Lifesign.Transitions != 1 {
		t.Errorf("web is %+v", got)
	}

	// More probes than there are descriptors, so that there is none for whoever
	// comes.
	var checks []string
	for i := range greedy {
		checks = append(checks, fmt.Sprintf(`{"id": "greedy%d", "http": "http://%s/", "interval": "100ms", "timeout": "1h"}`, i, hanging.Addr()))
	}
	started := time.Now()
	p.write(map[string]string{"greedy.json": `{"checks": [` + strings.Join(checks, ",") + `]}`})
	p.hangUp()
	eventually(t, "the probes hang", func() bool { return p.descriptors() > greedy })
	idle = idle[:limit]
	each(t, idle, func(i int) (err error) {
		idle[i], err = dial(p.address)
		return err
	})
	eventually(t, "the descriptors are used up", func() bool { return p.refusals() >= 3 })
	before, busy := time.Now(), p.ticks()
	time.Sleep(2 * time.Second)
	if used, passed := p.ticks()-busy, time.Since(before); time.Duration(used)*10*time.Millisecond > passed/2 {
		t.Errorf("%d ticks in %v: it spins", used, passed)
	}
	// It waits from 5 ms to a second, twice as long each time.
	if most := 10 + int(time.Since(started)/time.Second); p.refusals() > 3*most {
		t.Errorf("%d refusals to accept in %v", p.refusals(), time.Since(started))
	}
	for _, c := range idle {
		c.Close()
	}
	p.write(map[string]string{"greedy.json": `{}`})
	p.hangUp()
	p.becomes("web", "passing")
	asked = beside.asked.Load()
	eventually(t, "the check goes on", func() bool { return beside.asked.Load() > asked+5 })
	p.endsCleanly(syscall.SIGTERM)
}

// Whatever a target says goes into its check's output, and not to the terminal.
func TestRudeTarget(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var asked atomic.Int64
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(connection, "HTTP/1.1 200 OK\r\n\r\n\x1b[2J") // before anybody has asked
			connection.Close()
			asked.Add(1)
		}
	}()
	p, printed := launchQuietly(t, map[string]string{"web.json": web("http://" + listener.Addr().String())}, hard)
	eventually(t, "it is asked", func() bool { return asked.Load() > 20 })
	p.endsCleanly(syscall.SIGTERM)
	if printed.Len() > 0 {
		t.Errorf("%.500q", printed.String())
	}
}

// refusals is how often the agent could accept no connection.
func (p *process) refusals() int {
	n := 0
	for _, line := range p.lines("") {
		if text, _ := line["msg"].(string); strings.Contains(text, "Accept error") {
			n++
		}
	}
	return n
}
