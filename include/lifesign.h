/* Lifesign: a lock-free, in-memory health-check state engine.
 *
 * Every function but the four that tell versions and names returns a lifesign_result. Answers go to out-parameters, which are untouched when a
 * call fails but for a needed size or count; `error` may be NULL. Every function may be called from any thread, and also on handles that are
 * closed, stale, forged or 0: that is an error code, never undefined behaviour. After fork() every call answers LIFESIGN_FORKED in the child
 * until it opens an engine of its own, and then still those on the parent's handles.
 *
 * Licence: MIT OR Apache-2.0.
 */

#ifndef LIFESIGN_H
#define LIFESIGN_H

/* Generated from src/ffi by tests/header.rs; edit the comments there. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * The number of this ABI. It rises with every incompatible change.
 */
#define LIFESIGN_ABI_VERSION 1

/**
 * Go by the system's clocks.
 */
#define LIFESIGN_CLOCK_SYSTEM 0

/**
 * Go by what `lifesign_engine_tick` says.
 */
#define LIFESIGN_CLOCK_MANUAL 1

/**
 * Keep no histories: what it costs is nothing, and `lifesign_check_history` tells nothing.
 */
#define LIFESIGN_HISTORY_OFF UINT32_MAX

/**
 * Written by whoever holds its token.
 */
#define LIFESIGN_KIND_CHECK 0

/**
 * Derived from a service.
 */
#define LIFESIGN_KIND_ALIAS_SERVICE 1

/**
 * Derived from the node's own direct checks.
 */
#define LIFESIGN_KIND_ALIAS_NODE 2

/**
 * Where the life stands in a status word: its upper 16 bits.
 */
#define LIFESIGN_WORD_LIFE_SHIFT 48

/**
 * Where the status stands in a status word and in a summary word: two bits, `LIFESIGN_STATUS_GONE` to `LIFESIGN_STATUS_CRITICAL`.
 */
#define LIFESIGN_WORD_STATUS_SHIFT 6

/**
 * The status changed.
 */
#define LIFESIGN_HISTORY_TRANSITION 1

/**
 * A token was taken over.
 */
#define LIFESIGN_HISTORY_TAKE_OVER 2

/**
 * The holder's lease ran out.
 */
#define LIFESIGN_HISTORY_LAPSE 3

/**
 * The check has never reported.
 */
#define LIFESIGN_FLAG_INITIAL 1

/**
 * The writer's lease ran out.
 */
#define LIFESIGN_FLAG_ORPHANED 2

/**
 * The state was restored, not reported.
 */
#define LIFESIGN_FLAG_RESTORED 4

/**
 * The engine derives this check.
 */
#define LIFESIGN_FLAG_DERIVED 8

/**
 * A tombstone: the last state of a deregistered check.
 */
#define LIFESIGN_FLAG_GONE 16

/**
 * The service is registered.
 */
#define LIFESIGN_FLAG_REGISTERED 32

/**
 * A check's state, newer than any delivered before for this check.
 */
#define LIFESIGN_EVENT_STATE 1

/**
 * The check was deregistered; this was its last state.
 */
#define LIFESIGN_EVENT_GONE 2

/**
 * The summary of the subscribed service.
 */
#define LIFESIGN_EVENT_SUMMARY 3

/**
 * Somebody was refused, took over, lost a lease, or claims what is claimed.
 */
#define LIFESIGN_EVENT_TROUBLE 4

/**
 * A call on a check was refused.
 */
#define LIFESIGN_TROUBLE_REFUSAL 1

/**
 * A check was taken over from its holder.
 */
#define LIFESIGN_TROUBLE_TAKE_OVER 2

/**
 * A holder's lease ran out.
 */
#define LIFESIGN_TROUBLE_LAPSE 3

/**
 * Another process claims a name that an engine holds.
 */
#define LIFESIGN_TROUBLE_RIVAL_CLAIM 4

/**
 * Every check.
 */
#define LIFESIGN_FILTER_ALL 0

/**
 * The checks bound to the service `handle`, and its summary if `summary` is 1.
 */
#define LIFESIGN_FILTER_SERVICE 1

/**
 * The check `handle`, until it is deregistered.
 */
#define LIFESIGN_FILTER_CHECK 2

/**
 * The checks whose id starts with `prefix`.
 */
#define LIFESIGN_FILTER_PREFIX 3

/**
 * No states, but trouble, from the call on: `LIFESIGN_EVENT_TROUBLE`. One offender at one check or claim makes an event a second at most, by the
 * clock of `lifesign_engine_tick`, which must be called for that. It cannot be resumed: `since` must be NULL.
 */
#define LIFESIGN_FILTER_TROUBLE 4

/**
 * `lifesign_token_join`: wait for the running calls only.
 */
#define LIFESIGN_JOIN_CALLS_ONLY 1

/**
 * What a function returns: `LIFESIGN_OK` or why it changed nothing.
 */
typedef uint32_t lifesign_result;

/**
 * A status: 1 passing, 2 warning, 3 critical; 0 means gone.
 */
typedef uint32_t lifesign_status;

/**
 * A text (UTF-8) or bytes of the caller's, copied in. `ptr` may be NULL only if `len` is 0.
 */
typedef struct lifesign_str {
  /**
   * Its first byte.
   */
  const char *ptr;
  /**
   * Its length in bytes; no NUL is needed.
   */
  size_t len;
} lifesign_str;

/**
 * How to open an engine. A limit of 0 is the default.
 */
typedef struct lifesign_config {
  /**
   * `sizeof(lifesign_config)`.
   */
  uint32_t struct_size;
  /**
   * One of `LIFESIGN_CLOCK_*`.
   */
  uint32_t clock;
  /**
   * Longest output in bytes; 4,096.
   */
  uint32_t max_output;
  /**
   * Registered services; 1,048,576.
   */
  uint32_t max_services;
  /**
   * Registered checks and aliases; 4,194,304.
   */
  uint32_t max_checks;
  /**
   * Open subscriptions; 65,536.
   */
  uint32_t max_subscriptions;
  /**
   * Open tokens; 4,194,304.
   */
  uint32_t max_tokens;
  /**
   * Distinct writer records; 65,536.
   */
  uint32_t max_records;
  /**
   * Tombstones that wait in a subscription before it starts anew; 4,096.
   */
  uint32_t max_pending;
  /**
   * Entries that are kept of each check's history; 16. `LIFESIGN_HISTORY_OFF` keeps none.
   */
  uint32_t history;
  /**
   * The embedder's name, up to 63 bytes.
   */
  struct lifesign_str name;
  /**
   * The embedder's version, up to 63 bytes.
   */
  struct lifesign_str version;
  /**
   * The embedder's build, up to 63 bytes.
   */
  struct lifesign_str build;
} lifesign_config;

/**
 * An engine; see `lifesign_engine_open`. 0 is never valid.
 */
