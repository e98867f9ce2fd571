//! What a schedule runs on: shuttle, and stand-ins for what shuttle does not know.

// Fixed, so that maps are walked in the same order when a failing schedule is run again.
pub use foldhash::fast::FixedState as HashState;
pub use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
pub use shuttle::thread::yield_now;

use std::sync::Arc;
use std::time::Instant;

use shuttle::sync::{Condvar, Mutex};

pub fn exclusive<T>(pointer: &mut AtomicPtr<T>) -> *mut T {
    *pointer.get_mut()
}

/// The futex, made of what shuttle schedules: whoever misses a wake sleeps for ever, and shuttle says so.
#[derive(Debug)]
pub struct Signal {
    count: AtomicU32,
    // The kernel's part: it compares and falls asleep in one step, and wakes in one step.
    kernel: Mutex<()>,
    sleepers: Condvar,
}

impl Signal {
    pub const fn new() -> Self {
        Self { count: AtomicU32::new(0), kernel: Mutex::new(()), sleepers: Condvar::new() }
    }

    pub fn current(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// A schedule knows no time: with a deadline it returns early, as it may, and leaves it to the caller to look at the clock.
    pub fn wait(&self, seen: u32, deadline: Option<Instant>) {
        if deadline.is_some() {
            return yield_now();
        }
        let kernel = self.kernel.lock().unwrap();
        if self.count.load(Ordering::Acquire) == seen {
            drop(self.sleepers.wait(kernel));
        }
    }

    pub fn notify(&self) {
        self.count.fetch_add(1, Ordering::Release);
        let _kernel = self.kernel.lock().unwrap();
        self.sleepers.notify_all();
    }
}

/// The stand-in for arc-swap: each operation is one step.
pub struct ArcCell<T> {
    // What shuttle schedules; nobody looks at its value.
    step: AtomicBool,
    // Never waited for, because no switch happens while it is held.
    value: std::sync::Mutex<Option<Arc<T>>>,
}

pub type Borrowed<T> = Option<Arc<T>>;

impl<T> ArcCell<T> {
    pub fn empty() -> Self {
        Self { step: AtomicBool::new(false), value: std::sync::Mutex::new(None) }
    }

    /// Does something with the value in one step.
    fn step<R>(&self, step: impl FnOnce(&mut Option<Arc<T>>) -> R) -> R {
        self.step.load(Ordering::Acquire);
        step(&mut self.value.try_lock().expect("a step is not interrupted"))
    }

    pub fn borrow(&self) -> Borrowed<T> {
        self.load()
    }

    pub fn load(&self) -> Option<Arc<T>> {
        self.step(|present| present.clone())
    }

    pub fn store(&self, value: Option<Arc<T>>) {
        // What is replaced is dropped after the step: that may have steps of its own.
        drop(self.step(|present| std::mem::replace(present, value)));
    }

    pub fn replace(&self, current: Option<&Arc<T>>, value: Option<Arc<T>>) -> bool {
        let pointer = |value: Option<&Arc<T>>| value.map_or(std::ptr::null(), Arc::as_ptr);
        let replaced = self.step(|present| {
            if pointer(present.as_ref()) == pointer(current) {
                Ok(std::mem::replace(present, value))
            } else {
                Err(value)
            }
        });
        replaced.is_ok()
    }
}
