/* C programs as embedders would write them: a service, its check, an alias on it, a subscription, and two writers of
   which the older is refused; then a lease that runs out, what is known about it afterwards, a restart from an export,
   and subscriptions that are resumed. It prints a transcript and ends with 0 only if every step went as it should.
   Usage: client FILE, where the export may be put. */

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifesign.h"

static lifesign_error error = { .struct_size = sizeof error };

/* Ends the program unless the call had the wanted result. */
static void expect(const char *step, lifesign_result wanted, lifesign_result result)
{
    if (result == wanted)
        return;
    fprintf(stderr, "%s: %s instead of %s: %s\n", step, lifesign_result_name(result), lifesign_result_name(wanted),
            result == LIFESIGN_OK ? "" : error.message);
    exit(EXIT_FAILURE);
}

static void ok(const char *step, lifesign_result result)
{
    expect(step, LIFESIGN_OK, result);
}

static void print_status(const char *name, lifesign_check check)
{
    lifesign_status status;
    ok("status", lifesign_check_status(check, &status, &error));
    lifesign_reader reader = { .struct_size = sizeof reader };
    ok("reader", lifesign_check_reader(check, &reader, &error));
    if (lifesign_read(&reader) != status) {
        fprintf(stderr, "%s reads %s without a call\n", name, lifesign_status_name(lifesign_read(&reader)));
        exit(EXIT_FAILURE);
    }
    printf("%s is %s\n", name, lifesign_status_name(status));
}

static void print_snapshot(const char *name, lifesign_check check)
{
    lifesign_snapshot state = { .struct_size = sizeof state };
    size_t needed = 0;

    /* Ask for the size first, as one does where memory is counted; one buffer of 12 KiB would always do. */
    expect("snapshot without a buffer", LIFESIGN_BUFFER_TOO_SMALL,
           lifesign_check_snapshot(check, &state, NULL, 0, &needed, &error));
    char *bytes = malloc(needed);
    if (bytes == NULL)
        abort();
    ok("snapshot", lifesign_check_snapshot(check, &state, bytes, needed, &needed, &error));
    printf("%s: %s, version %" PRIu64 ", %s%s%s%s\"%.*s\"\n", name, lifesign_status_name(state.status), state.version,
           state.flags & LIFESIGN_FLAG_INITIAL ? "initial, " : "",
           state.flags & LIFESIGN_FLAG_DERIVED ? "derived, " : "",
           state.flags & LIFESIGN_FLAG_ORPHANED ? "orphaned, " : "",
           state.flags & LIFESIGN_FLAG_RESTORED ? "restored, " : "", (int)state.output.len,
           bytes + state.output.offset);
    free(bytes);
}

static const char *label_of(lifesign_engine engine, uint32_t id)
{
    static lifesign_record records[2];
    static int turn;
    if (id == 0)
        return "nobody";
    lifesign_record *record = &records[turn++ % 2];
    record->struct_size = sizeof *record;
    ok("record", lifesign_engine_record(engine, id, record, &error));
    return record->label;
}

static void print_trouble(lifesign_engine engine, const lifesign_trouble *trouble, const char *bytes)
{
    static const char *const kinds[] = { "?", "refusal", "take-over", "lapse", "rival claim" };
    printf("  trouble at %.*s: %s%s%s, offender '%s', holder '%s', generation %" PRIu64 ", %" PRIu64 " times\n",
           (int)trouble->id.len, bytes + trouble->id.offset, kinds[trouble->kind],
           trouble->reason == LIFESIGN_OK ? "" : ", at last ",
           trouble->reason == LIFESIGN_OK ? "" : lifesign_result_name(trouble->reason),
           label_of(engine, trouble->offender), label_of(engine, trouble->holder), trouble->generation, trouble->count);
}

static lifesign_cursor cursor;

