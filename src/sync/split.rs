//! The slot that snapshots are published in: an `Option<Arc<T>>` that is read and replaced without a lock, at a cost that does not grow with the
//! threads of the process.
//!
//! # Split counts
//!
//! To read a pointer and to count oneself among the users of what it points to are two steps, and between them another may replace and free it.
//! Here those who are between the two steps are counted in the same word as the pointer (A. Williams, *C++ Concurrency in Action*, 2nd edition,
//! 2019, section 7.2.4): the word is {count, 16 bits | address, 48 bits}, and who *enters* adds one to the count and gets the address in one step.
//! He *leaves* by taking one off again, as long as the word still has that address.
//!
//! The slot owns one strong reference of its value. Who replaces the value takes the count out of the word with the address, so he knows how many are
//! inside and will not find the word as it was when they leave. They settle with the value itself: it has a counter ([`InFlight`]) to which the
//! replacer adds their number and from which each of them takes one off. Whoever brings it to 0 gives the slot's reference up.
//!
//! Why that is once and not too early. Until the replacer has added, the counter is 0 less those who left, so the additions and subtractions come to 0
//! for the first time after the replacer has added, with the last of those who were inside; each of them is counted once, because a value is
//! published once, in one slot (which is tested). If nobody was inside nobody will come, and the replacer gives the reference up without a
//! look at the counter; otherwise he must look (`split-forgets-readers`). While the word has the address that one has entered with it has the same
//! value, since the slot's reference is not given up before all have left, and one's own unit is in the count: whose is taken off does not
//! matter, they are all alike. One who finds another address was counted by the replacer (`split-leaves-blindly`).
//!
//! # Orders
//!
//! Entering acquires, replacing releases: who sees the address sees the value. Leaving releases, replacing acquires, and settling does both:
//! what anybody did with the value comes before it is freed. `tests/models/split.rs` explores all of it.
//!
//! # Progress and price
//!
//! Reading and replacing are lock-free: a step is done again only because another's has succeeded. A reader writes to the word, so readers of one
//! value disturb one another, which readers of a list behind an [`ArcCell`](super::ArcCell) do not; replacing looks at no thread but its own,
//! which there costs tens of nanoseconds for every thread that has ever been inside one at the same time. A whole write that changes a check's status
//! takes 96 ns alone and with 256 other threads alive; with arc-swap's cell it takes 187 ns and 8 us. The snapshot of a
//! check by its handle takes 12 ns with this one and 13 ns with the other (two x86-64 cores, medians of short turns).
//! With more than 2^15 threads between the two steps at the same time those who come wait.
//!
//! Addresses of 48 bits are what user space has on x86-64 and aarch64 unless it asks for more; another is refused by a panic before it is published.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use super::{AtomicU32, AtomicU64, Ordering, yield_now};
use crate::mutant::mutated;

const COUNT: u32 = 48;
const ONE: u64 = 1 << COUNT;
const ADDRESS: u64 = ONE - 1;
/// So many may be inside before those who come wait: far from the end of the count, for those who are on their way.
const MOST: u64 = 1 << 15;
/// The counter of a value that was not published yet.
const FRESH: u32 = 1 << 31;

/// What a value needs to be published in a [`SplitCell`].
pub trait Published {
    /// The value's counter.
    fn in_flight(&self) -> &InFlight;
}

/// How many of those who were inside when the value was replaced have yet to leave, less those who left before they were added.
pub struct InFlight(AtomicU32);

impl InFlight {
    /// Of a value that was not published yet.
    pub fn new() -> Self {
        Self(AtomicU32::new(FRESH))
    }

    /// Of a value that is about to be published, by the one thread that does it.
    fn begin(&self) {
        // Relaxed: publishing the address orders it.
        assert_eq!(self.0.load(Ordering::Relaxed), FRESH, "a value is published once");
        self.0.store(0, Ordering::Relaxed);
    }

    /// It was not published after all.
    fn take_back(&self) {
        self.0.store(FRESH, Ordering::Relaxed);
    }

    /// Adds those that were inside; whether all of them have left by now.
    fn expect(&self, inside: u32) -> bool {
        self.0.fetch_add(inside, Ordering::AcqRel).wrapping_add(inside) == 0
    }

