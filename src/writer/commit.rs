//! The fenced commit: where a write takes effect, and what it still owes before it returns.
//!
//! # Where it takes effect
//!
//! A check's state is one immutable snapshot behind one pointer. The generation of the writer stands *in* the snapshot: a commit is a
//! compare-and-swap from a snapshot of the writer's own generation, and a take-over is a commit that raises the generation. So there is no
//! moment between the test of the fence and the store: an older token's write either came before the take-over or fails, however late it
//! comes, and without anybody waiting for it. A deregistration commits a tombstone with a generation of its own, the next life starts above
//! that: what is left of the old life fails in the same way. Generations never start again.
//!
//! The revision is drawn after the snapshot to be replaced was loaded, and anew for each attempt. So along a check revision and version
//! rise together: who replaces a snapshot has drawn after it was there (`revision-before-load`).
//!
//! # What it owes
//!
//! Until the call returns, everybody must be able to see it: the word is raised, the summaries above are refreshed, the subscribers marked
//! and woken, in this order. Each step may be done or helped by others; none can put an older state back. Then the cell is stamped with a
//! position, which is what a subscription resumes by (see [`crate::subscribe::resume`]), and at the end the word is *settled*: this commit and
//! all before it are shown, marked and stamped. A commit that leaves the status alone may skip the summaries only if the word it replaced was exactly its predecessor's,
//! settled (`skip-unsettled`): otherwise an older writer may be paused before its refresh, and this one would return with an alias that
//! shows neither of the two. For the same reason a report that finds its state committed already returns only when the word says that it is
//! settled, and pays otherwise (`heartbeat-unpaid`): the same token may be in use in another thread, which is paused before it pays.
//!
//! Subscribers who want only some commits (of a severity, or transitions) are passed over by one that they do not want, unless the commit before it is
//! not settled: its owner may be paused before his marks, and this call must not return with a state that was reached by a change nobody was told of
//! (`mark-trusts-unsettled`).

use std::sync::Arc;

use crate::cell::slab::{Cell, Place};
use crate::cell::word::{MAX_VERSION, StatusWord, flag};
use crate::failpoint::pause;
use crate::model::error::{Error, ErrorKind};
use crate::model::snapshot::{Definition, RecordId, Snapshot};
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::interest::{Board, Change, Class};
use crate::sync::{AtomicU64, Held, InFlight, Ordering};
use crate::writer::lease::Lease;

/// The engine-wide order of commits: alone on its cache lines, because all writers share it by design.
#[repr(align(128))]
#[derive(Debug)]
pub struct Revisions(AtomicU64);

impl Revisions {
    /// No commit yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A number greater than all drawn before. Wait-free.
    // Release pairs with `current`: who has read a position comes after everything that was marked before it was drawn, or before any draw
    // below it, which these updates pass on (see `crate::subscribe::resume`).
    pub fn draw(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The greatest number drawn.
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Default for Revisions {
    fn default() -> Self {
        Self::new()
    }
}

/// What a commit changes; the rest is taken over from the snapshot it replaces. Owns nothing: a report would be moved to and fro with it.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    /// The new status.
    pub status: Status,
    /// The new text, `None` for the old one.
    pub output: Option<&'a str>,
    /// The new definition, `None` for the old one.
    pub(crate) definition: Option<&'a Arc<Definition>>,
    /// The generation from here on.
    pub generation: u32,
    /// Who commits.
    pub writer: RecordId,
    /// Wall clock of the commit, nanoseconds since 1970.
    pub time: i64,
    /// Who holds the token from here on.
    pub holder: RecordId,
    /// The holder's lease from here on.
    pub lease: Lease,
    /// The flags from here on.
    pub flags: u8,
    /// Whether this is the tombstone.
    pub gone: bool,
    /// Of a restored state: since when it has its status. Then it is no transition.
    pub restored_since: Option<i64>,
}

impl Next<'_> {
    /// Everything as in `current`; who commits, and when, is to be said.
    fn like(current: &Snapshot) -> Self {
        Self {
            status: current.status,
            output: None,
            definition: None,
            generation: current.generation,
            writer: 0,
            time: 0,
            holder: current.holder,
            lease: current.lease,
            flags: current.flags,
            gone: false,
            restored_since: None,
        }
    }

