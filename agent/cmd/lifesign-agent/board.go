package main

import (
	"context"
	"os"

	"golang.org/x/term"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/agent/internal/board"
)

// What is drawn for where the terminal does not say how large it is.
const (
	defaultWidth  = 120
	defaultHeight = 40
)

func terminalSize() (width, height int) {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return defaultWidth, defaultHeight
	}
	return width, height
}

// drawInBackground runs the board and returns what ends it. What is logged
// after that goes to the terminal as it is.
func drawInBackground(table *board.Board, footer *board.Log) (wait func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- table.Run(ctx) }()
	return func() error {
		cancel()
		err := <-done
		if term.IsTerminal(int(os.Stderr.Fd())) {
			footer.Release(os.Stderr)
		}
		return err
	}
}

// rows is what the board shows of every check.
func rows(a *agent.Agent) ([]board.Row, error) {
	states, err := a.Checks()
	if err != nil {
		return nil, err
	}
	all := make([]board.Row, len(states))
	for i, c := range states {
		all[i] = board.Row{Service: c.Service, Check: c.ID, Status: c.Status, Initial: c.Initial,
			Since: c.Since, Target: c.AliasTarget()}
		if c.LastWriter != nil {
			all[i].Writer = c.LastWriter.Label
		}
	}
	return all, nil
}
