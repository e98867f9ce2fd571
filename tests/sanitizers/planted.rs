//! What a sanitizer must find, and what it must be silent about: one word on the command line chooses.
//!
//! The right program does what is hardest to see through: threads that write, read and are fenced while an engine is closed beside them. The
//! wrong ones are the same with one fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use lifesign::{Acquire, CheckSpec, Config, Engine, Status};

fn main() {
    let fault = std::env::args().nth(1).unwrap_or_default();
    right();
    match fault.as_str() {
        "none" => {}
        "overflow" => overflow(),
        "use-after-free" => use_after_free(),
        "leak" => leak(),
        "race" => race(),
        // Started with all other tests it has nothing to do.
        _ => eprintln!("planted: none, overflow, use-after-free, leak or race"),
    }
    println!("planted: came to the end");
}

fn right() {
    let engine = Arc::new(Engine::open(Config::default()).expect("an engine"));
    let check = engine.register_check(&CheckSpec::new("web:http"), None).expect("a check");
    let token = Arc::new(engine.acquire(&check, Acquire::default()).expect("a token"));
    thread::scope(|scope| {
        for number in 0..2 {
            let (engine, token) = (engine.clone(), token.clone());
            scope.spawn(move || {
                for round in 0..1000 {
                    let status = if round % 2 == 0 { Status::Passing } else { Status::Critical };
                    if token.write(status, &format!("{number} {round}")).is_err() {
                        break;
                    }
                    let _ = engine.snapshot(&check).map(|snapshot| snapshot.output().len());
                }
            });
        }
        scope.spawn(|| engine.close());
    });
}

/// Reads a byte past an allocation.
fn overflow() {
    let bytes: Box<[u8]> = vec![1; std::hint::black_box(16)].into();
    // SAFETY: none, which is the point.
    std::hint::black_box(unsafe { bytes.as_ptr().add(bytes.len()).read_volatile() });
}

/// Reads what was given back.
fn use_after_free() {
    let at: *const u8 = Box::new(std::hint::black_box(7_u8)).as_ref();
    // SAFETY: none, which is the point.
    std::hint::black_box(unsafe { at.read_volatile() });
}

/// Loses hold of what a thread has made, so that no register or stack still shows it.
fn leak() {
    thread::spawn(|| std::mem::forget(std::hint::black_box(vec![1_u8; 1234]))).join().expect("a thread");
}

/// Writes in two threads with nothing between them. Each waits for the other in a way that orders nothing: of two that meet only by chance one may
/// have ended before the other begins, and that race is not always found.
fn race() {
    let mut shared = Box::new(0_u64);
    let at = std::ptr::from_mut(&mut *shared) as usize;
    let begun = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                begun.fetch_add(1, Relaxed);
                while begun.load(Relaxed) < 2 {
                    thread::yield_now();
                }
                for _ in 0..1000 {
                    // SAFETY: none, which is the point.
                    unsafe { (at as *mut u64).write_volatile((at as *mut u64).read_volatile() + 1) };
                }
            });
        }
    });
    std::hint::black_box(shared);
}
