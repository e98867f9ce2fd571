//! The structs, handles and constants that cross the boundary.
//!
//! Each struct that a caller fills or that is filled for a caller starts with `struct_size`, which the caller sets to `sizeof` the struct it
//! was compiled with.

use std::ffi::c_char;

/// The number of this ABI. It rises with every incompatible change.
pub const LIFESIGN_ABI_VERSION: u32 = 1;

/// What a function returns: `LIFESIGN_OK` or why it changed nothing.
pub type lifesign_result = u32;

/// Done.
pub const LIFESIGN_OK: lifesign_result = 0;
/// Somebody holds the check's token, or the claimed name: see `holder` and `generation` of the error.
pub const LIFESIGN_HELD: lifesign_result = 1;
/// A rival took over: see `holder` of the error.
pub const LIFESIGN_FENCED: lifesign_result = 2;
/// The token's lease ran out; nobody else came.
pub const LIFESIGN_EXPIRED: lifesign_result = 3;
/// The token was closed by its owner.
pub const LIFESIGN_REVOKED: lifesign_result = 4;
/// The check or service was deregistered.
pub const LIFESIGN_GONE: lifesign_result = 5;
/// Not a handle of this kind in this process.
pub const LIFESIGN_FORGED: lifesign_result = 6;
/// The handle belongs to another engine.
pub const LIFESIGN_FOREIGN_ENGINE: lifesign_result = 7;
/// An alias is written by the engine alone.
pub const LIFESIGN_DERIVED: lifesign_result = 8;
/// This process was forked from the one that opened the engine: open a fresh one.
pub const LIFESIGN_FORKED: lifesign_result = 9;
/// The engine, token, subscription or claim is closed.
pub const LIFESIGN_CLOSED: lifesign_result = 10;
/// The id is taken by a different definition; the message names the field.
pub const LIFESIGN_EXISTS: lifesign_result = 11;
/// Nothing has this id.
pub const LIFESIGN_NOT_FOUND: lifesign_result = 12;
/// The alias would depend on itself; the message writes the path out.
pub const LIFESIGN_LOOP: lifesign_result = 13;
/// An argument is outside its domain; the message names it.
pub const LIFESIGN_INVALID: lifesign_result = 14;
/// A text or count is over its limit.
pub const LIFESIGN_TOO_LARGE: lifesign_result = 15;
/// The caller's buffer does not hold the answer; the size that would is told.
pub const LIFESIGN_BUFFER_TOO_SMALL: lifesign_result = 16;
/// A quota of the engine or the process is used up, or a disk is full.
pub const LIFESIGN_LIMIT: lifesign_result = 17;
/// Another call of this subscription runs, or something still depends on the service.
pub const LIFESIGN_BUSY: lifesign_result = 18;
/// The time is up and nothing happened.
pub const LIFESIGN_TIMEOUT: lifesign_result = 19;
/// The old token is not closed yet, or a call of it runs.
pub const LIFESIGN_STILL_RUNNING: lifesign_result = 20;
/// The wait could only be ended by the one who waits.
pub const LIFESIGN_WOULD_DEADLOCK: lifesign_result = 21;
/// The cursor is ahead of the engine.
pub const LIFESIGN_FUTURE_CURSOR: lifesign_result = 22;
/// A bug in Lifesign; nothing was changed.
pub const LIFESIGN_INTERNAL: lifesign_result = 23;

/// A status: 1 passing, 2 warning, 3 critical; 0 means gone.
pub type lifesign_status = u32;
/// Deregistered, or never there.
pub const LIFESIGN_STATUS_GONE: lifesign_status = 0;
/// Healthy.
pub const LIFESIGN_STATUS_PASSING: lifesign_status = 1;
/// Degraded.
pub const LIFESIGN_STATUS_WARNING: lifesign_status = 2;
/// Unhealthy.
pub const LIFESIGN_STATUS_CRITICAL: lifesign_status = 3;

