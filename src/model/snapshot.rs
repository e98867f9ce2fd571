//! One whole, immutable state of a check.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::cell::word::{StatusWord, flag};
use crate::model::definition::{CheckKind, CheckSpec};
use crate::model::status::Status;
use crate::summary::Summary;
use crate::sync::{InFlight, Published};
use crate::writer::history::History;
use crate::writer::lease::Lease;

/// The number of a writer record in its engine; 0 is nobody, 1 the engine itself.
pub type RecordId = u32;

/// What was registered, shared by all snapshots until it is redefined. There are as many as checks: what few of them have stands apart.
pub(crate) struct Definition {
    pub id: Arc<str>,
    /// The summary this check counts in: of its service, or of the node. A node alias bound to the node counts nowhere.
    pub home: Arc<Summary>,
    /// The summary an alias mirrors.
    pub target: Option<Arc<Summary>>,
    /// What happened in this incarnation; `None` for aliases, and if the engine keeps none.
    pub history: Option<Arc<History>>,
    rare: Option<Box<Rare>>,
    /// One more than the number of the place.
    place: Option<NonZeroU32>,
    pub initial: Status,
    /// Whether the name is the id, which is not kept twice.
    named_as_id: bool,
}

/// A name of its own, data, and what an alias is of.
struct Rare {
    name: Box<str>,
    data: Box<[u8]>,
    kind: CheckKind,
}

impl Definition {
    /// What `spec` says of the check `id`, counted at `place` in `home`.
    pub(crate) fn new(
        id: Arc<str>,
        spec: &CheckSpec,
        home: Arc<Summary>,
        target: Option<Arc<Summary>>,
        place: Option<u32>,
        history: Option<Arc<History>>,
    ) -> Self {
        let named_as_id = *spec.name == *id;
        let name = if named_as_id { "" } else { &spec.name };
        let is_plain = name.is_empty() && spec.data.is_empty() && spec.kind == CheckKind::Direct;
        let rare = || {
            Box::new(Rare { name: name.into(), data: spec.data.as_slice().into(), kind: spec.kind.clone() })
        };
        Self {
            rare: (!is_plain).then(rare),
            // No summary has as many places as there are numbers.
            place: place.and_then(|place| NonZeroU32::new(place + 1)),
            initial: spec.initial,
            named_as_id,
            id,
            home,
            target,
            history,
        }
    }

    /// The same check as `spec` says it is from now on.
    pub(crate) fn redefined(&self, spec: &CheckSpec) -> Self {
        let Self { id, home, target, history, .. } = self;
        Self::new(id.clone(), spec, home.clone(), target.clone(), self.place(), history.clone())
    }

    pub(crate) fn name(&self) -> &str {
        if self.named_as_id { &self.id } else { self.rare.as_ref().map_or("", |rare| &rare.name) }
    }

    pub(crate) fn data(&self) -> &[u8] {
        self.rare.as_ref().map_or(&[], |rare| &rare.data)
    }

    pub(crate) fn kind(&self) -> &CheckKind {
        self.rare.as_ref().map_or(&CheckKind::Direct, |rare| &rare.kind)
    }

    /// Where in `home` the check's word is listed.
    pub(crate) fn place(&self) -> Option<u32> {
        self.place.map(|number| number.get() - 1)
    }

    pub(crate) fn is_alias(&self) -> bool {
        self.target.is_some()
    }
}

/// One commit of a check, whole: it does not change after it was handed out.
///
/// An alias's snapshot is derived when it is asked for; its `version` is that of its target's summary, and together with
/// `epoch` it identifies the one state of the target it was derived from.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) definition: Arc<Definition>,
    /// Of its own: a report that changes it need not count, and one that leaves it alone is rare.
    pub(crate) output: Box<str>,
    pub(crate) incarnation: u64,
    pub(crate) version: u64,
    pub(crate) transitions: u64,
    pub(crate) revision: u64,
    pub(crate) epoch: u64,
    pub(crate) time: i64,
    pub(crate) since: i64,
    /// Wall clock of the commit by which the holder came; 0 if nobody holds the check.
    pub(crate) held_since: i64,
    pub(crate) generation: u32,
    pub(crate) writer: RecordId,
    pub(crate) holder: RecordId,
    pub(crate) lease: Lease,
    pub(crate) life: u16,
    pub(crate) status: Status,
    /// The status before this commit: who pays what the commit owes must know how severe it was.
    pub(crate) from: Status,
    /// The worst status of this incarnation so far. Of an alias, whose target has a past of its own, it is not known: `Critical`.
    pub(crate) worst: Status,
    pub(crate) flags: u8,
    pub(crate) gone: bool,
    pub(crate) in_flight: InFlight,
}

