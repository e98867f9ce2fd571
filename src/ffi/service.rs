//! Services.

use std::ffi::c_char;
use std::sync::Arc;

use crate::cell::handle::{Kind, decode};
use crate::cell::process::Root;
use crate::cell::slab::Place;
use crate::engine::{Engine, Inner, Service};
use crate::ffi::boundary::{Out, bytes, call, input, root, text};
use crate::ffi::engine::{ViewOut, engine};
use crate::ffi::types::*;
use crate::model::definition::{MAX_DATA, MAX_ID, MAX_NAME, ServiceSpec};
use crate::model::error::{Error, ErrorKind};

/// The cell of a handle and the engine it is lent to.
pub fn place(kind: Kind, handle: u64) -> Result<(Engine, Place, u16), Error> {
    let root = root()?;
    let what = kind.as_str();
    let unknown = || root.unknown(kind, handle);
    let parts = decode(root.secret, kind, handle).ok_or_else(unknown)?;
    let cell = root.pages.cell(parts.slot).ok_or_else(unknown)?;
    let closed = || Error::text(ErrorKind::Closed, format!("the engine of {what} {handle:#x} is closed"));
    let owner: Arc<Inner> = root.pages.owner(parts.slot).ok_or_else(closed)?;
    Ok((Engine::borrowed(owner), Place { slot: parts.slot, cell }, parts.life))
}

/// The cell of a handle, whoever it is lent to: for what is read by loads alone. Nothing is borrowed, so that no reader can be the last to let go of
/// an engine that was closed meanwhile, and do all the work of its end.
pub fn cell(kind: Kind, handle: u64) -> Option<(Place, u16)> {
    cell_of(root().ok()?, kind, handle)
}

/// The same for many handles one after another.
#[inline]
pub fn cell_of(root: &'static Root, kind: Kind, handle: u64) -> Option<(Place, u16)> {
    let parts = decode(root.secret, kind, handle)?;
    let cell = root.pages.cell(parts.slot)?;
    Some((Place { slot: parts.slot, cell }, parts.life))
}

/// The service of a handle and its engine.
pub fn service(handle: lifesign_service) -> Result<(Engine, Service), Error> {
    place(Kind::Service, handle).map(|(engine, place, life)| (engine, Service { place, life }))
}

/// The error of a status that is gone.
pub fn gone(what: &str, handle: u64, engine: &Engine) -> Error {
    match engine.inner().check_open() {
        Ok(()) => Error::text(
            ErrorKind::Gone,
            format!("the {what} of handle {handle:#x} was deregistered; register it again"),
        ),
        Err(error) => error,
    }
}

fn spec(spec: *const lifesign_service_spec) -> Result<ServiceSpec, Error> {
    let given = input("spec", spec)?;
    let id = text("service id", given.id.ptr, given.id.len, MAX_ID)?;
    let name = text(&format!("service {id:?}: name"), given.name.ptr, given.name.len, MAX_NAME)?;
    let data = bytes(&format!("service {id:?}: data"), given.data.ptr, given.data.len, MAX_DATA)?;
    Ok(ServiceSpec { id: id.into(), name: name.into(), data: data.into() })
}

/// Registers a service. The same definition again gives the same handle and commits nothing.
///
/// Any thread. Errors: EXISTS naming the field that differs, INVALID, TOO_LARGE, LIMIT, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_register(
    engine: lifesign_engine,
    spec: *const lifesign_service_spec,
    service: *mut lifesign_service,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("service", service)?;
        let engine = self::engine(engine)?;
        let service = engine.register_service(&self::spec(spec)?)?;
        out.put(engine.inner().service_handle(service.place.slot, service.life));
        Ok(())
    })
}

/// The service with this id. Any thread. Errors: NOT_FOUND, INVALID, TOO_LARGE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_find(
    engine: lifesign_engine,
    id: *const c_char,
    id_len: usize,
    service: *mut lifesign_service,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("service", service)?;
        let engine = self::engine(engine)?;
        let service = engine.service(text("service id", id, id_len, MAX_ID)?)?;
        out.put(engine.inner().service_handle(service.place.slot, service.life));
        Ok(())
    })
}

/// Gives a service another name or other data; its id stays. Any thread. Errors: INVALID, TOO_LARGE, GONE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_redefine(
    service: lifesign_service,
    spec: *const lifesign_service_spec,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (engine, service) = self::service(service)?;
        engine.redefine_service(&service, &self::spec(spec)?)
    })
}

/// Deregisters a service that has no checks; aliases of it become critical and say why. The handle is stale then.
///
/// Any thread. Errors: BUSY naming a check that it still has, GONE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_deregister(
    service: lifesign_service,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let (engine, service) = self::service(service)?;
        engine.deregister_service(&service)
    })
}

/// What the service shows: the worst of its checks and of the node's direct checks. Any thread. Errors: GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_status(
    service: lifesign_service,
    status: *mut lifesign_status,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("status", status)?;
        let shown = cell(Kind::Service, service).and_then(|(place, life)| Service { place, life }.status());
        let Some(shown) = shown else {
            // Only what is not there any more needs its engine, to say why.
            let (engine, _) = self::service(service)?;
            return Err(gone("service", service, &engine));
        };
        out.put(shown.code() as lifesign_status);
        Ok(())
    })
}

/// A service's checks and summary as of one (version, epoch). `bytes_needed` is written whenever the service exists; if `checks_cap` or `bytes_cap`
/// is too small, of `view` only `checks` is written: call again with room for that many and a few more, since others may be registered meanwhile.
///
/// Any thread; it waits for a moment in which the checks stand still. Errors: BUFFER_TOO_SMALL, GONE, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_service_snapshot(
    service: lifesign_service,
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
        let (engine, service) = self::service(service)?;
        answer.put(&engine.service_snapshot(&service)?)
    })
}
