package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Filter says what a subscription delivers. The zero value is every check; at
// most one of Service, Check, Prefix and Trouble may be given.
type Filter struct {
	// Service delivers the service's checks.
	Service *Service
	// Check delivers one check.
	Check *Check
	// Prefix delivers the checks whose id begins with it.
	Prefix string
	// Trouble delivers no states but what goes wrong from now on: refusals,
	// take-overs, lapses and rival claims, as events of kind [TroubleEvent].
	// One offender at one check makes an event a second at most, with a count;
	// [Engine.Tick] releases what was held back. It cannot be resumed.
	Trouble bool
	// MinStatus leaves out the commits whose status is below it both before
	// and after; zero and Passing leave out none.
	MinStatus Status
	// Summary delivers the status of the Service as well.
	Summary bool
	// TransitionsOnly leaves out the commits that do not change the status;
	// the subscriber is not woken for them.
	TransitionsOnly bool
	// Since continues where a subscription with the same filter stood: what may
	// have changed since then is delivered instead of the whole state. What the
	// engine cannot tell any more is made up for by the whole state; see Resync
	// and Reset of [Batch]. The zero value starts from the whole state.
	Since Cursor
}

// pinned is the filter as the engine reads it, valid until the pins are undone.
func (f *Filter) pinned(pins *runtime.Pinner) (C.lifesign_filter, error) {
	var c C.lifesign_filter
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	c.min_status = C.lifesign_status(f.MinStatus)
	if f.TransitionsOnly {
		c.transitions_only = 1
	}
	if f.Since != (Cursor{}) {
		c.since = f.Since.pinned(pins)
	}
	scopes := 0
	if f.Service != nil {
		scopes++
		c.scope = C.LIFESIGN_FILTER_SERVICE
		c.handle = C.uint64_t(f.Service.handle)
	}
	if f.Check != nil {
		scopes++
		c.scope = C.LIFESIGN_FILTER_CHECK
		c.handle = C.uint64_t(f.Check.handle)
	}
	if f.Prefix != "" {
		scopes++
		c.scope = C.LIFESIGN_FILTER_PREFIX
		c.prefix = pinString(pins, f.Prefix)
	}
	if f.Trouble {
		scopes++
		c.scope = C.LIFESIGN_FILTER_TROUBLE
	}
	if scopes > 1 {
		return c, invalid("the filter has %d of service, check, prefix and trouble: use one, or a subscription for each", scopes)
	}
	if f.Summary {
		if f.Service == nil {
			return c, invalid("the filter asks for a summary, but for no service: set its service")
		}
		c.summary = 1
	}
	return c, nil
}
