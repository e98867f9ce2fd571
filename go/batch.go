package lifesign

/*
#include <stdlib.h>
#include "lifesign.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Write is one write of [UpdateBatch], and what came of it.
type Write struct {
	// Token is who writes, and which check.
	Token *Token
	// Status and Output are as in [Token.Update].
	Status Status
	Output string
	// Revision is filled in: that of the state that stands for this write,
	// which of a heartbeat is the one it confirms; 0 after a refusal.
	Revision uint64
	// Err is filled in: what [Token.Update] would have returned.
	Err error
}

// UpdateBatch makes several writes in one call, in the order given. Each commits
// by itself: one that is refused keeps no other from being made. It returns the
// first refusal, nil if there is none. A write without token is [ErrInvalid], and
// then none is made. The slice is the caller's alone until it returns.
func UpdateBatch(writes []Write) error {
	if len(writes) == 0 {
		return nil
	}
	size := 0
	for i := range writes {
		if writes[i].Token == nil {
			return invalid("write %d of the batch has no token: nothing is written", i)
		}
		size += len(writes[i].Output)
	}
	memory := takeBatchMemory(len(writes), size)
	defer batchMemories.Put(memory)
	crossing, outputs := memory.writes, memory.outputs
	for i := range writes {
		write, c := &writes[i], &crossing[i]
		c.status = C.lifesign_status(write.Status)
		c.token = C.lifesign_token(write.Token.handle)
		c.result = C.LIFESIGN_INTERNAL // until the engine has come to it
		c.revision = 0
		c.output.len = C.size_t(copy(outputs, write.Output))
		if c.output.len > 0 {
			c.output.ptr = (*C.char)(unsafe.Pointer(&outputs[0]))
			outputs = outputs[c.output.len:]
		}
	}
	detail := newErrorDetail()
	result := detail.result(C.lifesign_token_write_batch(&crossing[0], C.size_t(len(writes)), &detail.c))
	runtime.KeepAlive(writes)
	var first error
	for i := range writes {
		write, c := &writes[i], &crossing[i]
		write.Revision, write.Err = uint64(c.revision), nil
		if c.result != C.LIFESIGN_OK {
			write.Err = refusal(&memory.details[i], c.result)
			if first == nil {
				first = write.Err
			}
		}
	}
	if first == nil {
		return result
	}
	return first
}

// batchMemory is what a batch crosses in. It is C's memory, because structs that
// lie in Go's could only point to outputs that are pinned one by one.
type batchMemory struct {
	writes  []C.lifesign_write
	details []C.lifesign_error // of each write
	outputs []byte
}

var batchMemories sync.Pool

// takeBatchMemory returns room for so many writes and bytes of outputs.
func takeBatchMemory(writes, outputs int) *batchMemory {
	memory, _ := batchMemories.Get().(*batchMemory)
	if memory != nil && writes <= len(memory.writes) && outputs <= len(memory.outputs) {
		return memory
	}
	// Too small a one is left to its cleanup.
	writes, outputs = max(64, writes+writes/8), max(8<<10, outputs+outputs/8)
	// Zeroed, and for structs alone ever after: Go reads a pointer before it
	// writes another over it.
	structs := C.calloc(C.size_t(writes), C.size_t(unsafe.Sizeof(C.lifesign_write{})))
	details := C.calloc(C.size_t(writes), C.size_t(unsafe.Sizeof(C.lifesign_error{})))
	bytes := C.malloc(C.size_t(outputs))
	memory = &batchMemory{
		writes:  unsafe.Slice((*C.lifesign_write)(structs), writes),
		details: unsafe.Slice((*C.lifesign_error)(details), writes),
		outputs: unsafe.Slice((*byte)(bytes), outputs),
	}
	for i := range memory.writes {
		c := &memory.writes[i]
		c.struct_size, c.detail = C.uint32_t(unsafe.Sizeof(*c)), &memory.details[i]
		prepareDetail(c.detail)
	}
	runtime.AddCleanup(memory, func(all [3]unsafe.Pointer) {
		for _, each := range all {
			C.free(each)
		}
	}, [3]unsafe.Pointer{structs, details, bytes})
	return memory
}
