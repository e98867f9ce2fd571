//! Whether calls of several threads met, and whether a thread sleeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::yield_now;

/// Counts what begins and what ends.
#[derive(Default)]
pub struct Clock(AtomicU64);

/// From before a call until after it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    begun: u64,
    ended: u64,
}

impl Clock {
    /// Makes the call, and says when that was.
    pub fn time<R>(&self, call: impl FnOnce() -> R) -> (Span, R) {
        let begun = self.0.fetch_add(1, Ordering::SeqCst);
        let result = call();
        (Span { begun, ended: self.0.fetch_add(1, Ordering::SeqCst) }, result)
    }
}

impl Span {
    /// Whether neither call had ended when the other began.
    pub fn met(self, other: Self) -> bool {
        self.begun < other.ended && other.begun < self.ended
    }
}

/// What the kernel calls the calling thread.
pub fn this_thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Waits until the thread with this number, of this process, sleeps in the kernel. It says its number last of all before it calls what it is to sleep in.
pub fn until_asleep(thread: i32) {
    loop {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat"));
        let stat = stat.expect("a thread that was to sleep has ended");
        // The name before it stands in parentheses, and may contain some.
        if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S')) {
            return;
        }
        yield_now();
    }
}
