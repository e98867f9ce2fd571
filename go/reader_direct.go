//go:build !race

package lifesign

// #include "lifesign.h"
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// Status is the status now, and [Gone] if the check was deregistered or the
// engine closed. It is one atomic load, or four for an alias, whatever else goes
// on: no call into C, no allocation.
//
// It is written to be inlined, which a word more would prevent.
func (r *reader) Status() Status {
	word := atomic.LoadUint64(r.word) ^ r.direct
	if word < 1<<C.LIFESIGN_WORD_LIFE_SHIFT {
		return Status(word) >> C.LIFESIGN_WORD_STATUS_SHIFT
	}
	return r.linked()
}

// linked is the status of an alias, a service or the node, by the steps of
// lifesign_read in the header. It is gone if the link is of another life or,
// the status being in the word, of none.
//
//go:noinline
func (r *reader) linked() Status {
	cell := unsafe.Pointer(r.word)
	place := (*uint64)(unsafe.Add(cell, unsafe.Sizeof(*r.word)))
	link := atomic.LoadUint64(place)
	address := link ^ r.life
	if address >= 1<<C.LIFESIGN_WORD_LIFE_SHIFT {
		return Gone
	}
	// From one place in the library's memory to another, with which the
	// garbage collector has nothing to do.
	word := atomic.LoadUint64((*uint64)(unsafe.Add(cell, uintptr(address)-uintptr(cell))))
	// The same link still: this life lasted until the word was read.
	if atomic.LoadUint64(place) != link {
		return Gone
	}
	return Status(word) >> C.LIFESIGN_WORD_STATUS_SHIFT
}