/// An engine; see `lifesign_engine_open`. 0 is never valid.
pub type lifesign_engine = u64;
/// A service; see `lifesign_service_register`. 0 is never valid.
pub type lifesign_service = u64;
/// A check or alias; see `lifesign_check_register`. 0 is never valid.
pub type lifesign_check = u64;
/// A writer token; see `lifesign_token_acquire`. 0 is never valid.
pub type lifesign_token = u64;
/// A subscription; see `lifesign_subscribe`. 0 is never valid.
pub type lifesign_subscription = u64;
/// A claim; see `lifesign_claim_open`. 0 is never valid.
pub type lifesign_claim = u64;

/// A text (UTF-8) or bytes of the caller's, copied in. `ptr` may be NULL only if `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_str {
    /// Its first byte.
    pub ptr: *const c_char,
    /// Its length in bytes; no NUL is needed.
    pub len: usize,
}

/// A piece of the byte buffer that was given with the call. No NUL follows it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct lifesign_span {
    /// Where it begins.
    pub offset: u32,
    /// Its length in bytes.
    pub len: u32,
}

/// Who writes: what identifies a token's holder. Texts end with a NUL and are cut at a character's edge.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_record {
    /// `sizeof(lifesign_record)`.
    pub struct_size: u32,
    /// The number that commits carry; 0: nobody, 1: the engine itself.
    pub id: u32,
    /// Random, drawn once for each engine's process.
    pub process_uuid: [u8; 16],
    /// The machine's boot id.
    pub boot_id: [u8; 16],
    /// Process id in its own namespace.
    pub pid: u64,
    /// Start of the process in clock ticks since boot.
    pub process_start: u64,
    /// Inode of the pid namespace.
    pub pid_namespace: u64,
    /// 0: observed by Lifesign; 1: declared by the embedder.
    pub declared: u32,
    /// 0.
    pub reserved: u32,
    /// The machine's name.
    pub machine: [c_char; 65],
    /// Path of the executable.
    pub executable: [c_char; 256],
    /// The embedder's name.
    pub name: [c_char; 64],
    /// The embedder's version.
    pub version: [c_char; 64],
    /// The embedder's build.
    pub build: [c_char; 64],
    /// What the token is for.
    pub label: [c_char; 128],
}

/// Where a subscriber stands in the changes of an engine. Opaque; its 24 bytes may be kept in a file. See `since` of `lifesign_filter`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct lifesign_cursor {
    /// The engine's random id.
    pub engine_id: [u8; 16],
    /// A position.
    pub position: u64,
}

/// Details of a refusal, filled only when a call fails; NULL if they are not wanted. Set `struct_size` once: without it every call answers
/// LIFESIGN_INVALID, and there is no room to say why.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_error {
    /// `sizeof(lifesign_error)`.
    pub struct_size: u32,
    /// What the call returned.
    pub code: lifesign_result,
    /// Generation of the present holder, or the last one.
    pub generation: u64,
    /// Who called; `id` is 0 if that is not known.
    pub caller: lifesign_record,
    /// Who holds the check or the claimed name; `id` is 0 if nobody does.
    pub holder: lifesign_record,
    /// With LIFESIGN_TIMEOUT of a wait: the cursor up to which everything that matches was delivered. Otherwise zero.
    pub bookmark: lifesign_cursor,
    /// What happened, to which id, who else was involved and what to do. Ends with a NUL.
    pub message: [c_char; 1024],
}

/// Go by the system's clocks.
pub const LIFESIGN_CLOCK_SYSTEM: u32 = 0;
/// Go by what `lifesign_engine_tick` says.
pub const LIFESIGN_CLOCK_MANUAL: u32 = 1;

/// Keep no histories: what it costs is nothing, and `lifesign_check_history` tells nothing.
pub const LIFESIGN_HISTORY_OFF: u32 = u32::MAX;

