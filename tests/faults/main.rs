//! Faults: writers that stand still for ever, subscribers that never read, descriptors and memory that run out, forks in the middle, clocks that
//! jump, processes that are stopped, polls that panic. What is documented to go on beside them goes on.
//!
//! What cannot be caught is an allocation that fails in Rust's allocator: it ends the process, as in every Rust program. So no call has an error for
//! it, and `memory` is about what the engine maps itself.

#[path = "../support/mod.rs"]
mod support;

mod clocks;
mod descriptors;
mod follower;
mod forks;
mod memory;
mod polls;
mod silent;
mod standing;
mod standing_close;
mod standing_readers;
mod standing_registration;
mod stopped;
mod watch;
mod world;
