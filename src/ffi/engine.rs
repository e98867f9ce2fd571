//! Engines.

use std::ffi::c_char;
use std::sync::Arc;

use crate::cell::handle::Kind;
use crate::engine::clock::ClockSource;
use crate::engine::stats::Stats;
use crate::engine::{Config, DEFAULT_HISTORY, Engine, Limits};
use crate::ffi::boundary::{Out, Slots, call, input, null, record, root, text};
use crate::ffi::handles::{Entry, Object};
use crate::ffi::marshal::{Bytes, too_small};
use crate::ffi::types::*;
use crate::model::error::{Error, ErrorKind};
use crate::writer::record::Embedder;

const MAX_TEXT: usize = 63;

/// The engine of a handle, kept alive for the call.
pub struct Borrowed(Arc<Entry>);

impl std::ops::Deref for Borrowed {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        match &self.0.object {
            Object::Engine(engine) => engine,
            _ => unreachable!("the table tells kinds apart"),
        }
    }
}

/// The engine of a handle.
pub fn engine(handle: lifesign_engine) -> Result<Borrowed, Error> {
    let root = root()?;
    root.handles.get(root, Kind::Engine, handle).map(Borrowed)
}

fn config(config: *const lifesign_config) -> Result<Config, Error> {
    if config.is_null() {
        return Ok(Config::default());
    }
    let given = input("config", config)?;
    let limit = |given: u32, default: usize| if given == 0 { default } else { given as usize };
    let default = Limits::default();
    let text =
        |what: &str, given: lifesign_str| text(what, given.ptr, given.len, MAX_TEXT).map(str::to_owned);
    Ok(Config {
        embedder: Embedder {
            name: text("config.name", given.name)?,
            version: text("config.version", given.version)?,
            build: text("config.build", given.build)?,
        },
        clock: match given.clock {
            LIFESIGN_CLOCK_SYSTEM => ClockSource::System,
            LIFESIGN_CLOCK_MANUAL => ClockSource::Manual,
            other => {
                return Err(Error::invalid(format!(
                    "config.clock: {other} is no clock; 0 is the system's, 1 manual"
                )));
            }
        },
        limits: Limits {
            max_output: limit(given.max_output, default.max_output),
            max_services: limit(given.max_services, default.max_services),
            max_checks: limit(given.max_checks, default.max_checks),
            max_subscriptions: limit(given.max_subscriptions, default.max_subscriptions),
            max_tokens: limit(given.max_tokens, default.max_tokens),
            max_records: limit(given.max_records, default.max_records),
            max_pending: limit(given.max_pending, default.max_pending),
        },
        history: match given.history {
            LIFESIGN_HISTORY_OFF => 0,
            given => limit(given, DEFAULT_HISTORY),
        },
    })
}

/// Opens an engine: the state of one node. `config` may be NULL for the defaults. Close it with `lifesign_engine_close`.
///
/// Any thread. A forked child may open an engine of its own.
///
/// Errors: INVALID, TOO_LARGE, LIMIT.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_open(
    config: *const lifesign_config,
    engine: *mut lifesign_engine,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("engine", engine)?;
        let engine = Engine::open(self::config(config)?)?;
        let root = root()?;
        out.put(root.handles.insert(root, Kind::Engine, || Ok(Object::Engine(engine)))?);
        Ok(())
    })
}

/// Closes an engine: every wait ends with CLOSED, every status reads as gone, its checks, tokens and subscriptions are closed with it. Calls in
/// flight finish; the memory goes back when the last of them has left.
///
/// Any thread; exactly one of several closers succeeds. Errors: CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_close(
    engine: lifesign_engine,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let root = root()?;
        let entry = root.handles.remove(root, Kind::Engine, engine)?;
        if let Object::Engine(engine) = &entry.object {
            engine.close();
        }
        Ok(())
    })
}

/// The engine's random id, 16 bytes. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_id(
    engine: lifesign_engine,
    id: *mut [u8; 16],
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("id", id)?;
        out.put(self::engine(engine)?.id());
        Ok(())
    })
}

/// Tells the time. On a manual clock `wall_ns` is nanoseconds since 1970 and `boot_ns` nanoseconds on a clock that never stands still; with the
/// system's clocks both are ignored. Call it about once a second.
///
/// Any thread. Errors: INVALID for a manual `boot_ns` above 10.9 years, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_tick(
    engine: lifesign_engine,
    wall_ns: i64,
    boot_ns: u64,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || self::engine(engine)?.tick(wall_ns, boot_ns))
}

/// Compares every summary with its checks and repairs those that are wrong; `repaired` is how many were, and anything but 0 is a bug. Run it about
/// once a minute. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_audit(
    engine: lifesign_engine,
    repaired: *mut u64,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("repaired", repaired)?;
        out.put(self::engine(engine)?.audit()?);
        Ok(())
    })
}

/// The counters as C has them. Each is named, so that a new one that does not cross is an error.
macro_rules! crossing {
    ($stats:expr, $leaked_handles:ident; $($name:ident)*) => {{
        let Stats { $($name),* } = $stats;
        let struct_size = size_of::<lifesign_stats>() as u32;
        lifesign_stats { struct_size, reserved: 0, $leaked_handles, $($name),* }
    }};
}