/// How to open an engine. A limit of 0 is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_config {
    /// `sizeof(lifesign_config)`.
    pub struct_size: u32,
    /// One of `LIFESIGN_CLOCK_*`.
    pub clock: u32,
    /// Longest output in bytes; 4,096.
    pub max_output: u32,
    /// Registered services; 1,048,576.
    pub max_services: u32,
    /// Registered checks and aliases; 4,194,304.
    pub max_checks: u32,
    /// Open subscriptions; 65,536.
    pub max_subscriptions: u32,
    /// Open tokens; 4,194,304.
    pub max_tokens: u32,
    /// Distinct writer records; 65,536.
    pub max_records: u32,
    /// Tombstones that wait in a subscription before it starts anew; 4,096.
    pub max_pending: u32,
    /// Entries that are kept of each check's history; 16. `LIFESIGN_HISTORY_OFF` keeps none.
    pub history: u32,
    /// The embedder's name, up to 63 bytes.
    pub name: lifesign_str,
    /// The embedder's version, up to 63 bytes.
    pub version: lifesign_str,
    /// The embedder's build, up to 63 bytes.
    pub build: lifesign_str,
}

/// The definition of a service.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_service_spec {
    /// `sizeof(lifesign_service_spec)`.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Unique in the engine; UTF-8, 1 to 255 bytes, no NUL.
    pub id: lifesign_str,
    /// For people; UTF-8, up to 255 bytes.
    pub name: lifesign_str,
    /// The embedder's own bytes, up to 4,096.
    pub data: lifesign_str,
}

/// Written by whoever holds its token.
pub const LIFESIGN_KIND_CHECK: u32 = 0;
/// Derived from a service.
pub const LIFESIGN_KIND_ALIAS_SERVICE: u32 = 1;
/// Derived from the node's own direct checks.
pub const LIFESIGN_KIND_ALIAS_NODE: u32 = 2;

/// What a check showed before a restart.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_restored {
    /// `sizeof(lifesign_restored)`.
    pub struct_size: u32,
    /// Its status.
    pub status: lifesign_status,
    /// Wall clock of the last status change, nanoseconds since 1970.
    pub since_ns: i64,
    /// Its text, up to `max_output` bytes.
    pub output: lifesign_str,
}

/// One check of an export. The spans point into the byte buffer that was given with the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_exported {
    /// `sizeof(lifesign_exported)`.
    pub struct_size: u32,
    /// Its status.
    pub status: lifesign_status,
    /// Wall clock of the last status change, nanoseconds since 1970.
    pub since_ns: i64,
    /// Wall clock of the last report, heartbeats included, as well as the engine knew it.
    pub reported_ns: i64,
    /// The check's id.
    pub id: lifesign_span,
    /// Its text.
    pub output: lifesign_span,
}

/// The definition of a check or alias.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_check_spec {
    /// `sizeof(lifesign_check_spec)`.
    pub struct_size: u32,
    /// One of `LIFESIGN_KIND_*`.
    pub kind: u32,
    /// The status before the first report; 0 is critical.
    pub initial: lifesign_status,
    /// 0.
    pub reserved: u32,
    /// The service it is bound to; 0 is the node.
    pub service: lifesign_service,
    /// Unique in the engine; UTF-8, 1 to 255 bytes, no NUL.
    pub id: lifesign_str,
    /// For people; UTF-8, up to 255 bytes.
    pub name: lifesign_str,
    /// The embedder's own bytes, up to 4,096.
    pub data: lifesign_str,
    /// Id of the service that an alias mirrors, registered or not; for `LIFESIGN_KIND_ALIAS_SERVICE` alone.
    pub target: lifesign_str,
    /// What the check showed before a restart, shown again until it is reported anew; NULL for nothing. It is no part of the definition: one that
    /// has reported keeps its own state. Not for an alias.
    pub restored: *const lifesign_restored,
}

