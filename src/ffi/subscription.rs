//! Subscriptions.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use crate::cell::handle::Kind;
use crate::engine::{Subscription, SubscriptionFilter};
use crate::ffi::boundary::{Out, Slots, call, cursor, input, root, status, text};
use crate::ffi::check::check;
use crate::ffi::engine::engine;
use crate::ffi::handles::{Entry, Object};
use crate::ffi::marshal::{Bytes, event, too_small};
use crate::ffi::service::service;
use crate::ffi::types::*;
use crate::model::definition::MAX_ID;
use crate::model::error::Error;
use crate::model::event::Cursor;
use crate::model::status::Status;

struct Borrowed(Arc<Entry>);

impl std::ops::Deref for Borrowed {
    type Target = Subscription;

    fn deref(&self) -> &Subscription {
        match &self.0.object {
            Object::Subscription(subscription) => subscription,
            _ => unreachable!("the table tells kinds apart"),
        }
    }
}

fn subscription(handle: lifesign_subscription) -> Result<Borrowed, Error> {
    let root = root()?;
    root.handles.get(root, Kind::Subscription, handle).map(Borrowed)
}

/// Subscribes; `filter` may be NULL for everything. The state that matches is delivered by the first polls, and everything that changes from this
/// call on after it, without a gap; with a cursor in the filter, only what may have changed since. End it with `lifesign_unsubscribe`.
///
/// Any thread. Errors: FUTURE_CURSOR for a cursor that the engine has not given out yet, GONE, FOREIGN_ENGINE, LIMIT, INVALID, TOO_LARGE, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_subscribe(
    engine: lifesign_engine,
    filter: *const lifesign_filter,
    subscription: *mut lifesign_subscription,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("subscription", subscription)?;
        let engine = self::engine(engine)?;
        put(out, |filter| engine.subscribe(filter), filter)
    })
}

/// Subscribes as the writer of the token's check, like `lifesign_subscribe`, unless the token is not the check's present one: a runner that was
/// started late and taken over before it came to run is told so here. The subscription outlives the token.
///
/// Any thread. Errors: FENCED naming who took over, EXPIRED if the lease ran out and nobody came, GONE, REVOKED, and those of
/// `lifesign_subscribe`.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_token_subscribe(
    token: lifesign_token,
    filter: *const lifesign_filter,
    subscription: *mut lifesign_subscription,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("subscription", subscription)?;
        let token = crate::ffi::token::token(token)?;
        put(out, |filter| token.subscribe(filter), filter)
    })
}

