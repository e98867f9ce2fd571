/* mkdtemp, P_tmpdir */
#define _XOPEN_SOURCE 700

#include "world.h"

#include <inttypes.h>
#include <unistd.h>

char mebibyte[1 << 20];
const char not_utf8[4] = { 'a', '\xff', '\xfe', 'b' };
const char tiny[4] = { 't', 'i', 'n', 'y' };
unsigned long refusals;

static void must(const char *step, lifesign_result result)
{
    if (result == LIFESIGN_OK)
        return;
    fprintf(stderr, "making the world: %s: %s\n", step, lifesign_result_name(result));
    exit(EXIT_FAILURE);
}

static const lifesign_acquire_spec labelled = { .struct_size = sizeof labelled, .label = { "abuse", 5 } };

static lifesign_engine open_engine(void)
{
    lifesign_engine engine;
    must("open", lifesign_engine_open(NULL, &engine, NULL));
    return engine;
}

static lifesign_service add_service(lifesign_engine engine, const char *id)
{
    lifesign_service service;
    lifesign_service_spec spec = { .struct_size = sizeof spec, .id = lifesign_text(id) };
    must(id, lifesign_service_register(engine, &spec, &service, NULL));
    return service;
}

static lifesign_check add_check(lifesign_engine engine, lifesign_service service, const char *id)
{
    lifesign_check check;
    lifesign_check_spec spec = { .struct_size = sizeof spec, .service = service, .id = lifesign_text(id) };
    must(id, lifesign_check_register(engine, &spec, &check, NULL));
    return check;
}

static lifesign_token acquire(lifesign_check check)
{
    lifesign_token token;
    must("acquire", lifesign_token_acquire(check, &labelled, &token, NULL));
    return token;
}

static lifesign_subscription subscribe(lifesign_engine engine)
{
    lifesign_subscription subscription;
    must("subscribe", lifesign_subscribe(engine, NULL, &subscription, NULL));
    return subscription;
}

static lifesign_result try_claim(lifesign_engine engine, const char *name, lifesign_claim *claim)
{
    return lifesign_claim_open(engine, CLAIMS, strlen(CLAIMS), name, strlen(name), claim, NULL);
}

static lifesign_claim claim(lifesign_engine engine, const char *name)
{
    lifesign_claim claim;
    must(name, try_claim(engine, name, &claim));
    return claim;
}

static void populate(uint64_t handles[KINDS], lifesign_engine engine, const char *name)
{
    handles[ENGINE] = engine;
    handles[SERVICE] = add_service(engine, "web");
    handles[CHECK] = add_check(engine, handles[SERVICE], "web:http");
    handles[TOKEN] = acquire(handles[CHECK]);
    handles[SUBSCRIPTION] = subscribe(engine);
    handles[CLAIM] = claim(engine, name);
}

/* Makes one of each in the live engine, and ends it. */
static void make_and_end(uint64_t handles[KINDS], const struct world *world)
{
    lifesign_engine engine = world->live[ENGINE];
    handles[SERVICE] = add_service(engine, "short-lived");
    handles[CHECK] = add_check(engine, handles[SERVICE], "short-lived:http");
    handles[TOKEN] = acquire(handles[CHECK]);
    handles[SUBSCRIPTION] = subscribe(engine);
    handles[CLAIM] = claim(engine, "short-lived");
    must("release", lifesign_claim_release(handles[CLAIM], NULL));
    must("unsubscribe", lifesign_unsubscribe(handles[SUBSCRIPTION], NULL));
    must("close the token", lifesign_token_close(handles[TOKEN], NULL));
    must("deregister", lifesign_check_deregister(handles[CHECK], NULL));
    must("deregister", lifesign_service_deregister(handles[SERVICE], NULL));
    handles[ENGINE] = open_engine();
    must("close", lifesign_engine_close(handles[ENGINE], NULL));
}

static lifesign_cursor cursor_of(lifesign_subscription subscription)
{
    static lifesign_event events[16];
    static char bytes[4096];
    lifesign_batch batch = { .struct_size = sizeof batch };
    must("poll", lifesign_subscription_poll(subscription, events, 16, bytes, sizeof bytes, &batch, NULL));
    return batch.cursor;
}