/// How to take a token: see `lifesign_token_acquire`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_acquire_spec {
    /// `sizeof(lifesign_acquire_spec)`.
    pub struct_size: u32,
    /// What the status becomes at least when the lease runs out: 0 it stays, `LIFESIGN_STATUS_WARNING` or `LIFESIGN_STATUS_CRITICAL`.
    pub on_lapse: lifesign_status,
    /// Milliseconds after the last report or renewal at which the token is lost, rounded up to 10; 0: it is kept until it is closed.
    pub lease_ms: u64,
    /// Record of the declared writer in whose name this is, 0: this process. See `lifesign_engine_declare_writer`.
    pub declared: u32,
    /// 0.
    pub reserved: u32,
    /// What the token is for, up to 127 bytes.
    pub label: lifesign_str,
}

/// One write of a batch: see `lifesign_token_write_batch`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_write {
    /// `sizeof(lifesign_write)`.
    pub struct_size: u32,
    /// The status.
    pub status: lifesign_status,
    /// Who writes, and which check.
    pub token: lifesign_token,
    /// The text.
    pub output: lifesign_str,
    /// Filled in: what `lifesign_token_write` would have returned.
    pub result: lifesign_result,
    /// 0.
    pub reserved: u32,
    /// Filled in: the revision of the state that stands for this write; of a heartbeat the one it confirms.
    pub revision: u64,
    /// Filled in if this write is refused: both sides of the refusal. NULL if that is not wanted.
    pub detail: *mut lifesign_error,
}

/// Who holds a check: see `lifesign_check_who`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_who {
    /// `sizeof(lifesign_who)`.
    pub struct_size: u32,
    /// 1: the last holder's lease ran out and nobody has come since.
    pub orphaned: u32,
    /// The holder's generation, or the last one: what `lifesign_token_take_over` wants to be told.
    pub generation: u64,
    /// Wall clock of the acquisition, nanoseconds since 1970; 0 if nobody holds the check.
    pub since_ns: i64,
    /// The holder's lease in milliseconds; 0 for none.
    pub lease_ms: u64,
    /// Nanoseconds since the last holder acquired, reported or renewed, as of the last tick; -1 if nobody ever has.
    pub silent_ns: i64,
    /// The holder; `id` is 0 if nobody holds the check.
    pub holder: lifesign_record,
}

/// Where the life stands in a status word: its upper 16 bits.
pub const LIFESIGN_WORD_LIFE_SHIFT: u32 = 48;
/// Where the status stands in a status word and in a summary word: two bits, `LIFESIGN_STATUS_GONE` to `LIFESIGN_STATUS_CRITICAL`.
pub const LIFESIGN_WORD_STATUS_SHIFT: u32 = 6;

/// Where a status stands: see `lifesign_read`. A plain value, which may be copied and used in any thread. It stays valid for the life of the process,
/// also after the check is deregistered and the engine closed; then it reads as gone, and in a forked child too.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_reader {
    /// `sizeof(lifesign_reader)`.
    pub struct_size: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// The word with the status: a check's own, or the summary's that an alias, a service or the node shows.
    pub word: *const u64,
    /// Of what shows another's word: what stands for its life, all of it. NULL for a check, whose life is in its word.
    pub link: *const u64,
    /// What the life looks like: the link as it is as long as the life lasts; of a check its word without all but the life.
    pub life: u64,
}

/// What one writer did at a check: see `lifesign_check_writers`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_writer {
    /// `sizeof(lifesign_writer)`.
    pub struct_size: u32,
    /// Its record; 0 for all the others together.
    pub record: u32,
    /// Commits it made, acquisitions among them and heartbeats not; counted only if the engine keeps histories.
    pub accepted: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Wall clock of the first of them, nanoseconds since 1970.
    pub first_ns: i64,
    /// Wall clock of the last of them.
    pub last_ns: i64,
    /// 1: it holds the check now.
    pub holds: u32,
    /// 0.
    pub reserved: u32,
}