typedef uint64_t lifesign_engine;

/**
 * Who writes: what identifies a token's holder. Texts end with a NUL and are cut at a character's edge.
 */
typedef struct lifesign_record {
  /**
   * `sizeof(lifesign_record)`.
   */
  uint32_t struct_size;
  /**
   * The number that commits carry; 0: nobody, 1: the engine itself.
   */
  uint32_t id;
  /**
   * Random, drawn once for each engine's process.
   */
  uint8_t process_uuid[16];
  /**
   * The machine's boot id.
   */
  uint8_t boot_id[16];
  /**
   * Process id in its own namespace.
   */
  uint64_t pid;
  /**
   * Start of the process in clock ticks since boot.
   */
  uint64_t process_start;
  /**
   * Inode of the pid namespace.
   */
  uint64_t pid_namespace;
  /**
   * 0: observed by Lifesign; 1: declared by the embedder.
   */
  uint32_t declared;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The machine's name.
   */
  char machine[65];
  /**
   * Path of the executable.
   */
  char executable[256];
  /**
   * The embedder's name.
   */
  char name[64];
  /**
   * The embedder's version.
   */
  char version[64];
  /**
   * The embedder's build.
   */
  char build[64];
  /**
   * What the token is for.
   */
  char label[128];
} lifesign_record;

/**
 * Where a subscriber stands in the changes of an engine. Opaque; its 24 bytes may be kept in a file. See `since` of `lifesign_filter`.
 */
typedef struct lifesign_cursor {
  /**
   * The engine's random id.
   */
  uint8_t engine_id[16];
  /**
   * A position.
   */
  uint64_t position;
} lifesign_cursor;

/**
 * Details of a refusal, filled only when a call fails; NULL if they are not wanted. Set `struct_size` once: without it every call answers
 * LIFESIGN_INVALID, and there is no room to say why.
 */
typedef struct lifesign_error {
  /**
   * `sizeof(lifesign_error)`.
   */
  uint32_t struct_size;
  /**
   * What the call returned.
   */
  lifesign_result code;
  /**
   * Generation of the present holder, or the last one.
   */
  uint64_t generation;
  /**
   * Who called; `id` is 0 if that is not known.
   */
  struct lifesign_record caller;
  /**
   * Who holds the check or the claimed name; `id` is 0 if nobody does.
   */
  struct lifesign_record holder;
  /**
   * With LIFESIGN_TIMEOUT of a wait: the cursor up to which everything that matches was delivered. Otherwise zero.
   */
  struct lifesign_cursor bookmark;
  /**
   * What happened, to which id, who else was involved and what to do. Ends with a NUL.
   */
  char message[1024];
} lifesign_error;

/**
 * Counters and sizes of an engine.
 */
typedef struct lifesign_stats {
  /**
   * `sizeof(lifesign_stats)`.
   */
  uint32_t struct_size;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Commits of checks.
   */
  uint64_t commits;
  /**
   * Commits that changed a status.
   */
  uint64_t transitions;
  /**
   * Reports that changed nothing.
   */
  uint64_t heartbeats;
  /**
   * Refused with `LIFESIGN_HELD`.
   */
  uint64_t refused_held;
  /**
   * Refused with `LIFESIGN_FENCED`.
   */
  uint64_t refused_fenced;
  /**
   * Refused with `LIFESIGN_GONE`.
   */
  uint64_t refused_gone;
  /**
   * Refused with `LIFESIGN_DERIVED`.
   */
  uint64_t refused_derived;
  /**
   * Refused with `LIFESIGN_EXPIRED`.
   */
  uint64_t refused_expired;
  /**
   * Refused for another reason.
   */
  uint64_t refused_other;
  /**
   * Summaries that the audit repaired; anything but 0 is a bug.
   */
  uint64_t repairs;
  /**
   * Commits that a call found made by another and not yet told, and told in its place.
   */
  uint64_t helps;
  /**
   * Leases that ran out.
   */
  uint64_t lapses;
  /**
   * Ticks that came more than half the shortest lease after the one before.
   */
  uint64_t clock_jumps;
  /**
   * Times that a subscription had to start anew.
   */
  uint64_t resyncs;
  /**
   * Times that a subscription was woken and found nothing.
   */
  uint64_t spurious_wakes;
  /**
   * Steps that a panic interrupted and that were completed; anything but 0 is a bug.
   */
  uint64_t internal_errors;
  /**
   * Registered services.
   */
  uint64_t services;
  /**
   * Registered checks, aliases included.
   */
  uint64_t checks;
  /**
   * Registered aliases.
   */
  uint64_t aliases;
  /**
   * Open tokens.
   */
  uint64_t tokens;
  /**
   * Open subscriptions.
   */
  uint64_t subscriptions;
  /**
   * Handles of tokens that write nothing any more, because they were fenced, lapsed or their check was deregistered, and that nobody has closed.
   */
  uint64_t leaked_handles;
  /**
   * Bytes of cells borrowed.
   */
  uint64_t bytes;
} lifesign_stats;

/**
 * A piece of the byte buffer that was given with the call. No NUL follows it.
 */
typedef struct lifesign_span {
  /**
   * Where it begins.
   */
  uint32_t offset;
  /**
   * Its length in bytes.
   */
  uint32_t len;
} lifesign_span;

/**
 * A service as of one (version, epoch).
 */
typedef struct lifesign_service_view {
  /**
   * `sizeof(lifesign_service_view)`.
   */
  uint32_t struct_size;
  /**
   * What the service shows: the worst of its checks and of the node's direct checks.
   */
  lifesign_status status;
  /**
   * The worst of its own checks.
   */
  lifesign_status own;
  /**
   * `LIFESIGN_FLAG_REGISTERED`.
   */
  uint32_t flags;
  /**
   * Which life of the id this is; 0 for the node.
   */
  uint64_t incarnation;
  /**
   * Version of the summary.
   */
  uint64_t version;
  /**
   * Counter of commits among its checks.
   */
  uint64_t epoch;
  /**
   * How many checks it has.
   */
  uint32_t checks;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The service's id, empty: the node.
   */
  struct lifesign_span id;
  /**
   * Its name.
   */
  struct lifesign_span name;
  /**
   * The embedder's own bytes.
   */
  struct lifesign_span data;
  /**
   * The text that an alias of it shows.
   */
  struct lifesign_span output;
} lifesign_service_view;

/**
 * One whole state of a check. The spans point into the byte buffer that was given with the call.
 */
