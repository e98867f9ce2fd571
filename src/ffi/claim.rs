//! Claims.

use std::ffi::c_char;
use std::sync::Arc;

use crate::cell::handle::Kind;
use crate::claim::Claim;
use crate::claim::rival::Rival;
use crate::ffi::boundary::{Out, Slots, call, path, put_text, record, root, text};
use crate::ffi::engine::engine;
use crate::ffi::handles::{Entry, Object};
use crate::ffi::marshal::too_small;
use crate::ffi::types::*;
use crate::model::definition::MAX_ID;
use crate::model::error::Error;

/// The claim of a handle, kept alive for the call.
struct Borrowed(Arc<Entry>);

impl std::ops::Deref for Borrowed {
    type Target = Claim;

    fn deref(&self) -> &Claim {
        match &self.0.object {
            Object::Claim(claim) => claim,
            _ => unreachable!("the table tells kinds apart"),
        }
    }
}

fn claim(handle: lifesign_claim) -> Result<Borrowed, Error> {
    let root = root()?;
    root.handles.get(root, Kind::Claim, handle).map(Borrowed)
}

/// Makes the engine the only holder of `name` in the directory `dir`: every other claim of it is refused, in any process, until this one is
/// released, its engine closed or its process ended. Where the file system cannot exclude, or a file `.lifesign-advisory` is in the directory,
/// the claim is advisory: it succeeds, and rivals are found by their heartbeats within two ticks. `lifesign_engine_tick` looks after it.
///
/// Any thread; up to two seconds if somebody was stopped in the middle of claiming. Errors: HELD with the holder's record; INVALID for a bad
/// name, and for a directory that is missing or not to be written; TOO_LARGE for a name over 200 bytes; LIMIT for a full disk and past 256
/// claims in a process; BUSY, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_claim_open(
    engine: lifesign_engine,
    dir: *const c_char,
    dir_len: usize,
    name: *const c_char,
    name_len: usize,
    claim: *mut lifesign_claim,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("claim", claim)?;
        let engine = self::engine(engine)?;
        let directory = path("dir", dir, dir_len)?;
        let name = text("name", name, name_len, MAX_ID)?;
        let root = root()?;
        let claim = || engine.claim(directory, name).map(Object::Claim);
        out.put(root.handles.insert(root, Kind::Claim, claim)?);
        Ok(())
    })
}

/// How a claim stands, as of the last tick. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_claim_state(
    claim: lifesign_claim,
    state: *mut lifesign_claim_view,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("state", state)?;
        let own = self::claim(claim)?.state()?;
        out.put(lifesign_claim_view {
            struct_size: size_of::<lifesign_claim_view>() as u32,
            advisory: own.advisory.into(),
            held: own.held.into(),
            rivals: own.rivals as u32,
            claimed_ns: own.claimed_ns,
            beats: own.beats,
            trouble: own.trouble.as_ref().map_or(LIFESIGN_OK, |trouble| trouble.kind() as lifesign_result),
            reserved: 0,
            message: put_text(&own.trouble.map_or_else(String::new, |trouble| trouble.to_string())),
        });
        Ok(())
    })
}

/// Who else wants the name, the one seen last first; at most 64. `count` is always written; with fewer than `count` places the call fails and the
/// array stays as it is.
///
/// Any thread. Errors: BUFFER_TOO_SMALL, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_claim_rivals(
    claim: lifesign_claim,
    rivals: *mut lifesign_rival,
    cap: usize,
    count: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (slots, count) = (Slots::new("rivals", rivals, cap)?, Out::new("count", count)?);
        let own = self::claim(claim)?.rivals()?;
        count.put(own.len());
        if own.len() > slots.len() {
            return Err(too_small("rivals", slots.len(), own.len()));
        }
        slots.fill(&own.iter().map(rival).collect::<Vec<_>>());
        Ok(())
    })
}

fn rival(rival: &Rival) -> lifesign_rival {
    lifesign_rival {
        struct_size: size_of::<lifesign_rival>() as u32,
        reserved: 0,
        record: record(Some(&rival.record)),
        first_ns: rival.first_ns,
        last_ns: rival.last_ns,
        count: rival.count,
    }
}

/// Gives the name back.
///
/// Any thread; exactly one of several callers succeeds. Errors: CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_claim_release(
    claim: lifesign_claim,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let root = root()?;
        let entry = root.handles.remove(root, Kind::Claim, claim)?;
        Borrowed(entry).release()
    })
}
