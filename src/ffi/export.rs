//! Exports: what survives a restart.

use std::ffi::c_char;

use crate::engine::export::Export;
use crate::ffi::boundary::{self, Out, Slots, call};
use crate::ffi::engine::engine;
use crate::ffi::marshal::{Bytes, too_small};
use crate::ffi::types::*;

/// Writes what every check shows that has ever reported or was restored into a JSON file, and tells how many those are. The file is put in the place of an
/// earlier one when it is whole; on failure the earlier one stays.
///
/// Any thread; waits for the disk. Errors: LIMIT when the disk or a quota is full, INVALID for a path that cannot be written, naming it and the
/// reason, TOO_LARGE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_engine_export(
    engine: lifesign_engine,
    path: *const c_char,
    path_len: usize,
    count: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("count", count)?;
        let engine = self::engine(engine)?;
        out.put(engine.export(boundary::path("path", path, path_len)?)?);
        Ok(())
    })
}

/// Reads an export, so that registrations can carry the states: see `restored` of `lifesign_check_spec`. `count` and `bytes_needed` are told also
/// when the places do not suffice. No engine is needed.
///
/// Any thread; waits for the disk. Errors: NOT_FOUND if there is no such file, INVALID if it cannot be read or is no export, BUFFER_TOO_SMALL,
/// TOO_LARGE.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_export_read(
    path: *const c_char,
    path_len: usize,
    checks: *mut lifesign_exported,
    checks_cap: usize,
    bytes: *mut c_char,
    bytes_cap: usize,
    count: *mut usize,
    bytes_needed: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let slots = Slots::new("checks", checks, checks_cap)?;
        let buffer = Slots::new("bytes", bytes, bytes_cap)?;
        let (count, needed) = (Out::new("count", count)?, Out::new("bytes_needed", bytes_needed)?);
        let export = Export::read(boundary::path("path", path, path_len)?)?;
        let mut filled = Bytes::default();
        let crossing: Vec<_> = export
            .checks()
            .map(|own| lifesign_exported {
                struct_size: size_of::<lifesign_exported>() as u32,
                status: own.state.status.code() as lifesign_status,
                since_ns: own.state.since_ns,
                reported_ns: own.reported_ns,
                id: filled.push(own.id.as_bytes()),
                output: filled.push(own.state.output.as_bytes()),
            })
            .collect();
        count.put(crossing.len());
        needed.put(filled.len());
        if crossing.len() > slots.len() {
            return Err(too_small("checks", slots.len(), crossing.len()));
        }
        if filled.len() > buffer.len() {
            return Err(too_small("bytes", buffer.len(), filled.len()));
        }
        filled.put(&buffer);
        slots.fill(&crossing);
        Ok(())
    })
}