typedef struct lifesign_snapshot {
  /**
   * `sizeof(lifesign_snapshot)`.
   */
  uint32_t struct_size;
  /**
   * The status; of a tombstone the last one.
   */
  lifesign_status status;
  /**
   * `LIFESIGN_FLAG_*`.
   */
  uint32_t flags;
  /**
   * `LIFESIGN_KIND_*`.
   */
  uint32_t kind;
  /**
   * Handle of the check; in a summary event of the service, 0 if it is not registered.
   */
  uint64_t check;
  /**
   * Which life of the id this is.
   */
  uint64_t incarnation;
  /**
   * Number of commits of this life; of an alias the version of its target's summary.
   */
  uint64_t version;
  /**
   * Number of status changes.
   */
  uint64_t transitions;
  /**
   * Engine-wide number of the commit.
   */
  uint64_t revision;
  /**
   * Which writer of the check.
   */
  uint64_t generation;
  /**
   * Of an alias and a summary: counter of commits among what it derives from.
   */
  uint64_t epoch;
  /**
   * Wall clock of the commit, nanoseconds since 1970.
   */
  int64_t time_ns;
  /**
   * Wall clock of the last status change, nanoseconds since 1970.
   */
  int64_t since_ns;
  /**
   * Record of who committed.
   */
  uint32_t writer;
  /**
   * Record of who holds the token, 0: nobody.
   */
  uint32_t holder;
  /**
   * The check's id.
   */
  struct lifesign_span id;
  /**
   * The check's name.
   */
  struct lifesign_span name;
  /**
   * Id of the service it is bound to, empty: the node.
   */
  struct lifesign_span service;
  /**
   * Id of the service that an alias mirrors.
   */
  struct lifesign_span target;
  /**
   * The embedder's own bytes.
   */
  struct lifesign_span data;
  /**
   * The check's text.
   */
  struct lifesign_span output;
} lifesign_snapshot;

/**
 * A service; see `lifesign_service_register`. 0 is never valid.
 */
typedef uint64_t lifesign_service;

/**
 * A check or alias; see `lifesign_check_register`. 0 is never valid.
 */
typedef uint64_t lifesign_check;

/**
 * The definition of a service.
 */
typedef struct lifesign_service_spec {
  /**
   * `sizeof(lifesign_service_spec)`.
   */
  uint32_t struct_size;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Unique in the engine; UTF-8, 1 to 255 bytes, no NUL.
   */
  struct lifesign_str id;
  /**
   * For people; UTF-8, up to 255 bytes.
   */
  struct lifesign_str name;
  /**
   * The embedder's own bytes, up to 4,096.
   */
  struct lifesign_str data;
} lifesign_service_spec;

/**
 * What a check showed before a restart.
 */
typedef struct lifesign_restored {
  /**
   * `sizeof(lifesign_restored)`.
   */
  uint32_t struct_size;
  /**
   * Its status.
   */
  lifesign_status status;
  /**
   * Wall clock of the last status change, nanoseconds since 1970.
   */
  int64_t since_ns;
  /**
   * Its text, up to `max_output` bytes.
   */
  struct lifesign_str output;
} lifesign_restored;

/**
 * The definition of a check or alias.
 */
typedef struct lifesign_check_spec {
  /**
   * `sizeof(lifesign_check_spec)`.
   */
  uint32_t struct_size;
  /**
   * One of `LIFESIGN_KIND_*`.
   */
  uint32_t kind;
  /**
   * The status before the first report; 0 is critical.
   */
  lifesign_status initial;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The service it is bound to; 0 is the node.
   */
  lifesign_service service;
  /**
   * Unique in the engine; UTF-8, 1 to 255 bytes, no NUL.
   */
  struct lifesign_str id;
  /**
   * For people; UTF-8, up to 255 bytes.
   */
  struct lifesign_str name;
  /**
   * The embedder's own bytes, up to 4,096.
   */
  struct lifesign_str data;
  /**
   * Id of the service that an alias mirrors, registered or not; for `LIFESIGN_KIND_ALIAS_SERVICE` alone.
   */
  struct lifesign_str target;
  /**
   * What the check showed before a restart, shown again until it is reported anew; NULL for nothing. It is no part of the definition: one that
   * has reported keeps its own state. Not for an alias.
   */
  const struct lifesign_restored *restored;
} lifesign_check_spec;

/**
 * Where a status stands: see `lifesign_read`. A plain value, which may be copied and used in any thread. It stays valid for the life of the process,
 * also after the check is deregistered and the engine closed; then it reads as gone, and in a forked child too.
 */
typedef struct lifesign_reader {
  /**
   * `sizeof(lifesign_reader)`.
   */
  uint32_t struct_size;
  /**
   * Not used; 0.
   */
  uint32_t reserved;
  /**
   * The word with the status: a check's own, or the summary's that an alias, a service or the node shows.
   */
  const uint64_t *word;
  /**
   * Of what shows another's word: what stands for its life, all of it. NULL for a check, whose life is in its word.
   */
  const uint64_t *link;
  /**
   * What the life looks like: the link as it is as long as the life lasts; of a check its word without all but the life.
   */
  uint64_t life;
} lifesign_reader;

/**
 * How to take a token: see `lifesign_token_acquire`.
 */
typedef struct lifesign_acquire_spec {
  /**
   * `sizeof(lifesign_acquire_spec)`.
   */
  uint32_t struct_size;
  /**
   * What the status becomes at least when the lease runs out: 0 it stays, `LIFESIGN_STATUS_WARNING` or `LIFESIGN_STATUS_CRITICAL`.
   */
  lifesign_status on_lapse;
  /**
   * Milliseconds after the last report or renewal at which the token is lost, rounded up to 10; 0: it is kept until it is closed.
   */
  uint64_t lease_ms;
  /**
   * Record of the declared writer in whose name this is, 0: this process. See `lifesign_engine_declare_writer`.
   */
  uint32_t declared;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * What the token is for, up to 127 bytes.
   */
  struct lifesign_str label;
} lifesign_acquire_spec;

/**
 * A writer token; see `lifesign_token_acquire`. 0 is never valid.
 */
typedef uint64_t lifesign_token;

/**
 * One write of a batch: see `lifesign_token_write_batch`.
 */
typedef struct lifesign_write {
  /**
   * `sizeof(lifesign_write)`.
   */
  uint32_t struct_size;
  /**
   * The status.
   */
  lifesign_status status;
  /**
   * Who writes, and which check.
   */
  lifesign_token token;
  /**
   * The text.
   */
  struct lifesign_str output;
  /**
   * Filled in: what `lifesign_token_write` would have returned.
   */
  lifesign_result result;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Filled in: the revision of the state that stands for this write; of a heartbeat the one it confirms.
   */
  uint64_t revision;
  /**
   * Filled in if this write is refused: both sides of the refusal. NULL if that is not wanted.
   */
  struct lifesign_error *detail;
} lifesign_write;

/**
 * Who holds a check: see `lifesign_check_who`.
 */
