//! Race scripts: orders of steps that went wrong elsewhere, forced here one by one.
//!
//! U updates a target, O is a check's old writer, N its new one, R reads. A thread is stopped at a named point of a protocol, another one is
//! let in, and the first goes on. Where a named break of the code would be noticed by a script, the script is run with it as well.

#[path = "../support/mod.rs"]
mod support;

mod aliases;
mod join;
mod late_register;
mod late_unsubscribe;
mod missed_edge;
mod overlapping_lifetimes;
mod parked_writer;
mod re_creation;
mod torn_read;
