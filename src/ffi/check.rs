//! Checks and aliases.

use std::ffi::c_char;

use crate::cell::handle::Kind;
use crate::engine::{Check, Engine, Service};
use crate::ffi::boundary::{MAX_OUTPUT, Out, Slots, bytes, call, input, status, text};
use crate::ffi::engine::engine;
use crate::ffi::marshal::{Bytes, snapshot, too_small};
use crate::ffi::service::{cell, gone, place, service};
use crate::ffi::types::*;
use crate::model::definition::{CheckKind, CheckSpec, MAX_DATA, MAX_ID, MAX_NAME, Restored};
use crate::model::error::Error;
use crate::model::status::Status;
use crate::writer::record::MAX_LABEL;

/// The check of a handle and its engine.
pub fn check(handle: lifesign_check) -> Result<(Engine, Check), Error> {
    place(Kind::Check, handle).map(|(engine, place, life)| (engine, Check { place, life }))
}

fn spec(spec: *const lifesign_check_spec) -> Result<(CheckSpec, Option<Service>), Error> {
    let given = input("spec", spec)?;
    let id = text("check id", given.id.ptr, given.id.len, MAX_ID)?;
    let name = text(&format!("check {id:?}: name"), given.name.ptr, given.name.len, MAX_NAME)?;
    let data = bytes(&format!("check {id:?}: data"), given.data.ptr, given.data.len, MAX_DATA)?;
    let target = text(&format!("check {id:?}: target"), given.target.ptr, given.target.len, MAX_ID)?;
    let kind = match given.kind {
        LIFESIGN_KIND_CHECK => CheckKind::Direct,
        LIFESIGN_KIND_ALIAS_SERVICE => CheckKind::AliasService(target.into()),
        LIFESIGN_KIND_ALIAS_NODE => CheckKind::AliasNode,
        other => {
            return Err(Error::invalid(format!(
                "check {id:?}: {other} is no kind; 0 is a check, 1 an alias of a service, 2 an alias of the node"
            )));
        }
    };
    if !target.is_empty() && !matches!(kind, CheckKind::AliasService(_)) {
        return Err(Error::invalid(format!(
            "check {id:?}: it has the target {target:?} but is no alias of a service"
        )));
    }
    let initial = match given.initial {
        0 => Status::Critical,
        code => status(&format!("check {id:?}: initial status"), code)?,
    };
    let bound = if given.service == 0 {
        None
    } else {
        Some(service(given.service).map_err(|error| error.about(format_args!("check {id:?}")))?.1)
    };
    let restored = if given.restored.is_null() {
        None
    } else {
        let about = |error: Error| error.about(format_args!("check {id:?}"));
        let given = input("spec.restored", given.restored).map_err(about)?;
        Some(Restored {
            status: status("restored status", given.status).map_err(about)?,
            output: text("restored output", given.output.ptr, given.output.len, MAX_OUTPUT)
                .map_err(about)?
                .into(),
            since_ns: given.since_ns,
        })
    };
    Ok((CheckSpec { id: id.into(), name: name.into(), data: data.into(), kind, initial, restored }, bound))
}

/// Registers a check or alias. The same definition again gives the same handle and commits nothing.
///
/// Any thread. Errors: EXISTS naming the field that differs, GONE for a service that is not there any more, LOOP with the path, INVALID,
/// TOO_LARGE, LIMIT, FOREIGN_ENGINE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_register(
    engine: lifesign_engine,
    spec: *const lifesign_check_spec,
    check: *mut lifesign_check,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("check", check)?;
        let engine = self::engine(engine)?;
        let (spec, service) = self::spec(spec)?;
        let check = engine.register_check(&spec, service.as_ref())?;
        out.put(engine.inner().check_handle(check.place.slot, check.life));
        Ok(())
    })
}

/// The check with this id. Any thread. Errors: NOT_FOUND, INVALID, TOO_LARGE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_find(
    engine: lifesign_engine,
    id: *const c_char,
    id_len: usize,
    check: *mut lifesign_check,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("check", check)?;
        let engine = self::engine(engine)?;
        let check = engine.check(text("check id", id, id_len, MAX_ID)?)?;
        out.put(engine.inner().check_handle(check.place.slot, check.life));
        Ok(())
    })
}

/// Gives a check another name or other data; incarnation, status and token stay, and so must id, kind, service and target.
///
/// Any thread. Errors: INVALID naming the field that cannot change, TOO_LARGE, GONE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_redefine(
    check: lifesign_check,
    spec: *const lifesign_check_spec,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (engine, check) = self::check(check)?;
        let (spec, service) = self::spec(spec)?;
        engine.redefine_check(&check, &spec, service.as_ref())
    })
}

/// Deregisters a check that nobody holds. The handle is stale then. Any thread. Errors: HELD naming the holder, GONE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_deregister(
    check: lifesign_check,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (engine, check) = self::check(check)?;
        engine.deregister_check(&check)
    })
}

/// Deregisters a check whoever holds it; `label` is recorded as the one who did. Any thread. Errors: GONE, INVALID, TOO_LARGE, LIMIT, CLOSED,
/// FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_deregister_force(
    check: lifesign_check,
    label: *const c_char,
    label_len: usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (engine, check) = self::check(check)?;
        engine.deregister_check_by_force(&check, text("label", label, label_len, MAX_LABEL)?)
    })
}

/// The status of a check or alias: a few atomic loads, whatever else goes on. Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_status(
    check: lifesign_check,
    status: *mut lifesign_status,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("status", status)?;
        let shown = cell(Kind::Check, check).and_then(|(place, life)| Check { place, life }.status());
        let Some(shown) = shown else {
            // Only what is not there any more needs its engine, to say why.
            let (engine, _) = self::check(check)?;
            return Err(gone("check", check, &engine));
        };
        out.put(shown.code() as lifesign_status);
        Ok(())
    })
}

/// The whole present state of a check: one commit, never a mix. `bytes_needed` is written also when `bytes_cap` does not suffice; 255 + 255 + 255 +
/// 255 + 4096 bytes and the engine's `max_output` always do.
///
/// Any thread. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_check_snapshot(
    check: lifesign_check,
    snapshot: *mut lifesign_snapshot,
    bytes: *mut c_char,
    bytes_cap: usize,
    bytes_needed: *mut usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (out, needed) = (Out::sized("snapshot", snapshot)?, Out::new("bytes_needed", bytes_needed)?);
        let buffer = Slots::new("bytes", bytes, bytes_cap)?;
        let (engine, own) = self::check(check)?;
        let state = engine.snapshot(&own)?;
        let mut bytes = Bytes::default();
        let crossing = self::snapshot(check, &state, &mut bytes);
        needed.put(bytes.len());
        if bytes.len() > buffer.len() {
            return Err(too_small("bytes", buffer.len(), bytes.len()));
        }
        bytes.put(&buffer);
        out.put(crossing);
        Ok(())
    })
}
