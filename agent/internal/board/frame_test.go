package board

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"lifesign.dev/lifesign"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")

// text is a frame without what moves the cursor or colours.
func text(frame string) []string {
	return strings.Split(escapes.ReplaceAllString(frame, ""), "\r\n")
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestFrame(t *testing.T) {
	rows := []Row{
		{Service: "web", Check: "b", Status: lifesign.Critical, Since: now.Add(-75 * time.Second), Writer: "probe http #1"},
		{Service: "web", Check: "a", Status: lifesign.Passing, Initial: true, Since: now.Add(-3 * time.Second)},
		{Check: "disk", Status: lifesign.Warning, Since: now.Add(-26 * time.Hour), Writer: "evil\x1b[2J\nlabel"},
		{Service: "side", Check: "alias", Status: lifesign.Critical, Since: now.Add(-61 * time.Minute), Target: "web", Writer: "engine"},
	}
	frame := Frame("title", rows, []string{"one", "two", "three\x1b[H"}, 100, 12, now)
	got := text(frame)
	want := []string{
		"title",
		"SERVICE  CHECK  STATUS             SINCE   ALIAS OF  WRITER",
		"(node)   disk   warning            1d02h   -         evil [2J label",
		"side     alias  critical           1h01m   web       engine",
		"web      a      passing (initial)  3s      -         -",
		"web      b      critical           1m15s   -         probe http #1",
		"", "one", "two", "three [H",
	}
	for i := range want {
		want[i] = regexp.MustCompile("  +").ReplaceAllString(want[i], "  ")
		if i >= len(got) || regexp.MustCompile("  +").ReplaceAllString(got[i], "  ") != want[i] {
			t.Fatalf("line %d of\n%s\nwant %q", i, strings.Join(got, "\n"), want[i])
		}
	}
	if !strings.Contains(frame, colors[lifesign.Critical]+"critical") {
		t.Error("critical is not coloured")
	}
}

func TestFrameFits(t *testing.T) {
	var rows []Row
	var log []string
	for i := range 50 {
		rows = append(rows, Row{Service: "s", Check: fmt.Sprintf("check-%02d-é", i), Status: lifesign.Passing, Since: now})
		log = append(log, strings.Repeat("long ", 100))
	}
	rows[40].Status = lifesign.Critical
	for _, size := range [][2]int{{80, 24}, {20, 10}, {200, 100}, {1, 1}, {10, 3}} {
		lines := text(Frame("title", rows, log, size[0], size[1], now))
		if len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > size[0] {
				t.Errorf("%v: line of %d characters", size, utf8.RuneCountInString(line))
			}
		}
	}
	small := strings.Join(text(Frame("title", rows, log, 80, 12, now)), "\n")
	if !strings.Contains(small, "check-40") || !strings.Contains(small, "and 46 more") {
		t.Errorf("the worst is not kept:\n%s", small)
	}
}

// screen is a terminal's other end.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestBoardRedrawsAndGivesTheTerminalBack(t *testing.T) {
	out := &screen{}
	var mu sync.Mutex
	check := "before"
	log := NewLog()
	b := New(Options{Output: out, Title: func() string { return "t" }, Size: func() (int, int) { return 80, 24 }, Log: log,
		Rows: func() ([]Row, error) {
			mu.Lock()
			defer mu.Unlock()
			return []Row{{Check: check, Status: lifesign.Passing}}, nil
		}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	shows := func(what string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), what); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never shown: %q", what)
			}
		}
	}
	shows("before")
	mu.Lock()
	check = "after"
	mu.Unlock()
	b.Changed()
	shows("after")
	io.WriteString(log, "a line of the log\n")
	shows("a line of the log")
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), enter) || !strings.HasSuffix(out.String(), leave) {
		t.Error("the terminal is not given back")
	}
	later := &screen{}
	log.Release(later)
	io.WriteString(log, "later\n")
	if later.String() != "later\n" {
		t.Errorf("released log: %q", later.String())
	}
}

func TestBoardEndsWithItsSource(t *testing.T) {
	gone := errors.New("gone")
	b := New(Options{Output: io.Discard, Size: func() (int, int) { return 80, 24 }, Log: NewLog(),
		Rows: func() ([]Row, error) { return nil, gone }})
	if err := b.Run(context.Background()); !errors.Is(err, gone) {
		t.Errorf("run: %v", err)
	}
}

func TestLogIsBounded(t *testing.T) {
	log := NewLog()
	for i := range 3 * keptLines {
		fmt.Fprintf(log, "line %d\n", i)
	}
	lines := log.Lines()
	if len(lines) != keptLines || lines[len(lines)-1] != fmt.Sprintf("line %d", 3*keptLines-1) {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}