typedef struct lifesign_who {
  /**
   * `sizeof(lifesign_who)`.
   */
  uint32_t struct_size;
  /**
   * 1: the last holder's lease ran out and nobody has come since.
   */
  uint32_t orphaned;
  /**
   * The holder's generation, or the last one: what `lifesign_token_take_over` wants to be told.
   */
  uint64_t generation;
  /**
   * Wall clock of the acquisition, nanoseconds since 1970; 0 if nobody holds the check.
   */
  int64_t since_ns;
  /**
   * The holder's lease in milliseconds; 0 for none.
   */
  uint64_t lease_ms;
  /**
   * Nanoseconds since the last holder acquired, reported or renewed, as of the last tick; -1 if nobody ever has.
   */
  int64_t silent_ns;
  /**
   * The holder; `id` is 0 if nobody holds the check.
   */
  struct lifesign_record holder;
} lifesign_who;

/**
 * What one writer did at a check: see `lifesign_check_writers`.
 */
typedef struct lifesign_writer {
  /**
   * `sizeof(lifesign_writer)`.
   */
  uint32_t struct_size;
  /**
   * Its record; 0 for all the others together.
   */
  uint32_t record;
  /**
   * Commits it made, acquisitions among them and heartbeats not; counted only if the engine keeps histories.
   */
  uint64_t accepted;
  /**
   * Calls that were refused.
   */
  uint64_t refused;
  /**
   * Wall clock of the first of them, nanoseconds since 1970.
   */
  int64_t first_ns;
  /**
   * Wall clock of the last of them.
   */
  int64_t last_ns;
  /**
   * 1: it holds the check now.
   */
  uint32_t holds;
  /**
   * 0.
   */
  uint32_t reserved;
} lifesign_writer;

/**
 * One entry of a check's history.
 */
typedef struct lifesign_history_entry {
  /**
   * `sizeof(lifesign_history_entry)`.
   */
  uint32_t struct_size;
  /**
   * One of `LIFESIGN_HISTORY_*`.
   */
  uint32_t kind;
  /**
   * Revision of the commit.
   */
  uint64_t revision;
  /**
   * Wall clock of the commit, nanoseconds since 1970.
   */
  int64_t time_ns;
  /**
   * The same on the clock that counts suspended time: nanoseconds after the engine was opened, as of the tick before it.
   */
  uint64_t boot_ns;
  /**
   * The generation from this commit on.
   */
  uint64_t generation;
  /**
   * Record of who committed.
   */
  uint32_t writer;
  /**
   * The status before.
   */
  lifesign_status from;
  /**
   * The status after.
   */
  lifesign_status to;
  /**
   * 0.
   */
  uint32_t reserved;
} lifesign_history_entry;

/**
 * What to subscribe to.
 */
typedef struct lifesign_filter {
  /**
   * `sizeof(lifesign_filter)`.
   */
  uint32_t struct_size;
  /**
   * One of `LIFESIGN_FILTER_*`.
   */
  uint32_t scope;
  /**
   * Only commits with a status before or after them of at least this; 0: every commit.
   */
  lifesign_status min_status;
  /**
   * 1: the service's summary too.
   */
  uint32_t summary;
  /**
   * 1: only commits that change the status, and the ends of checks; nothing is delivered for the others, and they wake nobody.
   */
  uint32_t transitions_only;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * A service or check.
   */
  uint64_t handle;
  /**
   * Start of check ids.
   */
  struct lifesign_str prefix;
  /**
   * Where a subscription with the same filter stood, to continue from there; NULL to start from the whole state. What the engine cannot tell
   * any more is made up for by the whole state: see `resync` and `reset` of `lifesign_batch`.
   */
  const struct lifesign_cursor *since;
} lifesign_filter;

/**
 * A subscription; see `lifesign_subscribe`. 0 is never valid.
 */
typedef uint64_t lifesign_subscription;

/**
 * Trouble of one kind, by one offender, at one check or claim.
 */
typedef struct lifesign_trouble {
  /**
   * One of `LIFESIGN_TROUBLE_*`.
   */
  uint32_t kind;
  /**
   * Of a refusal: what the last of the calls returned.
   */
  lifesign_result reason;
  /**
   * Record of who was refused, took over, lost the lease or claims too; 0 for the rest of many, which are counted together, and for a call
   * that names nobody.
   */
  uint32_t offender;
  /**
   * Record of who held it: at a refusal the present holder, at a take-over the one it was taken from; 0: nobody.
   */
  uint32_t holder;
  /**
   * The check; 0 for a claim, and for the rest of many.
   */
  lifesign_check check;
  /**
   * Generation of the present holder, or the last one.
   */
  uint64_t generation;
  /**
   * How often, since the last event of the same kind, offender and check or claim.
   */
  uint64_t count;
  /**
   * Wall clock of the first of them, nanoseconds since 1970.
   */
  int64_t first_ns;
  /**
   * Wall clock of the last of them.
   */
  int64_t last_ns;
  /**
   * The check's id or the claim's name; empty for the rest of many.
   */
  struct lifesign_span id;
} lifesign_trouble;

/**
 * One change, or a piece of the matching state.
 */
typedef struct lifesign_event {
  /**
   * One of `LIFESIGN_EVENT_*`.
   */
  uint32_t kind;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The state; zero in a trouble event.
   */
  struct lifesign_snapshot state;
  /**
   * The trouble; zero in the other events.
   */
  struct lifesign_trouble trouble;
} lifesign_event;

/**
 * What one poll has delivered.
 */
typedef struct lifesign_batch {
  /**
   * `sizeof(lifesign_batch)`.
   */
  uint32_t struct_size;
  /**
   * How many events were filled in.
   */
  uint32_t count;
  /**
   * 1: forget what was known; the events from here until `more` is 0 are the whole matching state.
   */
  uint32_t resync;
  /**
   * 1: more is pending, poll again at once.
   */
  uint32_t more;
  /**
   * 1: the cursor to continue from was another engine's, and nothing of what it stood for is known here. Then `resync` is 1 too.
   */
  uint32_t reset;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Bytes of the buffer that were used; after `LIFESIGN_BUFFER_TOO_SMALL` the bytes that the first event needs.
   */
  uint64_t bytes;
  /**
   * Where the subscriber stands now.
   */
  struct lifesign_cursor cursor;
} lifesign_batch;

/**
 * One check of an export. The spans point into the byte buffer that was given with the call.
 */
typedef struct lifesign_exported {
  /**
   * `sizeof(lifesign_exported)`.
   */
  uint32_t struct_size;
  /**
   * Its status.
   */
  lifesign_status status;
  /**
   * Wall clock of the last status change, nanoseconds since 1970.
   */
  int64_t since_ns;
  /**
   * Wall clock of the last report, heartbeats included, as well as the engine knew it.
   */
  int64_t reported_ns;
  /**
   * The check's id.
   */
  struct lifesign_span id;
  /**
   * Its text.
   */
  struct lifesign_span output;
} lifesign_exported;

/**
 * A claim; see `lifesign_claim_open`. 0 is never valid.
 */
typedef uint64_t lifesign_claim;

