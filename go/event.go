package lifesign

// #include "lifesign.h"
import "C"

import (
	"fmt"
)

// EventKind says what an event tells.
type EventKind uint32

const (
	// State: the check's state, when it is registered and whenever it changes.
	State EventKind = C.LIFESIGN_EVENT_STATE
	// Tombstone: the check was deregistered; this is its last state.
	Tombstone EventKind = C.LIFESIGN_EVENT_GONE
	// Summary: the service's status. ID and Check are the service's.
	Summary EventKind = C.LIFESIGN_EVENT_SUMMARY
	// TroubleEvent: somebody was refused, took over, lost a lease, or claims
	// what is claimed. The event has Trouble and no state.
	TroubleEvent EventKind = C.LIFESIGN_EVENT_TROUBLE
	// Resync comes from [Subscription.Events] alone and has no state: drop
	// what you knew, the whole matching state follows. It is what
	// [Batch.Resync] says.
	Resync EventKind = 1 << 16
)

// String is "state", "tombstone", "summary", "trouble" or "resync".
func (k EventKind) String() string {
	switch k {
	case State:
		return "state"
	case Tombstone:
		return "tombstone"
	case Summary:
		return "summary"
	case TroubleEvent:
		return "trouble"
	case Resync:
		return "resync"
	default:
		return fmt.Sprintf("EventKind(%d)", uint32(k))
	}
}

// Event is one delivered state. Versions and transitions that are missing
// between two events of a check were merged into the newer.
type Event struct {
	Kind EventKind
	Snapshot
	// Trouble is that of a [TroubleEvent], nil in any other.
	Trouble *Trouble
}

// Batch is what one poll delivers, sorted by revision and id.
type Batch struct {
	Events []Event
	// Resync: drop what you knew. The events of this batch, and of the next
	// ones up to that without More, are the whole matching state; what is
	// not among them was deregistered.
	Resync bool
	// Reset: [Filter.Since] was another engine's, and nothing of what it stood
	// for is known here. Then Resync is true as well.
	Reset bool
	// More: something is pending still.
	More bool
	// Cursor is where the subscriber stands after this batch: what matches up
	// to there was delivered.
	Cursor Cursor
}

// delivers tells a batch with news from one without.
func (b *Batch) delivers() bool { return len(b.Events) > 0 || b.Resync }
