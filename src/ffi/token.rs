//! Writer tokens.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use crate::cell::handle::Kind;
use crate::engine::Inner;
use crate::engine::acquiring::Acquire;
use crate::ffi::boundary::{
    MAX_OUTPUT, Out, Slots, call, check_error, fill_error, input, record, root, status, text,
};
use crate::ffi::check::check;
use crate::ffi::handles::{Entry, HandleTable, Object};
use crate::ffi::types::*;
use crate::model::error::{Error, ErrorKind, unless_it_panics};
use crate::mutant::mutated;
use crate::writer::lease::OnLapse;
use crate::writer::record::MAX_LABEL;
use crate::writer::token::{Join, Token};

/// The token of a handle, kept alive for the call. A token that was closed while calls ran stays known until the last of them leaves, so that
/// one who joins finds them.
pub struct Borrowed {
    entry: Arc<Entry>,
    handle: lifesign_token,
}

impl std::ops::Deref for Borrowed {
    type Target = Token;

    fn deref(&self) -> &Token {
        match &self.entry.object {
            Object::Token(token) => token,
            _ => unreachable!("the table tells kinds apart"),
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if self.is_over()
            && let Ok(root) = root()
        {
            let _ = root.handles.remove(root, Kind::Token, self.handle);
        }
    }
}

/// The token of a handle.
pub fn token(handle: lifesign_token) -> Result<Borrowed, Error> {
    let root = root()?;
    root.handles.get(root, Kind::Token, handle).map(|entry| Borrowed { entry, handle })
}

fn put(make: impl FnOnce() -> Result<Token, Error>, out: Out<lifesign_token>) -> Result<(), Error> {
    let root = root()?;
    out.put(root.handles.insert(root, Kind::Token, || make().map(Object::Token))?);
    Ok(())
}

fn acquire_spec<'a>(given: *const lifesign_acquire_spec) -> Result<Acquire<'a>, Error> {
    if given.is_null() {
        return Ok(Acquire::default());
    }
    let given = input("how", given)?;
    let on_lapse = match given.on_lapse {
        0 => OnLapse::Keep,
        LIFESIGN_STATUS_WARNING => OnLapse::Warning,
        LIFESIGN_STATUS_CRITICAL => OnLapse::Critical,
        other => {
            return Err(Error::invalid(format!(
                "how.on_lapse: {other} is none; 0 keeps the status, 2 makes it warning, 3 critical"
            )));
        }
    };
    Ok(Acquire {
        label: text("label", given.label.ptr, given.label.len, MAX_LABEL)?,
        lease: (given.lease_ms > 0).then(|| Duration::from_millis(given.lease_ms)),
        on_lapse,
        declared: (given.declared > 0).then_some(given.declared),
    })
}

/// Takes the token of a check that nobody holds: the right to write it. Never steals and never waits; a holder whose lease is over does not hold
/// it any more. Close the token with `lifesign_token_close`. `how` may be NULL: no label, no lease.
///
/// Any thread. Errors: HELD with the holder and its generation, DERIVED for an alias, GONE, NOT_FOUND for a writer that was not declared, INVALID,
/// TOO_LARGE, LIMIT, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_acquire(
    check: lifesign_check,
    how: *const lifesign_acquire_spec,
    token: *mut lifesign_token,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("token", token)?;
        let (engine, check) = self::check(check)?;
        let how = acquire_spec(how)?;
        put(|| engine.acquire(&check, how), out)
    })
}

/// Takes the token away from the holder of generation `expected_generation`, the one you have seen, in one atomic step. Every later write of the
/// old token is FENCED. `how` may be NULL: no label, no lease.
///
/// Any thread. Errors: HELD with the present holder if its generation is another one, and those of `lifesign_token_acquire`.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_take_over(
    check: lifesign_check,
    expected_generation: u64,
    how: *const lifesign_acquire_spec,
    token: *mut lifesign_token,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("token", token)?;
        let (engine, check) = self::check(check)?;
        let how = acquire_spec(how)?;
        put(|| engine.take_over(&check, expected_generation, how), out)
    })
}

/// Reports a status with a text. When it returns, every reader, alias and matching subscription sees it or something newer. The same status with
/// the same text is a heartbeat and commits nothing.
///
/// Any thread, several at once too. Errors: FENCED naming who took over, EXPIRED if the lease ran out and nobody came, GONE, REVOKED, TOO_LARGE for a text over `max_output`, INVALID,
/// LIMIT, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_write(
    token: lifesign_token,
    status: lifesign_status,
    output: *const c_char,
    output_len: usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || write(token, status, output, output_len).map(drop))
}