/**
 * How a claim stands, as of the last tick.
 */
typedef struct lifesign_claim_view {
  /**
   * `sizeof(lifesign_claim_view)`.
   */
  uint32_t struct_size;
  /**
   * 1: the directory cannot exclude, so others may hold the name as well; they are found by their heartbeats.
   */
  uint32_t advisory;
  /**
   * 1: the name is this engine's. 0 after somebody removed the lock file and another engine claimed the name; each tick tries to have it back.
   */
  uint32_t held;
  /**
   * How many rivals `lifesign_claim_rivals` tells.
   */
  uint32_t rivals;
  /**
   * Since when, nanoseconds since 1970.
   */
  int64_t claimed_ns;
  /**
   * Ticks that have looked after the claim.
   */
  uint64_t beats;
  /**
   * What went wrong at the last tick; 0: nothing.
   */
  lifesign_result trouble;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The same in words. Ends with a NUL.
   */
  char message[1024];
} lifesign_claim_view;

/**
 * A program that wants a claimed name too: it was refused, or, where the directory cannot exclude, holds it as well. One that ends and starts
 * again in the same place is one rival.
 */
typedef struct lifesign_rival {
  /**
   * `sizeof(lifesign_rival)`.
   */
  uint32_t struct_size;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Its newest process. The id is 0 when the engine keeps no more records of others.
   */
  struct lifesign_record record;
  /**
   * When it was seen first, nanoseconds since 1970: by the rival's own clock if it was refused.
   */
  int64_t first_ns;
  /**
   * When it was seen last.
   */
  int64_t last_ns;
  /**
   * How many attempts, or how many of its heartbeats were seen.
   */
  uint64_t count;
} lifesign_rival;

/**
 * Done.
 */
#define LIFESIGN_OK 0

/**
 * Somebody holds the check's token, or the claimed name: see `holder` and `generation` of the error.
 */
#define LIFESIGN_HELD 1

/**
 * A rival took over: see `holder` of the error.
 */
#define LIFESIGN_FENCED 2

/**
 * The token's lease ran out; nobody else came.
 */
#define LIFESIGN_EXPIRED 3

/**
 * The token was closed by its owner.
 */
#define LIFESIGN_REVOKED 4

/**
 * The check or service was deregistered.
 */
#define LIFESIGN_GONE 5

/**
 * Not a handle of this kind in this process.
 */
#define LIFESIGN_FORGED 6

/**
 * The handle belongs to another engine.
 */
#define LIFESIGN_FOREIGN_ENGINE 7

/**
 * An alias is written by the engine alone.
 */
#define LIFESIGN_DERIVED 8

/**
 * This process was forked from the one that opened the engine: open a fresh one.
 */
#define LIFESIGN_FORKED 9

/**
 * The engine, token, subscription or claim is closed.
 */
#define LIFESIGN_CLOSED 10

/**
 * The id is taken by a different definition; the message names the field.
 */
#define LIFESIGN_EXISTS 11

/**
 * Nothing has this id.
 */
#define LIFESIGN_NOT_FOUND 12

/**
 * The alias would depend on itself; the message writes the path out.
 */
#define LIFESIGN_LOOP 13

/**
 * An argument is outside its domain; the message names it.
 */
#define LIFESIGN_INVALID 14

/**
 * A text or count is over its limit.
 */
#define LIFESIGN_TOO_LARGE 15

/**
 * The caller's buffer does not hold the answer; the size that would is told.
 */
#define LIFESIGN_BUFFER_TOO_SMALL 16

/**
 * A quota of the engine or the process is used up, or a disk is full.
 */
#define LIFESIGN_LIMIT 17

/**
 * Another call of this subscription runs, or something still depends on the service.
 */
#define LIFESIGN_BUSY 18

/**
 * The time is up and nothing happened.
 */
#define LIFESIGN_TIMEOUT 19

/**
 * The old token is not closed yet, or a call of it runs.
 */
#define LIFESIGN_STILL_RUNNING 20

/**
 * The wait could only be ended by the one who waits.
 */
#define LIFESIGN_WOULD_DEADLOCK 21

/**
 * The cursor is ahead of the engine.
 */
#define LIFESIGN_FUTURE_CURSOR 22

/**
 * A bug in Lifesign; nothing was changed.
 */
#define LIFESIGN_INTERNAL 23

/**
 * Deregistered, or never there.
 */
#define LIFESIGN_STATUS_GONE 0

/**
 * Healthy.
 */
#define LIFESIGN_STATUS_PASSING 1

/**
 * Degraded.
 */
#define LIFESIGN_STATUS_WARNING 2

/**
 * Unhealthy.
 */
#define LIFESIGN_STATUS_CRITICAL 3

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI of the library at hand; compare it with `LIFESIGN_ABI_VERSION` of the header. Any thread, also after a fork.
 */
uint32_t lifesign_abi_version(void);

/**
 * The library's version, such as "0.1.0"; static. Any thread, also after a fork.
 */
const char *lifesign_version(void);

/**
 * The name of a result, such as "HELD"; "UNKNOWN" for a number that is none; static. Any thread, also after a fork.
 */
const char *lifesign_result_name(lifesign_result result);

/**
 * The name of a status: "gone", "passing", "warning" or "critical"; "unknown" for a number that is none; static. Any thread, also after a fork.
 */
const char *lifesign_status_name(lifesign_status status);

/**
 * Opens an engine: the state of one node. `config` may be NULL for the defaults. Close it with `lifesign_engine_close`.
 *
 * Any thread. A forked child may open an engine of its own.
 *
 * Errors: INVALID, TOO_LARGE, LIMIT.
 */
lifesign_result lifesign_engine_open(const struct lifesign_config *config,
                                     lifesign_engine *engine,
                                     struct lifesign_error *error);

/**
 * Closes an engine: every wait ends with CLOSED, every status reads as gone, its checks, tokens and subscriptions are closed with it. Calls in
 * flight finish; the memory goes back when the last of them has left.
 *
 * Any thread; exactly one of several closers succeeds. Errors: CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_engine_close(lifesign_engine engine,
                                      struct lifesign_error *error);

/**
 * The engine's random id, 16 bytes. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_id(lifesign_engine engine, uint8_t (*id)[16], struct lifesign_error *error);

/**
 * Tells the time. On a manual clock `wall_ns` is nanoseconds since 1970 and `boot_ns` nanoseconds on a clock that never stands still; with the
 * system's clocks both are ignored. Call it about once a second.
 *
 * Any thread. Errors: INVALID for a manual `boot_ns` above 10.9 years, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_engine_tick(lifesign_engine engine,
                                     int64_t wall_ns,
                                     uint64_t boot_ns,
                                     struct lifesign_error *error);

/**
 * Compares every summary with its checks and repairs those that are wrong; `repaired` is how many were, and anything but 0 is a bug. Run it about
 * once a minute. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_audit(lifesign_engine engine,
                                      uint64_t *repaired,
                                      struct lifesign_error *error);

/**
 * Counters and sizes. O(handles of the process). Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_stats(lifesign_engine engine,
                                      struct lifesign_stats *stats,
                                      struct lifesign_error *error);

/**
 * The node's own checks and aliases, as a service without an id; see `lifesign_service_snapshot`.
 */
