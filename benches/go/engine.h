#ifndef LIFESIGN_BENCHES_ENGINE_H
#define LIFESIGN_BENCHES_ENGINE_H

#include <stdint.h>

enum { BATCH = 64 };

// Two reports that are written by turns: passing and critical.
typedef struct {
	const char *text[2];
	uint64_t length[2];
} reports;

// The token of a check that nobody holds, 0 if there is none to be had.
uint64_t bench_acquire(uint64_t check);
void bench_close(uint64_t token);

// Each does the same so many times within one call from Go, and returns how often
// it went right. What is written are flips, the first to critical, and heartbeats
// of passing.
uint64_t bench_snapshots(uint64_t check, uint64_t times, const reports *shown);
uint64_t bench_flips(uint64_t token, uint64_t times, const reports *by_turns);
uint64_t bench_heartbeats(uint64_t token, uint64_t times, const reports *by_turns);
uint64_t bench_batches(const uint64_t *tokens, uint64_t times, const reports *by_turns);

#endif