/// The status changed.
pub const LIFESIGN_HISTORY_TRANSITION: u32 = 1;
/// A token was taken over.
pub const LIFESIGN_HISTORY_TAKE_OVER: u32 = 2;
/// The holder's lease ran out.
pub const LIFESIGN_HISTORY_LAPSE: u32 = 3;

/// One entry of a check's history.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_history_entry {
    /// `sizeof(lifesign_history_entry)`.
    pub struct_size: u32,
    /// One of `LIFESIGN_HISTORY_*`.
    pub kind: u32,
    /// Revision of the commit.
    pub revision: u64,
    /// Wall clock of the commit, nanoseconds since 1970.
    pub time_ns: i64,
    /// The same on the clock that counts suspended time: nanoseconds after the engine was opened, as of the tick before it.
    pub boot_ns: u64,
    /// The generation from this commit on.
    pub generation: u64,
    /// Record of who committed.
    pub writer: u32,
    /// The status before.
    pub from: lifesign_status,
    /// The status after.
    pub to: lifesign_status,
    /// 0.
    pub reserved: u32,
}

/// The check has never reported.
pub const LIFESIGN_FLAG_INITIAL: u32 = 1;
/// The writer's lease ran out.
pub const LIFESIGN_FLAG_ORPHANED: u32 = 2;
/// The state was restored, not reported.
pub const LIFESIGN_FLAG_RESTORED: u32 = 4;
/// The engine derives this check.
pub const LIFESIGN_FLAG_DERIVED: u32 = 8;
/// A tombstone: the last state of a deregistered check.
pub const LIFESIGN_FLAG_GONE: u32 = 16;
/// The service is registered.
pub const LIFESIGN_FLAG_REGISTERED: u32 = 32;

/// One whole state of a check. The spans point into the byte buffer that was given with the call.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct lifesign_snapshot {
    /// `sizeof(lifesign_snapshot)`.
    pub struct_size: u32,
    /// The status; of a tombstone the last one.
    pub status: lifesign_status,
    /// `LIFESIGN_FLAG_*`.
    pub flags: u32,
    /// `LIFESIGN_KIND_*`.
    pub kind: u32,
    /// Handle of the check; in a summary event of the service, 0 if it is not registered.
    pub check: u64,
    /// Which life of the id this is.
    pub incarnation: u64,
    /// Number of commits of this life; of an alias the version of its target's summary.
    pub version: u64,
    /// Number of status changes.
    pub transitions: u64,
    /// Engine-wide number of the commit.
    pub revision: u64,
    /// Which writer of the check.
    pub generation: u64,
    /// Of an alias and a summary: counter of commits among what it derives from.
    pub epoch: u64,
    /// Wall clock of the commit, nanoseconds since 1970.
    pub time_ns: i64,
    /// Wall clock of the last status change, nanoseconds since 1970.
    pub since_ns: i64,
    /// Record of who committed.
    pub writer: u32,
    /// Record of who holds the token, 0: nobody.
    pub holder: u32,
    /// The check's id.
    pub id: lifesign_span,
    /// The check's name.
    pub name: lifesign_span,
    /// Id of the service it is bound to, empty: the node.
    pub service: lifesign_span,
    /// Id of the service that an alias mirrors.
    pub target: lifesign_span,
    /// The embedder's own bytes.
    pub data: lifesign_span,
    /// The check's text.
    pub output: lifesign_span,
}

