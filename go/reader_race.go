//go:build race

package lifesign

// #include "lifesign.h"
//
// #cgo noescape lifesign_read
// #cgo nocallback lifesign_read
import "C"

import "unsafe"

// Status is the status now, and [Gone] if the check was deregistered or the
// engine closed. The race detector knows nothing of the order that memory of the
// library's gives, and would report races that are none: under it the loads are
// made in C.
func (r *reader) Status() Status {
	c := C.lifesign_reader{
		word: (*C.uint64_t)(unsafe.Pointer(r.word)), link: (*C.uint64_t)(unsafe.Pointer(r.link)), life: C.uint64_t(r.life),
	}
	return Status(C.lifesign_read(&c))
}

// isAt is never known: see Status.
func (r *reader) isAt(uint64) bool { return false }
