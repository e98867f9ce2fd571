//! Subscriptions: what changed is a set of marks, what it changed to is read when it is delivered.
//!
//! A writer marks (see [`dirty`]) and wakes (see [`wake`]); everything else happens at the reader's expense. The path of a change:
//! `interest` tells the writer whose set to mark, `dirty` is that set, `delivery` takes the marks and `fill` turns them into events in order
//! and without repetition. `resume` says where a subscriber stands, and lets another continue from there. `trouble` is what
//! is told of refusals and their like, which are no states.

pub mod delivery;
pub mod dirty;
pub mod fill;
pub mod filter;
pub mod interest;
pub mod known;
pub mod marks;
pub mod resume;
pub mod trouble;
pub mod wake;