lifesign_result lifesign_engine_node(lifesign_engine engine,
                                     struct lifesign_service_view *view,
                                     struct lifesign_snapshot *checks,
                                     size_t checks_cap,
                                     char *bytes,
                                     size_t bytes_cap,
                                     size_t *bytes_needed,
                                     struct lifesign_error *error);

/**
 * The worst of the node's own direct checks. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_node_status(lifesign_engine engine,
                                            lifesign_status *status,
                                            struct lifesign_error *error);

/**
 * The writer record with this number, as snapshots carry it. Any thread. Errors: NOT_FOUND, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_record(lifesign_engine engine,
                                       uint32_t record_id,
                                       struct lifesign_record *record,
                                       struct lifesign_error *error);

/**
 * All services, in no order. `count` is always written; with fewer than `count` places the call fails and the array stays as it is.
 *
 * Any thread. Errors: BUFFER_TOO_SMALL, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_services(lifesign_engine engine,
                                         lifesign_service *services,
                                         size_t cap,
                                         size_t *count,
                                         struct lifesign_error *error);

/**
 * All checks and aliases, in no order; see `lifesign_engine_services`.
 */
lifesign_result lifesign_engine_checks(lifesign_engine engine,
                                       lifesign_check *checks,
                                       size_t cap,
                                       size_t *count,
                                       struct lifesign_error *error);

/**
 * Registers a service. The same definition again gives the same handle and commits nothing.
 *
 * Any thread. Errors: EXISTS naming the field that differs, INVALID, TOO_LARGE, LIMIT, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_service_register(lifesign_engine engine,
                                          const struct lifesign_service_spec *spec,
                                          lifesign_service *service,
                                          struct lifesign_error *error);

/**
 * The service with this id. Any thread. Errors: NOT_FOUND, INVALID, TOO_LARGE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_service_find(lifesign_engine engine,
                                      const char *id,
                                      size_t id_len,
                                      lifesign_service *service,
                                      struct lifesign_error *error);

/**
 * Gives a service another name or other data; its id stays. Any thread. Errors: INVALID, TOO_LARGE, GONE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_service_redefine(lifesign_service service,
                                          const struct lifesign_service_spec *spec,
                                          struct lifesign_error *error);

/**
 * Deregisters a service that has no checks; aliases of it become critical and say why. The handle is stale then.
 *
 * Any thread. Errors: BUSY naming a check that it still has, GONE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_service_deregister(lifesign_service service, struct lifesign_error *error);

/**
 * What the service shows: the worst of its checks and of the node's direct checks. Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_service_status(lifesign_service service,
                                        lifesign_status *status,
                                        struct lifesign_error *error);

/**
 * A service's checks and summary as of one (version, epoch). `bytes_needed` is written whenever the service exists; if `checks_cap` or `bytes_cap`
 * is too small, of `view` only `checks` is written: call again with room for that many and a few more, since others may be registered meanwhile.
 *
 * Any thread; it waits for a moment in which the checks stand still. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_service_snapshot(lifesign_service service,
                                          struct lifesign_service_view *view,
                                          struct lifesign_snapshot *checks,
                                          size_t checks_cap,
                                          char *bytes,
                                          size_t bytes_cap,
                                          size_t *bytes_needed,
                                          struct lifesign_error *error);

/**
 * Registers a check or alias. The same definition again gives the same handle and commits nothing.
 *
 * Any thread. Errors: EXISTS naming the field that differs, GONE for a service that is not there any more, LOOP with the path, INVALID,
 * TOO_LARGE, LIMIT, FOREIGN_ENGINE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_check_register(lifesign_engine engine,
                                        const struct lifesign_check_spec *spec,
                                        lifesign_check *check,
                                        struct lifesign_error *error);

/**
 * The check with this id. Any thread. Errors: NOT_FOUND, INVALID, TOO_LARGE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_check_find(lifesign_engine engine,
                                    const char *id,
                                    size_t id_len,
                                    lifesign_check *check,
                                    struct lifesign_error *error);

/**
 * Gives a check another name or other data; incarnation, status and token stay, and so must id, kind, service and target.
 *
 * Any thread. Errors: INVALID naming the field that cannot change, TOO_LARGE, GONE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_check_redefine(lifesign_check check,
                                        const struct lifesign_check_spec *spec,
                                        struct lifesign_error *error);

/**
 * Deregisters a check that nobody holds. The handle is stale then. Any thread. Errors: HELD naming the holder, GONE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_check_deregister(lifesign_check check,
                                          struct lifesign_error *error);

/**
 * Deregisters a check whoever holds it; `label` is recorded as the one who did. Any thread. Errors: GONE, INVALID, TOO_LARGE, LIMIT, CLOSED,
 * FORGED, FORKED.
 */
lifesign_result lifesign_check_deregister_force(lifesign_check check,
                                                const char *label,
                                                size_t label_len,
                                                struct lifesign_error *error);

/**
 * The status of a check or alias: a few atomic loads, whatever else goes on. Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_check_status(lifesign_check check,
                                      lifesign_status *status,
                                      struct lifesign_error *error);

/**
 * The whole present state of a check: one commit, never a mix. `bytes_needed` is written also when `bytes_cap` does not suffice; 255 + 255 + 255 +
 * 255 + 4096 bytes and the engine's `max_output` always do.
 *
 * Any thread. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_check_snapshot(lifesign_check check,
                                        struct lifesign_snapshot *snapshot,
                                        char *bytes,
                                        size_t bytes_cap,
                                        size_t *bytes_needed,
                                        struct lifesign_error *error);

/**
 * Where the status of a check or alias stands, to be read by `lifesign_read` without a call. Any thread. Errors: GONE, CLOSED, FORGED, FORKED,
 * INVALID.
 */
lifesign_result lifesign_check_reader(lifesign_check check,
                                      struct lifesign_reader *reader,
                                      struct lifesign_error *error);

/**
 * Where the status of a service stands. Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_service_reader(lifesign_service service,
                                        struct lifesign_reader *reader,
                                        struct lifesign_error *error);

/**
 * Where the worst status of the node's own direct checks stands. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_engine_node_reader(lifesign_engine engine,
                                            struct lifesign_reader *reader,
                                            struct lifesign_error *error);

/**
 * The statuses of `count` checks and aliases, each at the moment at which it is read; `LIFESIGN_STATUS_GONE` for what is gone, closed or no handle
 * of a check. Any thread. Errors: FORKED, INVALID, FORGED before there is any engine.
 */