    /// One has left; whether it was the last.
    fn leave(&self) -> bool {
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl Clone for InFlight {
    /// A copy of a value was not published.
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// The slot.
pub struct SplitCell<T: Published> {
    word: AtomicU64,
    owned: PhantomData<Arc<T>>,
}

// SAFETY: it gives out `&T` and `Arc<T>` to whoever has a reference to it, and drops values in any thread: what `Arc<T>` needs to be sent.
unsafe impl<T: Published + Send + Sync> Send for SplitCell<T> {}
// SAFETY: as above.
unsafe impl<T: Published + Send + Sync> Sync for SplitCell<T> {}

/// A value that is held in the slot: it is not freed as long as this lives, which should be short.
pub struct Held<'a, T: Published> {
    cell: &'a SplitCell<T>,
    /// With a count of at least one in it, which is this one's.
    word: u64,
}

fn pointer<T>(word: u64) -> *const T {
    std::ptr::with_exposed_provenance((word & ADDRESS) as usize)
}

/// Gives up the reference that the slot had.
///
/// # Safety
/// The value was published, is replaced, and all who were inside have left.
unsafe fn release<T>(value: *const T) {
    // SAFETY: the address is from `Arc::into_raw`, and this is the reference of the slot, which is given up once.
    drop(unsafe { Arc::from_raw(value) });
}

impl<T: Published> SplitCell<T> {
    /// An empty slot.
    pub fn empty() -> Self {
        Self { word: AtomicU64::new(0), owned: PhantomData }
    }

    /// The present value, held in its place. Lock-free; two updates of the slot's word until it is let go.
    #[inline]
    pub fn hold(&self) -> Option<Held<'_, T>> {
        loop {
            // An empty slot has nothing to be held. Relaxed: nothing is looked at.
            if self.word.load(Ordering::Relaxed) & ADDRESS == 0 {
                return None;
            }
            let word = self.word.fetch_add(ONE, Ordering::Acquire);
            let held = Held { cell: self, word: word.wrapping_add(ONE) };
            if word & ADDRESS == 0 {
                return None;
            }
            if word >> COUNT < MOST {
                return Some(held);
            }
            drop(held);
            yield_now();
        }
    }

    /// The present value, owned. Lock-free.
    pub fn load(&self) -> Option<Arc<T>> {
        self.hold().map(|held| held.to_arc())
    }

    /// Replaces the value whatever it was. Wait-free but for freeing it.
    pub fn store(&self, value: Option<Arc<T>>) {
        let new = value.map_or(0, publish);
        let old = self.word.swap(new, Ordering::AcqRel);
        if old & ADDRESS != 0 {
            settle::<T>(old, (old >> COUNT) as u32);
        }
    }
}

/// The word of a value about to be published, with the slot's own reference to it in it.
fn publish<T: Published>(value: Arc<T>) -> u64 {
    value.in_flight().begin();
    let address = Arc::into_raw(value).expose_provenance() as u64;
    assert_eq!(address & !ADDRESS, 0, "an address of more than 48 bits");
    address
}

/// After the value of `word` was replaced with `inside` others inside.
fn settle<T: Published>(word: u64, inside: u32) {
    let value = pointer::<T>(word);
    // SAFETY: the slot's reference is not given up before those inside were added and have left.
    let nobody =
        inside == 0 || mutated!("split-forgets-readers") || unsafe { &*value }.in_flight().expect(inside);
    if nobody {
        // SAFETY: nobody is inside any more, and nobody can come.
        unsafe { release(value) };
    }
}

impl<'a, T: Published> Held<'a, T> {
    /// The value, owned.
    pub fn to_arc(&self) -> Arc<T> {
        let value = pointer::<T>(self.word);
        // SAFETY: the address is from `Arc::into_raw`, and the slot's reference is not given up as long as this is inside.
        unsafe {
            Arc::increment_strong_count(value);
            Arc::from_raw(value)
        }
    }

    /// Replaces the value that is held by `value` if it still is the slot's; returns what was replaced, owned, and the new value, held. Lock-free.
    // Held from the beginning: who publishes goes on to look at it, and saves the two updates of another count.
    #[inline(always)]
    pub fn replace(self, value: Arc<T>) -> Option<(Arc<T>, Self)> {
        let cell = self.cell;
        let new = publish(value) + ONE;
        let mut word = self.word;
        loop {
            // Acquire, on success: those who have left are done with what is freed. On failure nothing is looked at.
            match cell.word.compare_exchange(word, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(present) if (present ^ word) & ADDRESS == 0 => word = present,
                Err(_) => {
                    // SAFETY: nobody has seen what `publish` made of it.
                    unsafe { &*pointer::<T>(new) }.in_flight().take_back();
                    if !mutated!("split-keeps-the-refused") {
                        // SAFETY: it is the reference that `publish` took, and nobody has seen it.
                        unsafe { release(pointer::<T>(new)) };
                    }
                    return None;
                }
            }
        }
        // This one is among those inside, and leaves with what it replaced.
        let others = if mutated!("split-replaces-alone") { 0 } else { (word >> COUNT) as u32 - 1 };
        let old = if others == 0 {
            // SAFETY: nobody else is inside: the slot's own reference is free.
            unsafe { Arc::from_raw(pointer::<T>(word)) }
        } else {
            let old = self.to_arc();
            settle::<T>(word, others);
            old
        };
        std::mem::forget(self);
        Some((old, Held { cell, word: new }))
    }
}

impl<T: Published> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the slot's reference is not given up as long as this is inside.
        unsafe { &*pointer::<T>(self.word) }
    }
}

impl<T: Published> Drop for Held<'_, T> {
    fn drop(&mut self) {
        let mut word = self.word;
        // Its own unit, or another's of the same value. An empty slot may have been emptied anew, and then nobody is counted.
        while ((word ^ self.word) & ADDRESS == 0 || mutated!("split-leaves-blindly")) && word >= ONE {
            match self.cell.word.compare_exchange(word, word - ONE, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(present) => word = present,
            }
        }
        let value = pointer::<T>(self.word);
        // SAFETY: this was counted by the replacer, so the slot's reference is not given up before this leaves; of an empty slot nothing is.
        if !value.is_null() && unsafe { &*value }.in_flight().leave() {
            // SAFETY: it was the last one.
            unsafe { release(value) };
        }
    }
}

impl<T: Published> Drop for SplitCell<T> {
    fn drop(&mut self) {
        self.store(None);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Value(InFlight);

    impl Published for Value {
        fn in_flight(&self) -> &InFlight {
            &self.0
        }
    }

    #[test]
    #[should_panic(expected = "a value is published once")]
    fn a_value_is_in_one_cell_only() {
        let (cell, other, value) = (SplitCell::empty(), SplitCell::empty(), Arc::new(Value(InFlight::new())));
        cell.store(Some(value.clone()));
        other.store(Some(value));
    }
}
