//! Lifesign: a lock-free, in-memory health-check state engine.
#![doc = include_str!("../docs/architecture.md")]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
compile_error!("Lifesign needs Linux 5.10 or newer on a 64-bit little-endian machine");

// The README's example is a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod alias;
mod cell;
mod claim;
mod engine;
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub mod failpoint;
#[cfg(not(feature = "failpoints"))]
mod failpoint;
mod ffi;
mod model;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub mod mutant;
#[cfg(not(feature = "mutants"))]
mod mutant;
mod subscribe;
mod summary;
mod sync;
mod writer;

// The models live with the other tests and see the protocols from the inside.
#[cfg(all(test, loom))]
#[path = "../tests/models/mod.rs"]
mod models;

// So do the schedules, which otherwise call what every program calls.
#[cfg(all(test, shuttle))]
extern crate self as lifesign;
#[cfg(all(test, shuttle))]
#[path = "../tests/schedules/mod.rs"]
mod schedules;

pub use claim::rival::Rival;
pub use claim::{Claim, ClaimState};
pub use engine::acquiring::Acquire;
pub use engine::clock::ClockSource;
pub use engine::export::{Export, Exported};
pub use engine::reading::ServiceSnapshot;
pub use engine::stats::Stats;
pub use engine::telling::{Who, WriterActivity};
pub use engine::writing::Write;
pub use engine::{Check, Config, Engine, Limits, Service, Subscription, SubscriptionFilter};
pub use model::definition::{CheckKind, CheckSpec, Restored, ServiceSpec};
pub use model::error::{Error, ErrorKind};
pub use model::event::{Batch, Cursor, Event, SummaryState, Trouble, TroubleKind};
pub use model::snapshot::{RecordId, Snapshot};
pub use model::status::Status;
pub use writer::history::{HistoryEntry, HistoryKind};
pub use writer::lease::OnLapse;
pub use writer::record::{DeclaredWriter, Embedder, Process, WriterRecord};
pub use writer::token::{Join, Token};
