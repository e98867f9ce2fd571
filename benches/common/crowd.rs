//! Threads that have used something, and then stay alive and do nothing.

use std::sync::{Arc, Barrier};
use std::thread::{Builder, JoinHandle};

/// They leave when it is dropped.
pub struct Crowd {
    leave: Arc<Barrier>,
    threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// So many threads, each of which has done `once` with its number when this returns.
    pub fn of(size: usize, once: impl Fn(usize) + Send + Sync + 'static) -> Self {
        let (ready, leave) = (Arc::new(Barrier::new(size + 1)), Arc::new(Barrier::new(size + 1)));
        let once = Arc::new(once);
        let member = |number| {
            let (ready, leave, once) = (ready.clone(), leave.clone(), once.clone());
            let body = move || {
                once(number);
                ready.wait();
                leave.wait();
            };
            Builder::new().stack_size(256 * 1024).spawn(body).expect("a thread starts")
        };
        let threads = (0..size).map(member).collect();
        ready.wait();
        Self { leave, threads }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.leave.wait();
        for thread in self.threads.drain(..) {
            thread.join().expect("a thread of the crowd ends");
        }
    }
}