/// A service as of one (version, epoch).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_service_view {
    /// `sizeof(lifesign_service_view)`.
    pub struct_size: u32,
    /// What the service shows: the worst of its checks and of the node's direct checks.
    pub status: lifesign_status,
    /// The worst of its own checks.
    pub own: lifesign_status,
    /// `LIFESIGN_FLAG_REGISTERED`.
    pub flags: u32,
    /// Which life of the id this is; 0 for the node.
    pub incarnation: u64,
    /// Version of the summary.
    pub version: u64,
    /// Counter of commits among its checks.
    pub epoch: u64,
    /// How many checks it has.
    pub checks: u32,
    /// 0.
    pub reserved: u32,
    /// The service's id, empty: the node.
    pub id: lifesign_span,
    /// Its name.
    pub name: lifesign_span,
    /// The embedder's own bytes.
    pub data: lifesign_span,
    /// The text that an alias of it shows.
    pub output: lifesign_span,
}

/// A check's state, newer than any delivered before for this check.
pub const LIFESIGN_EVENT_STATE: u32 = 1;
/// The check was deregistered; this was its last state.
pub const LIFESIGN_EVENT_GONE: u32 = 2;
/// The summary of the subscribed service.
pub const LIFESIGN_EVENT_SUMMARY: u32 = 3;
/// Somebody was refused, took over, lost a lease, or claims what is claimed.
pub const LIFESIGN_EVENT_TROUBLE: u32 = 4;

/// A call on a check was refused.
pub const LIFESIGN_TROUBLE_REFUSAL: u32 = 1;
/// A check was taken over from its holder.
pub const LIFESIGN_TROUBLE_TAKE_OVER: u32 = 2;
/// A holder's lease ran out.
pub const LIFESIGN_TROUBLE_LAPSE: u32 = 3;
/// Another process claims a name that an engine holds.
pub const LIFESIGN_TROUBLE_RIVAL_CLAIM: u32 = 4;

/// Trouble of one kind, by one offender, at one check or claim.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct lifesign_trouble {
    /// One of `LIFESIGN_TROUBLE_*`.
    pub kind: u32,
    /// Of a refusal: what the last of the calls returned.
    pub reason: lifesign_result,
    /// Record of who was refused, took over, lost the lease or claims too; 0 for the rest of many, which are counted together, and for a call
    /// that names nobody.
    pub offender: u32,
    /// Record of who held it: at a refusal the present holder, at a take-over the one it was taken from; 0: nobody.
    pub holder: u32,
    /// The check; 0 for a claim, and for the rest of many.
    pub check: lifesign_check,
    /// Generation of the present holder, or the last one.
    pub generation: u64,
    /// How often, since the last event of the same kind, offender and check or claim.
    pub count: u64,
    /// Wall clock of the first of them, nanoseconds since 1970.
    pub first_ns: i64,
    /// Wall clock of the last of them.
    pub last_ns: i64,
    /// The check's id or the claim's name; empty for the rest of many.
    pub id: lifesign_span,
}

/// One change, or a piece of the matching state.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_event {
    /// One of `LIFESIGN_EVENT_*`.
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// The state; zero in a trouble event.
    pub state: lifesign_snapshot,
    /// The trouble; zero in the other events.
    pub trouble: lifesign_trouble,
}

/// What one poll has delivered.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_batch {
    /// `sizeof(lifesign_batch)`.
    pub struct_size: u32,
    /// How many events were filled in.
    pub count: u32,
    /// 1: forget what was known; the events from here until `more` is 0 are the whole matching state.
    pub resync: u32,
    /// 1: more is pending, poll again at once.
    pub more: u32,
    /// 1: the cursor to continue from was another engine's, and nothing of what it stood for is known here. Then `resync` is 1 too.
    pub reset: u32,
    /// 0.
    pub reserved: u32,
    /// Bytes of the buffer that were used; after `LIFESIGN_BUFFER_TOO_SMALL` the bytes that the first event needs.
    pub bytes: u64,
    /// Where the subscriber stands now.
    pub cursor: lifesign_cursor,
}

