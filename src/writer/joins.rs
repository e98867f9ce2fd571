//! Who waits for the calls of a token to leave: known to the engine, whose close ends every wait.
//!
//! A joiner makes itself known before it looks whether the engine is closed; a close says so before it looks who is known, and both looks are under
//! one lock. So either the joiner sees that the engine is closed, or the close finds the joiner and wakes it. The joiner counts wakes before it looks,
//! so one that comes between its look and its sleep is not lost. Without this a C program could wait for ever: the handle of the token that is
//! waited for ends with the engine, and nobody could close it any more.

use std::sync::Arc;
use std::time::Instant;

use crate::mutant::mutated;
use crate::sync::Mutex;
use crate::writer::token::{Calls, Joined};

/// The tokens that are waited for, each as often as somebody waits.
pub struct Joins<T>(Mutex<Vec<Arc<T>>>);

/// One who waits; it is forgotten when this is dropped.
struct Known<'a, T> {
    joins: &'a Joins<T>,
    old: &'a Arc<T>,
}

impl<T: AsRef<Calls>> Joins<T> {
    /// Nobody waits.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Waits as [`Calls::join`] does, and ends with the engine.
    pub fn join(
        &self,
        old: &Arc<T>,
        calls_only: bool,
        deadline: Option<Instant>,
        is_closed: impl Fn() -> bool,
    ) -> Joined {
        if mutated!("join-looks-closed-first") && is_closed() {
            return Joined::EngineClosed;
        }
        self.0.lock().push(old.clone());
        let _known = Known { joins: self, old };
        let is_closed = || !mutated!("join-looks-closed-first") && is_closed();
        T::as_ref(old).join(calls_only, deadline, is_closed)
    }

    /// Wakes everybody: the engine is closed. O(those who wait).
    pub fn end(&self) {
        if mutated!("close-forgets-joiners") {
            return;
        }
        self.0.lock().iter().for_each(|old| T::as_ref(old).wake());
    }
}

impl<T> Drop for Known<'_, T> {
    fn drop(&mut self) {
        let mut waiting = self.joins.0.lock();
        if mutated!("joiner-not-forgotten") {
            return;
        }
        if let Some(at) = waiting.iter().position(|each| Arc::ptr_eq(each, self.old)) {
            waiting.swap_remove(at);
        }
    }
}