/* Takes and prints what is pending, and leaves in `cursor` where that ends; returns how many events there were. */
static unsigned drain(lifesign_engine engine, lifesign_subscription subscription)
{
    static lifesign_event events[8];
    static char bytes[64 * 1024];
    lifesign_batch batch = { .struct_size = sizeof batch };
    unsigned count = 0;

    do {
        ok("poll", lifesign_subscription_poll(subscription, events, 8, bytes, sizeof bytes, &batch, &error));
        if (batch.resync)
            printf("  forget what was known%s\n", batch.reset ? ": the cursor is another engine's" : "");
        for (uint32_t i = 0; i < batch.count; i++) {
            if (events[i].kind == LIFESIGN_EVENT_TROUBLE) {
                print_trouble(engine, &events[i].trouble, bytes);
                continue;
            }
            const lifesign_snapshot *state = &events[i].state;
            printf("  event: %.*s %s%s\n", (int)state->id.len, bytes + state->id.offset, lifesign_status_name(state->status),
                   events[i].kind == LIFESIGN_EVENT_GONE ? ", deregistered" : "");
        }
        count += batch.count;
    } while (batch.more);
    cursor = batch.cursor;
    return count;
}

static bool readable(int descriptor, int timeout_ms)
{
    struct pollfd watched = { .fd = descriptor, .events = POLLIN };
    return poll(&watched, 1, timeout_ms) == 1;
}

static lifesign_token acquire(lifesign_check check, const char *label)
{
    lifesign_token token;
    lifesign_acquire_spec how = { .struct_size = sizeof how, .label = lifesign_text(label) };
    ok("acquire", lifesign_token_acquire(check, &how, &token, &error));
    return token;
}

