//! What a model runs on: loom, and stand-ins for what loom does not know.

pub use foldhash::fast::RandomState as HashState;
pub use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
pub use std::thread::yield_now;

use std::sync::{Arc, Mutex};
use std::time::Instant;

pub fn exclusive<T>(pointer: &mut AtomicPtr<T>) -> *mut T {
    pointer.with_mut(|pointer| *pointer)
}

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
