//go:build cgo && linux

package lifesign

import "log/slog"

// attrs are the attributes of a group: what says nothing is left out.
type attrs []slog.Attr

func (a *attrs) text(key, value string) {
	if value != "" {
		*a = append(*a, slog.String(key, value))
	}
}

func (a *attrs) number(key string, value uint64) {
	if value != 0 {
		*a = append(*a, slog.Uint64(key, value))
	}
}

func (a *attrs) flag(key string, value bool) {
	if value {
		*a = append(*a, slog.Bool(key, value))
	}
}

func (a *attrs) record(key string, record *WriterRecord) {
	if record != nil {
		*a = append(*a, slog.Attr{Key: key, Value: record.LogValue()})
	}
}

func (a attrs) value() slog.Value { return slog.GroupValue(a...) }

// LogValue implements [slog.LogValuer]: code, message and the records of both
// sides, so that a log can be asked for a holder. It is for an error that is
// logged itself; one that wraps it is a text like any other.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	var a attrs
	a.text("code", e.Code.String())
	a.text("message", e.Message)
	a.record("caller", e.Caller)
	a.record("holder", e.Holder)
	a.number("generation", e.Generation)
	return a.value()
}

// LogValue implements [slog.LogValuer]: what is known, and null for nobody. It
// has a pointer's receiver because nobody is a nil one, as [Error.Holder] is.
func (w *WriterRecord) LogValue() slog.Value {
	if w == nil {
		return slog.Value{}
	}
	var a attrs
	a.number("id", uint64(w.ID))
	a.text("label", w.Label)
	a.text("name", w.Name)
	a.text("version", w.Version)
	a.text("build", w.Build)
	a.text("machine", w.Machine)
	a.number("pid", w.PID)
	a.text("executable", w.Executable)
	if w.Process != (UUID{}) {
		a.text("process", w.Process.String())
	}
	a.flag("declared", w.Declared)
	return a.value()
}

// LogValue implements [slog.LogValuer]: what a reader of a log asks for, the
// data left out.
func (s Snapshot) LogValue() slog.Value { return s.attrs(nil).value() }

func (s *Snapshot) attrs(a attrs) attrs {
	a.text("id", s.ID)
	a.text("service", s.Service)
	a.text("target", s.Target)
	a.text("status", s.Status.String())
	a.text("output", s.Output)
	a.flag("initial", s.Initial)
	a.flag("orphaned", s.Orphaned)
	a.flag("restored", s.Restored)
	a.flag("gone", s.Gone)
	if !s.Since.IsZero() {
		a = append(a, slog.Time("since", s.Since))
	}
	a.number("revision", s.Revision)
	a.number("version", s.Version)
	a.number("transitions", s.Transitions)
	return a
}

// LogValue implements [slog.LogValuer]: the service, how many checks it has, and
// the ids of those that are not passing.
func (s ServiceSnapshot) LogValue() slog.Value {
	var a attrs
	a.text("id", s.ID)
	a.text("status", s.Status.String())
	a.text("output", s.Output)
	a.number("epoch", s.Epoch)
	a.number("checks", uint64(len(s.Checks)))
	var bad []string
	for i := range s.Checks {
		if check := &s.Checks[i]; check.Status != Passing {
			bad = append(bad, check.ID)
		}
	}
	if bad != nil {
		a = append(a, slog.Any("bad", bad))
	}
	return a.value()
}

// LogValue implements [slog.LogValuer]: the kind, and the state or the trouble.
func (e Event) LogValue() slog.Value {
	var a attrs
	a.text("kind", e.Kind.String())
	switch e.Kind {
	case Resync:
	case TroubleEvent:
		a = e.Trouble.attrs(a)
	default:
		a = e.Snapshot.attrs(a)
	}
	return a.value()
}

// LogValue implements [slog.LogValuer]: what, where, by whom against whom, and
// how often.
func (t *Trouble) LogValue() slog.Value {
	if t == nil {
		return slog.Value{}
	}
	return t.attrs(nil).value()
}

func (t *Trouble) attrs(a attrs) attrs {
	if t == nil {
		return a
	}
	a.text("trouble", t.Kind.String())
	if t.Reason != 0 {
		a.text("reason", t.Reason.String())
	}
	a.text("id", t.ID)
	a.record("offender", t.Offender)
	a.record("holder", t.Holder)
	a.number("generation", t.Generation)
	a.number("count", t.Count)
	return append(a, slog.Time("first", t.First), slog.Time("last", t.Last))
}

// LogValue implements [slog.LogValuer]: who holds the check, for how long it was
// silent, and whether it was lost.
func (w Who) LogValue() slog.Value {
	var a attrs
	a.record("holder", w.Holder)
	a.number("generation", w.Generation)
	if !w.Since.IsZero() {
		a = append(a, slog.Time("since", w.Since))
	}
	if w.Lease > 0 {
		a = append(a, slog.Duration("lease", w.Lease))
	}
	if w.SilentFor >= 0 {
		a = append(a, slog.Duration("silent_for", w.SilentFor))
	}
	a.flag("orphaned", w.Orphaned)
	return a.value()
}

// LogValue implements [slog.LogValuer]: what is not 0, by the names that the
// numbers have in C.
func (s Stats) LogValue() slog.Value {
	var a attrs
	a.number("commits", s.Commits)
	a.number("transitions", s.Transitions)
	a.number("heartbeats", s.Heartbeats)
	a.number("refused_held", s.RefusedHeld)
	a.number("refused_fenced", s.RefusedFenced)
	a.number("refused_gone", s.RefusedGone)
	a.number("refused_derived", s.RefusedDerived)
	a.number("refused_expired", s.RefusedExpired)
	a.number("refused_other", s.RefusedOther)
	a.number("repairs", s.Repairs)
	a.number("internal_errors", s.InternalErrors)
	a.number("helps", s.Helps)
	a.number("resyncs", s.Resyncs)
	a.number("spurious_wakes", s.SpuriousWakes)
	a.number("lapses", s.Lapses)
	a.number("clock_jumps", s.ClockJumps)
	a.number("services", s.Services)
	a.number("checks", s.Checks)
	a.number("aliases", s.Aliases)
	a.number("tokens", s.Tokens)
	a.number("subscriptions", s.Subscriptions)
	a.number("leaked_handles", s.LeakedHandles)
	a.number("bytes", s.Bytes)
	return a.value()
}
