//go:build !race

package lifesign

// #include "lifesign.h"
import "C"

import "sync/atomic"

// Status is the status now, and [Gone] if the check was deregistered or the
// engine closed. It is an atomic load, or two of an alias, whatever else goes on:
// no call into C, no allocation.
//
// It is written to be inlined.
func (r *reader) Status() Status {
	word := atomic.LoadUint64(r.word)
	if word&r.mask == r.life {
		return Status(word) >> C.LIFESIGN_WORD_STATUS_SHIFT
	}
	return r.linked(word)
}

// linked is the status in a word that is another's. The life is looked at after
// the word: if it is there still, the word was read in it.
func (r *reader) linked(word uint64) Status {
	if r.link == nil || atomic.LoadUint64(r.link) != r.life {
		return Gone
	}
	return Status(word) >> C.LIFESIGN_WORD_STATUS_SHIFT
}

// isAt is whether that version is known to be the newest of a direct check, whose
// first is 1.
func (r *reader) isAt(version uint64) bool {
	return version != 0 && r.isDirect() && atomic.LoadUint64(r.word)>>versionShift == r.life>>versionShift|version
}
