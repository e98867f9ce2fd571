// Package board draws the live table of checks on a terminal.
package board

import (
	"context"
	"io"
	"time"
)

const (
	// minRedraw keeps a storm of events from becoming a storm of output.
	minRedraw = 50 * time.Millisecond
	// maxRedraw keeps the ages on the board moving.
	maxRedraw = time.Second

	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l" // alternate screen, no cursor, no wrapping
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// Options say what a board shows and where.
type Options struct {
	Output io.Writer
	Title  func() string
	Size   func() (width, height int)
	Rows   func() ([]Row, error)
	Log    *Log
}

// Board is a table that is redrawn when told that something has changed.
type Board struct {
	options Options
	changed chan struct{}
}

// New returns a board that draws nothing until Run.
func New(options Options) *Board {
	return &Board{options, make(chan struct{}, 1)}
}

// Changed asks for a redraw. It never waits.
func (b *Board) Changed() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// Run draws until ctx is done, then gives the terminal back as it was.
func (b *Board) Run(ctx context.Context) error {
	if _, err := io.WriteString(b.options.Output, enter); err != nil {
		return err
	}
	defer io.WriteString(b.options.Output, leave)
	ticker := time.NewTicker(maxRedraw)
	defer ticker.Stop()
	for {
		if err := b.draw(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(minRedraw):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-b.changed:
		case <-b.options.Log.written:
		}
	}
}

func (b *Board) draw() error {
	rows, err := b.options.Rows()
	if err != nil {
		return err
	}
	width, height := b.options.Size()
	frame := Frame(b.options.Title(), rows, b.options.Log.Lines(), width, height, time.Now())
	_, err = io.WriteString(b.options.Output, frame)
	return err
}
