package lifesign

// #include <stdlib.h>
// #include "lifesign.h"
import "C"

import "unsafe"

// reader is where a status stands: memory of the library's that stays mapped
// for the life of the process, and reads as gone when the check is deregistered
// or the engine closed.
type reader struct {
	// word is the word with the status: a check's own, or that of what an
	// alias, a service or the node shows.
	word *uint64
	// life is what mask leaves of the word as long as the life lasts. A word
	// that is another's does not tell, nor does mask leave anything of it: life
	// is then what link has as long as it lasts. A check's own link is nil.
	mask, life uint64
	link       *uint64
}

const lifeBits = uint64(1<<16-1) << C.LIFESIGN_WORD_LIFE_SHIFT

// versionShift is where the number of commits stands in a check's word: between
// the two bits of the status and the life.
const versionShift = C.LIFESIGN_WORD_STATUS_SHIFT + 2

// nowhere is what is read of what was gone before anybody asked where it
// stands: a word of zeroes, of no life. It is C's memory like that of the rest.
var nowhere = func() reader {
	word := (*uint64)(C.calloc(1, C.size_t(unsafe.Sizeof(uint64(0)))))
	return reader{word: word, mask: lifeBits, life: lifeBits}
}()

// newReader takes over what a call has filled; a call that failed leaves
// nothing to read.
func newReader(fill func(*C.lifesign_reader) C.lifesign_result) reader {
	var c C.lifesign_reader
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if fill(&c) != C.LIFESIGN_OK {
		return nowhere
	}
	r := reader{word: (*uint64)(unsafe.Pointer(c.word)), link: (*uint64)(unsafe.Pointer(c.link)), life: uint64(c.life)}
	if r.link == nil {
		r.mask = lifeBits
	}
	return r
}

func newNodeReader(engine uint64) reader {
	return newReader(func(reader *C.lifesign_reader) C.lifesign_result {
		return C.lifesign_engine_node_reader(C.lifesign_engine(engine), reader, nil)
	})
}

// isDirect is whether the word is the check's own. One that shows another's, as an
// alias does, does not tell which commit of its own is the newest.
func (r *reader) isDirect() bool { return r.link == nil }
