package agent

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"lifesign.dev/agent/internal/probe"
	"lifesign.dev/lifesign"
)

// maxExcerpt bounds the output in a log line, in bytes.
const maxExcerpt = 160

// excerpt is an output on one line.
func excerpt(output string) string {
	return strings.Join(strings.Fields(probe.Cut(output, maxExcerpt)), " ")
}

// seen is what the log has last said of a check.
type seen struct {
	incarnation, transitions uint64
	status                   lifesign.Status
}

// watchChecks logs what happens to the checks, aliases among them, until the
// agent ends.
func (a *Agent) watchChecks(everything *lifesign.Subscription) {
	defer everything.Close()
	known := map[string]seen{}
	var whole map[string]bool // the ids since the start of a resync
	for {
		batch, err := everything.Next(a.ctx)
		if err != nil {
			a.endOfWatch(err)
			return
		}
		if batch.Resync {
			whole = map[string]bool{}
			a.changes.noteAll()
		}
		for _, event := range batch.Events {
			if whole != nil {
				whole[event.ID] = true
			}
			a.logCheck(known, event)
			if event.Service == "" {
				a.changes.note(ChecksTopic, nodeTopic)
			} else {
				a.changes.note(ChecksTopic, serviceTopic(event.Service))
			}
		}
		if whole != nil && !batch.More {
			for id := range known {
				if !whole[id] {
					a.log.Info("check deregistered", "check", id)
					delete(known, id)
				}
			}
			whole = nil
		}
		a.unsaved.mark()
		a.options.Changed()
	}
}

func (a *Agent) logCheck(known map[string]seen, event lifesign.Event) {
	before, old := known[event.ID]
	attributes := []any{"check", event.ID}
	if event.Service != "" {
		attributes = append(attributes, "service", event.Service)
	}
	if event.Snapshot.Kind == lifesign.AliasService {
		attributes = append(attributes, "alias_of", event.Target)
	} else if event.Snapshot.Kind == lifesign.AliasNode {
		attributes = append(attributes, "alias_of", "node")
	}
	if event.Kind == lifesign.Tombstone {
		delete(known, event.ID)
		a.log.Info("check deregistered", append(attributes, "last", event.Status)...)
		return
	}
	known[event.ID] = seen{event.Incarnation, event.Transitions, event.Status}
	writer := "nobody yet"
	if record := a.writer(event.Writer); record != nil {
		writer = record.Label
		if writer == "" {
			writer = record.Name
		}
	}
	switch {
	case !old || before.incarnation != event.Incarnation:
		attributes = append(attributes, "status", event.Status, "initial", event.Initial, "restored", event.Restored, "output", excerpt(event.Output))
		a.log.Info("check registered", attributes...)
	case before.status != event.Status || before.transitions != event.Transitions:
		attributes = append(attributes, "from", before.status, "to", event.Status)
		if merged := event.Transitions - before.transitions; merged > 1 {
			attributes = append(attributes, "transitions", merged)
		}
		attributes = append(attributes, "writer", writer, "output", excerpt(event.Output))
		a.log.Log(a.ctx, severity(event.Status), "check changed", attributes...)
	default:
		a.log.Debug("check reported", append(attributes, "status", event.Status, "writer", writer, "output", excerpt(event.Output))...)
	}
}

func severity(status lifesign.Status) slog.Level {
	if status == lifesign.Passing {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// watchServices begins to watch the services that are not watched yet: when their
// checks are there, so that what they show without them is not told as news.
// a.mu is held.
func (a *Agent) watchServices() {
	for id, s := range a.services {
		if s.unwatch != nil {
			continue
		}
		summary, err := a.engine.Subscribe(lifesign.Filter{Service: s.handle, Summary: true})
		if err != nil {
			a.log.Error("the service's changes are not logged", "service", id, "error", err.Error())
			continue
		}
		var ctx context.Context
		ctx, s.unwatch = context.WithCancel(a.ctx)
		a.run(func() { a.watchService(ctx, id, summary) })
	}
}

// watchService logs the changes of one service's summary.
func (a *Agent) watchService(ctx context.Context, id string, summary *lifesign.Subscription) {
	defer summary.Close()
	last := lifesign.Gone
	for {
		batch, err := summary.Next(ctx)
		if err != nil {
			a.endOfWatch(err)
			return
		}
		for _, event := range batch.Events {
			if event.Kind != lifesign.Summary || event.Status == last {
				continue
			}
			if last != lifesign.Gone {
				a.log.Log(ctx, severity(event.Status), "service changed", "service", id,
					"from", last, "to", event.Status, "output", excerpt(event.Output))
			}
			last = event.Status
		}
		a.options.Changed()
	}
}

func (a *Agent) endOfWatch(err error) {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, lifesign.ErrClosed) {
		a.log.Error("no more events from the engine", "error", err.Error())
	}
}