static void two_writers(void)
{
    lifesign_engine engine;
    lifesign_config config = { .struct_size = sizeof config, .name = lifesign_text("client"), .version = lifesign_text("1.0") };
    ok("open", lifesign_engine_open(&config, &engine, &error));

    lifesign_service service;
    lifesign_service_spec web = { .struct_size = sizeof web, .id = lifesign_text("web"), .name = lifesign_text("Web"),
                                  .data = { "10.0.0.7:8080\0tag", 17 } };
    ok("register service", lifesign_service_register(engine, &web, &service, &error));

    lifesign_check check, alias;
    lifesign_check_spec http = { .struct_size = sizeof http, .kind = LIFESIGN_KIND_CHECK, .service = service,
                                 .id = lifesign_text("web:http"), .name = lifesign_text("HTTP") };
    lifesign_check_spec sidecar = { .struct_size = sizeof sidecar, .kind = LIFESIGN_KIND_ALIAS_SERVICE,
                                    .id = lifesign_text("sidecar"), .target = lifesign_text("web") };
    ok("register check", lifesign_check_register(engine, &http, &check, &error));
    ok("register alias", lifesign_check_register(engine, &sidecar, &alias, &error));
    print_snapshot("web:http", check);
    print_snapshot("sidecar", alias);

    puts("-- one writer");
    lifesign_token first = acquire(check, "first writer");
    ok("write", lifesign_token_write(first, LIFESIGN_STATUS_PASSING, "200 OK", 6, &error));
    print_status("web:http", check);
    print_status("sidecar", alias);

    puts("-- a subscription");
    lifesign_subscription subscription;
    int32_t descriptor;
    ok("subscribe", lifesign_subscribe(engine, NULL, &subscription, &error));
    ok("descriptor", lifesign_subscription_descriptor(subscription, &descriptor, &error));
    printf("readable: %d\n", readable(descriptor, 0));
    drain(engine, subscription);
    printf("readable: %d\n", readable(descriptor, 0));
    expect("wait for nothing", LIFESIGN_TIMEOUT, lifesign_subscription_wait(subscription, 1, &error));
    ok("write", lifesign_token_write(first, LIFESIGN_STATUS_WARNING, "slow", 4, &error));
    printf("readable: %d\n", readable(descriptor, 10000));
    ok("wait", lifesign_subscription_wait(subscription, 10000, &error));
    printf("%u events\n", drain(engine, subscription));

    puts("-- two writers");
    lifesign_token second, third;
    uint64_t generation;
    lifesign_acquire_spec as_second = { .struct_size = sizeof as_second, .label = lifesign_text("second writer") };
    expect("acquire held", LIFESIGN_HELD, lifesign_token_acquire(check, &as_second, &third, &error));
    printf("%s: held by '%s'\n", lifesign_result_name(error.code), error.holder.label);
    generation = error.generation;
    ok("take over", lifesign_token_take_over(check, generation, &as_second, &second, &error));
    ok("write", lifesign_token_write(second, LIFESIGN_STATUS_PASSING, "200 OK", 6, &error));
    expect("stale write", LIFESIGN_FENCED, lifesign_token_write(first, LIFESIGN_STATUS_CRITICAL, "late", 4, &error));
    printf("%s: '%s' (generation %" PRIu64 ") was refused by '%s' (generation %" PRIu64 ") of %s %s, pid %" PRIu64
           " on %s\n",
           lifesign_result_name(error.code), error.caller.label, generation, error.holder.label, error.generation,
           error.holder.name, error.holder.version, error.holder.pid, error.holder.machine);
    printf("says: %s\n", error.message);
    expect("stale deregister", LIFESIGN_FENCED, lifesign_token_deregister_check(first, &error));
    expect("stale take-over", LIFESIGN_HELD,
           lifesign_token_take_over(check, generation, NULL, &third, &error));
    print_snapshot("web:http", check);
    print_snapshot("sidecar", alias);
    expect("join", LIFESIGN_STILL_RUNNING, lifesign_token_join(second, first, 0, 0, &error));
    ok("close the stale one", lifesign_token_close(first, &error));
    ok("join", lifesign_token_join(second, first, 0, 10000, &error));
    drain(engine, subscription);

    puts("-- the end of a check");
    expect("deregister held", LIFESIGN_HELD, lifesign_check_deregister(check, &error));
    expect("deregister service", LIFESIGN_BUSY, lifesign_service_deregister(service, &error));
    ok("write", lifesign_token_write(second, LIFESIGN_STATUS_CRITICAL, "500", 3, &error));
    ok("deregister by its holder", lifesign_token_deregister_check(second, &error));
    ok("close", lifesign_token_close(second, &error));
    drain(engine, subscription);
    ok("deregister service", lifesign_service_deregister(service, &error));
    print_snapshot("sidecar", alias);
    drain(engine, subscription);

    puts("-- two claimants");
    static const char directory[] = "target/ffi-tests/c/claims";
    lifesign_engine rival;
    lifesign_claim claim, refused = 77;
    config.version = lifesign_text("2.0");
    ok("open the rival", lifesign_engine_open(&config, &rival, &error));
    ok("claim", lifesign_claim_open(engine, directory, strlen(directory), "node", 4, &claim, &error));
    expect("claim held", LIFESIGN_HELD,
           lifesign_claim_open(rival, directory, strlen(directory), "node", 4, &refused, &error));
    printf("%s: %s %s is held by %s %s, pid %" PRIu64 " on %s; claim left at %" PRIu64 "\n",
           lifesign_result_name(error.code), error.caller.name, error.caller.version, error.holder.name,
           error.holder.version, error.holder.pid, error.holder.machine, refused);
    printf("says: %s\n", error.message);
    ok("tick", lifesign_engine_tick(engine, 0, 0, &error));
    lifesign_claim_view state = { .struct_size = sizeof state };
    ok("state", lifesign_claim_state(claim, &state, &error));
    printf("advisory %u, held %u, rivals %u, trouble %s, beats %" PRIu64 "\n", state.advisory, state.held, state.rivals,
           lifesign_result_name(state.trouble), state.beats);
    lifesign_rival rivals[4];
    size_t count = 0;
    expect("rivals without room", LIFESIGN_BUFFER_TOO_SMALL, lifesign_claim_rivals(claim, NULL, 0, &count, &error));
    ok("rivals", lifesign_claim_rivals(claim, rivals, 4, &count, &error));
    for (size_t i = 0; i < count; i++)
        printf("rival: %s %s, pid %" PRIu64 " on %s, %" PRIu64 " times\n", rivals[i].record.name,
               rivals[i].record.version, rivals[i].record.pid, rivals[i].record.machine, rivals[i].count);
    ok("release", lifesign_claim_release(claim, &error));
    expect("release again", LIFESIGN_CLOSED, lifesign_claim_release(claim, &error));
    ok("claim", lifesign_claim_open(rival, directory, strlen(directory), "node", 4, &claim, &error));
    ok("close the rival", lifesign_engine_close(rival, &error));
    expect("state after close", LIFESIGN_CLOSED, lifesign_claim_state(claim, &state, &error));

    puts("-- the end of the engine");
    uint64_t repaired = 1;
    ok("audit", lifesign_engine_audit(engine, &repaired, &error));
    printf("repaired: %" PRIu64 "\n", repaired);
    lifesign_reader readers[2] = { { .struct_size = sizeof *readers }, { .struct_size = sizeof *readers } };
    ok("reader", lifesign_check_reader(alias, &readers[0], &error));
    ok("reader of the node", lifesign_engine_node_reader(engine, &readers[1], &error));
    ok("unsubscribe", lifesign_unsubscribe(subscription, &error));
    ok("close", lifesign_engine_close(engine, &error));
    for (size_t i = 0; i < 2; i++)
        if (lifesign_read(&readers[i]) != LIFESIGN_STATUS_GONE)
            abort();
    lifesign_status status = 77;
    expect("status after close", LIFESIGN_CLOSED, lifesign_check_status(alias, &status, &error));
    expect("close again", LIFESIGN_CLOSED, lifesign_engine_close(engine, &error));
    printf("%s, status left at %" PRIu32 "\n", lifesign_result_name(error.code), status);
}

