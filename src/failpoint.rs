//! Named pause points: a test parks a thread between two steps of a protocol and lets another thread in.
//!
//! A build without the feature `failpoints` contains none of this: [`pause!`](crate::failpoint::pause) is empty there.

/// Marks a step of a protocol by name; `failpoints` builds stop here when a test has asked for it.
macro_rules! pause {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        $crate::failpoint::hit($name);
    };
}
pub(crate) use pause;

#[cfg(feature = "failpoints")]
pub use enabled::{Pause, hit, panic_at, park_at, trace};

#[cfg(feature = "failpoints")]
mod enabled {
    use std::cell::RefCell;
    use std::sync::{Arc, Condvar, Mutex};

    #[derive(Default)]
    struct State {
        reached: bool,
        released: bool,
    }

    /// A pause point armed for the thread that created it.
    #[derive(Clone, Default)]
    pub struct Pause {
        shared: Arc<(Mutex<State>, Condvar)>,
    }

    /// What the calling thread notes of the points it passes.
    #[derive(Default)]
    struct Passed {
        names: Vec<&'static str>,
        noting: bool,
        panic_at: Option<usize>,
        park_at: Option<(usize, Pause)>,
    }

    thread_local! {
        static ARMED: RefCell<Vec<(&'static str, Pause)>> = const { RefCell::new(Vec::new()) };
        static PASSED: RefCell<Passed> = RefCell::default();
    }

    /// Runs `call` and returns the points that this thread has passed in it, in their order.
    pub fn trace<R>(call: impl FnOnce() -> R) -> (R, Vec<&'static str>) {
        PASSED.replace(Passed { noting: true, ..Passed::default() });
        let result = call();
        (result, PASSED.take().names)
    }

    /// Runs `call` and lets this thread panic once: at the point that it passes as the one with this number, counted from 0. Returns what came of
    /// the call and whether it got there.
    pub fn panic_at<R>(number: usize, call: impl FnOnce() -> R) -> (std::thread::Result<R>, bool) {
        PASSED.replace(Passed { noting: true, panic_at: Some(number), ..Passed::default() });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
        (result, PASSED.take().panic_at.is_none())
    }

    /// Runs `call` and lets this thread stop until `pause` is released: at the point that it passes as the one with this number, counted from 0.
    pub fn park_at<R>(number: usize, pause: &Pause, call: impl FnOnce() -> R) -> R {
        PASSED.replace(Passed { noting: true, park_at: Some((number, pause.clone())), ..Passed::default() });
        let result = call();
        PASSED.take();
        result
    }

    impl Pause {
        /// A pause that no thread is armed with yet.
        pub fn new() -> Self {
            Self::default()
        }

        /// Arms the calling thread: the next time it passes `name` it stops until [`Pause::release`].
        pub fn arm(&self, name: &'static str) {
            ARMED.with_borrow_mut(|armed| armed.push((name, self.clone())));
        }

        /// Waits until the armed thread stands at its point.
        pub fn reached(&self) {
            let (state, signal) = &*self.shared;
            let guard = state.lock().unwrap();
            drop(signal.wait_while(guard, |state| !state.reached).unwrap());
        }

        /// Whether the armed thread has come to its point.
        pub fn was_reached(&self) -> bool {
            self.shared.0.lock().unwrap().reached
        }

        /// The armed thread stands at its point until it is let go.
        fn stand(&self) {
            let (state, signal) = &*self.shared;
            let mut guard = state.lock().unwrap();
            guard.reached = true;
            signal.notify_all();
            drop(signal.wait_while(guard, |state| !state.released).unwrap());
        }

        /// Lets the armed thread go on.
        pub fn release(&self) {
            let (state, signal) = &*self.shared;
            state.lock().unwrap().released = true;
            signal.notify_all();
        }
    }

    /// Called by the protocols at each named step.
    pub fn hit(name: &'static str) {
        let (panics, numbered) = PASSED.with_borrow_mut(|passed| {
            if passed.noting {
                passed.names.push(name);
            }
            let is_here = |number: usize| number + 1 == passed.names.len();
            let panics = passed.panic_at.take_if(|number| is_here(*number)).is_some();
            (panics, passed.park_at.take_if(|(number, _)| is_here(*number)))
        });
        assert!(!panics, "a panic was asked for at {name}");
        let armed = ARMED.with_borrow_mut(|armed| {
            armed.iter().position(|(point, _)| *point == name).map(|index| armed.remove(index).1)
        });
        if let Some(pause) = armed.or(numbered.map(|(_, pause)| pause)) {
            pause.stand();
        }
    }
}