    /// Says that `writer` commits at wall clock `time`.
    pub fn by(&mut self, writer: RecordId, time: i64) {
        (self.writer, self.time) = (writer, time);
    }
}

/// A commit that has taken effect.
pub struct Committed<'a> {
    /// What it replaced.
    pub before: Arc<Snapshot>,
    /// What stands there now, or stood for a moment.
    pub after: Held<'a, Snapshot>,
    /// Whether what it replaced was known to be settled before it was replaced: a reader may have raised the word since, so that the word does not tell any
    /// more.
    pub settled_before: bool,
}

/// What replaces `current`.
#[inline]
fn successor(current: &Snapshot, next: &Next<'_>, revision: u64) -> Arc<Snapshot> {
    let changed = next.status != current.status && next.restored_since.is_none();
    let definition = next.definition.unwrap_or(&current.definition).clone();
    let output = next.output.map_or_else(|| current.output.clone(), Box::from);
    let place = Arc::<Snapshot>::new_uninit();
    // Written where it stays: to build it elsewhere and move it is a tenth of a commit.
    // SAFETY: nobody else knows the place yet, and the pointer to it is the allocation's own, not one made of a shared reference. It is as large as a
    // snapshot, and written before it is taken for one.
    unsafe {
        Arc::as_ptr(&place).cast::<Snapshot>().cast_mut().write(Snapshot {
            definition,
            output,
            incarnation: current.incarnation,
            version: current.version + 1,
            transitions: current.transitions + u64::from(changed),
            revision,
            epoch: 0,
            time: next.time,
            since: next.restored_since.unwrap_or(if changed { next.time } else { current.since }),
            held_since: match next.holder {
                0 => 0,
                _ if next.generation != current.generation => next.time,
                _ => current.held_since,
            },
            generation: next.generation,
            writer: next.writer,
            holder: next.holder,
            lease: if next.holder == 0 { Lease::NONE } else { next.lease },
            life: current.life,
            status: next.status,
            from: current.status,
            worst: if mutated!("worst-status-forgotten") {
                next.status
            } else {
                current.worst.max(next.status)
            },
            flags: next.flags,
            gone: next.gone,
            in_flight: InFlight::new(),
        });
        place.assume_init()
    }
}

/// Commits what `decide` makes of the present snapshot, against whatever else happens to the check. Lock-free: an attempt is repeated only
/// because another commit succeeded. `None` if `decide` wants no change or nothing was ever registered in the cell.
///
/// `decide` sees each snapshot that is about to be replaced, so that what it tests holds at the instant the commit takes effect. It changes what is to
/// be changed in the next one, says by whom, and returns whether to commit it.
///
/// # Errors
/// What `decide` refuses with, and `LIMIT` when the versions of this life are used up; nothing is changed then.
pub fn commit<'a, 'n>(
    cell: &'a Cell,
    revisions: &Revisions,
    mut decide: impl FnMut(&Snapshot, &mut Next<'n>) -> Result<bool, Error>,
) -> Result<Option<Committed<'a>>, Error> {
    let early = if mutated!("revision-before-load") { Some(revisions.draw()) } else { None };
    let mut stale = None;
    loop {
        let Some(before) = cell.snapshot.hold() else { return Ok(None) };
        pause!("commit:loaded");
        let word = cell.status().load();
        let settled_before =
            word.life() == before.life && word.version() == before.version && word.has(flag::SETTLED);
        let mut next = Next::like(&before);
        if mutated!("fence-tested-once") && stale.is_some() {
            next = stale.unwrap_or(next);
        } else if !decide(&before, &mut next)? {
            return Ok(None);
        }
        if before.version >= MAX_VERSION && !next.gone {
            return Err(Error::text(
                ErrorKind::Limit,
                format!(
                    "check {:?} has used up the {MAX_VERSION} versions of this incarnation; deregister it, by force if somebody holds it, and register it again",
                    before.id()
                ),
            ));
        }
        if mutated!("fence-tested-once") {
            stale = Some(next);
        }
        let revision = early.unwrap_or_else(|| revisions.draw());
        let after = successor(&before, &next, revision);
        pause!("commit:drawn");
        let before = match mutated!("check-then-store") {
            true => cell.snapshot.hold().expect("it was there before"),
            false => before,
        };
        if let Some((before, after)) = before.replace(after) {
            return Ok(Some(Committed { before, after, settled_before }));
        }
    }
}