/// Reads the filter, subscribes, and gives the subscription a handle.
fn put(
    out: Out<lifesign_subscription>,
    subscribe: impl FnOnce(&SubscriptionFilter<'_>) -> Result<Subscription, Error>,
    filter: *const lifesign_filter,
) -> Result<(), Error> {
    let (service_wanted, check_wanted);
    let wanted = if filter.is_null() {
        SubscriptionFilter::all()
    } else {
        let given = input("filter", filter)?;
        let least = match given.min_status {
            0 => Status::Passing,
            code => status("filter.min_status", code)?,
        };
        let wanted = match given.scope {
            LIFESIGN_FILTER_ALL => SubscriptionFilter::all(),
            LIFESIGN_FILTER_SERVICE => {
                service_wanted = service(given.handle)?.1;
                SubscriptionFilter::service(&service_wanted, given.summary != 0)
            }
            LIFESIGN_FILTER_CHECK => {
                check_wanted = check(given.handle)?.1;
                SubscriptionFilter::check(&check_wanted)
            }
            LIFESIGN_FILTER_PREFIX => {
                SubscriptionFilter::prefix(text("filter.prefix", given.prefix.ptr, given.prefix.len, MAX_ID)?)
            }
            LIFESIGN_FILTER_TROUBLE => SubscriptionFilter::trouble(),
            other => return Err(Error::invalid(format!("filter.scope: {other} is no scope; 0 to 4 are"))),
        };
        let wanted = if given.transitions_only != 0 { wanted.transitions_only() } else { wanted };
        // SAFETY: NULL, or a cursor of the caller's that stays as it is during the call.
        match unsafe { given.since.as_ref() } {
            Some(lifesign_cursor { engine_id, position }) => {
                wanted.since(Cursor { engine_id: *engine_id, position: *position })
            }
            None => wanted,
        }
        .at_least(least)
    };
    let root = root()?;
    let make = || subscribe(&wanted).map(Object::Subscription);
    out.put(root.handles.insert(root, Kind::Subscription, make)?);
    Ok(())
}

/// Takes what is pending, up to `events_cap` events; never waits. OK with `batch->count` 0 when nothing is. What does not fit stays pending; if not
/// even one event fits into `bytes`, `batch->bytes` alone is written.
///
/// One consumer at a time. Errors: BUSY, BUFFER_TOO_SMALL, INVALID, CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_subscription_poll(
    subscription: lifesign_subscription,
    events: *mut lifesign_event,
    events_cap: usize,
    bytes: *mut c_char,
    bytes_cap: usize,
    batch: *mut lifesign_batch,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::sized("batch", batch)?;
        let slots = Slots::new("events", events, events_cap)?;
        if events_cap == 0 {
            return Err(Error::invalid("events_cap is 0: there must be room for one event"));
        }
        let buffer = Slots::new("bytes", bytes, bytes_cap)?;
        let (mut crossing, mut filled, mut needed) = (Vec::new(), Bytes::default(), None);
        let taken = self::subscription(subscription)?.poll_while(|next| {
            let before = filled.len();
            if crossing.len() == slots.len() {
                return false;
            }
            let made = event(next, &mut filled);
            if filled.len() > buffer.len() {
                needed = Some(filled.len() - before);
                filled.truncate(before);
                return false;
            }
            crossing.push(made);
            true
        })?;
        if let (true, Some(needed)) = (crossing.is_empty(), needed) {
            // SAFETY: `Out::sized` has checked the pointer and the size of what it points to.
            unsafe { (*batch).bytes = needed as u64 };
            return Err(too_small("bytes", buffer.len(), needed));
        }
        filled.put(&buffer);
        slots.fill(&crossing);
        out.put(lifesign_batch {
            struct_size: size_of::<lifesign_batch>() as u32,
            count: crossing.len() as u32,
            resync: taken.resync.into(),
            more: taken.more.into(),
            reset: taken.reset.into(),
            reserved: 0,
            bytes: filled.len() as u64,
            cursor: cursor(taken.cursor),
        });
        Ok(())
    })
}

/// Waits until something is pending, up to `timeout_ms` milliseconds; below 0 for ever. It returns at once if anything newer exists, whether it
/// came before the call or during it.
///
/// One consumer at a time. Errors: TIMEOUT with a bookmark, BUSY, CLOSED also when it is closed while waiting, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_subscription_wait(
    subscription: lifesign_subscription,
    timeout_ms: i64,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        self::subscription(subscription)?.wait(timeout)
    })
}

/// A level-triggered descriptor for poll, epoll and their like: readable, or becoming so before the write returns, whenever something is pending
/// and no call of this subscription runs. Never read it and never close it; `dup` it to own one.
///
/// Any thread. Errors: LIMIT when the process has no more descriptors, CLOSED, FORGED, FORKED, INVALID.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_subscription_descriptor(
    subscription: lifesign_subscription,
    fd: *mut i32,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let out = Out::new("fd", fd)?;
        out.put(self::subscription(subscription)?.descriptor()?);
        Ok(())
    })
}

/// Ends a subscription: a call that waits ends with CLOSED and has left when this returns; nothing of it runs or is touched afterwards.
///
/// Any thread; exactly one of several closers succeeds. Errors: CLOSED, FORGED, FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn lifesign_unsubscribe(
    subscription: lifesign_subscription,
    error: *mut lifesign_error,
) -> lifesign_result {
    call(error, || {
        let root = root()?;
        let entry = root.handles.remove(root, Kind::Subscription, subscription)?;
        if let Object::Subscription(subscription) = &entry.object {
            subscription.close();
        }
        Ok(())
    })
}
