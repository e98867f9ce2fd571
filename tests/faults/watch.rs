//! Calls that must return: a failure says what did not.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::PATIENCE;

/// What a watched call is at.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<&'static str>>);

impl Progress {
    /// Next comes this.
    pub fn at(&self, step: &'static str) {
        *self.0.lock().unwrap() = step;
    }
}

/// A call in a thread of its own.
pub struct Watched<T> {
    what: String,
    progress: Progress,
    done: std::sync::mpsc::Receiver<thread::Result<T>>,
}

/// Starts `call`.
pub fn start<T: Send + 'static>(
    what: impl Into<String>,
    call: impl FnOnce(&Progress) -> T + Send + 'static,
) -> Watched<T> {
    let (tell, done) = channel();
    let progress = Progress::default();
    let own = progress.clone();
    thread::spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(&own)));
        let _ = tell.send(result);
    });
    Watched { what: what.into(), progress, done }
}

impl<T> Watched<T> {
    /// Its result; fails if it does not return in time, and leaves it standing.
    pub fn finish(self) -> T {
        self.finish_after(1)
    }

    /// The same for one that may take so many times as long.
    pub fn finish_after(self, times: u32) -> T {
        match self.done.recv_timeout(times * PATIENCE) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("{}: it does not get past {:?}", self.what, self.progress.0.lock().unwrap())
            }
        }
    }
}

/// Runs `call` and fails if it does not return in time.
pub fn in_time<T: Send + 'static>(
    what: impl Into<String>,
    call: impl FnOnce(&Progress) -> T + Send + 'static,
) -> T {
    start(what, call).finish()
}
