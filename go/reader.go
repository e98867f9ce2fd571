package lifesign

// #include <stdlib.h>
// #include "lifesign.h"
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// reader is where a status stands: memory of the library's that stays mapped
// for the life of the process, and reads as gone when the check is deregistered
// or the engine closed.
type reader struct {
	// word is the status word; the link comes after it.
	word *uint64
	// direct is what the life's bits of the word are as long as the status
	// stands in the word itself, and 0, which they are in no life, for a
	// status that is derived.
	direct uint64
	// life is what the life's bits of the link are for a status that is
	// derived.
	life uint64
}

// nowhere is what is read of what was gone before anybody asked where it
// stands: a word of zeroes, of no life. It is C's memory like that of the rest.
var nowhere = reader{
	word: (*uint64)(C.calloc(2, C.size_t(unsafe.Sizeof(uint64(0))))),
	life: 1 << C.LIFESIGN_WORD_LIFE_SHIFT,
}

// newReader takes over what a call has filled; a call that failed leaves
// nothing to read.
func newReader(fill func(*C.lifesign_reader) C.lifesign_result) reader {
	var c C.lifesign_reader
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if fill(&c) != C.LIFESIGN_OK {
		return nowhere
	}
	life := uint64(c.life) << C.LIFESIGN_WORD_LIFE_SHIFT
	r := reader{word: (*uint64)(unsafe.Pointer(c.cell)), direct: life, life: life}
	// The flag is the same throughout a life. If this one is over by now, it
	// does not matter where its end is read.
	if atomic.LoadUint64(r.word)&C.LIFESIGN_WORD_DERIVED != 0 {
		r.direct = 0
	}
	return r
}

func newNodeReader(engine uint64) reader {
	return newReader(func(reader *C.lifesign_reader) C.lifesign_result {
		return C.lifesign_engine_node_reader(C.lifesign_engine(engine), reader, nil)
	})
}
