//! Who holds a check, who wrote it, and what happened to it.

use crate::ffi::boundary::{Out, Slots, array_text, call, input, record};
use crate::ffi::check::check;
use crate::ffi::engine::{engine, list};
use crate::ffi::types::*;
use crate::model::error::Error;
use crate::writer::history::HistoryKind;
use crate::writer::record::{DeclaredWriter, Embedder, Process};

/// Who holds a check: since when, from which process and machine, with what lease, and when it was last heard of.
///
/// Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_who(
    check: lifesign_check,
    who: *mut lifesign_who,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("who", who)?;
        let (engine, check) = self::check(check)?;
        let own = engine.who(&check)?;
        out.put(lifesign_who {
            struct_size: size_of::<lifesign_who>() as u32,
            orphaned: own.orphaned.into(),
            generation: own.generation,
            since_ns: own.since_ns,
            lease_ms: own.lease.map_or(0, |lease| lease.as_millis() as u64),
            silent_ns: own.silent_for.map_or(-1, |silent| silent.as_nanos() as i64),
            holder: record(own.holder.as_deref()),
        });
        Ok(())
    })
}

/// Everybody who wrote this life of the check or tried to, as far as it is remembered: the holder first, then the busiest. `count` is always written;
/// with fewer places the call fails and the array stays as it is. 18 places always suffice.
///
/// Any thread. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_writers(
    check: lifesign_check,
    writers: *mut lifesign_writer,
    cap: usize,
    count: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (slots, count) = (Slots::new("writers", writers, cap)?, Out::new("count", count)?);
        let (engine, check) = self::check(check)?;
        let crossing = |own: crate::WriterActivity| lifesign_writer {
            struct_size: size_of::<lifesign_writer>() as u32,
            record: own.record.map_or(0, |record| record.id),
            accepted: own.accepted,
            refused: own.refused,
            first_ns: own.first_ns,
            last_ns: own.last_ns,
            holds: own.holds.into(),
            reserved: 0,
        };
        list("writers", slots, count, &engine.writers(&check)?.into_iter().map(crossing).collect::<Vec<_>>())
    })
}

/// The latest status transitions, take-overs and lapses of this life of the check, oldest first. `count` is always written; with fewer places the call
/// fails and the array stays as it is. As many places as the engine keeps entries always suffice.
///
/// Any thread. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_history(
    check: lifesign_check,
    entries: *mut lifesign_history_entry,
    cap: usize,
    count: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (slots, count) = (Slots::new("entries", entries, cap)?, Out::new("count", count)?);
        let (engine, check) = self::check(check)?;
        let crossing = |own: crate::HistoryEntry| lifesign_history_entry {
            struct_size: size_of::<lifesign_history_entry>() as u32,
            kind: match own.kind {
                HistoryKind::Transition => LIFESIGN_HISTORY_TRANSITION,
                HistoryKind::TakeOver => LIFESIGN_HISTORY_TAKE_OVER,
                HistoryKind::Lapse => LIFESIGN_HISTORY_LAPSE,
            },
            revision: own.revision,
            time_ns: own.time_ns,
            boot_ns: own.boot_ns,
            generation: own.generation,
            writer: own.writer,
            from: own.from.code() as lifesign_status,
            to: own.to.code() as lifesign_status,
            reserved: 0,
        };
        list("entries", slots, count, &engine.history(&check)?.into_iter().map(crossing).collect::<Vec<_>>())
    })
}

/// Makes a record for a writer that is not this process: a remote peer that the embedder fronts. It is marked as declared wherever it is shown. `id`
/// and `declared` of the given one are not looked at; what is not known stays empty. The same again gives the same number.
///
/// Any thread. Errors: INVALID, TOO_LARGE, LIMIT, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_declare_writer(
    engine: lifesign_engine,
    writer: *const lifesign_record,
    id: *mut u32,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("id", id)?;
        let engine = self::engine(engine)?;
        out.put(engine.declare_writer(&declared(input("writer", writer)?)?)?);
        Ok(())
    })
}

fn declared(given: &lifesign_record) -> Result<DeclaredWriter, Error> {
    let text = |what: &str, array| array_text(what, array).map(str::to_owned);
    Ok(DeclaredWriter {
        process: Process {
            uuid: given.process_uuid,
            boot_id: given.boot_id,
            pid: given.pid,
            start: given.process_start,
            pid_namespace: given.pid_namespace,
            machine: text("writer.machine", &given.machine)?,
            executable: text("writer.executable", &given.executable)?,
        },
        embedder: Embedder {
            name: text("writer.name", &given.name)?,
            version: text("writer.version", &given.version)?,
            build: text("writer.build", &given.build)?,
        },
        label: text("writer.label", &given.label)?,
    })
}