/// Counters and sizes. O(handles of the process). Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_stats(
    engine: lifesign_engine,
    stats: *mut lifesign_stats,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("stats", stats)?;
        let engine = self::engine(engine)?;
        let leaked_handles = root()?.handles.leaked(engine.inner());
        let stats = engine.stats()?;
        out.put(crossing!(stats, leaked_handles;
            commits transitions heartbeats refused_held refused_fenced refused_gone refused_derived
            refused_expired refused_other repairs helps lapses clock_jumps resyncs spurious_wakes
            internal_errors services checks aliases tokens subscriptions bytes
        ));
        Ok(())
    })
}

/// The node's own checks and aliases, as a service without an id; see `lifesign_service_snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_node(
    engine: lifesign_engine,
    view: *mut lifesign_service_view,
    checks: *mut lifesign_snapshot,
    checks_cap: usize,
    bytes: *mut c_char,
    bytes_cap: usize,
    bytes_needed: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let answer = ViewOut::new(view, checks, checks_cap, bytes, bytes_cap, bytes_needed)?;
        answer.put(&self::engine(engine)?.node_snapshot()?)
    })
}

/// The worst of the node's own direct checks. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_node_status(
    engine: lifesign_engine,
    status: *mut lifesign_status,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("status", status)?;
        let shown = self::engine(engine)?.node_status().ok_or_else(Error::closed)?;
        out.put(shown.code() as lifesign_status);
        Ok(())
    })
}

/// The writer record with this number, as snapshots carry it. Any thread. Errors: NOT_FOUND, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_record(
    engine: lifesign_engine,
    record_id: u32,
    record: *mut lifesign_record,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("record", record)?;
        let found = self::engine(engine)?.record(record_id).ok_or_else(|| {
            Error::text(ErrorKind::NotFound, format!("the engine has given out no writer record {record_id}"))
        })?;
        out.put(self::record(Some(&found)));
        Ok(())
    })
}

/// All services, in no order. `count` is always written; with fewer than `count` places the call fails and the array stays as it is.
///
/// Any thread. Errors: BUFFER_TOO_SMALL, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_services(
    engine: lifesign_engine,
    services: *mut lifesign_service,
    cap: usize,
    count: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (slots, count) = (Slots::new("services", services, cap)?, Out::new("count", count)?);
        let engine = self::engine(engine)?;
        let handle =
            |service: &crate::Service| engine.inner().service_handle(service.place.slot, service.life);
        list("services", slots, count, &engine.services()?.iter().map(handle).collect::<Vec<_>>())
    })
}

/// All checks and aliases, in no order; see `lifesign_engine_services`.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_checks(
    engine: lifesign_engine,
    checks: *mut lifesign_check,
    cap: usize,
    count: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (slots, count) = (Slots::new("checks", checks, cap)?, Out::new("count", count)?);
        let engine = self::engine(engine)?;
        let handle = |check: &crate::Check| engine.inner().check_handle(check.place.slot, check.life);
        list("checks", slots, count, &engine.checks()?.iter().map(handle).collect::<Vec<_>>())
    })
}

/// Fills an array, or tells how many places are needed.
pub fn list<T: Copy>(what: &str, slots: Slots<T>, count: Out<usize>, values: &[T]) -> Result<(), Error> {
    count.put(values.len());
    if values.len() > slots.len() {
        return Err(too_small(what, slots.len(), values.len()));
    }
    slots.fill(values);
    Ok(())
}

/// Where a service view goes.
pub struct ViewOut {
    view: *mut lifesign_service_view,
    checks: Slots<lifesign_snapshot>,
    bytes: Slots<c_char>,
    needed: Out<usize>,
}

impl ViewOut {
    /// The places, checked.
    pub fn new(
        view: *mut lifesign_service_view,
        checks: *mut lifesign_snapshot,
        checks_cap: usize,
        bytes: *mut c_char,
        bytes_cap: usize,
        needed: *mut usize,
    ) -> Result<Self, Error> {
        if view.is_null() {
            return Err(null("view"));
        }
        Out::sized("view", view)?;
        Ok(Self {
            view,
            checks: Slots::new("checks", checks, checks_cap)?,
            bytes: Slots::new("bytes", bytes, bytes_cap)?,
            needed: Out::new("bytes_needed", needed)?,
        })
    }

    /// Fills them, or tells what is needed.
    pub fn put(self, own: &crate::ServiceSnapshot) -> Result<(), Error> {
        let mut bytes = Bytes::default();
        let (view, checks) = crate::ffi::marshal::service(own, &mut bytes);
        self.needed.put(bytes.len());
        if checks.len() > self.checks.len() || bytes.len() > self.bytes.len() {
            // SAFETY: `new` has checked the pointer and the size of what it points to.
            unsafe { (*self.view).checks = view.checks };
            return Err(if checks.len() > self.checks.len() {
                too_small("checks", self.checks.len(), checks.len())
            } else {
                too_small("bytes", self.bytes.len(), bytes.len())
            });
        }
        bytes.put(&self.bytes);
        self.checks.fill(&checks);
        // SAFETY: as above.
        unsafe { self.view.write(view) };
        Ok(())
    }
}
