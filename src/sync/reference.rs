//! The same slot as that of [`split`](super::split) over an [`ArcCell`]: what models and schedules have in its place, because it takes
//! fewer steps, and with the feature `arc-swap-cell` programs too, so that whatever one does not understand can be tried with the other.

use std::ops::Deref;
use std::sync::Arc;

use super::ArcCell;

/// What a value needs to be published there.
pub trait Published {
    /// The value's counter, which is not needed here.
    #[allow(dead_code, reason = "only the real slot counts")]
    fn in_flight(&self) -> &InFlight;
}

/// Nothing.
#[derive(Clone)]
pub struct InFlight;

impl InFlight {
    /// Nothing.
    pub fn new() -> Self {
        Self
    }
}

/// The slot.
pub struct SplitCell<T>(ArcCell<T>);

/// A value that was in the slot.
pub struct Held<'a, T> {
    cell: &'a ArcCell<T>,
    value: Arc<T>,
}

impl<T> SplitCell<T> {
    /// An empty slot.
    pub fn empty() -> Self {
        Self(ArcCell::empty())
    }

    /// The present value.
    pub fn hold(&self) -> Option<Held<'_, T>> {
        self.load().map(|value| Held { cell: &self.0, value })
    }

    /// The present value, owned.
    pub fn load(&self) -> Option<Arc<T>> {
        self.0.load()
    }

    /// Replaces the value whatever it was.
    pub fn store(&self, value: Option<Arc<T>>) {
        self.0.store(value);
    }
}

impl<T> Held<'_, T> {
    /// The value, owned.
    pub fn to_arc(&self) -> Arc<T> {
        self.value.clone()
    }

    /// Replaces the value that is held by `value` if it still is the slot's; returns what was replaced and the new value, held.
    pub fn replace(self, value: Arc<T>) -> Option<(Arc<T>, Self)> {
        let new = Held { cell: self.cell, value };
        new.cell.replace(Some(&self.value), Some(new.value.clone())).then_some((self.value, new))
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
