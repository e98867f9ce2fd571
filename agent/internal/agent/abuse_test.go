package agent

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// abuser is a target that holds a probe.
type abuser struct {
	fields string // of its check, what makes it one
	status lifesign.Status
	says   string // the check's output, among others
	holds  bool   // it never lets go
	// Connections to it: nil for a script.
	asked, open *atomic.Int64
}

// listens serves each connection by does.
func listens(t *testing.T, does func(connection net.Conn)) (address string, asked, open *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	asked, open = &atomic.Int64{}, &atomic.Int64{}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			open.Add(1)
			go func() {
				defer open.Add(-1)
				defer connection.Close()
				does(connection)
			}()
		}
	}()
	return listener.Addr().String(), asked, open
}

// listen hears the beginning of a request: what is said before it is no answer.
func listen(connection net.Conn) { connection.Read(make([]byte, 4096)) }

// again writes head, and then rest again and again, until nobody listens.
func again(head, rest string, pause time.Duration) func(net.Conn) {
	return func(connection net.Conn) {
		listen(connection)
		_, err := io.WriteString(connection, head)
		for ; err == nil; _, err = io.WriteString(connection, rest) {
			time.Sleep(pause)
		}
	}
}

const drip = 10 * time.Millisecond

// abusers are all that we can think of, by the id of their checks. ready is a
// file that the scripts make.
func abusers(t *testing.T, ready string) map[string]abuser {
	t.Helper()
	const late, ok = "no answer within 500ms", "HTTP/1.1 200 OK\r\n"
	all := map[string]abuser{}
	web := func(id, scheme string, status lifesign.Status, says string, does func(net.Conn)) {
		address, asked, open := listens(t, does)
		all[id] = abuser{fmt.Sprintf(`"http": "%s://%s/"`, scheme, address), status, says, says == late, asked, open}
	}
	silent := func(connection net.Conn) { io.Copy(io.Discard, connection) }
	web("silent", "http", lifesign.Critical, late, silent)
	web("no handshake", "https", lifesign.Critical, late, silent)
	web("drips a header", "http", lifesign.Critical, late, again(ok, "X", drip))
	web("drips a body", "http", lifesign.Critical, late, again(ok+"Content-Length: 1000000000\r\n\r\n", "x", drip))
	web("drips another protocol", "http", lifesign.Critical, "101 Switching Protocols",
		again("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "x", drip))
	web("endless header", "http", lifesign.Critical, "exceeded 65536 bytes", again(ok, strings.Repeat("X: x\r\n", 1000), 0))
	web("endless body", "http", lifesign.Passing, "[cut: at least ", again(ok+"\r\n", strings.Repeat("x", 10_000), 0))
	web("endless promises", "http", lifesign.Critical, "", again("", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), 0))
	web("no web service", "http", lifesign.Critical, "malformed HTTP", again("", strings.Repeat("\x00\xff\n", 100), 0))
	web("redirects", "http", lifesign.Critical, "stopped after 10 redirects", func(connection net.Conn) {
		listen(connection)
		io.WriteString(connection, "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
	})
	script := func(id, line string) {
		line = fmt.Sprintf("echo $$ >> %s; %s", ready, line)
		all[id] = abuser{fmt.Sprintf(`"args": ["sh", "-c", %q]`, line), lifesign.Critical, "not done within 500ms", true, nil, nil}
	}
	script("hangs", "trap '' TERM INT HUP; while :; do sleep 1000; done")
	script("writes", "yes")
	return all
}

// checksOf are the checks of the targets, with what they have in common.
func checksOf(all map[string]abuser, common string) string {
	var checks []string
	for id, target := range all {
		checks = append(checks, fmt.Sprintf(`{"id": %q, %s, "interval": "50ms", %s}`, id, target.fields, common))
	}
	return `{"checks": [` + strings.Join(checks, ",\n") + `]}`
}

// scripts are the processes that have noted themselves in the file.
func scripts(t *testing.T, ready string) []int {
	t.Helper()
	text, err := os.ReadFile(ready)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var all []int
	for _, line := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pid)
	}
	return all
}

// running reports whether anything is left of the script's process group.
func running(pid int) bool { return syscall.Kill(-pid, 0) == nil }

// Whatever a target does, its check has a result in time that says what is wrong,
// and goes on; the check beside it never waits.
func TestAbusiveTargets(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	all, beside := abusers(t, ready), newTarget(t)
	f := start(t, map[string]string{"abusive.json": checksOf(all, `"timeout": "500ms"`),
		"beside.json": fmt.Sprintf(`{"check": {"id": "beside", "http": %q, "interval": "20ms"}}`, beside.URL)})
	for id, target := range all {
		f.eventually(id+" has its result", func() bool {
			s := f.snapshot(id)
			return !s.Initial && s.Status == target.status && strings.Contains(s.Output, target.says)
		})
		if s := f.snapshot(id); len(s.Output) > 4096 || s.Output == "" {
			t.Errorf("%s: %q", id, s.Output)
		}
	}
	before, scriptsBefore := beside.asked.Load(), len(scripts(t, ready))
	asked := map[string]int64{}
	for id, target := range all {
		if target.asked != nil {
			asked[id] = target.asked.Load()
		}
	}
	f.eventually("the check beside them goes on", func() bool { return beside.asked.Load() > before+50 })
	for id, many := range asked {
		f.eventually(id+" is asked again", func() bool { return all[id].asked.Load() > many })
	}
	f.eventually("the scripts run again", func() bool { return len(scripts(t, ready)) > scriptsBefore+2 })
	if f.status("beside") != lifesign.Passing || f.snapshot("beside").Transitions != 1 {
		t.Errorf("beside: %+v", f.snapshot("beside"))
	}
	f.write(map[string]string{"abusive.json": ""})
	f.reload()
	for id, target := range all {
		if target.open != nil {
			f.eventually("nothing is left of "+id, func() bool { return target.open.Load() == 0 })
		}
	}
	for _, pid := range scripts(t, ready) {
		f.eventually("nothing is left of a script", func() bool { return !running(pid) })
	}
}

// The end of the agent waits for nobody, however long a target may take.
func TestEndWithAbusiveTargets(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	all := abusers(t, ready)
	f := start(t, map[string]string{"abusive.json": checksOf(all, `"timeout": "1h"`)})
	for id, target := range all {
		if target.holds && target.open != nil {
			f.eventually(id+" holds its probe", func() bool { return target.open.Load() == 1 })
		}
	}
	f.eventually("the scripts run", func() bool { return len(scripts(t, ready)) == 2 })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.cancel()
		f.running.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the agent waits for its targets")
	}
	for id, target := range all {
		if target.open != nil {
			f.eventually("nothing is left of "+id, func() bool { return target.open.Load() == 0 })
		}
	}
	for _, pid := range scripts(t, ready) {
		f.eventually("nothing is left of a script", func() bool { return !running(pid) })
	}
}

// Of a long report no more is kept than is shown.
func TestLongReport(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h"}}`})
	f.report("c", lifesign.Passing, strings.Repeat("x", 1<<20))
	beat := f.checks["c"].runner.beat
	beat.mu.Lock()
	defer beat.mu.Unlock()
	if len(beat.last) > 4096 {
		t.Errorf("%d bytes", len(beat.last))
	}
}
