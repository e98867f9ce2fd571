package lifesign

// #include "lifesign.h"
import "C"

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"
)

// Who says who holds a check.
type Who struct {
	// Holder is nil if nobody holds the check.
	Holder *WriterRecord
	// Generation is the holder's, or the last one: what [Check.TakeOver] wants
	// to be told.
	Generation uint64
	// Since is when the holder acquired; zero if nobody holds the check.
	Since time.Time
	// Lease is the holder's; 0 for none.
	Lease time.Duration
	// SilentFor is how long ago, as of the last [Engine.Tick], the last holder
	// acquired, reported or renewed; negative if nobody ever has.
	SilentFor time.Duration
	// Orphaned: the last holder's lease ran out and nobody has come since.
	Orphaned bool
}

// Who tells who holds the check: since when, from which process and machine,
// and when it was last heard of. That nobody does is no error.
func (c *Check) Who() (Who, error) {
	var who C.lifesign_who
	who.struct_size = C.uint32_t(unsafe.Sizeof(who))
	detail := newErrorDetail()
	err := detail.result(C.lifesign_check_who(C.lifesign_check(c.handle), &who, &detail.c))
	runtime.KeepAlive(c)
	if err != nil {
		return Who{}, err
	}
	told := Who{
		Generation: uint64(who.generation),
		Lease:      time.Duration(who.lease_ms) * time.Millisecond,
		SilentFor:  time.Duration(who.silent_ns),
		Orphaned:   who.orphaned != 0,
	}
	if who.holder.id != 0 {
		told.Holder = writerRecord(&who.holder)
		told.Since = time.Unix(0, int64(who.since_ns))
	}
	return told, nil
}

// WriterActivity is what one writer did at a check, as far as it is remembered.
type WriterActivity struct {
	// Record is who; nil for all the others together.
	Record *WriterRecord
	// Accepted counts its commits, acquisitions among them and heartbeats not,
	// if the engine keeps histories; Refused its calls that were refused.
	Accepted, Refused uint64
	// First and Last are when the first and the last of them were.
	First, Last time.Time
	// Holds: it holds the check now.
	Holds bool
}

// Writers tells everybody who wrote this life of the check or tried to, as far
// as it is remembered: the holder first, then the busiest. The eight busiest
// accepted and the eight busiest refused ones are told apart.
func (c *Check) Writers() ([]WriterActivity, error) {
	listed, err := listAll(nil, func(writers *C.lifesign_writer, capacity C.size_t, count *C.size_t, detail *C.lifesign_error) C.lifesign_result {
		return C.lifesign_check_writers(C.lifesign_check(c.handle), writers, capacity, count, detail)
	})
	runtime.KeepAlive(c)
	if err != nil {
		return nil, err
	}
	writers := make([]WriterActivity, len(listed))
	for i := range listed {
		writer := &listed[i]
		writers[i] = WriterActivity{
			Accepted: uint64(writer.accepted),
			Refused:  uint64(writer.refused),
			First:    time.Unix(0, int64(writer.first_ns)),
			Last:     time.Unix(0, int64(writer.last_ns)),
			Holds:    writer.holds != 0,
		}
		if writer.record == 0 {
			continue
		}
		record, err := c.engine.Record(uint32(writer.record))
		if err != nil {
			return nil, err
		}
		writers[i].Record = &record
	}
	return writers, nil
}

// HistoryKind says what an entry of a check's history tells.
type HistoryKind uint32

const (
	// HistoryTransition: the status changed.
	HistoryTransition HistoryKind = C.LIFESIGN_HISTORY_TRANSITION
	// HistoryTakeOver: a token was taken over.
	HistoryTakeOver HistoryKind = C.LIFESIGN_HISTORY_TAKE_OVER
	// HistoryLapse: the holder's lease ran out.
	HistoryLapse HistoryKind = C.LIFESIGN_HISTORY_LAPSE
)

// String is "transition", "take-over" or "lapse".
func (k HistoryKind) String() string {
	switch k {
	case HistoryTransition:
		return "transition"
	case HistoryTakeOver:
		return "take-over"
	case HistoryLapse:
		return "lapse"
	default:
		return fmt.Sprintf("HistoryKind(%d)", uint32(k))
	}
}

// HistoryEntry is one entry of a check's history.
type HistoryEntry struct {
	Kind HistoryKind
	// Revision is that of the commit, Generation the writer's from it on.
	Revision, Generation uint64
	// Time is the wall clock of the commit. Boot is the same on the clock that
	// counts suspended time: after the engine was opened, as of the tick before.
	Time time.Time
	Boot time.Duration
	// Writer committed: an id for [Engine.Record].
	Writer uint32
	// From and To are the status before and after.
	From, To Status
}

// History returns the latest changes of status, take-overs and lapses of this
// life of the check, oldest first, as many as [Config.History] says.
func (c *Check) History() ([]HistoryEntry, error) {
	listed, err := listAll(nil, func(entries *C.lifesign_history_entry, capacity C.size_t, count *C.size_t, detail *C.lifesign_error) C.lifesign_result {
		return C.lifesign_check_history(C.lifesign_check(c.handle), entries, capacity, count, detail)
	})
	runtime.KeepAlive(c)
	if err != nil {
		return nil, err
	}
	entries := make([]HistoryEntry, len(listed))
	for i := range listed {
		entry := &listed[i]
		entries[i] = HistoryEntry{
			Kind:       HistoryKind(entry.kind),
			Revision:   uint64(entry.revision),
			Generation: uint64(entry.generation),
			Time:       time.Unix(0, int64(entry.time_ns)),
			Boot:       time.Duration(entry.boot_ns),
			Writer:     uint32(entry.writer),
			From:       Status(entry.from),
			To:         Status(entry.to),
		}
	}
	return entries, nil
}
