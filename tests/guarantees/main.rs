//! The guarantees, family by family: what each promises, asserted through the public interface.

#[path = "../support/mod.rs"]
mod support;

mod aliases;
mod boundary;
mod bystanders;
mod claims;
mod close;
mod coalescing;
mod cursor_chains;
mod cursors;
mod fork;
mod gathered;
mod leases;
mod limits;
mod panics;
mod partial;
mod provenance;
mod reads;
mod restore;
mod subscriptions;
mod threads;
mod trouble;
mod waking;
mod writers;