impl Published for Snapshot {
    fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }
}

impl Snapshot {
    /// The check's id.
    pub fn id(&self) -> &str {
        &self.definition.id
    }

    /// The check's name.
    pub fn name(&self) -> &str {
        self.definition.name()
    }

    /// The embedder's own bytes.
    pub fn data(&self) -> &[u8] {
        self.definition.data()
    }

    /// Direct, or an alias and of what.
    pub fn kind(&self) -> &CheckKind {
        self.definition.kind()
    }

    /// The id of the service the check is bound to, or `None` for the node.
    pub fn service_id(&self) -> Option<&str> {
        self.definition.home.service_id()
    }

    /// The status; of a tombstone the last one.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The check's text.
    pub fn output(&self) -> &str {
        &self.output
    }

    /// Which life of the id this is: the revision of its registering commit.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// How many commits this incarnation has had; rises by one with each.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many of them changed the status.
    pub fn transitions(&self) -> u64 {
        self.transitions
    }

    /// The engine-wide number of this commit. Gaps are normal.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Which writer of this check wrote last: rises by one with each acquisition and take-over.
    pub fn generation(&self) -> u64 {
        u64::from(self.generation)
    }

    /// Of an alias: the counter of commits among what it derives from. 0 for a direct check.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Wall clock of the commit, nanoseconds since 1970.
    pub fn time_ns(&self) -> i64 {
        self.time
    }

    /// Wall clock of the last status change, nanoseconds since 1970.
    pub fn since_ns(&self) -> i64 {
        self.since
    }

    /// Who made this commit; look it up with [`crate::Engine::record`].
    pub fn writer(&self) -> RecordId {
        self.writer
    }

    /// Who holds the check's token, 0 if nobody does.
    pub fn holder(&self) -> RecordId {
        self.holder
    }

    /// Whether the check has never reported and shows the status it was registered with.
    pub fn is_initial(&self) -> bool {
        self.flags & flag::INITIAL != 0
    }

    /// Whether the state was restored and nothing has been reported since.
    pub fn is_restored(&self) -> bool {
        self.flags & flag::RESTORED != 0
    }

    /// Whether what it shows was reported in this life.
    pub(crate) fn is_reported(&self) -> bool {
        self.flags & (flag::INITIAL | flag::RESTORED) == 0
    }

    /// Whether the last holder's lease ran out and nobody has acquired the check since.
    pub fn is_orphaned(&self) -> bool {
        self.flags & flag::ORPHANED != 0
    }

    /// Whether the engine derives this check.
    pub fn is_derived(&self) -> bool {
        self.flags & flag::DERIVED != 0
    }

    /// Whether this is a tombstone: the last state of a deregistered check.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// The status word this commit publishes.
    pub(crate) fn word(&self) -> StatusWord {
        if self.gone {
            StatusWord::gone_after(self.life)
        } else {
            StatusWord::new(self.life, self.version, self.status, self.flags)
        }
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("id", &self.id())
            .field("status", &self.status)
            .field("output", &self.output)
            .field("incarnation", &self.incarnation)
            .field("version", &self.version)
            .field("transitions", &self.transitions)
            .field("revision", &self.revision)
            .field("generation", &self.generation)
            .field("epoch", &self.epoch)
            .field("writer", &self.writer)
            .field("holder", &self.holder)
            .field("initial", &self.is_initial())
            .field("gone", &self.gone)
            .finish()
    }
}
