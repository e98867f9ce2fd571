package benches

// The engine's own part of what a Go program pays, through the same functions
// of the C ABI: what is left when a single call into C does it many times.

// #cgo CFLAGS: -O2 -I${SRCDIR}/../../include
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

// ownSide is checks that are read and written on the other side alone.
type ownSide struct {
	*reports
	checks, tokens [batchSize]uint64
}

// newOwnSide acquires checks; not all of them if somebody holds one.
func newOwnSide(checks [batchSize]uint64, passing, critical string) (own *ownSide, all bool) {
	own, all = &ownSide{reports: newReports(passing, critical), checks: checks}, true
	for i, check := range checks {
		own.tokens[i] = uint64(C.bench_acquire(C.uint64_t(check)))
		all = all && own.tokens[i] != 0
	}
	return own, all
}

func (o *ownSide) close() {
	for _, token := range o.tokens {
		C.bench_close(C.uint64_t(token))
	}
	o.free()
}

func (o *ownSide) snapshots(times int) int {
	return int(C.bench_snapshots(C.uint64_t(o.checks[0]), C.uint64_t(times), &o.c))
}

func (o *ownSide) flips(times int) int {
	return int(C.bench_flips(C.uint64_t(o.tokens[0]), C.uint64_t(times), &o.c))
}

func (o *ownSide) heartbeats(times int) int {
	return int(C.bench_heartbeats(C.uint64_t(o.tokens[0]), C.uint64_t(times), &o.c))
}

func (o *ownSide) batches(times int) int {
	return int(C.bench_batches((*C.uint64_t)(&o.tokens[0]), C.uint64_t(times), &o.c))
}
