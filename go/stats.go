package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Stats are an engine's numbers. Those of the first two groups only grow.
type Stats struct {
	// Commits counts all commits, Transitions those that changed a status,
	// Heartbeats the writes that repeated status and output.
	Commits, Transitions, Heartbeats uint64
	// Refused calls by reason.
	RefusedHeld, RefusedFenced, RefusedGone, RefusedDerived, RefusedExpired, RefusedOther uint64
	// Repairs counts what audits repaired; any number but zero is a defect
	// of the library, and so is any of InternalErrors.
	Repairs, InternalErrors uint64
	// Helps counts commits that a call found made by another and told in its place,
	// Resyncs the times a subscription had to start anew, SpuriousWakes the
	// wake-ups with nothing to find.
	Helps, Resyncs, SpuriousWakes uint64
	// Lapses counts leases that ran out, ClockJumps the ticks that came more
	// than half the shortest lease after the one before.
	Lapses, ClockJumps uint64
	// What is there now. Checks counts aliases too; LeakedHandles are tokens
	// that write nothing any more, because they were fenced, lapsed or their
	// check was deregistered, and that nobody has closed.
	Services, Checks, Aliases, Tokens, Subscriptions, LeakedHandles uint64
	// Bytes is the memory held, an estimate.
	Bytes uint64
}

// Stats reads the engine's numbers, each by itself: they may be of slightly
// different moments.
func (e *Engine) Stats() (Stats, error) {
	var c C.lifesign_stats
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	detail := newErrorDetail()
	err := detail.result(C.lifesign_engine_stats(C.lifesign_engine(e.handle), &c, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return Stats{}, err
	}
	return Stats{
		Commits:        uint64(c.commits),
		Transitions:    uint64(c.transitions),
		Heartbeats:     uint64(c.heartbeats),
		RefusedHeld:    uint64(c.refused_held),
		RefusedFenced:  uint64(c.refused_fenced),
		RefusedGone:    uint64(c.refused_gone),
		RefusedDerived: uint64(c.refused_derived),
		RefusedExpired: uint64(c.refused_expired),
		RefusedOther:   uint64(c.refused_other),
		Repairs:        uint64(c.repairs),
		InternalErrors: uint64(c.internal_errors),
		Helps:          uint64(c.helps),
		Resyncs:        uint64(c.resyncs),
		SpuriousWakes:  uint64(c.spurious_wakes),
		Lapses:         uint64(c.lapses),
		ClockJumps:     uint64(c.clock_jumps),
		Services:       uint64(c.services),
		Checks:         uint64(c.checks),
		Aliases:        uint64(c.aliases),
		Tokens:         uint64(c.tokens),
		Subscriptions:  uint64(c.subscriptions),
		LeakedHandles:  uint64(c.leaked_handles),
		Bytes:          uint64(c.bytes),
	}, nil
}
