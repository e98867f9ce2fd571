package agent

import (
	"slices"

	"lifesign.dev/lifesign"
)

// Writers is who wrote a check or tried to, with what tells them apart.
type Writers struct {
	Each []lifesign.WriterActivity
	// What there is of each, sorted: one of each is as it should be.
	Machines, Builds, Processes []string
}

// HistoryEntry is an entry of a check's history, with who it is about.
type HistoryEntry struct {
	lifesign.HistoryEntry
	Record *lifesign.WriterRecord // nil if the engine does not know it any more
}

// lookUp finds a registered check, an alias too.
func (a *Agent) lookUp(id string) (*lifesign.Check, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	c := a.checks[id]
	if c == nil {
		return nil, refuse(ErrUnknown, "check %q is not registered", id)
	}
	return c.handle, nil
}

// Who tells who holds a check.
func (a *Agent) Who(id string) (lifesign.Who, error) {
	check, err := a.lookUp(id)
	if err != nil {
		return lifesign.Who{}, err
	}
	return check.Who()
}

// Writers tells who wrote a check or tried to.
func (a *Agent) Writers(id string) (Writers, error) {
	check, err := a.lookUp(id)
	if err != nil {
		return Writers{}, err
	}
	each, err := check.Writers()
	if err != nil {
		return Writers{}, err
	}
	return apart(each), nil
}

// apart gathers what tells writers apart.
func apart(each []lifesign.WriterActivity) Writers {
	writers := Writers{Each: each}
	for _, writer := range each {
		r := writer.Record
		if r == nil {
			continue
		}
		writers.Machines = append(writers.Machines, r.Machine)
		writers.Builds = append(writers.Builds, r.Name+" "+r.Version+" ("+r.Build+")")
		writers.Processes = append(writers.Processes, r.Process.String())
	}
	for _, list := range []*[]string{&writers.Machines, &writers.Builds, &writers.Processes} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return writers
}

// History tells the latest changes of a check's status, take-overs and lapses,
// oldest first.
func (a *Agent) History(id string) ([]HistoryEntry, error) {
	check, err := a.lookUp(id)
	if err != nil {
		return nil, err
	}
	entries, err := check.History()
	if err != nil {
		return nil, err
	}
	told := make([]HistoryEntry, len(entries))
	for i, entry := range entries {
		told[i] = HistoryEntry{entry, a.writer(entry.Writer)}
	}
	return told, nil
}
