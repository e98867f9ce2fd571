//! What a subscription delivers.

use std::sync::Arc;

use crate::model::error::ErrorKind;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::writer::record::WriterRecord;

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
    /// Somebody was refused, took over, lapsed, or claims what is claimed. Only for those who subscribed to it.
    Trouble(Arc<Trouble>),
}

/// What kind of trouble there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TroubleKind {
    /// A call on a check was refused.
    Refusal,
    /// A check was taken over from its holder.
    TakeOver,
    /// A holder's lease lapsed.
    Lapse,
    /// Another process claims a name that an engine holds.
    RivalClaim,
}

/// Trouble of one kind, by one offender, at one check or claim: how often, since the last event of the same.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What kind.
    pub kind: TroubleKind,
    /// Of a refusal: why the last of them was refused.
    pub reason: Option<ErrorKind>,
    /// The check's handle number; 0 for a claim, and for the rest of many.
    pub check: u64,
    /// The check's id or the claim's name; empty for the rest of many.
    pub id: Arc<str>,
    /// Whose doing it is: who was refused, took over, lost its lease or claims too. `None` for the rest of many, which are counted together, and where
    /// a call names nobody.
    pub offender: Option<Arc<WriterRecord>>,
    /// Who held it: at a refusal the present holder, at a take-over the one it was taken from.
    pub holder: Option<Arc<WriterRecord>>,
    /// The generation of the present holder, or the last one.
    pub generation: u64,
    /// How often, since the last event of the same kind, id and offender.
    pub count: u64,
    /// Wall clock of the first of them, nanoseconds since 1970.
    pub first_ns: i64,
    /// Wall clock of the last of them.
    pub last_ns: i64,
}

impl Event {
    /// The revision by which a batch is sorted; 0 for trouble, which is no commit.
    pub fn revision(&self) -> u64 {
        match self {
            Self::State { snapshot, .. } | Self::Tombstone { snapshot, .. } => snapshot.revision(),
            Self::Summary { state, .. } => state.revision,
            Self::Trouble(_) => 0,
        }
    }

    /// The id of the check, or of the service of a summary, or the name of a claim.
    pub fn id(&self) -> &str {
        match self {
            Self::State { snapshot, .. } | Self::Tombstone { snapshot, .. } => snapshot.id(),
            Self::Summary { state, .. } => &state.id,
            Self::Trouble(trouble) => &trouble.id,
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
