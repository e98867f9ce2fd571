package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hasten makes the server's time limits ten times shorter. One that is missing
// stays so.
func hasten(server *http.Server) {
	for _, limit := range []*time.Duration{&server.ReadHeaderTimeout, &server.ReadTimeout, &server.WriteTimeout} {
		*limit /= 10
	}
	server.IdleTimeout /= 100
}

// drip is how long a slow client takes for a byte.
const drip = 20 * time.Millisecond

// slowly writes a byte at a time, the last one for ever, until nobody listens.
func slowly(connection net.Conn, text string) {
	for i := 0; ; i = min(i+1, len(text)-1) {
		if _, err := connection.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(drip)
	}
}

// forEver writes the head, and then the rest again and again, until nobody
// listens.
func forEver(connection net.Conn, head, rest string) {
	_, err := io.WriteString(connection, head)
	for ; err == nil; _, err = io.WriteString(connection, rest) {
	}
}

// heard is what comes until the connection ends.
func heard(connection net.Conn) string {
	text, _ := io.ReadAll(connection) // a reset is an end too
	return string(text)
}

// Whoever takes the server's time or memory is shown out, and nobody else notices.
func TestAbusiveClients(t *testing.T) {
	t.Parallel()
	const (
		update = "PUT /v1/agent/check/update/w1 HTTP/1.1\r\nHost: localhost\r\n"
		checks = "GET /v1/agent/checks HTTP/1.1\r\nHost: localhost\r\n"
	)
	chunk := fmt.Sprintf("10000\r\n%s\r\n", strings.Repeat(" ", 0x10000))
	for _, abuse := range []struct {
		name string
		want string // what the answer begins with; empty: whatever is no success
		// does returns what was heard when the server has ended the connection.
		does func(connection net.Conn) string
	}{
		{"says nothing", "", heard},
		{"says its header a byte at a time", "", func(connection net.Conn) string {
			go slowly(connection, checks+"X: x")
			return heard(connection)
		}},
		// Who says too much may be cut off before reading the answer.
		{"has a header without an end", "", func(connection net.Conn) string {
			go forEver(connection, checks, "X: x\r\n")
			return heard(connection)
		}},
		// By then the time for the answer is up too, so that there may be none.
		{"says its body a byte at a time", "", func(connection net.Conn) string {
			io.WriteString(connection, update+"Content-Length: 1000000\r\n\r\n")
			go slowly(connection, " ")
			return heard(connection)
		}},
		{"does not say its body", "", func(connection net.Conn) string {
			io.WriteString(connection, update+"Content-Length: 1000000\r\n\r\n")
			return heard(connection)
		}},
		{"has a body without an end", "", func(connection net.Conn) string {
			go forEver(connection, update+"Transfer-Encoding: chunked\r\n\r\n", chunk)
			return heard(connection)
		}},
		{"has a body without an end that nobody asked for", "", func(connection net.Conn) string {
			go forEver(connection, strings.Replace(checks, "checks", "nowhere", 1)+"Transfer-Encoding: chunked\r\n\r\n", chunk)
			return heard(connection)
		}},
		{"has a header too long", "HTTP/1.1 431 ", func(connection net.Conn) string {
			io.WriteString(connection, checks+"X: "+strings.Repeat("x", 64<<10+4096-len(checks)-len("X: ")))
			return heard(connection)
		}},
		{"waits with a body that it does not say", "HTTP/1.1 400 ", func(connection net.Conn) string {
			io.WriteString(connection, strings.Replace(checks, "checks", "checks?index=99999999999&wait=10m", 1)+"Content-Length: 1\r\n\r\n")
			return heard(connection)
		}},
		{"asks and does not listen", "", func(connection net.Conn) string {
			connection.(*net.TCPConn).SetReadBuffer(4096)
			forEver(connection, "", checks+"\r\n")
			return ""
		}},
		{"stays for ever", "HTTP/1.1 200 ", func(connection net.Conn) string {
			io.WriteString(connection, checks+"\r\n")
			return heard(connection)
		}},
	} {
		t.Run(abuse.name, func(t *testing.T) {
			t.Parallel()
			c := serveWith(t, loopback, Options{}, hasten)
			connection, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			ended := make(chan string, 1)
			go func() { ended <- abuse.does(connection) }()
			for deadline := time.After(patience); ; {
				c.isStatus("w1", "passing") // to everybody else
				select {
				case answer := <-ended:
					if !strings.HasPrefix(answer, abuse.want) || abuse.want == "" && strings.Contains(answer, " 200 ") {
						t.Errorf("the answer is %.200q, want %q", answer, abuse.want)
					}
					c.isStatus("w1", "passing")
					return
				case <-deadline:
					t.Fatal("it is still served")
				case <-time.After(drip):
				}
			}
		})
	}
}

