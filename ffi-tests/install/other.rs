//! Another Rust library in the same program: its own standard library, and its own way to unwind.

/// Panics, and is none the worse for it.
#[unsafe(no_mangle)]
pub extern "C" fn other_answer() -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    std::panic::catch_unwind(|| if std::env::args().count() > 0 { panic!("as planned") }).map_or(42, |()| 0)
}
