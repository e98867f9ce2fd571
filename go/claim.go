package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Claim is a name that an engine holds in a directory, alone. [Engine.Tick]
// looks after it: it takes in who was refused meanwhile, and makes sure that
// the lock is still in force. It may be used from several goroutines.
type Claim struct {
	engine    *Engine // reachable, so that it is not closed as forgotten
	handle    uint64
	releasing sync.Once
	released  error
	cleanup   runtime.Cleanup
}

// Claim makes the engine the only holder of name in a directory: whoever else
// claims it, in whatever process, is refused with [ErrHeld] and the holder's
// record, until the claim is released, the engine closed or the process ended.
//
// On a file system that cannot exclude, NFS and FUSE for two, and in a
// directory with a file .lifesign-advisory, the claim is advisory: it succeeds,
// and rivals are found by their heartbeats within two ticks.
//
// A name that is no file name is [ErrInvalid], a directory that is missing or
// may not be written too; a full disk is [ErrLimit], and a name that somebody is
// in the middle of claiming [ErrBusy]. It waits for the file system, and never
// for the holder.
func (e *Engine) Claim(dir, name string) (*Claim, error) {
	var handle C.lifesign_claim
	detail := newErrorDetail()
	err := detail.result(C.lifesign_claim_open(C.lifesign_engine(e.handle), chars(dir), C.size_t(len(dir)),
		chars(name), C.size_t(len(name)), &handle, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	c := &Claim{engine: e, handle: uint64(handle)}
	c.cleanup = runtime.AddCleanup(c, releaseClaim, c.handle)
	return c, nil
}

func releaseClaim(handle uint64) { C.lifesign_claim_release(C.lifesign_claim(handle), nil) }

// Release gives the name back. Releasing again does nothing and returns what
// the first Release did.
func (c *Claim) Release() error {
	c.releasing.Do(func() {
		c.cleanup.Stop()
		detail := newErrorDetail()
		c.released = detail.result(C.lifesign_claim_release(C.lifesign_claim(c.handle), &detail.c))
	})
	return c.released
}

// ClaimState is how a claim stands as of the last tick.
type ClaimState struct {
	// Advisory says that the directory cannot exclude: others may hold the
	// name as well, and are found by their heartbeats.
	Advisory bool
	// Held is false after somebody removed the lock file and another engine
	// claimed the name; each tick tries to have it back.
	Held bool
	// Since is when the name was claimed.
	Since time.Time
	// Beats counts the ticks that have looked after the claim.
	Beats uint64
	// Rivals is how many [Claim.Rivals] tells.
	Rivals int
	// Trouble is what went wrong at the last tick, nil if nothing did. It
	// never makes the tick fail.
	Trouble error
}

// State tells how the claim stands. It does not look at the directory.
func (c *Claim) State() (ClaimState, error) {
	var view C.lifesign_claim_view
	view.struct_size = C.uint32_t(unsafe.Sizeof(view))
	detail := newErrorDetail()
	err := detail.result(C.lifesign_claim_state(C.lifesign_claim(c.handle), &view, &detail.c))
	runtime.KeepAlive(c)
	if err != nil {
		return ClaimState{}, err
	}
	state := ClaimState{
		Advisory: view.advisory != 0,
		Held:     view.held != 0,
		Since:    time.Unix(0, int64(view.claimed_ns)),
		Beats:    uint64(view.beats),
		Rivals:   int(view.rivals),
	}
	if view.trouble != C.LIFESIGN_OK {
		state.Trouble = newError(Code(view.trouble), text(view.message[:]))
	}
	return state, nil
}

// Rival is a program that wants a claimed name too: it was refused, or, where
// the directory cannot exclude, holds it as well. One that ends and starts
// again in the same place is one rival.
type Rival struct {
	// Record is that of its newest process. Its ID is 0 when the engine keeps
	// no more records of others.
	Record WriterRecord
	// First and Last are when it was seen, by the rival's own clock if it was
	// refused.
	First, Last time.Time
	// Count is how often it tried, or how many of its heartbeats were seen.
	Count uint64
}

// Rivals tells who else wants the name, the one seen last first; at most 64. It
// does not look at the directory.
func (c *Claim) Rivals() ([]Rival, error) {
	var found []C.lifesign_rival
	for {
		var count C.size_t
		detail := newErrorDetail()
		result := C.lifesign_claim_rivals(C.lifesign_claim(c.handle), unsafe.SliceData(found), C.size_t(len(found)), &count, &detail.c)
		err := detail.result(result)
		runtime.KeepAlive(c)
		switch {
		case err == nil:
			rivals := make([]Rival, count)
			for i := range rivals {
				rivals[i] = Rival{
					Record: *writerRecord(&found[i].record),
					First:  time.Unix(0, int64(found[i].first_ns)),
					Last:   time.Unix(0, int64(found[i].last_ns)),
					Count:  uint64(found[i].count),
				}
			}
			return rivals, nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			// Others may come meanwhile.
			found = make([]C.lifesign_rival, int(count)+2)
		default:
			return nil, err
		}
	}
}