static const int64_t second = 1000000000;

/* An engine of which the program says what time it is, 1,000 seconds after 1970 at first. */
static lifesign_engine open_at_a_time(void)
{
    lifesign_engine engine;
    lifesign_config config = { .struct_size = sizeof config, .clock = LIFESIGN_CLOCK_MANUAL, .name = lifesign_text("client") };
    ok("open", lifesign_engine_open(&config, &engine, &error));
    ok("tick", lifesign_engine_tick(engine, 1000 * second, 0, &error));
    return engine;
}

/* Ticks once a second, as one does: leases do not run out in a leap. */
static void let_pass(lifesign_engine engine, int64_t *now, int seconds)
{
    while (seconds-- > 0) {
        *now += second;
        ok("tick", lifesign_engine_tick(engine, 1000 * second + *now, (uint64_t)*now, &error));
    }
}

static lifesign_check register_check(lifesign_engine engine, const char *id)
{
    lifesign_check check;
    lifesign_check_spec spec = { .struct_size = sizeof spec, .id = lifesign_text(id) };
    ok("register", lifesign_check_register(engine, &spec, &check, &error));
    return check;
}

static void print_who(lifesign_check check)
{
    lifesign_who who = { .struct_size = sizeof who };
    ok("who", lifesign_check_who(check, &who, &error));
    if (who.holder.id == 0)
        printf("nobody holds it%s, the last generation was %" PRIu64 "\n", who.orphaned ? " since a lease ran out" : "",
               who.generation);
    else
        printf("'%s' on %s%s holds it as generation %" PRIu64 " since %" PRId64 " s with a lease of %" PRIu64
               " ms, heard of %" PRId64 " ms ago\n",
               who.holder.label, who.holder.machine, who.holder.declared ? " (declared)" : "", who.generation,
               who.since_ns / second, who.lease_ms, who.silent_ns / 1000000);
}

static void print_what_happened(lifesign_engine engine, lifesign_check check)
{
    static const char *const kinds[] = { "?", "transition", "take-over", "lapse" };
    lifesign_history_entry entries[16];
    lifesign_writer writers[18];
    size_t count;

    ok("history", lifesign_check_history(check, entries, 16, &count, &error));
    for (size_t i = 0; i < count; i++)
        printf("  at %" PRId64 " s: %s, %s to %s, generation %" PRIu64 "\n", entries[i].time_ns / second,
               kinds[entries[i].kind], lifesign_status_name(entries[i].from), lifesign_status_name(entries[i].to), entries[i].generation);
    ok("writers", lifesign_check_writers(check, writers, 18, &count, &error));
    for (size_t i = 0; i < count; i++) {
        lifesign_record record = { .struct_size = sizeof record };
        ok("record", lifesign_engine_record(engine, writers[i].record, &record, &error));
        printf("  '%s': %" PRIu64 " accepted, %" PRIu64 " refused%s\n", record.label, writers[i].accepted,
               writers[i].refused, writers[i].holds ? ", holds it" : "");
    }
}

