package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/lifesign"
)

// writerView is who writes.
type writerView struct {
	Label      string
	Name       string
	Version    string
	Build      string
	Machine    string
	PID        uint64
	Executable string
	Process    string
	Record     uint32
	Declared   bool // told by this agent, not observed
}

func viewWriter(w *lifesign.WriterRecord) *writerView {
	if w == nil {
		return nil
	}
	return &writerView{Label: w.Label, Name: w.Name, Version: w.Version, Build: w.Build, Machine: w.Machine,
		PID: w.PID, Executable: w.Executable, Process: w.Process.String(), Record: w.ID, Declared: w.Declared}
}

// whoView is who holds a check.
type whoView struct {
	CheckID    string
	Holder     *writerView // nobody: null
	Since      *time.Time  `json:",omitempty"`
	Generation uint64
	Lease      string `json:",omitempty"`
	SilentFor  string `json:",omitempty"` // since the holder, or the last one, was heard of
	Orphaned   bool   // the last one was silent for longer than its lease
}

func (s *api) who(w http.ResponseWriter, r *http.Request) error {
	check, err := id(r, "check")
	if err != nil {
		return err
	}
	who, err := s.agent.Who(check)
	if err != nil {
		return err
	}
	view := whoView{CheckID: check, Holder: viewWriter(who.Holder), Generation: who.Generation, Orphaned: who.Orphaned}
	if who.Holder != nil {
		view.Since = &who.Since
	}
	if who.Lease > 0 {
		view.Lease = who.Lease.String()
	}
	if who.SilentFor >= 0 {
		view.SilentFor = who.SilentFor.String()
	}
	return answer(w, http.StatusOK, view)
}

// writersView is who wrote a check or tried to. What should be one and is
// several is said in so many words.
type writersView struct {
	CheckID   string
	Rivalry   string `json:",omitempty"`
	Machines  []string
	Builds    []string
	Processes []string
	Writers   []activityView
}

type activityView struct {
	Writer   *writerView // null: all the others together
	Accepted uint64      // commits
	Refused  uint64      // calls
	First    time.Time
	Last     time.Time
	Holds    bool
}

func (s *api) writers(w http.ResponseWriter, r *http.Request) error {
	check, err := id(r, "check")
	if err != nil {
		return err
	}
	writers, err := s.agent.Writers(check)
	if err != nil {
		return err
	}
	view := writersView{CheckID: check, Rivalry: rivalry(writers), Writers: []activityView{},
		Machines: writers.Machines, Builds: writers.Builds, Processes: writers.Processes}
	for _, list := range []*[]string{&view.Machines, &view.Builds, &view.Processes} {
		if *list == nil {
			*list = []string{}
		}
	}
	for _, writer := range writers.Each {
		view.Writers = append(view.Writers, activityView{Writer: viewWriter(writer.Record), Accepted: writer.Accepted,
			Refused: writer.Refused, First: writer.First, Last: writer.Last, Holds: writer.Holds})
	}
	return answer(w, http.StatusOK, view)
}

// rivalry says what of a check's writers there is more than one of; empty if
// nothing.
func rivalry(writers agent.Writers) string {
	var several []string
	for _, kind := range []struct {
		name string
		each []string
	}{{"machines", writers.Machines}, {"builds", writers.Builds}, {"processes", writers.Processes}} {
		if len(kind.each) > 1 {
			several = append(several, fmt.Sprintf("%d %s: %s", len(kind.each), kind.name, strings.Join(kind.each, ", ")))
		}
	}
	return strings.Join(several, "; ")
}

// historyView is what happened to a check lately.
type historyView struct {
	CheckID string
	Entries []entryView // oldest first
}

type entryView struct {
	Kind       string // transition, take-over or lapse
	Time       time.Time
	From, To   lifesign.Status
	Revision   uint64
	Generation uint64
	Writer     *writerView
}

func (s *api) history(w http.ResponseWriter, r *http.Request) error {
	check, err := id(r, "check")
	if err != nil {
		return err
	}
	entries, err := s.agent.History(check)
	if err != nil {
		return err
	}
	view := historyView{CheckID: check, Entries: []entryView{}}
	for _, entry := range entries {
		view.Entries = append(view.Entries, entryView{Kind: entry.Kind.String(), Time: entry.Time, From: entry.From, To: entry.To,
			Revision: entry.Revision, Generation: entry.Generation, Writer: viewWriter(entry.Record)})
	}
	return answer(w, http.StatusOK, view)
}
