//! loom's atomics, watched: what the models need to know of each access, and to change in it.
//!
//! * **Where it stands.** A recording run notes each access by its place in the source, with the orderings it asks for.
//! * **Weaker.** One place can be given a weaker ordering for a run: a model that has a claim on it must then fail.
//! * **Stepped.** loom keeps one last access of each atomic: a thread's own load hides an earlier load of another thread from the search, and
//!   orders of "load, then swap" are missed at any bound. A stepped run precedes each access by a relaxed read-modify-write beside the value:
//!   any two accesses conflict then, no order of them is missed, and nothing is synchronised by it. It costs executions, so it
//!   is a run of its own and not the rule.
//!
//! All of it is chosen for the calling thread: loom runs a model's threads on that of its caller.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;

use loom::sync::atomic as imp;
pub use loom::sync::atomic::Ordering;

/// Where in the source an access stands.
pub type Site = Location<'static>;

/// How one access is made weaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weaker {
    /// With this ordering; of a compare-and-swap when it succeeds.
    Order(Ordering),
    /// With this ordering when a compare-and-swap fails.
    Failure(Ordering),
    /// A read-modify-write that changes nothing becomes a load.
    Load,
}

/// What an access asks for, or gets.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The ordering; of a compare-and-swap when it succeeds.
    pub order: Ordering,
    /// The ordering when a compare-and-swap fails.
    pub failure: Option<Ordering>,
    /// Whether it is a read-modify-write that changes nothing, each time it was seen.
    pub idle: bool,
}

thread_local! {
    static WEAKENED: Cell<Option<(Site, Weaker)>> = const { Cell::new(None) };
    static RECORD: RefCell<Option<BTreeMap<Site, Access>>> = const { RefCell::new(None) };
    static STEPPED: Cell<bool> = const { Cell::new(false) };
}

/// Makes one access weaker from now on, or none.
pub fn weaken(weaker: Option<(Site, Weaker)>) {
    WEAKENED.set(weaker);
}

/// Whether the atomics that are made from now on are stepped.
pub fn step(stepped: bool) {
    STEPPED.set(stepped);
}

/// Runs `run` and returns the accesses made by it.
pub fn record(run: impl FnOnce()) -> BTreeMap<Site, Access> {
    RECORD.set(Some(BTreeMap::new()));
    run();
    RECORD.take().unwrap_or_default()
}

/// What the access at `site` gets that asks for `asked`, and whether it has become a load.
fn access(site: &Site, asked: Access) -> (Access, bool) {
    RECORD.with_borrow_mut(|record| {
        if let Some(record) = record {
            record.entry(*site).or_insert(asked).idle &= asked.idle;
        }
    });
    match WEAKENED.get() {
        Some((weakened, weaker)) if weakened == *site => match weaker {
            Weaker::Order(order) => (Access { order, ..asked }, false),
            Weaker::Failure(order) => (Access { failure: Some(order), ..asked }, false),
            Weaker::Load => (asked, asked.idle),
        },
        _ => (asked, false),
    }
}

fn new_step() -> Option<imp::AtomicU32> {
    STEPPED.get().then(|| imp::AtomicU32::new(0))
}

macro_rules! watched {
    ($name:ident $(<$t:ident>)?, $value:ty, $inner:ty, $($update:ident $idle:expr),*) => {
        /// The facade's atomic of this name in a model.
        #[derive(Debug)]
        pub struct $name $(<$t>)? {
            value: $inner,
            step: Option<imp::AtomicU32>,
        }

        // All atomics have the methods that std's have and some protocol uses.
        #[allow(dead_code)]
        impl $(<$t>)? $name $(<$t>)? {
            pub fn new(value: $value) -> Self {
                Self { value: <$inner>::new(value), step: new_step() }
            }

            fn stepped(&self) -> &$inner {
                if let Some(step) = &self.step {
                    step.fetch_add(1, Ordering::Relaxed);
                }
                &self.value
            }

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                let (access, _) = access(Location::caller(), Access { order, failure: None, idle: false });
                self.stepped().load(access.order)
            }

            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                let (access, _) = access(Location::caller(), Access { order, failure: None, idle: false });
                self.stepped().store(value, access.order);
            }

            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                let (access, _) = access(Location::caller(), Access { order, failure: None, idle: false });
                self.stepped().swap(value, access.order)
            }

            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                order: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let asked = Access { order, failure: Some(failure), idle: false };
                let (access, _) = access(Location::caller(), asked);
                self.stepped().compare_exchange(current, new, access.order, access.failure.unwrap_or(failure))
            }

            $(
                #[track_caller]
                pub fn $update(&self, value: $value, order: Ordering) -> $value {
                    let idle = $idle == Some(value);
                    let (access, as_load) = access(Location::caller(), Access { order, failure: None, idle });
                    if as_load {
                        return self.stepped().load(Ordering::Acquire);
                    }
                    self.stepped().$update(value, access.order)
                }
            )*
        }
    };
}

watched!(AtomicBool, bool, imp::AtomicBool, fetch_or Some(false), fetch_and Some(true));
watched!(
    AtomicU32, u32, imp::AtomicU32,
    fetch_add Some(0), fetch_sub Some(0), fetch_or Some(0), fetch_and None, fetch_xor Some(0), fetch_max Some(0), fetch_min None
);
watched!(
    AtomicU64, u64, imp::AtomicU64,
    fetch_add Some(0), fetch_sub Some(0), fetch_or Some(0), fetch_and None, fetch_xor Some(0), fetch_max Some(0), fetch_min None
);
watched!(AtomicPtr<T>, *mut T, imp::AtomicPtr<T>,);

impl<T> AtomicPtr<T> {
    /// The value, while nobody else can reach it: no access that a model knows of.
    pub fn exclusive(&mut self) -> *mut T {
        self.value.with_mut(|pointer| *pointer)
    }
}

impl Default for AtomicU64 {
    fn default() -> Self {
        Self::new(0)
    }
}
