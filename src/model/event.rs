//! What a subscription delivers.

use std::sync::Arc;

use crate::model::snapshot::Snapshot;
use crate::model::status::Status;

/// A change, or a piece of the matching state.
#[derive(Clone, Debug)]
pub enum Event {
    /// The check's state; newer than any delivered before for this check.
    State {
        /// The check's handle number.
        check: u64,
        /// Its state.
        snapshot: Arc<Snapshot>,
    },
    /// The check was deregistered; this was its last state.
    Tombstone {
        /// The check's handle number, stale by now.
        check: u64,
        /// Its last state, marked as gone, with the revision of the deregistration.
        snapshot: Arc<Snapshot>,
    },
    /// The summary of the subscribed service.
    Summary {
        /// The service's handle number, 0 while it is not registered.
        service: u64,
        /// What it shows.
        state: Arc<SummaryState>,
    },
}

impl Event {
    /// The revision by which a batch is sorted.
    pub fn revision(&self) -> u64 {
        match self {
            Self::State { snapshot, .. } | Self::Tombstone { snapshot, .. } => snapshot.revision(),
            Self::Summary { state, .. } => state.revision,
        }
    }

    /// The id of the check, or of the service of a summary.
    pub fn id(&self) -> &str {
        match self {
            Self::State { snapshot, .. } | Self::Tombstone { snapshot, .. } => snapshot.id(),
            Self::Summary { state, .. } => &state.id,
        }
    }
}

/// What a service shows at one (version, epoch): the same that an alias of it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryState {
    /// The service's id; empty for the node.
    pub id: Arc<str>,
    /// Whether the service is registered.
    pub registered: bool,
    /// The worst of its checks and of the node's own direct checks; critical if it is not registered.
    pub status: Status,
    /// The worst of its checks alone.
    pub own: Status,
    /// The text an alias of it shows.
    pub output: Arc<str>,
    /// The summary's version: rises with every refresh, across the service's lives.
    pub version: u64,
    /// The counter of commits among the checks it derives from.
    pub epoch: u64,
    /// How often the shown status has changed.
    pub transitions: u64,
    /// Of the newest commit it derives from.
    pub revision: u64,
    /// Wall clock of that commit, nanoseconds since 1970.
    pub time: i64,
    /// Since when the checks of today make it show this status, nanoseconds since 1970; 0 if there are none.
    pub since: i64,
}

/// Where in an engine's stream of changes a subscriber stands. Opaque; meaningful to the engine that gave it out. A new subscription with the same
/// filter continues from there ([`crate::SubscriptionFilter::since`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Cursor {
    /// The engine's random id.
    pub engine_id: [u8; 16],
    /// A number of the engine's order of changes: everything that matched up to here was delivered.
    pub position: u64,
}

/// What one poll delivers, sorted by (revision, id).
#[derive(Clone, Debug)]
pub struct Batch {
    /// The events.
    pub events: Vec<Event>,
    /// Forget what was known: the events from here until `more` is false are the whole matching state.
    pub resync: bool,
    /// The cursor to continue from was another engine's: nothing of what it stood for is known here. Implies `resync`.
    pub reset: bool,
    /// More is pending: poll again at once.
    pub more: bool,
    /// Where the subscriber stands after this batch.
    pub cursor: Cursor,
}