// descriptors is how many this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// Many wait for one change, all are told, and nothing is left of them.
func TestManyWait(t *testing.T) {
	const many = 500
	c := serve(t, loopback, Options{})
	index := c.quiet("/v1/agent/checks")
	c.http.CloseIdleConnections()
	var goroutines, open int
	eventually(t, "the connections before are gone", func() bool {
		before := goroutines
		goroutines, open = runtime.NumGoroutine(), descriptors(t)
		time.Sleep(50 * time.Millisecond)
		return goroutines == before
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []<-chan answered
	for range many {
		all = append(all, c.get(ctx, after("/v1/agent/checks", index, "")))
	}
	eventually(t, "all wait", func() bool { return waiting() == many })
	c.want(200, "PUT", "/v1/agent/check/warn/w1", "")
	for _, waits := range all {
		if news := c.answer(waits); news.code != 200 || news.index <= index || !strings.Contains(news.body, "warning") {
			t.Fatalf("%+v", news)
		}
	}
	c.http.CloseIdleConnections()
	eventually(t, "nothing is left of them", func() bool { return runtime.NumGoroutine() <= goroutines && descriptors(t) <= open })
}

// tally counts the connections of a listener.
type tally struct {
	net.Listener
	now, peak atomic.Int64
}

func (l *tally) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err == nil {
		l.peak.Store(max(l.peak.Load(), l.now.Add(1))) // one accepts
		connection = &counted{connection, sync.OnceFunc(func() { l.now.Add(-1) })}
	}
	return connection, err
}

// With all places taken whoever comes waits, and is served when one is free. The
// server can be closed all the same.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	const most = 4
	c := serve(t, loopback, Options{})
	inner, err := net.Listen("tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	tally := &tally{Listener: inner}
	places := limit(tally, most).(*limited)
	server := NewServer(c.agent, Options{Log: slog.New(slog.DiscardHandler)})
	closed := make(chan error, 1)
	go func() { closed <- server.Serve(places) }()

	const request = "GET /v1/agent/services HTTP/1.1\r\nHost: localhost\r\n\r\n"
	var all []net.Conn
	for range 2 * most {
		connection, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		connection.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(connection, request); err != nil {
			t.Fatal(err)
		}
		all = append(all, connection)
	}
	for i, connection := range all { // each leaves before the one after the next four is served
		answer := make([]byte, 12)
		if _, err := io.ReadFull(connection, answer); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
			t.Errorf("connection %d: %q, %v", i, answer, err)
		}
		if i < most {
			connection.Close()
		}
	}
	if peak := tally.peak.Load(); peak != most {
		t.Errorf("%d connections at once, want %d", peak, most)
	}
	eventually(t, "all places are taken", func() bool { return len(places.places) == most })
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-closed:
		if !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it still waits for a place")
	}
	eventually(t, "all places are free", func() bool { return len(places.places) == 0 })
}

// The limits that the documentation states.
func TestLimitsAreAsDocumented(t *testing.T) {
	server := serve(t, loopback, Options{}).server
	if server.ReadHeaderTimeout != 5*time.Second || server.ReadTimeout != 30*time.Second || server.WriteTimeout != 30*time.Second ||
		server.IdleTimeout != 2*time.Minute || server.MaxHeaderBytes != 64<<10 || maxBody != 1<<20 || mostConnections != 16_384 ||
		defaultWait != 5*time.Minute || maxWait != 10*time.Minute {
		t.Error("agent/README.md says otherwise")
	}
}