/// Returns the revision of the state that stands for the write.
fn write(
    token: lifesign_token,
    status: lifesign_status,
    output: *const c_char,
    output_len: usize,
) -> Result<u64, Error> {
    let token = self::token(token)?;
    let about = |error: Error| error.about(format_args!("check {:?}", token.check_id()));
    let status = self::status("status", status).map_err(about)?;
    let output = text("output", output, output_len, MAX_OUTPUT).map_err(about)?;
    Inner::write(token.shared(), status, output)
}

/// Several writes in one call, in the order given: each commits by itself and has a result and revision of its own, filled into its struct. Returns
/// LIFESIGN_OK if all of them did, otherwise the result of the first that did not, with its detail; the others are made all the same.
///
/// Any thread. Errors: those of `lifesign_token_write`; INVALID for a struct that cannot be read, and then nothing is written.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_write_batch(
    writes: *mut lifesign_write,
    count: usize,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let writes = Slots::new("writes", writes, count)?;
        for at in 0..count {
            let write = input("the write", writes.at(at))
                .map_err(|error| error.about(format_args!("writes[{at}]")))?;
            check_error(write.detail)?;
        }
        let mut first = Ok(());
        for at in 0..count {
            // SAFETY: checked above to be there and as large as the struct; the caller leaves it alone during the call.
            let write = unsafe { &mut *writes.at(at) };
            // What panics is one write's own: those before it stand, and those after it are made.
            let result = unless_it_panics(|| {
                self::write(write.token, write.status, write.output.ptr, write.output.len)
            });
            write.result =
                result.as_ref().map_or_else(|error| error.kind() as lifesign_result, |_| LIFESIGN_OK);
            match result {
                Ok(revision) => write.revision = revision,
                Err(error) => {
                    fill_error(write.detail, &error);
                    first = first.and(Err(error));
                }
            }
        }
        first
    })
}

/// Starts the token's lease anew without a report. Any thread. Errors: EXPIRED if the lease ran out and nobody came, FENCED naming who took over,
/// GONE, REVOKED, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_renew(token: lifesign_token, error: *mut lifesign_error) -> lifesign_result {
    call(error, || self::token(token)?.renew())
}

/// The token's generation. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_generation(
    token: lifesign_token,
    generation: *mut u64,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("generation", generation)?;
        if mutated!("answer-before-the-check") {
            Out::new("generation", generation)?.put(0);
        }
        out.put(self::token(token)?.generation());
        Ok(())
    })
}

/// Who holds this token, fenced or not, until it is closed. Any thread. Errors: CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_record(
    token: lifesign_token,
    record: *mut lifesign_record,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("record", record)?;
        out.put(self::record(Some(self::token(token)?.record())));
        Ok(())
    })
}

/// Deregisters the check as its holder. The token stays until it is closed, and answers GONE. Any thread. Errors: FENCED, EXPIRED if the lease ran
/// out and nobody came, GONE, REVOKED, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_deregister_check(
    token: lifesign_token,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || self::token(token)?.deregister_check())
}

/// Closes a token: no call of it starts any more, and the check is free if this token still held it.
///
/// Any thread; exactly one of several closers succeeds. Errors: CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_close(token: lifesign_token, error: *mut lifesign_error) -> lifesign_result {
    call(error, || {
        let borrowed = self::token(token)?;
        borrowed.close().map_err(|error| match error.kind() {
            ErrorKind::Revoked => HandleTable::closed(Kind::Token, token),
            _ => error,
        })
    })
}

/// Waits until `old` is closed and its calls have left, up to `timeout_ms` milliseconds; below 0 for ever, 0 looks once. With
/// `LIFESIGN_JOIN_CALLS_ONLY` it waits for the running calls alone. An `old` that is closed and left already is joined at once.
///
/// Any thread; no lock is held. Errors: STILL_RUNNING, WOULD_DEADLOCK for oneself, FOREIGN_ENGINE, INVALID, CLOSED for `self` and when the engine is
/// closed meanwhile, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_join(
    self_: lifesign_token,
    old: lifesign_token,
    flags: u32,
    timeout_ms: i64,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        if flags & !LIFESIGN_JOIN_CALLS_ONLY != 0 {
            return Err(Error::invalid(format!(
                "flags {flags:#x}: only LIFESIGN_JOIN_CALLS_ONLY (1) is known"
            )));
        }
        let own = token(self_)?;
        let old = match token(old) {
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            old => old?,
        };
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        own.join(&old, Join { timeout, calls_only: flags & LIFESIGN_JOIN_CALLS_ONLY != 0 })
    })
}
