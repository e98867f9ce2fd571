//! What a model runs on: loom, and stand-ins for what loom does not know.

pub use super::watched::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
pub use foldhash::fast::RandomState as HashState;
pub use std::thread::yield_now;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use loom::cell::UnsafeCell;

pub fn exclusive<T>(pointer: &mut AtomicPtr<T>) -> *mut T {
    pointer.exclusive()
}

/// The model's stand-in for the futex: it compares as the kernel does, with the newest count, and synchronises nothing, which the kernel
/// does not promise either.
#[derive(Debug)]
pub struct Signal(AtomicU32);

/// Far more steps than the other thread of a model has.
const PATIENCE: u32 = 1_000;

impl Signal {
    pub fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub fn current(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub fn wait(&self, seen: u32, _deadline: Option<Instant>) {
        for _ in 0..PATIENCE {
            // Also before an early return: after a yield no load returns what it has returned before and is overwritten by now.
            loom::thread::yield_now();
            if self.0.fetch_add(0, Ordering::Relaxed) != seen {
                return;
            }
        }
        panic!("signal: a thread sleeps and nobody is left to wake it");
    }

    pub fn notify(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// The model's stand-in for arc-swap: one atomic pointer, and every value kept alive as long as the cell.
pub struct ArcCell<T> {
    pointer: AtomicPtr<T>,
    // Not a primitive of the model: it is never waited for, because no switch happens while it is held.
    kept: Mutex<Vec<Kept<T>>>,
}

/// A value, and what loom takes for its memory: written when it is put in, read whenever it is taken out. loom ends a model in which
/// the one does not come before the other.
struct Kept<T> {
    value: Arc<T>,
    memory: UnsafeCell<()>,
}

pub type Borrowed<T> = Option<Arc<T>>;

impl<T> ArcCell<T> {
    pub fn empty() -> Self {
        Self { pointer: AtomicPtr::new(std::ptr::null_mut()), kept: Mutex::new(Vec::new()) }
    }

    fn keep(&self, value: Option<&Arc<T>>) -> *mut T {
        let Some(value) = value else { return std::ptr::null_mut() };
        let memory = UnsafeCell::new(());
        memory.with_mut(|_| ());
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        kept.push(Kept { value: value.clone(), memory });
        Arc::as_ptr(value).cast_mut()
    }

    fn own(&self, pointer: *mut T) -> Option<Arc<T>> {
        if pointer.is_null() {
            return None;
        }
        let kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let found = kept.iter().find(|kept| Arc::as_ptr(&kept.value) == pointer.cast_const())?;
        found.memory.with(|_| ());
        Some(found.value.clone())
    }

    pub fn borrow(&self) -> Borrowed<T> {
        self.load()
    }

    pub fn load(&self) -> Option<Arc<T>> {
        self.own(self.pointer.load(Ordering::Acquire))
    }

    pub fn store(&self, value: Option<Arc<T>>) {
        self.pointer.swap(self.keep(value.as_ref()), Ordering::AcqRel);
    }

    pub fn replace(&self, current: Option<&Arc<T>>, value: Option<Arc<T>>) -> bool {
        let expected = current.map_or(std::ptr::null(), Arc::as_ptr).cast_mut();
        let new = self.keep(value.as_ref());
        self.pointer.compare_exchange(expected, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
