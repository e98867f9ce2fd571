//! What a program runs on: `std`, the kernel's futex, arc-swap.

pub use foldhash::fast::RandomState as HashState;
pub use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
pub use std::thread::yield_now;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use rustix::thread::futex;

/// What a pointer holds that nobody else can reach any more.
pub fn exclusive<T>(pointer: &mut AtomicPtr<T>) -> *mut T {
    *pointer.get_mut()
}

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
