#ifndef LIFESIGN_BENCHES_ENGINE_H
#define LIFESIGN_BENCHES_ENGINE_H

#include <stdint.h>

enum { BATCH = 64 };

// Two reports that are written by turns: passing and critical.
typedef struct {
	const char *text[2];
	uint64_t length[2];
} reports;

// Each does the same so many times within one call from Go, and returns how often
// it went right. The checks that are written must be held by nobody.
uint64_t bench_snapshots(uint64_t check, uint64_t times, const reports *shown);
uint64_t bench_flips(uint64_t check, uint64_t times, const reports *by_turns);
uint64_t bench_heartbeats(uint64_t check, uint64_t times, const reports *by_turns);
uint64_t bench_batches(const uint64_t *checks, uint64_t times, const reports *by_turns);

#endif
