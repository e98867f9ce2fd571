//! The root of the process, which is there from the first engine on and is never given back.

use lifesign::{Config, Engine};

unsafe extern "C" {
    fn __lsan_disable();
    fn __lsan_enable();
}

/// Makes it, and tells the sanitizer that it is no leak, nor what it holds: its address stands in a page that a fork wipes, where the sanitizer
/// does not look. To be called before anything else.
pub fn make() {
    // SAFETY: one after the other, in one thread.
    unsafe { __lsan_disable() };
    Engine::open(Config::default()).expect("an engine can be opened").close();
    // SAFETY: as above.
    unsafe { __lsan_enable() };
}