/// Pays what a commit owes: publishes the word, brings the summaries up to date, marks and wakes the subscribers, stamps the cell. Lock-free;
/// see the module's text. Paying twice does no harm.
pub fn complete(place: Place, committed: &Committed<'_>, revisions: &Revisions, board: &Board) {
    let Committed { before, after, settled_before } = committed;
    let text = before.output != after.output && !mutated!("text-change-not-marked");
    let text = text || before.status != after.status;
    // A restored status is no transition, though it may be another one.
    let transition = before.transitions != after.transitions;
    pay(place, after, text, transition, *settled_before, revisions, board);
}

/// Whether everything that the commit of `snapshot` owes was paid: then somebody who has nothing to add may return.
pub fn is_paid(place: Place, snapshot: &Snapshot) -> bool {
    let word = place.cell.status().load();
    (word >= snapshot.word() && word.has(flag::SETTLED)) || mutated!("heartbeat-unpaid")
}

/// Pays what another's commit owes, who may be paused before he does.
pub fn complete_for(place: Place, snapshot: &Snapshot, revisions: &Revisions, board: &Board) {
    pay(place, snapshot, true, snapshot.from != snapshot.status, false, revisions, board);
}

fn pay(
    place: Place,
    after: &Snapshot,
    text: bool,
    transition: bool,
    settled_before: bool,
    revisions: &Revisions,
    board: &Board,
) {
    pause!("commit:done");
    let cell = place.cell;
    let word = after.word();
    let own = Change { severity: after.from.max(after.status), transition };
    let mark = |change| board.mark(&cell.interest, place.slot, change, Class::Own, true);
    if mutated!("mark-before-publish") {
        mark(own);
    }
    let replaced = cell.status().publish(word);
    pause!("commit:published");
    if mutated!("settle-before-summaries") {
        cell.status().settle(word);
    }
    let settled_before = settled_before || is_settled_predecessor(replaced, word);
    // Of a predecessor that is not settled nobody may have told the text yet, nor anything else.
    let text = text || !settled_before;
    let change = if settled_before || mutated!("mark-trusts-unsettled") { own } else { Change::UNKNOWN };
    let home = &after.definition.home;
    let counts = after.definition.place();
    if counts.is_some() && !after.gone {
        let skip = after.from == after.status && (settled_before || mutated!("skip-unsettled"));
        if !skip {
            home.walk(counts, text, board);
        } else if text {
            home.walk_text(board);
        }
    }
    pause!("commit:propagated");
    // The order of the number: all that is owed was marked before it was drawn. `fetch_max`, because another may have paid a later commit.
    let stamp = || cell.position.fetch_max(revisions.draw(), Ordering::AcqRel);
    if mutated!("stamp-before-mark") {
        stamp();
    }
    if !mutated!("mark-before-publish") {
        mark(change);
    }
    board.mark(&home.cell().interest, place.slot, change, Class::Member, false);
    pause!("commit:marked");
    if !mutated!("stamp-before-mark") {
        stamp();
    }
    pause!("commit:stamped");
    if !after.gone {
        cell.status().settle(word);
    }
    pause!("commit:settled");
}

/// Whether `replaced` is the version right before `word`, and everything that it owed was paid.
fn is_settled_predecessor(replaced: StatusWord, word: StatusWord) -> bool {
    replaced.life() == word.life() && replaced.version() + 1 == word.version() && replaced.has(flag::SETTLED)
}