/* Returns the engine with two checks: one whose lease ran out and was taken up again, and one that is held. */
static lifesign_engine leases(void)
{
    int64_t now = 0;
    lifesign_engine engine = open_at_a_time();
    lifesign_check check = register_check(engine, "job"), other = register_check(engine, "other");
    lifesign_filter to_trouble = { .struct_size = sizeof to_trouble, .scope = LIFESIGN_FILTER_TROUBLE };
    lifesign_subscription trouble;
    ok("subscribe", lifesign_subscribe(engine, &to_trouble, &trouble, &error));

    puts("-- a lease");
    lifesign_token token;
    lifesign_acquire_spec how = { .struct_size = sizeof how, .on_lapse = LIFESIGN_STATUS_CRITICAL, .lease_ms = 10000,
                                  .label = lifesign_text("runner") };
    ok("acquire", lifesign_token_acquire(check, &how, &token, &error));
    ok("write", lifesign_token_write(token, LIFESIGN_STATUS_PASSING, "done", 4, &error));
    let_pass(engine, &now, 8);
    ok("renew", lifesign_token_renew(token, &error));
    let_pass(engine, &now, 10);
    print_status("after 18 s job", check);
    print_who(check);
    let_pass(engine, &now, 1);
    print_snapshot("after 19 s job", check);
    print_who(check);
    drain(engine, trouble);
    expect("late write", LIFESIGN_EXPIRED, lifesign_token_write(token, LIFESIGN_STATUS_PASSING, "late", 4, &error));
    printf("says: %s\n", error.message);
    expect("late renewal", LIFESIGN_EXPIRED, lifesign_token_renew(token, &error));

    puts("-- in another's name");
    lifesign_record peer = { .struct_size = sizeof peer, .pid = 7, .machine = "peer", .label = "remote runner" };
    lifesign_acquire_spec fronted = { .struct_size = sizeof fronted };
    lifesign_token second_token;
    ok("declare", lifesign_engine_declare_writer(engine, &peer, &fronted.declared, &error));
    ok("acquire", lifesign_token_acquire(check, &fronted, &second_token, &error));
    print_who(check);
    expect("late write", LIFESIGN_FENCED, lifesign_token_write(token, LIFESIGN_STATUS_PASSING, "late", 4, &error));

    puts("-- a batch");
    lifesign_write writes[] = {
        { .struct_size = sizeof writes[0], .token = second_token, .status = LIFESIGN_STATUS_PASSING,
          .output = lifesign_text("again") },
        { .struct_size = sizeof writes[0], .token = token, .status = LIFESIGN_STATUS_CRITICAL, .output = lifesign_text("late") },
        { .struct_size = sizeof writes[0], .token = acquire(other, "runner"), .status = LIFESIGN_STATUS_WARNING,
          .output = lifesign_text("slow") },
    };
    expect("batch", LIFESIGN_FENCED, lifesign_token_write_batch(writes, 3, &error));
    for (int i = 0; i < 3; i++)
        printf("  %s%s\n", lifesign_result_name(writes[i].result), writes[i].revision > 0 ? " with a revision" : "");

    puts("-- what happened");
    print_what_happened(engine, check);
    lifesign_stats stats = { .struct_size = sizeof stats };
    ok("stats", lifesign_engine_stats(engine, &stats, &error));
    let_pass(engine, &now, 1);
    drain(engine, trouble);
    printf("%" PRIu64 " lapses, %" PRIu64 " jumps of the clock, refused: %" PRIu64 " expired, %" PRIu64 " fenced\n",
           stats.lapses, stats.clock_jumps, stats.refused_expired, stats.refused_fenced);
    return engine;
}

