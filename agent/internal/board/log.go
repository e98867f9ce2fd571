package board

import (
	"io"
	"slices"
	"strings"
	"sync"
)

// keptLines is how much of the log a board can show.
const keptLines = 200

// Log keeps the last lines written to it for the foot of the board.
type Log struct {
	mu      sync.Mutex
	lines   []string
	after   io.Writer // nil while the board shows the log
	written chan struct{}
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{written: make(chan struct{}, 1)} }

// Write takes whole lines, as log handlers write them.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	if l.after != nil {
		defer l.mu.Unlock()
		return l.after.Write(p)
	}
	l.lines = append(l.lines, strings.Split(strings.TrimRight(string(p), "\n"), "\n")...)
	l.lines = slices.Delete(l.lines, 0, max(0, len(l.lines)-keptLines))
	l.mu.Unlock()
	select {
	case l.written <- struct{}{}:
	default:
	}
	return len(p), nil
}

// Lines returns the last lines, oldest first.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// Release sends what is written from now on to another writer: the board is
// not shown any more.
func (l *Log) Release(to io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.after = to
}
