package lifesign_test

import (
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

func TestHistory(t *testing.T) {
	c := manual(t, lifesign.Config{})
	http := register(t, c.engine, "http", nil)
	if entries := must(http.History())(t); len(entries) != 0 {
		t.Errorf("before anything happened: %+v", entries)
	}
	start := c.wall
	one := must(http.Acquire("one", lifesign.WithLease(10*time.Second, lifesign.LapseWarning)))(t)
	c.pass(time.Second)
	check(t, one.Update(lifesign.Passing, "up"))
	check(t, one.Update(lifesign.Passing, "another text is no transition"))
	c.pass(time.Second)
	two := must(http.TakeOver(one.Generation(), "two", lifesign.WithLease(10*time.Second, lifesign.LapseWarning)))(t)
	c.pass(11 * time.Second)

	var got []lifesign.HistoryEntry
	last := uint64(0)
	for _, entry := range must(http.History())(t) {
		if entry.Revision <= last {
			t.Errorf("revisions: %d after %d", entry.Revision, last)
		}
		last, entry.Revision = entry.Revision, 0
		entry.Time = entry.Time.UTC()
		got = append(got, entry)
	}
	recordOf := func(token *lifesign.Token) uint32 { return must(token.Record())(t).ID }
	at := func(kind lifesign.HistoryKind, after time.Duration, writer uint32, generation uint64, from, to lifesign.Status) lifesign.HistoryEntry {
		return lifesign.HistoryEntry{Kind: kind, Time: start.Add(after), Boot: after, Writer: writer, Generation: generation, From: from, To: to}
	}
	want := []lifesign.HistoryEntry{
		at(lifesign.HistoryTransition, time.Second, recordOf(one), one.Generation(), lifesign.Critical, lifesign.Passing),
		at(lifesign.HistoryTakeOver, 2*time.Second, recordOf(two), two.Generation(), lifesign.Passing, lifesign.Passing),
		// A lapse that changes the status is told as one entry or as two.
		at(lifesign.HistoryLapse, 13*time.Second, 1, two.Generation(), lifesign.Passing, lifesign.Warning),
	}
	if len(got) != len(want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %d: got  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func TestDepthOfHistory(t *testing.T) {
	for _, depth := range []struct {
		config uint32
		want   int
	}{{0, 16}, {3, 3}, {100, 40}, {lifesign.HistoryOff, 0}} {
		http := register(t, open(t, lifesign.Config{History: depth.config}), "http", nil)
		token := must(http.Acquire("probe"))(t)
		for i := range 40 {
			check(t, token.Update(lifesign.Passing+lifesign.Status(i%2), ""))
		}
		entries := must(http.History())(t)
		if len(entries) != depth.want {
			t.Errorf("%d entries with a depth of %d", len(entries), depth.config)
		}
		if len(entries) > 0 && entries[len(entries)-1].Revision != must(http.Snapshot())(t).Revision {
			t.Errorf("depth %d: the latest entry is %+v", depth.config, entries[len(entries)-1])
		}
	}
}

func TestWriters(t *testing.T) {
	engine := open(t, lifesign.Config{Name: "agent", Build: "b7"})
	http := register(t, engine, "http", nil)
	if writers := must(http.Writers())(t); len(writers) != 0 {
		t.Errorf("before anybody came: %+v", writers)
	}
	start := time.Now()
	old := must(http.Acquire("old"))(t)
	check(t, old.Update(lifesign.Passing, "up"))
	successor := must(http.TakeOver(old.Generation(), "successor"))(t)
	for range 3 {
		refused(t, old.Update(lifesign.Critical, "late"), lifesign.ErrFenced)
	}
	check(t, successor.Update(lifesign.Warning, "so so"))
	_, err := http.Acquire("rival")
	refused(t, err, lifesign.ErrHeld)

	writers := must(http.Writers())(t)
	byLabel := map[string]lifesign.WriterActivity{}
	for i, writer := range writers {
		if writer.Record == nil || writer.Record.Build != "b7" || writer.Record.PID == 0 {
			t.Fatalf("writer %d: %+v", i, writer)
		}
		if writer.Holds != (i == 0) || writer.Last.Before(writer.First) || writer.First.Before(start.Add(-time.Minute)) {
			t.Errorf("writer %d: %+v", i, writer)
		}
		byLabel[writer.Record.Label] = writer
	}
	for label, want := range map[string][2]uint64{"old": {2, 3}, "successor": {2, 0}, "rival": {0, 1}} {
		if got := byLabel[label]; got.Accepted != want[0] || got.Refused != want[1] {
			t.Errorf("%s: %d accepted, %d refused, want %d", label, got.Accepted, got.Refused, want)
		}
	}
	if len(writers) != 3 || !byLabel["successor"].Holds {
		t.Errorf("%+v", writers)
	}
}

// A crowd of rivals is bounded: those that are not told apart are one entry.
func TestWritersTogether(t *testing.T) {
	http := register(t, open(t, lifesign.Config{}), "http", nil)
	holder, err := http.Acquire("holder")
	hold(t, holder, err)
	for i := range 40 {
		_, err := http.Acquire(string(rune('A' + i)))
		refused(t, err, lifesign.ErrHeld)
	}
	total, together := uint64(0), 0
	for _, writer := range must(http.Writers())(t) {
		total += writer.Refused
		if writer.Record == nil {
			together++
		}
	}
	if total != 40 || together != 1 {
		t.Errorf("%d refused, %d entries without a record", total, together)
	}
}

func TestDeclaredWriter(t *testing.T) {
	engine := open(t, lifesign.Config{Name: "proxy"})
	declared := lifesign.WriterRecord{
		Process: lifesign.UUID{1, 2, 3}, Boot: lifesign.UUID{4, 5, 6}, PID: 77, ProcessStart: 88, PIDNamespace: 99,
		Machine: "far-away", Executable: "/usr/bin/peer", Name: "peer", Version: "3.1", Build: "b9", Label: "remote probe",
	}
	id := must(engine.DeclareWriter(declared))(t)
	if again := must(engine.DeclareWriter(declared))(t); again != id {
		t.Errorf("the same writer: %d, then %d", id, again)
	}
	declared.ID, declared.Declared = id, true
	if record := must(engine.Record(id))(t); record != declared {
		t.Errorf("got  %+v\nwant %+v", record, declared)
	}
	http := register(t, engine, "http", nil)
	token := must(http.Acquire("", lifesign.WithWriter(id)))(t)
	check(t, token.Update(lifesign.Passing, "from afar"))
	if record := must(token.Record())(t); record != declared {
		t.Errorf("the token's: %+v", record)
	}
	if writer := must(http.Snapshot())(t).Writer; writer != id {
		t.Errorf("written by record %d, want %d", writer, id)
	}
	_, err := http.Acquire("at home")
	if refusal := refused(t, err, lifesign.ErrHeld); *refusal.Holder != declared || refusal.Caller.Machine == "far-away" {
		t.Errorf("holder %v, caller %v", refusal.Holder, refusal.Caller)
	}
}
