//! Reading without a call, and many states in one.

use std::ffi::c_char;

use crate::cell::handle::Kind;
use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::{Check, Service};
use crate::ffi::boundary::{Inputs, Out, Slots, call, root};
use crate::ffi::check::check;
use crate::ffi::engine::engine;
use crate::ffi::marshal::{Bytes, snapshot, too_small};
use crate::ffi::service::{cell_of, gone, service};
use crate::ffi::types::*;
use crate::model::error::Error;
use crate::sync::AtomicU64;

/// What stands for a check of which there is no state.
fn absent(check: u64) -> lifesign_snapshot {
    let struct_size = size_of::<lifesign_snapshot>() as u32;
    // SAFETY: a struct of numbers, for each of which 0 is a value.
    lifesign_snapshot { struct_size, check, ..unsafe { std::mem::zeroed() } }
}

/// Where the status stands that `place` shows in `life`; `None` if that is over.
fn reader(place: Place, life: u16) -> Option<lifesign_reader> {
    let cell = place.cell;
    let address = |word: &AtomicU64| std::ptr::from_ref(word).cast();
    let (word, link, life) = match cell.status().load() {
        word if word.life() != life => return None,
        word if word.has(flag::DERIVED) => {
            let (link, target) = cell.shown(life)?;
            (target, address(&cell.link), link)
        }
        _ => (address(&cell.word), std::ptr::null(), u64::from(life) << LIFESIGN_WORD_LIFE_SHIFT),
    };
    Some(lifesign_reader { struct_size: size_of::<lifesign_reader>() as u32, reserved: 0, word, link, life })
}

/// Where the status of a check or alias stands, to be read by `lifesign_read` without a call. Any thread. Errors: GONE, CLOSED, FORGED, FORKED,
/// INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_reader(
    check: lifesign_check,
    reader: *mut lifesign_reader,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("reader", reader)?;
        let (engine, own) = self::check(check)?;
        out.put(self::reader(own.place, own.life).ok_or_else(|| gone("check", check, &engine))?);
        Ok(())
    })
}

/// Where the status of a service stands. Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_reader(
    service: lifesign_service,
    reader: *mut lifesign_reader,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("reader", reader)?;
        let (engine, own) = self::service(service)?;
        out.put(self::reader(own.place, own.life).ok_or_else(|| gone("service", service, &engine))?);
        Ok(())
    })
}

/// Where the worst status of the node's own direct checks stands. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_node_reader(
    engine: lifesign_engine,
    reader: *mut lifesign_reader,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("reader", reader)?;
        let engine = self::engine(engine)?;
        let Service { place, life } = engine.inner().node_cell;
        out.put(self::reader(place, life).ok_or_else(Error::closed)?);
        Ok(())
    })
}

/// The statuses of `count` checks and aliases, each at the moment at which it is read; `LIFESIGN_STATUS_GONE` for what is gone, closed or no handle
/// of a check. Any thread. Errors: FORKED, INVALID, FORGED before there is any engine.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_statuses(
    checks: *const lifesign_check,
    count: usize,
    statuses: *mut lifesign_status,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (checks, statuses) =
            (Inputs::new("checks", checks, count)?, Slots::new("statuses", statuses, count)?);
        let root = root()?;
        for at in 0..count {
            let own = cell_of(root, Kind::Check, checks.at(at));
            let shown = own.and_then(|(place, life)| Check { place, life }.status());
            statuses.put(at, shown.map_or(LIFESIGN_STATUS_GONE, |status| status.code() as lifesign_status));
        }
        Ok(())
    })
}

/// The whole present states of `count` checks and aliases, each one commit. What is gone, closed or no handle of a check has the status
/// `LIFESIGN_STATUS_GONE` and nothing else. `bytes_needed` is written also when `bytes_cap` does not suffice; then nothing else is.
///
/// Any thread. Errors: BUFFER_TOO_SMALL, FORKED, INVALID, FORGED before there is any engine.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_snapshots(
    checks: *const lifesign_check,
    count: usize,
    snapshots: *mut lifesign_snapshot,
    bytes: *mut c_char,
    bytes_cap: usize,
    bytes_needed: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (checks, snapshots) =
            (Inputs::new("checks", checks, count)?, Slots::new("snapshots", snapshots, count)?);
        let (buffer, needed) =
            (Slots::new("bytes", bytes, bytes_cap)?, Out::new("bytes_needed", bytes_needed)?);
        root()?;
        let (mut bytes, mut states) = (Bytes::default(), Vec::with_capacity(count));
        for at in 0..count {
            let handle = checks.at(at);
            let state = self::check(handle).and_then(|(engine, check)| engine.snapshot(&check)).ok();
            states.push(
                state.map_or_else(|| absent(handle), |state| self::snapshot(handle, &state, &mut bytes)),
            );
        }
        needed.put(bytes.len());
        if bytes.len() > buffer.len() {
            return Err(too_small("bytes", buffer.len(), bytes.len()));
        }
        bytes.put(&buffer);
        snapshots.fill(&states);
        Ok(())
    })
}
