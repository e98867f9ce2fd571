//go:build !race

package lifesign

// #include "lifesign.h"
import "C"

import "sync/atomic"

// Status is the status now, and [Gone] if the check was deregistered or the
// engine closed. It is two atomic loads, of an alias too, whatever else goes on:
// no call into C, no allocation.
//
// It is written to be inlined. The life is looked at after the word: if it is
// there still, the word was read in it.
func (r *reader) Status() Status {
	word := atomic.LoadUint64(r.word)
	if atomic.LoadUint64(r.place)&r.mask != r.life {
		return Gone
	}
	return Status(word) >> C.LIFESIGN_WORD_STATUS_SHIFT
}

// isAt is whether that version is known to be the newest of a direct check, whose
// first is 1.
func (r *reader) isAt(version uint64) bool {
	return version != 0 && r.isDirect() && atomic.LoadUint64(r.word)>>versionShift == r.life>>versionShift|version
}
