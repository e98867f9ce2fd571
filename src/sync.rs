//! The facade over atomics: everything the protocols are made of, from `std` in a program and from `loom` in a model.
//!
//! The protocols (`cell`, `writer`, `summary`, `subscribe`) name their primitives through this module only, so that the models
//! in `tests/models` explore the code that ships. What loom cannot see is kept outside: memory mappings, descriptors, the
//! allocator, and the reclamation inside [`ArcCell`], which is arc-swap in a program and a cell that keeps everything alive in a model.

#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

pub use cell::ArcCell;
pub use mutex::{Guard, Mutex};
pub use signal::Signal;

mod mutex {
    #[cfg(loom)]
    use loom::sync as imp;
    #[cfg(not(loom))]
    use std::sync as imp;

    /// A mutex that outlives a panic of its holder: the state under it is only ever changed by steps that each leave it whole.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(imp::Mutex<T>);

    /// The lock, held.
    pub type Guard<'a, T> = imp::MutexGuard<'a, T>;

    impl<T> Mutex<T> {
        /// A mutex around `value`.
        pub fn new(value: T) -> Self {
            Self(imp::Mutex::new(value))
        }

        /// Waits for the lock.
        pub fn lock(&self) -> Guard<'_, T> {
            self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        }

        /// Takes the lock if nobody holds it.
        pub fn try_lock(&self) -> Option<Guard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                #[cfg(not(loom))]
                Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(_) => None,
            }
        }
    }
}

#[cfg(not(loom))]
mod signal {
    use super::{AtomicU32, Ordering};
    use rustix::thread::futex;
    use std::time::Instant;

    /// A counter that threads sleep on: an event count over the kernel's futex.
    #[derive(Debug)]
    pub struct Signal(AtomicU32);

    impl Signal {
        /// A signal that was never given.
        pub const fn new() -> Self {
            Self(AtomicU32::new(0))
        }

        /// The count to hand to `wait`; read it before looking whether there is anything to wait for.
        pub fn current(&self) -> u32 {
            self.0.load(Ordering::Acquire)
        }

        /// Sleeps until `notify` was called after `seen` was read, or until `deadline`. May return early.
        pub fn wait(&self, seen: u32, deadline: Option<Instant>) {
            let timeout = deadline.map(|deadline| {
                let left = deadline.saturating_duration_since(Instant::now());
                futex::Timespec {
                    tv_sec: left.as_secs().min(i64::MAX as u64) as i64,
                    tv_nsec: left.subsec_nanos().into(),
                }
            });
            // An error is a changed count, a time-out or a signal: all of them mean "look again".
            let _ = futex::wait(&self.0, futex::Flags::PRIVATE, seen, timeout.as_ref());
        }

        /// Wakes all that sleep. One system call.
        pub fn notify(&self) {
            self.0.fetch_add(1, Ordering::Release);
            let _ = futex::wake(&self.0, futex::Flags::PRIVATE, i32::MAX as u32);
        }
    }
}

#[cfg(loom)]
mod signal {
    use super::{AtomicU32, Ordering};
    use std::time::Instant;

    /// The model's stand-in counts only: what a model checks is that the count rose.
    #[derive(Debug)]
    pub struct Signal(AtomicU32);

    impl Signal {
        pub fn new() -> Self {
            Self(AtomicU32::new(0))
        }

        pub fn current(&self) -> u32 {
            self.0.load(Ordering::Acquire)
        }

        pub fn wait(&self, _seen: u32, _deadline: Option<Instant>) {
            loom::thread::yield_now();
        }

        pub fn notify(&self) {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[cfg(not(loom))]
mod cell {
    use arc_swap::ArcSwapOption;
    use std::sync::Arc;

    /// A shared slot for an `Option<Arc<T>>`, read and replaced without a lock.
    ///
    /// arc-swap (M. Vaner) does the work: every operation is sequentially consistent there, reading borrows without touching
    /// the count when it can, and the replaced value is freed when its last reader is done.
    pub struct ArcCell<T>(ArcSwapOption<T>);

    /// A borrowed value of an [`ArcCell`]; short-lived, never crosses the C ABI.
    pub type Borrowed<T> = arc_swap::Guard<Option<Arc<T>>>;

    impl<T> ArcCell<T> {
        /// An empty slot.
        pub fn empty() -> Self {
            Self(ArcSwapOption::empty())
        }

        /// The present value, borrowed.
        pub fn borrow(&self) -> Borrowed<T> {
            self.0.load()
        }

        /// The present value, owned.
        pub fn load(&self) -> Option<Arc<T>> {
            self.0.load_full()
        }

        /// Replaces the value whatever it was.
        pub fn store(&self, value: Option<Arc<T>>) {
            self.0.store(value);
        }

        /// Replaces the value if it still is `current`, the very allocation; tells whether it did.
        pub fn replace(&self, current: Option<&Arc<T>>, value: Option<Arc<T>>) -> bool {
            let expected = current.map_or(std::ptr::null(), Arc::as_ptr);
            let before = self.0.compare_and_swap(expected, value);
            before.as_ref().map_or(std::ptr::null(), Arc::as_ptr) == expected
        }
    }
}

#[cfg(loom)]
mod cell {
    use super::{AtomicPtr, Ordering};
    use std::sync::{Arc, Mutex};

    /// The model's stand-in for arc-swap: one atomic pointer, and every value kept alive as long as the cell.
    pub struct ArcCell<T> {
        pointer: AtomicPtr<T>,
        // Not a primitive of the model: it is never waited for, because no switch happens while it is held.
        kept: Mutex<Vec<Arc<T>>>,
    }

    pub type Borrowed<T> = Option<Arc<T>>;

    impl<T> ArcCell<T> {
        pub fn empty() -> Self {
            Self { pointer: AtomicPtr::new(std::ptr::null_mut()), kept: Mutex::new(Vec::new()) }
        }

        fn keep(&self, value: &Arc<T>) {
            self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(value.clone());
        }

        fn own(&self, pointer: *mut T) -> Option<Arc<T>> {
            if pointer.is_null() {
                return None;
            }
            let kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            kept.iter().find(|value| Arc::as_ptr(value) == pointer.cast_const()).cloned()
        }

        pub fn borrow(&self) -> Borrowed<T> {
            self.load()
        }

        pub fn load(&self) -> Option<Arc<T>> {
            self.own(self.pointer.load(Ordering::Acquire))
        }

        pub fn store(&self, value: Option<Arc<T>>) {
            let new = value.as_ref().map_or(std::ptr::null(), Arc::as_ptr).cast_mut();
            if let Some(value) = &value {
                self.keep(value);
            }
            self.pointer.swap(new, Ordering::AcqRel);
        }

        pub fn replace(&self, current: Option<&Arc<T>>, value: Option<Arc<T>>) -> bool {
            let expected = current.map_or(std::ptr::null(), Arc::as_ptr).cast_mut();
            let new = value.as_ref().map_or(std::ptr::null(), Arc::as_ptr).cast_mut();
            if let Some(value) = &value {
                self.keep(value);
            }
            self.pointer.compare_exchange(expected, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
        }
    }
}

impl<T> std::fmt::Debug for ArcCell<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArcCell")
    }
}
