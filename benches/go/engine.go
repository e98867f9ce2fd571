package benches

// The engine's own part of what a Go program pays, through the same functions
// of the C ABI: what is left when a single call into C does it many times.

// #cgo CFLAGS: -O2 -I${SRCDIR}/../../include
// #cgo LDFLAGS: ${SRCDIR}/../../target/release/liblifesign.a -lm -ldl -lpthread
// #include <stdlib.h>
// #include "engine.h"
import "C"

import "unsafe"

// batchSize is how many checks a batch writes.
const batchSize = C.BATCH

// reports are two reports in C's memory.
type reports struct{ c C.reports }

func newReports(passing, critical string) *reports {
	r := &reports{}
	for i, text := range []string{passing, critical} {
		r.c.text[i], r.c.length[i] = C.CString(text), C.uint64_t(len(text))
	}
	return r
}

func (r *reports) free() {
	for _, text := range r.c.text {
		C.free(unsafe.Pointer(text))
	}
}

func (r *reports) snapshots(check uint64, times int) int {
	return int(C.bench_snapshots(C.uint64_t(check), C.uint64_t(times), &r.c))
}

func (r *reports) flips(check uint64, times int) int {
	return int(C.bench_flips(C.uint64_t(check), C.uint64_t(times), &r.c))
}

func (r *reports) heartbeats(check uint64, times int) int {
	return int(C.bench_heartbeats(C.uint64_t(check), C.uint64_t(times), &r.c))
}

func (r *reports) batches(checks *[batchSize]uint64, times int) int {
	return int(C.bench_batches((*C.uint64_t)(&checks[0]), C.uint64_t(times), &r.c))
}
