package lifesign

// #include "lifesign.h"
import "C"

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"
)

// OnLapse says what becomes of a check's status when its writer's lease runs
// out. It never becomes better by that.
type OnLapse uint32

const (
	// LapseKeep leaves the status; the check is marked as orphaned.
	LapseKeep OnLapse = 0
	// LapseWarning makes it at least warning, with an output that names the
	// lost writer.
	LapseWarning OnLapse = C.LIFESIGN_STATUS_WARNING
	// LapseCritical makes it critical, with an output that names the lost
	// writer.
	LapseCritical OnLapse = C.LIFESIGN_STATUS_CRITICAL
)

// String is "keep", "warning" or "critical".
func (o OnLapse) String() string {
	switch o {
	case LapseKeep:
		return "keep"
	case LapseWarning:
		return "warning"
	case LapseCritical:
		return "critical"
	default:
		return fmt.Sprintf("OnLapse(%d)", uint32(o))
	}
}

// AcquireOption says how a token is taken, in [Check.Acquire] and
// [Check.TakeOver].
type AcquireOption func(*acquisition)

type acquisition struct {
	leased  bool
	lease   time.Duration
	onLapse OnLapse
	writer  uint32
}

// WithLease makes the token one with a deadline: it is lost when nothing is
// heard of its holder for longer than the lease, be it by [Token.Update],
// heartbeats included, or [Token.Renew]. The lease is rounded up to 10 ms and
// at most 497 days; one of 0 or less is [ErrInvalid]. Time is that of
// [Engine.Tick].
//
// Report or renew from the loop that does the work: a timer beside it would keep
// the check for a loop that hangs.
func WithLease(lease time.Duration, onLapse OnLapse) AcquireOption {
	return func(a *acquisition) { a.leased, a.lease, a.onLapse = true, lease, onLapse }
}

// WithWriter takes the token in the name of a declared writer, the number of
// [Engine.DeclareWriter], whose own label counts then. A number that was not
// given out is [ErrNotFound].
func WithWriter(declared uint32) AcquireOption {
	return func(a *acquisition) { a.writer = declared }
}

// acquireSpec is how to take a token as the engine reads it, valid until the
// pins are undone.
func acquireSpec(pins *runtime.Pinner, label string, options []AcquireOption) (C.lifesign_acquire_spec, error) {
	var a acquisition
	for _, option := range options {
		option(&a)
	}
	var c C.lifesign_acquire_spec
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if a.leased {
		if a.lease <= 0 {
			return c, invalid("a lease of %v: it must be above 0", a.lease)
		}
		c.lease_ms = C.uint64_t((a.lease-1)/time.Millisecond + 1)
		c.on_lapse = C.lifesign_status(a.onLapse)
	}
	c.declared = C.uint32_t(a.writer)
	c.label = pinString(pins, label)
	return c, nil
}
