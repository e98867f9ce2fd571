//! A thread that does the same thing over and over while something else is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, spawn, yield_now};

/// It is at work until [`Busy::end`].
#[must_use]
pub struct Busy<S> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<S>,
}

impl<S: Send + 'static> Busy<S> {
    /// Repeats `step` with `state` from now on; returns when the thread is at it.
    pub fn run(mut state: S, mut step: impl FnMut(&mut S) + Send + 'static) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (seen, count) = (stop.clone(), done.clone());
        let thread = spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                step(&mut state);
                count.fetch_add(1, Ordering::Relaxed);
            }
            state
        });
        while done.load(Ordering::Relaxed) < 100 {
            assert!(!thread.is_finished(), "the busy thread failed");
            yield_now();
        }
        Self { stop, thread }
    }

    /// Ends it, and gives back what it worked with.
    pub fn end(self) -> S {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the busy thread works to its end")
    }
}