lifesign_result lifesign_check_statuses(const lifesign_check *checks,
                                        size_t count,
                                        lifesign_status *statuses,
                                        struct lifesign_error *error);

/**
 * The whole present states of `count` checks and aliases, each one commit. What is gone, closed or no handle of a check has the status
 * `LIFESIGN_STATUS_GONE` and nothing else. `bytes_needed` is written also when `bytes_cap` does not suffice; then nothing else is.
 *
 * Any thread. Errors: BUFFER_TOO_SMALL, FORKED, INVALID, FORGED before there is any engine.
 */
lifesign_result lifesign_check_snapshots(const lifesign_check *checks,
                                         size_t count,
                                         struct lifesign_snapshot *snapshots,
                                         char *bytes,
                                         size_t bytes_cap,
                                         size_t *bytes_needed,
                                         struct lifesign_error *error);

/**
 * Takes the token of a check that nobody holds: the right to write it. Never steals and never waits; a holder whose lease is over does not hold
 * it any more. Close the token with `lifesign_token_close`. `how` may be NULL: no label, no lease.
 *
 * Any thread. Errors: HELD with the holder and its generation, DERIVED for an alias, GONE, NOT_FOUND for a writer that was not declared, INVALID,
 * TOO_LARGE, LIMIT, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_token_acquire(lifesign_check check,
                                       const struct lifesign_acquire_spec *how,
                                       lifesign_token *token,
                                       struct lifesign_error *error);

/**
 * Takes the token away from the holder of generation `expected_generation`, the one you have seen, in one atomic step. Every later write of the
 * old token is FENCED. `how` may be NULL: no label, no lease.
 *
 * Any thread. Errors: HELD with the present holder if its generation is another one, and those of `lifesign_token_acquire`.
 */
lifesign_result lifesign_token_take_over(lifesign_check check,
                                         uint64_t expected_generation,
                                         const struct lifesign_acquire_spec *how,
                                         lifesign_token *token,
                                         struct lifesign_error *error);

/**
 * Reports a status with a text. When it returns, every reader, alias and matching subscription sees it or something newer. The same status with
 * the same text is a heartbeat and commits nothing.
 *
 * Any thread, several at once too. Errors: FENCED naming who took over, EXPIRED if the lease ran out and nobody came, GONE, REVOKED, TOO_LARGE for a text over `max_output`, INVALID,
 * LIMIT, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_token_write(lifesign_token token,
                                     lifesign_status status,
                                     const char *output,
                                     size_t output_len,
                                     struct lifesign_error *error);

/**
 * Several writes in one call, in the order given: each commits by itself and has a result and revision of its own, filled into its struct. Returns
 * LIFESIGN_OK if all of them did, otherwise the result of the first that did not, with its detail; the others are made all the same.
 *
 * Any thread. Errors: those of `lifesign_token_write`; INVALID for a struct that cannot be read, and then nothing is written.
 */
lifesign_result lifesign_token_write_batch(struct lifesign_write *writes,
                                           size_t count,
                                           struct lifesign_error *error);

/**
 * Starts the token's lease anew without a report. Any thread. Errors: EXPIRED if the lease ran out and nobody came, FENCED naming who took over,
 * GONE, REVOKED, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_token_renew(lifesign_token token,
                                     struct lifesign_error *error);

/**
 * The token's generation. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_token_generation(lifesign_token token, uint64_t *generation, struct lifesign_error *error);

/**
 * Who holds this token, fenced or not, until it is closed. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_token_record(lifesign_token token,
                                      struct lifesign_record *record,
                                      struct lifesign_error *error);

/**
 * Deregisters the check as its holder. The token stays until it is closed, and answers GONE. Any thread. Errors: FENCED, EXPIRED if the lease ran
 * out and nobody came, GONE, REVOKED, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_token_deregister_check(lifesign_token token,
                                                struct lifesign_error *error);

/**
 * Closes a token: no call of it starts any more, and the check is free if this token still held it.
 *
 * Any thread; exactly one of several closers succeeds. Errors: CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_token_close(lifesign_token token, struct lifesign_error *error);

/**
 * Waits until `old` is closed and its calls have left, up to `timeout_ms` milliseconds; below 0 for ever, 0 looks once. With
 * `LIFESIGN_JOIN_CALLS_ONLY` it waits for the running calls alone. An `old` that is closed and left already is joined at once.
 *
 * Any thread; no lock is held. Errors: STILL_RUNNING, WOULD_DEADLOCK for oneself, FOREIGN_ENGINE, INVALID, CLOSED for `self` and when the engine is
 * closed meanwhile, FORGED, FORKED.
 */
lifesign_result lifesign_token_join(lifesign_token self_,
                                    lifesign_token old,
                                    uint32_t flags,
                                    int64_t timeout_ms,
                                    struct lifesign_error *error);

/**
 * Who holds a check: since when, from which process and machine, with what lease, and when it was last heard of.
 *
 * Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_check_who(lifesign_check check, struct lifesign_who *who, struct lifesign_error *error);

/**
 * Everybody who wrote this life of the check or tried to, as far as it is remembered: the holder first, then the busiest. `count` is always written;
 * with fewer places the call fails and the array stays as it is. 18 places always suffice.
 *
 * Any thread. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_check_writers(lifesign_check check,
                                       struct lifesign_writer *writers,
                                       size_t cap,
                                       size_t *count,
                                       struct lifesign_error *error);

/**
 * The latest status transitions, take-overs and lapses of this life of the check, oldest first. `count` is always written; with fewer places the call
 * fails and the array stays as it is. As many places as the engine keeps entries always suffice.
 *
 * Any thread. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_check_history(lifesign_check check,
                                       struct lifesign_history_entry *entries,
                                       size_t cap,
                                       size_t *count,
                                       struct lifesign_error *error);

/**
 * Makes a record for a writer that is not this process: a remote peer that the embedder fronts. It is marked as declared wherever it is shown. `id`
 * and `declared` of the given one are not looked at; what is not known stays empty. The same again gives the same number.
 *
 * Any thread. Errors: INVALID, TOO_LARGE, LIMIT, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_engine_declare_writer(lifesign_engine engine,
                                               const struct lifesign_record *writer,
                                               uint32_t *id,
                                               struct lifesign_error *error);

/**
 * Subscribes; `filter` may be NULL for everything. The state that matches is delivered by the first polls, and everything that changes from this
 * call on after it, without a gap; with a cursor in the filter, only what may have changed since. End it with `lifesign_unsubscribe`.
 *
 * Any thread. Errors: FUTURE_CURSOR for a cursor that the engine has not given out yet, GONE, FOREIGN_ENGINE, LIMIT, INVALID, TOO_LARGE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_subscribe(lifesign_engine engine,
                                   const struct lifesign_filter *filter,
                                   lifesign_subscription *subscription,
                                   struct lifesign_error *error);

/**
 * Subscribes as the writer of the token's check, like `lifesign_subscribe`, unless the token is not the check's present one: a runner that was
 * started late and taken over before it came to run is told so here. The subscription outlives the token.
 *
 * Any thread. Errors: FENCED naming who took over, EXPIRED if the lease ran out and nobody came, GONE, REVOKED, and those of
 * `lifesign_subscribe`.
 */
