#include "engine.h"

#include <string.h>

#include "lifesign.h"

static const lifesign_status statuses[2] = {LIFESIGN_STATUS_PASSING, LIFESIGN_STATUS_CRITICAL};

uint64_t bench_snapshots(uint64_t check, uint64_t times, const reports *shown) {
	char bytes[8192];
	lifesign_snapshot snapshot;
	size_t needed;
	uint64_t right = 0;

	snapshot.struct_size = sizeof snapshot;
	for (uint64_t i = 0; i < times; i++) {
		if (lifesign_check_snapshot(check, &snapshot, bytes, sizeof bytes, &needed, NULL) != LIFESIGN_OK)
			continue;
		right += snapshot.status == statuses[0] && snapshot.output.len == shown->length[0] &&
			memcmp(bytes + snapshot.output.offset, shown->text[0], shown->length[0]) == 0;
	}
	return right;
}

uint64_t bench_acquire(uint64_t check) {
	lifesign_token token;

	return lifesign_token_acquire(check, NULL, &token, NULL) == LIFESIGN_OK ? token : 0;
}

void bench_close(uint64_t token) { lifesign_token_close(token, NULL); }

// A step of 1 turns at each write; one of 2 never does.
static uint64_t writes(uint64_t token, uint64_t times, uint64_t step, const reports *by_turns) {
	uint64_t done = 0;

	for (uint64_t i = 0, turn = step; i < times; i++, turn += step)
		done += lifesign_token_write(token, statuses[turn % 2], by_turns->text[turn % 2], by_turns->length[turn % 2], NULL) == LIFESIGN_OK;
	return done;
}

uint64_t bench_flips(uint64_t token, uint64_t times, const reports *by_turns) { return writes(token, times, 1, by_turns); }

uint64_t bench_heartbeats(uint64_t token, uint64_t times, const reports *by_turns) { return writes(token, times, 2, by_turns); }

uint64_t bench_batches(const uint64_t *tokens, uint64_t times, const reports *by_turns) {
	lifesign_write batch[BATCH];
	uint64_t done = 0;

	memset(batch, 0, sizeof batch);
	for (int i = 0; i < BATCH; i++) {
		batch[i].struct_size = sizeof batch[i];
		batch[i].token = tokens[i];
	}
	for (uint64_t turn = 1; turn <= times; turn++) {
		for (int i = 0; i < BATCH; i++) {
			batch[i].status = statuses[turn % 2];
			batch[i].output.ptr = by_turns->text[turn % 2];
			batch[i].output.len = by_turns->length[turn % 2];
		}
		done += lifesign_token_write_batch(batch, BATCH, NULL) == LIFESIGN_OK;
	}
	return done;
}
