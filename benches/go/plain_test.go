package benches

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// state is a check as a program of one's own would keep it.
type state struct {
	id, name, service, output string
	status                    lifesign.Status
	version, transitions      uint64
	time, since               time.Time
}

func newState(check int) state {
	now := time.Now()
	return state{
		id: checkID(check), name: checkName, service: serviceID(check),
		output: outputs[0], status: lifesign.Passing, version: 1, time: now, since: now,
	}
}

func (s *state) report(turn int) {
	s.time = time.Now()
	if s.status != statuses[turn] {
		s.transitions, s.since = s.transitions+1, s.time
	}
	s.status, s.output, s.version = statuses[turn], outputs[turn], s.version+1
}

type rwMutexMap struct {
	mutex  sync.RWMutex
	checks map[string]state
	ids    []string
}

func newRWMutexMap(_ testing.TB, checks int) peer {
	m := &rwMutexMap{checks: map[string]state{}}
	for i := range checks {
		m.ids = append(m.ids, checkID(i))
		m.checks[checkID(i)] = newState(i)
	}
	return m
}

func (m *rwMutexMap) status(id string) lifesign.Status {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	return m.checks[id].status
}

func (m *rwMutexMap) statuses(times int) (passing, critical int) {
	id := m.ids[0]
	for i := 0; i < times; i++ {
		switch m.status(id) {
		case lifesign.Passing:
			passing++
		case lifesign.Critical:
			critical++
		}
	}
	return passing, critical
}

func (m *rwMutexMap) whole(kept *kept) (passing bool, output string) {
	m.mutex.RLock()
	kept.plain = m.checks[m.ids[0]]
	m.mutex.RUnlock()
	return kept.plain.status == lifesign.Passing, kept.plain.output
}

func (m *rwMutexMap) flip(check, turn int) {
	id := m.ids[check]
	m.mutex.Lock()
	defer m.mutex.Unlock()
	changed := m.checks[id]
	changed.report(turn)
	m.checks[id] = changed
}

type syncMap struct {
	checks sync.Map // of *state, which do not change
	ids    []any    // made once: a string would be copied to the heap at each call
}

func newSyncMap(_ testing.TB, checks int) peer {
	m := &syncMap{}
	for i := range checks {
		first := newState(i)
		m.ids = append(m.ids, checkID(i))
		m.checks.Store(m.ids[i], &first)
	}
	return m
}

func (m *syncMap) check(id any) *state {
	found, _ := m.checks.Load(id)
	return found.(*state)
}

func (m *syncMap) statuses(times int) (passing, critical int) {
	id := m.ids[0]
	for i := 0; i < times; i++ {
		switch m.check(id).status {
		case lifesign.Passing:
			passing++
		case lifesign.Critical:
			critical++
		}
	}
	return passing, critical
}

func (m *syncMap) whole(kept *kept) (passing bool, output string) {
	kept.plain = *m.check(m.ids[0])
	return kept.plain.status == lifesign.Passing, kept.plain.output
}

func (m *syncMap) flip(check, turn int) {
	changed := *m.check(m.ids[check])
	changed.report(turn)
	m.checks.Store(m.ids[check], &changed)
}

type atomicPointer struct {
	checks []atomic.Pointer[state]
}

func newAtomicPointer(_ testing.TB, checks int) peer {
	p := &atomicPointer{checks: make([]atomic.Pointer[state], checks)}
	for i := range checks {
		first := newState(i)
		p.checks[i].Store(&first)
	}
	return p
}

func (p *atomicPointer) statuses(times int) (passing, critical int) {
	check := &p.checks[0]
	for i := 0; i < times; i++ {
		switch check.Load().status {
		case lifesign.Passing:
			passing++
		case lifesign.Critical:
			critical++
		}
	}
	return passing, critical
}

func (p *atomicPointer) whole(kept *kept) (passing bool, output string) {
	kept.plain = *p.checks[0].Load()
	return kept.plain.status == lifesign.Passing, kept.plain.output
}

func (p *atomicPointer) flip(check, turn int) {
	changed := *p.checks[check].Load()
	changed.report(turn)
	p.checks[check].Store(&changed)
}
