package agent

import (
	"log/slog"

	"lifesign.dev/lifesign"
)

// watchTrouble logs what goes wrong, with both sides, until the agent ends.
func (a *Agent) watchTrouble(trouble *lifesign.Subscription) {
	defer trouble.Close()
	for event, err := range trouble.Events(a.ctx) {
		if err != nil {
			a.endOfWatch(err)
			return
		}
		// Rival claims are told by the claim itself.
		if event.Trouble != nil && event.Trouble.Kind != lifesign.TroubleRivalClaim {
			a.logTrouble(event.Trouble)
		}
	}
}

func (a *Agent) logTrouble(t *lifesign.Trouble) {
	attributes := []any{"kind", t.Kind.String(), "check", t.ID, "count", t.Count}
	if t.Reason != 0 {
		attributes = append(attributes, "reason", t.Reason.String())
	}
	attributes = append(attributes, side("offender", t.Offender), side("holder", t.Holder), "generation", t.Generation,
		"first", t.First, "last", t.Last)
	a.log.Log(a.ctx, a.gravity(t), "trouble", attributes...)
}

// gravity is how bad it is: among this agent's own loops a reload takes over and
// refuses what comes late, as it should.
func (a *Agent) gravity(t *lifesign.Trouble) slog.Level {
	own := func(record *lifesign.WriterRecord) bool {
		return record != nil && !record.Declared && record.Process == a.process
	}
	if t.Kind != lifesign.TroubleLapse && own(t.Offender) && (t.Holder == nil || own(t.Holder)) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// side is one side's writer as one group of attributes.
func side(name string, w *lifesign.WriterRecord) slog.Attr {
	if w == nil {
		return slog.String(name, "nobody known")
	}
	return slog.Group(name, "label", w.Label, "name", w.Name, "version", w.Version, "build", w.Build, "machine", w.Machine,
		"pid", w.PID, "process", w.Process.String(), "declared", w.Declared)
}