static uint32_t declare(lifesign_engine engine)
{
    uint32_t id;
    lifesign_record peer = { .struct_size = sizeof peer, .machine = "peer", .label = "remote" };
    must("declare", lifesign_engine_declare_writer(engine, &peer, &id, NULL));
    return id;
}

static void observe(const struct world *world, lifesign_stats *stats, lifesign_snapshot *state)
{
    char bytes[1024];
    size_t needed;
    *stats = (lifesign_stats){ .struct_size = sizeof *stats };
    *state = (lifesign_snapshot){ .struct_size = sizeof *state };
    must("stats", lifesign_engine_stats(world->live[ENGINE], stats, NULL));
    must("snapshot", lifesign_check_snapshot(world->live[CHECK], state, bytes, sizeof bytes, &needed, NULL));
}

struct world *world_open(void)
{
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        abort();
    populate(world->live, open_engine(), "live");
    world->fenced_token = world->live[TOKEN];
    must("generation", lifesign_token_generation(world->fenced_token, &world->generation, NULL));
    must("take over", lifesign_token_take_over(world->live[CHECK], world->generation, &labelled, &world->live[TOKEN],
                                               NULL));
    must("generation", lifesign_token_generation(world->live[TOKEN], &world->generation, NULL));
    must("write", lifesign_token_write(world->live[TOKEN], LIFESIGN_STATUS_PASSING, "fine", 4, NULL));

    lifesign_subscription read = subscribe(world->live[ENGINE]);
    world->cursor = cursor_of(read);
    must("unsubscribe", lifesign_unsubscribe(read, NULL));
    world->declared = declare(world->live[ENGINE]);
    make_and_end(world->stale, world);
    world->empty_service = add_service(world->live[ENGINE], "empty");
    world->free_check = add_check(world->live[ENGINE], 0, "free");
    /* These take the places of what was just ended. */
    subscribe(world->live[ENGINE]);
    claim(world->live[ENGINE], "other");
    acquire(add_check(world->live[ENGINE], 0, "other"));
    populate(world->foreign, open_engine(), "foreign");
    populate(world->orphaned, open_engine(), "orphaned");
    must("close", lifesign_engine_close(world->orphaned[ENGINE], NULL));
    make_and_end(world->closed, world);

    lifesign_claim none;
    if (try_claim(world->foreign[ENGINE], "live", &none) != LIFESIGN_HELD)
        abort();
    must("tick", lifesign_engine_tick(world->live[ENGINE], 0, 0, NULL));
    observe(world, &world->stats, &world->state);
    return world;
}

void world_close(struct world *world)
{
    /* The call under test may have closed it. */
    lifesign_engine_close(world->live[ENGINE], NULL);
    must("close", lifesign_engine_close(world->foreign[ENGINE], NULL));
    free(world);
}

static char folder[] = P_tmpdir "/lifesign-abuse-XXXXXX";
static char file[sizeof folder + sizeof "/export.json"];

static void remove_export(void)
{
    if (unlink(file) != 0 || rmdir(folder) != 0)
        fprintf(stderr, "%s: something is left in it\n", folder);
}

const char *export_path(void)
{
    if (file[0] == '\0') {
        if (mkdtemp(folder) == NULL || atexit(remove_export) != 0)
            abort();
        snprintf(file, sizeof file, "%s/export.json", folder);
        lifesign_engine engine = open_engine();
        lifesign_token token = acquire(add_check(engine, 0, "exported"));
        size_t count;
        must("write", lifesign_token_write(token, LIFESIGN_STATUS_WARNING, "as it was", 9, NULL));
        must("export", lifesign_engine_export(engine, file, strlen(file), &count, NULL));
        must("close", lifesign_engine_close(engine, NULL));
    }
    return file;
}

const char *export_folder(void)
{
    export_path();
    return folder;
}