static void restart(lifesign_engine engine, const char *path)
{
    static lifesign_exported checks[8];
    static char bytes[4096];
    size_t count, needed;

    puts("-- a restart");
    ok("export", lifesign_engine_export(engine, path, strlen(path), &count, &error));
    ok("close", lifesign_engine_close(engine, &error));
    ok("read", lifesign_export_read(path, strlen(path), checks, 8, bytes, sizeof bytes, &count, &needed, &error));
    printf("%zu exported\n", count);
    remove(path);
    expect("read what is not there", LIFESIGN_NOT_FOUND,
           lifesign_export_read(path, strlen(path), checks, 8, bytes, sizeof bytes, &count, &needed, &error));

    engine = open_at_a_time();
    lifesign_check job = 0;
    for (size_t i = 0; i < count; i++) {
        lifesign_check check;
        lifesign_restored state = { .struct_size = sizeof state, .status = checks[i].status,
                                    .since_ns = checks[i].since_ns,
                                    .output = { bytes + checks[i].output.offset, checks[i].output.len } };
        lifesign_check_spec spec = { .struct_size = sizeof spec, .restored = &state,
                                     .id = { bytes + checks[i].id.offset, checks[i].id.len } };
        ok("register", lifesign_check_register(engine, &spec, &check, &error));
        if (spec.id.len == 3 && memcmp(spec.id.ptr, "job", 3) == 0)
            job = check;
    }
    print_snapshot("job", job);
    ok("write", lifesign_token_write(acquire(job, "runner"), LIFESIGN_STATUS_PASSING, "again", 5, &error));
    print_snapshot("job", job);
    ok("close", lifesign_engine_close(engine, &error));
}

static void resumed_subscriptions(void)
{
    lifesign_engine engine = open_at_a_time();
    lifesign_token token = acquire(register_check(engine, "job"), "runner");
    lifesign_subscription subscription;
    lifesign_filter filter = { .struct_size = sizeof filter, .transitions_only = 1 };

    puts("-- a subscription to transitions, resumed");
    ok("subscribe", lifesign_subscribe(engine, &filter, &subscription, &error));
    drain(engine, subscription);
    ok("write", lifesign_token_write(token, LIFESIGN_STATUS_PASSING, "done", 4, &error));
    drain(engine, subscription);
    ok("write", lifesign_token_write(token, LIFESIGN_STATUS_PASSING, "the same in other words", 23, &error));
    expect("wait for a transition", LIFESIGN_TIMEOUT, lifesign_subscription_wait(subscription, 1, &error));
    cursor = error.bookmark;
    ok("unsubscribe", lifesign_unsubscribe(subscription, &error));

    filter.since = &cursor;
    ok("subscribe", lifesign_subscribe(engine, &filter, &subscription, &error));
    printf("%u events\n", drain(engine, subscription));
    ok("unsubscribe", lifesign_unsubscribe(subscription, &error));
    ok("write", lifesign_token_write(token, LIFESIGN_STATUS_WARNING, "slow", 4, &error));
    ok("subscribe", lifesign_subscribe(engine, &filter, &subscription, &error));
    drain(engine, subscription);

    puts("-- cursors from elsewhere");
    lifesign_cursor kept = cursor;
    filter.since = &kept;
    kept.position += UINT64_C(1) << 40;
    expect("a future cursor", LIFESIGN_FUTURE_CURSOR, lifesign_subscribe(engine, &filter, &subscription, &error));
    filter.scope = LIFESIGN_FILTER_TROUBLE;
    filter.since = &cursor;
    expect("trouble since a cursor", LIFESIGN_INVALID, lifesign_subscribe(engine, &filter, &subscription, &error));
    filter.scope = LIFESIGN_FILTER_ALL;
    filter.since = &kept;
    ok("close", lifesign_engine_close(engine, &error));
    engine = open_at_a_time();
    register_check(engine, "job");
    ok("subscribe", lifesign_subscribe(engine, &filter, &subscription, &error));
    drain(engine, subscription);
    ok("close", lifesign_engine_close(engine, &error));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: client FILE\n");
        return EXIT_FAILURE;
    }
    if (lifesign_abi_version() != LIFESIGN_ABI_VERSION) {
        fprintf(stderr, "library of ABI version %" PRIu32 "\n", lifesign_abi_version());
        return EXIT_FAILURE;
    }
    two_writers();
    restart(leases(), argv[1]);
    resumed_subscriptions();
    return EXIT_SUCCESS;
}