/// Every check.
pub const LIFESIGN_FILTER_ALL: u32 = 0;
/// The checks bound to the service `handle`, and its summary if `summary` is 1.
pub const LIFESIGN_FILTER_SERVICE: u32 = 1;
/// The check `handle`, until it is deregistered.
pub const LIFESIGN_FILTER_CHECK: u32 = 2;
/// The checks whose id starts with `prefix`.
pub const LIFESIGN_FILTER_PREFIX: u32 = 3;
/// No states, but trouble, from the call on: `LIFESIGN_EVENT_TROUBLE`. One offender at one check or claim makes an event a second at most, by the
/// clock of `lifesign_engine_tick`, which must be called for that. It cannot be resumed: `since` must be NULL.
pub const LIFESIGN_FILTER_TROUBLE: u32 = 4;

/// What to subscribe to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_filter {
    /// `sizeof(lifesign_filter)`.
    pub struct_size: u32,
    /// One of `LIFESIGN_FILTER_*`.
    pub scope: u32,
    /// Only commits with a status before or after them of at least this; 0: every commit.
    pub min_status: lifesign_status,
    /// 1: the service's summary too.
    pub summary: u32,
    /// 1: only commits that change the status, and the ends of checks; nothing is delivered for the others, and they wake nobody.
    pub transitions_only: u32,
    /// 0.
    pub reserved: u32,
    /// A service or check.
    pub handle: u64,
    /// Start of check ids.
    pub prefix: lifesign_str,
    /// Where a subscription with the same filter stood, to continue from there; NULL to start from the whole state. What the engine cannot tell
    /// any more is made up for by the whole state: see `resync` and `reset` of `lifesign_batch`.
    pub since: *const lifesign_cursor,
}

/// Counters and sizes of an engine.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_stats {
    /// `sizeof(lifesign_stats)`.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Commits of checks.
    pub commits: u64,
    /// Commits that changed a status.
    pub transitions: u64,
    /// Reports that changed nothing.
    pub heartbeats: u64,
    /// Refused with `LIFESIGN_HELD`.
    pub refused_held: u64,
    /// Refused with `LIFESIGN_FENCED`.
    pub refused_fenced: u64,
    /// Refused with `LIFESIGN_GONE`.
    pub refused_gone: u64,
    /// Refused with `LIFESIGN_DERIVED`.
    pub refused_derived: u64,
    /// Refused with `LIFESIGN_EXPIRED`.
    pub refused_expired: u64,
    /// Refused for another reason.
    pub refused_other: u64,
    /// Summaries that the audit repaired; anything but 0 is a bug.
    pub repairs: u64,
    /// Commits that a call found made by another and not yet told, and told in its place.
    pub helps: u64,
    /// Leases that ran out.
    pub lapses: u64,
    /// Ticks that came more than half the shortest lease after the one before.
    pub clock_jumps: u64,
    /// Times that a subscription had to start anew.
    pub resyncs: u64,
    /// Times that a subscription was woken and found nothing.
    pub spurious_wakes: u64,
    /// Steps that a panic interrupted and that were completed; anything but 0 is a bug.
    pub internal_errors: u64,
    /// Registered services.
    pub services: u64,
    /// Registered checks, aliases included.
    pub checks: u64,
    /// Registered aliases.
    pub aliases: u64,
    /// Open tokens.
    pub tokens: u64,
    /// Open subscriptions.
    pub subscriptions: u64,
    /// Handles of tokens that write nothing any more, because they were fenced, lapsed or their check was deregistered, and that nobody has closed.
    pub leaked_handles: u64,
    /// Bytes of cells borrowed.
    pub bytes: u64,
}

