/* A C program as an embedder would write it: one service, its check, an alias on it, a subscription, and two writers
   of which the older is refused. It prints a transcript and ends with 0 only if every step went as it should. */

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifesign.h"

static lifesign_str str(const char *text)
{
    return (lifesign_str){ text, strlen(text) };
}

static const char *status_name(lifesign_status status)
{
    switch (status) {
    case LIFESIGN_STATUS_GONE: return "gone";
    case LIFESIGN_STATUS_PASSING: return "passing";
    case LIFESIGN_STATUS_WARNING: return "warning";
    case LIFESIGN_STATUS_CRITICAL: return "critical";
    default: return "?";
    }
}

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
    printf("%s is %s\n", name, status_name(status));
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
    printf("%s: %s, version %" PRIu64 ", %s%s\"%.*s\"\n", name, status_name(state.status), state.version,
           state.flags & LIFESIGN_FLAG_INITIAL ? "initial, " : "",
           state.flags & LIFESIGN_FLAG_DERIVED ? "derived, " : "", (int)state.output.len, bytes + state.output.offset);
    free(bytes);
}

/* Takes and prints what is pending; returns how many events that were. */
static unsigned drain(lifesign_subscription subscription)
{
    static lifesign_event events[8];
    static char bytes[64 * 1024];
    lifesign_batch batch = { .struct_size = sizeof batch };
    unsigned count = 0;

    do {
        ok("poll", lifesign_subscription_poll(subscription, events, 8, bytes, sizeof bytes, &batch, &error));
        for (uint32_t i = 0; i < batch.count; i++) {
            const lifesign_snapshot *state = &events[i].state;
            printf("  event: %.*s %s%s\n", (int)state->id.len, bytes + state->id.offset, status_name(state->status),
                   events[i].kind == LIFESIGN_EVENT_GONE ? ", deregistered" : "");
        }
        count += batch.count;
    } while (batch.more);
    return count;
}

static bool readable(int descriptor, int timeout_ms)
{
    struct pollfd watched = { .fd = descriptor, .events = POLLIN };
    return poll(&watched, 1, timeout_ms) == 1;
}

int main(void)
{
    if (lifesign_abi_version() != LIFESIGN_ABI_VERSION) {
        fprintf(stderr, "library of ABI version %" PRIu32 "\n", lifesign_abi_version());
        return EXIT_FAILURE;
    }

    lifesign_engine engine;
    lifesign_config config = { .struct_size = sizeof config, .name = str("client"), .version = str("1.0") };
    ok("open", lifesign_engine_open(&config, &engine, &error));

    lifesign_service service;
    lifesign_service_spec web = { .struct_size = sizeof web, .id = str("web"), .name = str("Web"),
                                  .data = { "10.0.0.7:8080\0tag", 17 } };
    ok("register service", lifesign_service_register(engine, &web, &service, &error));

    lifesign_check check, alias;
    lifesign_check_spec http = { .struct_size = sizeof http, .kind = LIFESIGN_KIND_CHECK, .service = service,
                                 .id = str("web:http"), .name = str("HTTP") };
    lifesign_check_spec sidecar = { .struct_size = sizeof sidecar, .kind = LIFESIGN_KIND_ALIAS_SERVICE,
                                    .id = str("sidecar"), .target = str("web") };
    ok("register check", lifesign_check_register(engine, &http, &check, &error));
    ok("register alias", lifesign_check_register(engine, &sidecar, &alias, &error));
    print_snapshot("web:http", check);
    print_snapshot("sidecar", alias);

    puts("-- one writer");
    lifesign_token first;
    ok("acquire", lifesign_token_acquire(check, "first writer", 12, &first, &error));
    ok("write", lifesign_token_write(first, LIFESIGN_STATUS_PASSING, "200 OK", 6, &error));
    print_status("web:http", check);
    print_status("sidecar", alias);

    puts("-- a subscription");
    lifesign_subscription subscription;
    int32_t descriptor;
    ok("subscribe", lifesign_subscribe(engine, NULL, &subscription, &error));
    ok("descriptor", lifesign_subscription_descriptor(subscription, &descriptor, &error));
    printf("readable: %d\n", readable(descriptor, 0));
    drain(subscription);
    printf("readable: %d\n", readable(descriptor, 0));
    expect("wait for nothing", LIFESIGN_TIMEOUT, lifesign_subscription_wait(subscription, 1, &error));
    ok("write", lifesign_token_write(first, LIFESIGN_STATUS_WARNING, "slow", 4, &error));
    printf("readable: %d\n", readable(descriptor, 10000));
    ok("wait", lifesign_subscription_wait(subscription, 10000, &error));
    printf("%u events\n", drain(subscription));

    puts("-- two writers");
    lifesign_token second, third;
    uint64_t generation;
    expect("acquire held", LIFESIGN_HELD, lifesign_token_acquire(check, "second writer", 13, &third, &error));
    printf("%s: held by '%s'\n", lifesign_result_name(error.code), error.holder.label);
    generation = error.generation;
    ok("take over", lifesign_token_take_over(check, generation, "second writer", 13, &second, &error));
    ok("write", lifesign_token_write(second, LIFESIGN_STATUS_PASSING, "200 OK", 6, &error));
    expect("stale write", LIFESIGN_FENCED, lifesign_token_write(first, LIFESIGN_STATUS_CRITICAL, "late", 4, &error));
    printf("%s: '%s' (generation %" PRIu64 ") was refused by '%s' (generation %" PRIu64 ") of %s %s, pid %" PRIu64
           " on %s\n",
           lifesign_result_name(error.code), error.caller.label, generation, error.holder.label, error.generation,
           error.holder.name, error.holder.version, error.holder.pid, error.holder.machine);
    printf("says: %s\n", error.message);
    expect("stale deregister", LIFESIGN_FENCED, lifesign_token_deregister_check(first, &error));
    expect("stale take-over", LIFESIGN_HELD,
           lifesign_token_take_over(check, generation, "third writer", 12, &third, &error));
    print_snapshot("web:http", check);
    print_snapshot("sidecar", alias);
    expect("join", LIFESIGN_STILL_RUNNING, lifesign_token_join(second, first, 0, 0, &error));
    ok("close the stale one", lifesign_token_close(first, &error));
    ok("join", lifesign_token_join(second, first, 0, 10000, &error));
    drain(subscription);

    puts("-- the end of a check");
    expect("deregister held", LIFESIGN_HELD, lifesign_check_deregister(check, &error));
    expect("deregister service", LIFESIGN_BUSY, lifesign_service_deregister(service, &error));
    ok("write", lifesign_token_write(second, LIFESIGN_STATUS_CRITICAL, "500", 3, &error));
    ok("deregister by its holder", lifesign_token_deregister_check(second, &error));
    ok("close", lifesign_token_close(second, &error));
    drain(subscription);
    ok("deregister service", lifesign_service_deregister(service, &error));
    print_snapshot("sidecar", alias);
    drain(subscription);

    puts("-- two claimants");
    static const char directory[] = "target/ffi-tests/c/claims";
    lifesign_engine rival;
    lifesign_claim claim, refused = 77;
    config.version = str("2.0");
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
    ok("unsubscribe", lifesign_unsubscribe(subscription, &error));
    ok("close", lifesign_engine_close(engine, &error));
    lifesign_status status = 77;
    expect("status after close", LIFESIGN_CLOSED, lifesign_check_status(alias, &status, &error));
    expect("close again", LIFESIGN_CLOSED, lifesign_engine_close(engine, &error));
    printf("%s, status left at %" PRIu32 "\n", lifesign_result_name(error.code), status);
    return EXIT_SUCCESS;
}