static uint64_t random_number(void)
{
    /* xorshift64 (Marsaglia, Xorshift RNGs, 2003): the same numbers in each run. */
    static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

size_t bad_handles(const struct world *world, enum kind kind, bool dead, uint64_t bad[BAD_HANDLES])
{
    size_t count = 0;
    bad[count++] = 0;
    bad[count++] = 1;
    bad[count++] = UINT64_MAX;
    for (int bit = 0; bit < 64; bit += 7)
        bad[count++] = world->live[kind] ^ UINT64_C(1) << bit;
    for (int other = 0; other < KINDS; other++)
        if (other != (int)kind)
            bad[count++] = world->live[other];
    if (dead) {
        bad[count++] = world->stale[kind];
        bad[count++] = world->closed[kind];
        bad[count++] = world->orphaned[kind];
    }
    while (count < BAD_HANDLES)
        bad[count++] = random_number();
    return count;
}

void pattern(void *memory, size_t size)
{
    memset(memory, 0xA5, size);
}

static void fail(const char *function, const char *what, const char *said)
{
    fprintf(stderr, "%s with %s: %s\n", function, what, said);
    exit(EXIT_FAILURE);
}

void survived(const char *function, const char *what, lifesign_result result)
{
    if (result >= LIFESIGN_INTERNAL)
        fail(function, what, lifesign_result_name(result));
}

void succeeded(const char *function, const char *what, lifesign_result result, const lifesign_error *error)
{
    if (result != LIFESIGN_OK)
        fail(function, what, error != NULL ? error->message : lifesign_result_name(result));
}

void refused(const char *function, const char *what, lifesign_result result, const lifesign_error *error)
{
    survived(function, what, result);
    if (result == LIFESIGN_OK)
        fail(function, what, "OK where it cannot be");
    if (error != NULL) {
        if (error->code != result)
            fail(function, what, "the detail has another code than the result");
        if (error->message[0] == '\0' || memchr(error->message, '\0', sizeof error->message) == NULL)
            fail(function, what, "the detail has no message, or one without an end");
    }
    refusals++;
}

void untouched(const char *function, const char *what, const char *parameter, const void *now, const void *before,
               size_t size)
{
    if (memcmp(now, before, size) == 0)
        return;
    fprintf(stderr, "%s changed *%s\n", function, parameter);
    fail(function, what, "refused, and yet an out-parameter was written");
}

void unchanged(const char *function, const char *what, const struct world *world)
{
    lifesign_stats stats;
    lifesign_snapshot state;
    observe(world, &stats, &state);
    if (stats.commits != world->stats.commits || stats.services != world->stats.services ||
        stats.checks != world->stats.checks || stats.aliases != world->stats.aliases ||
        stats.tokens != world->stats.tokens || stats.subscriptions != world->stats.subscriptions ||
        stats.internal_errors != 0)
        fail(function, what, "refused, and yet the engine's counters moved");
    if (memcmp(&state, &world->state, sizeof state) != 0)
        fail(function, what, "refused, and yet the check changed");
}

void only_one_refused(const char *function, const char *what, lifesign_result result, const lifesign_write *writes,
                      size_t count, size_t wrong)
{
    for (size_t at = 0; at < count; at++) {
        if (writes[at].result != (at == wrong ? result : LIFESIGN_OK))
            fail(function, what, "a write of the batch has another result than its own");
        const lifesign_error *detail = writes[at].detail;
        if (detail != NULL && (detail->code != writes[at].result || (detail->message[0] == '\0') == (at == wrong)))
            fail(function, what, "a write of the batch has the detail of another result");
        if ((writes[at].revision == NO_REVISION) != (at == wrong))
            fail(function, what, "a write of the batch has a revision and was not made, or was made and has none");
    }
}

void only_one_gone(const char *function, const char *what, const lifesign_status *first, size_t stride, size_t count,
                   size_t gone)
{
    for (size_t at = 0; at < count; at++) {
        lifesign_status status = *(const lifesign_status *)(const void *)((const char *)first + at * stride);
        if (status != (at == gone ? LIFESIGN_STATUS_GONE : LIFESIGN_STATUS_PASSING))
            fail(function, what, "the answer for one handle is not that of what it stands for");
    }
    refusals++;
}
