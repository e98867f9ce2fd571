/* What a sanitizer must find in a C program, and what it must be silent about: one word on the command line chooses. The library does as it is
   told; the fault is the caller's, and shows in the library's own code. */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifesign.h"

/* Few rounds: a sanitizer that finds two accesses tells of them only while it still knows where the first was made. */
enum { ROUNDS = 20, ROOM = 64 };

static lifesign_check check;
static lifesign_token token;
/* Shared by two threads where a race is planted. */
static lifesign_status shared;
/* How many threads have begun. It orders nothing. */
static atomic_int begun;

static void ok(const char *step, lifesign_result result)
{
    if (result == LIFESIGN_OK)
        return;
    fprintf(stderr, "planted: %s: %s\n", step, lifesign_result_name(result));
    exit(EXIT_FAILURE);
}

/* Reads the check again and again, into a place of its own or into one that another thread uses too. It waits for that one: of two that meet only by
   chance one may have ended before the other begins, and that race is not always found. */
static void *read_into(void *place)
{
    atomic_fetch_add_explicit(&begun, 1, memory_order_relaxed);
    while (atomic_load_explicit(&begun, memory_order_relaxed) < 2)
        sched_yield();
    for (int round = 0; round < ROUNDS; round++)
        ok("status", lifesign_check_status(check, place, NULL));
    return NULL;
}

static void read_by_two(lifesign_status *first, lifesign_status *second)
{
    pthread_t threads[2];
    atomic_store_explicit(&begun, 0, memory_order_relaxed);
    pthread_create(&threads[0], NULL, read_into, first);
    pthread_create(&threads[1], NULL, read_into, second);
    for (int round = 0; round < ROUNDS; round++)
        ok("write", lifesign_token_write(token, round % 2 ? LIFESIGN_STATUS_PASSING : LIFESIGN_STATUS_CRITICAL, "text", 4, NULL));
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

/* Reads the whole check into a buffer and says how large it is, which may be a lie. */
static void read_whole(size_t told)
{
    char *bytes = malloc(ROOM);
    lifesign_snapshot snapshot = { .struct_size = sizeof snapshot };
    size_t needed;
    ok("snapshot", lifesign_check_snapshot(check, &snapshot, bytes, told, &needed, NULL));
    free(bytes);
}

int main(int count, char **words)
{
    const char *fault = count > 1 ? words[1] : "none";
    char output[ROOM];
    lifesign_engine engine;
    lifesign_check_spec spec = { .struct_size = sizeof spec, .id = lifesign_text("web:http") };
    lifesign_status own[2];

    ok("open", lifesign_engine_open(NULL, &engine, NULL));
    ok("register", lifesign_check_register(engine, &spec, &check, NULL));
    ok("acquire", lifesign_token_acquire(check, NULL, &token, NULL));
    read_by_two(&own[0], &own[1]);
    read_whole(ROOM);
    if (strcmp(fault, "race") == 0)
        read_by_two(&shared, &shared);
    if (strcmp(fault, "overflow") == 0) {
        memset(output, 'x', sizeof output);
        ok("write", lifesign_token_write(token, LIFESIGN_STATUS_WARNING, output, sizeof output, NULL));
        read_whole(4 * ROOM);
    }
    ok("close", lifesign_engine_close(engine, NULL));
    puts("planted: came to the end");
    return EXIT_SUCCESS;
}