lifesign_result lifesign_token_subscribe(lifesign_token token,
                                         const struct lifesign_filter *filter,
                                         lifesign_subscription *subscription,
                                         struct lifesign_error *error);

/**
 * Takes what is pending, up to `events_cap` events; never waits. OK with `batch->count` 0 when nothing is. What does not fit stays pending; if not
 * even one event fits into `bytes`, `batch->bytes` alone is written.
 *
 * One consumer at a time. Errors: BUSY, BUFFER_TOO_SMALL, INVALID, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_subscription_poll(lifesign_subscription subscription,
                                           struct lifesign_event *events,
                                           size_t events_cap,
                                           char *bytes,
                                           size_t bytes_cap,
                                           struct lifesign_batch *batch,
                                           struct lifesign_error *error);

/**
 * Waits until something is pending, up to `timeout_ms` milliseconds; below 0 for ever. It returns at once if anything newer exists, whether it
 * came before the call or during it.
 *
 * One consumer at a time. Errors: TIMEOUT with a bookmark, BUSY, CLOSED also when it is closed while waiting, FORGED, FORKED.
 */
lifesign_result lifesign_subscription_wait(lifesign_subscription subscription,
                                           int64_t timeout_ms,
                                           struct lifesign_error *error);

/**
 * A level-triggered descriptor for poll, epoll and their like: readable, or becoming so before the write returns, whenever something is pending
 * and no call of this subscription runs. Never read it and never close it; `dup` it to own one.
 *
 * Any thread. Errors: LIMIT when the process has no more descriptors, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_subscription_descriptor(lifesign_subscription subscription,
                                                 int32_t *fd,
                                                 struct lifesign_error *error);

/**
 * Ends a subscription: a call that waits ends with CLOSED and has left when this returns; nothing of it runs or is touched afterwards.
 *
 * Any thread; exactly one of several closers succeeds. Errors: CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_unsubscribe(lifesign_subscription subscription,
                                     struct lifesign_error *error);

/**
 * Writes what every check shows that has ever reported or was restored into a JSON file, and tells how many those are. The file is put in the place of an
 * earlier one when it is whole; on failure the earlier one stays.
 *
 * Any thread; waits for the disk. Errors: LIMIT when the disk or a quota is full, INVALID for a path that cannot be written, naming it and the
 * reason, TOO_LARGE, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_engine_export(lifesign_engine engine,
                                       const char *path,
                                       size_t path_len,
                                       size_t *count,
                                       struct lifesign_error *error);

/**
 * Reads an export, so that registrations can carry the states: see `restored` of `lifesign_check_spec`. `count` and `bytes_needed` are told also
 * when the places do not suffice. No engine is needed.
 *
 * Any thread; waits for the disk. Errors: NOT_FOUND if there is no such file, INVALID if it cannot be read or is no export, BUFFER_TOO_SMALL,
 * TOO_LARGE.
 */
lifesign_result lifesign_export_read(const char *path,
                                     size_t path_len,
                                     struct lifesign_exported *checks,
                                     size_t checks_cap,
                                     char *bytes,
                                     size_t bytes_cap,
                                     size_t *count,
                                     size_t *bytes_needed,
                                     struct lifesign_error *error);

/**
 * Makes the engine the only holder of `name` in the directory `dir`: every other claim of it is refused, in any process, until this one is
 * released, its engine closed or its process ended. Where the file system cannot exclude, or a file `.lifesign-advisory` is in the directory,
 * the claim is advisory: it succeeds, and rivals are found by their heartbeats within two ticks. `lifesign_engine_tick` looks after it.
 *
 * Any thread; up to two seconds if somebody was stopped in the middle of claiming. Errors: HELD with the holder's record; INVALID for a bad
 * name, and for a directory that is missing or not to be written; TOO_LARGE for a name over 200 bytes; LIMIT for a full disk and past 256
 * claims in a process; BUSY, CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_claim_open(lifesign_engine engine,
                                    const char *dir,
                                    size_t dir_len,
                                    const char *name,
                                    size_t name_len,
                                    lifesign_claim *claim,
                                    struct lifesign_error *error);

/**
 * How a claim stands, as of the last tick. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_claim_state(lifesign_claim claim,
                                     struct lifesign_claim_view *state,
                                     struct lifesign_error *error);

/**
 * Who else wants the name, the one seen last first; at most 64. `count` is always written; with fewer than `count` places the call fails and the
 * array stays as it is.
 *
 * Any thread. Errors: BUFFER_TOO_SMALL, CLOSED, FORGED, FORKED, INVALID.
 */
lifesign_result lifesign_claim_rivals(lifesign_claim claim,
                                      struct lifesign_rival *rivals,
                                      size_t cap,
                                      size_t *count,
                                      struct lifesign_error *error);

/**
 * Gives the name back.
 *
 * Any thread; exactly one of several callers succeeds. Errors: CLOSED, FORGED, FORKED.
 */
lifesign_result lifesign_claim_release(lifesign_claim claim, struct lifesign_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LIFESIGN_H */

#ifndef LIFESIGN_INLINE
#define LIFESIGN_INLINE

/**
 * A text that ends with a NUL, as the structures take it: `.label = lifesign_text("probe")`. NULL is no text. It is read by the call that it is
 * given to and not kept.
 */
static inline lifesign_str lifesign_text(const char *text)
{
  const lifesign_str str = { text, text ? strlen(text) : 0 };
  return str;
}

/**
 * The status at `reader`, by one atomic load for a check and two for an alias, a service or the node; `LIFESIGN_STATUS_GONE` once it is
 * deregistered, its engine closed or this a forked child. No call, no error; wait-free, in any thread. Nothing is tested here: it must have
 * been filled by `lifesign_check_reader` or its like.
 *
 * In another language the same: load the word, and then, if there is a link, the link. Each load acquires. The status is in the word if the life
 * of the reader is still there after it was read.
 */
static inline lifesign_status lifesign_read(const lifesign_reader *reader)
{
  const uint64_t word = __atomic_load_n(reader->word, __ATOMIC_ACQUIRE);
  const uint64_t life = reader->link ? __atomic_load_n(reader->link, __ATOMIC_ACQUIRE)
                                     : word >> LIFESIGN_WORD_LIFE_SHIFT << LIFESIGN_WORD_LIFE_SHIFT;
  return life == reader->life ? (lifesign_status)(word >> LIFESIGN_WORD_STATUS_SHIFT & 3) : LIFESIGN_STATUS_GONE;
}

#endif
