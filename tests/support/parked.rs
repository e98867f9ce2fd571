//! A thread that is stopped between two steps of a protocol.

use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use lifesign::failpoint::{Pause, park_at};

/// A call that stands at a named point until it is let go.
pub struct Parked<T> {
    pause: Pause,
    thread: Option<JoinHandle<T>>,
}

/// Runs `call` in a thread of its own and returns when it has come to `point`.
pub fn at<T: Send + 'static>(point: &'static str, call: impl FnOnce() -> T + Send + 'static) -> Parked<T> {
    let pause = Pause::new();
    let arm = pause.clone();
    let thread = spawn(move || {
        arm.arm(point);
        call()
    });
    pause.reached();
    Parked { pause, thread: Some(thread) }
}

/// The same for the point that the thread passes as the one with this number in `call`, counted from 0.
pub fn at_number<T: Send + 'static>(number: usize, call: impl FnOnce() -> T + Send + 'static) -> Parked<T> {
    at_number_if_any(number, call).unwrap_or_else(|| panic!("the call has no step with the number {number}"))
}

/// The same; `None` if the call was over before it passed so many.
pub fn at_number_if_any<T: Send + 'static>(
    number: usize,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<Parked<T>> {
    let pause = Pause::new();
    let armed = pause.clone();
    let thread = spawn(move || park_at(number, &armed, call));
    while !pause.was_reached() {
        if thread.is_finished() && !pause.was_reached() {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            return None;
        }
        sleep(Duration::from_micros(100));
    }
    Some(Parked { pause, thread: Some(thread) })
}

impl<T> Parked<T> {
    /// Lets the call go on and waits for its result.
    pub fn finish(mut self) -> T {
        assert!(self.pause.was_reached(), "the call stood at its point");
        self.pause.release();
        let thread = self.thread.take().expect("finished once");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Lets the call go on without waiting for it.
    pub fn release(&self) {
        self.pause.release();
    }
}

impl<T> Drop for Parked<T> {
    fn drop(&mut self) {
        // A test that fails meanwhile must not leave a thread behind that holds locks.
        self.pause.release();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