/// How a claim stands, as of the last tick.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_claim_view {
    /// `sizeof(lifesign_claim_view)`.
    pub struct_size: u32,
    /// 1: the directory cannot exclude, so others may hold the name as well; they are found by their heartbeats.
    pub advisory: u32,
    /// 1: the name is this engine's. 0 after somebody removed the lock file and another engine claimed the name; each tick tries to have it back.
    pub held: u32,
    /// How many rivals `lifesign_claim_rivals` tells.
    pub rivals: u32,
    /// Since when, nanoseconds since 1970.
    pub claimed_ns: i64,
    /// Ticks that have looked after the claim.
    pub beats: u64,
    /// What went wrong at the last tick; 0: nothing.
    pub trouble: lifesign_result,
    /// 0.
    pub reserved: u32,
    /// The same in words. Ends with a NUL.
    pub message: [c_char; 1024],
}

/// A program that wants a claimed name too: it was refused, or, where the directory cannot exclude, holds it as well. One that ends and starts
/// again in the same place is one rival.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lifesign_rival {
    /// `sizeof(lifesign_rival)`.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Its newest process. The id is 0 when the engine keeps no more records of others.
    pub record: lifesign_record,
    /// When it was seen first, nanoseconds since 1970: by the rival's own clock if it was refused.
    pub first_ns: i64,
    /// When it was seen last.
    pub last_ns: i64,
    /// How many attempts, or how many of its heartbeats were seen.
    pub count: u64,
}

/// `lifesign_token_join`: wait for the running calls only.
pub const LIFESIGN_JOIN_CALLS_ONLY: u32 = 1;

// The header's numbers and the crate's are the same ones.
const _: () = {
    use crate::model::error::ErrorKind;
    let results = [
        (LIFESIGN_HELD, ErrorKind::Held),
        (LIFESIGN_FENCED, ErrorKind::Fenced),
        (LIFESIGN_EXPIRED, ErrorKind::Expired),
        (LIFESIGN_REVOKED, ErrorKind::Revoked),
        (LIFESIGN_GONE, ErrorKind::Gone),
        (LIFESIGN_FORGED, ErrorKind::Forged),
        (LIFESIGN_FOREIGN_ENGINE, ErrorKind::ForeignEngine),
        (LIFESIGN_DERIVED, ErrorKind::Derived),
        (LIFESIGN_FORKED, ErrorKind::Forked),
        (LIFESIGN_CLOSED, ErrorKind::Closed),
        (LIFESIGN_EXISTS, ErrorKind::Exists),
        (LIFESIGN_NOT_FOUND, ErrorKind::NotFound),
        (LIFESIGN_LOOP, ErrorKind::Loop),
        (LIFESIGN_INVALID, ErrorKind::Invalid),
        (LIFESIGN_TOO_LARGE, ErrorKind::TooLarge),
        (LIFESIGN_BUFFER_TOO_SMALL, ErrorKind::BufferTooSmall),
        (LIFESIGN_LIMIT, ErrorKind::Limit),
        (LIFESIGN_BUSY, ErrorKind::Busy),
        (LIFESIGN_TIMEOUT, ErrorKind::Timeout),
        (LIFESIGN_STILL_RUNNING, ErrorKind::StillRunning),
        (LIFESIGN_WOULD_DEADLOCK, ErrorKind::WouldDeadlock),
        (LIFESIGN_FUTURE_CURSOR, ErrorKind::FutureCursor),
        (LIFESIGN_INTERNAL, ErrorKind::Internal),
    ];
    let mut at = 0;
    while at < results.len() {
        assert!(results[at].0 == results[at].1 as lifesign_result);
        at += 1;
    }
    use crate::cell::word;
    use crate::model::status::Status;
    assert!(LIFESIGN_WORD_LIFE_SHIFT == word::LIFE_SHIFT && LIFESIGN_WORD_STATUS_SHIFT == word::STATUS_SHIFT);
    assert!(LIFESIGN_STATUS_GONE == 0);
    assert!(LIFESIGN_STATUS_PASSING as u64 == Status::Passing.code());
    assert!(LIFESIGN_STATUS_WARNING as u64 == Status::Warning.code());
    assert!(LIFESIGN_STATUS_CRITICAL as u64 == Status::Critical.code());
};
