//! Leases: a token that must report in time.
//!
//! # The protocol
//!
//! The lease stands in the snapshot of the commit that acquired the token; when its holder last reported stands in the check's
//! [touch word](crate::writer::touch). Whoever sees the deadline passed (a tick, an acquisition, or the late holder itself)
//!
//! 1. declares the lease over, by a compare-and-swap of exactly the report that is too old. A renewal that came meanwhile makes it fail; one that
//!    comes later finds the bit and is refused. So no renewal that was accepted is ever followed by a lapse that did not see it
//!    (`lapse-without-claim`);
//! 2. commits the lapse under the engine's own record: nobody holds the check, it is *orphaned*, its generation stays. Anybody may do this for
//!    somebody who is paused after the first step; the commit itself makes sure that it happens once.
//!
//! The holder's own write renews first and commits then. A commit of its that falls between the two steps came before the lapse. After it
//! the snapshot is orphaned, which is how a later write knows that it is `EXPIRED` and not fenced: nobody else came.
//!
//! # Time
//!
//! All times are those of the last tick: a heartbeat does not read a clock. When a tick finds that more than half the shortest lease has passed
//! since the one before (the machine was suspended, or whoever ticks was held up), the holders had no chance to report. Then every lease
//! that was live before gets one whole lease from that tick on, once until it is renewed: such ticks are remembered for as long as a lease
//! may depend on them, and a lease counts from the first of them after its last report.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::cell::slab::Cell;
use crate::cell::word::flag;
use crate::model::error::Error;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::sync::Mutex;
use crate::writer::commit::{Committed, Revisions, commit};
use crate::writer::record::ENGINE;
use crate::writer::touch::{Touch, UNIT_NS, expire, read};

/// What becomes of a check's status when its writer's lease runs out. It never becomes better by that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum OnLapse {
    /// It stays; the check is only marked as orphaned.
    #[default]
    Keep,
    /// At least `warning`, with an output that names the lost writer.
    Warning,
    /// `critical`, with an output that names the lost writer.
    Critical,
}

impl OnLapse {
    /// The least severity after a lapse.
    pub fn least(self) -> Option<Status> {
        match self {
            Self::Keep => None,
            Self::Warning => Some(Status::Warning),
            Self::Critical => Some(Status::Critical),
        }
    }
}

/// The lease of a holder as its snapshot carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Its length in units of 10 ms; 0 is no lease.
    units: u32,
    /// What happens at its end.
    pub on_lapse: OnLapse,
}

impl Lease {
    /// A token without a deadline.
    pub const NONE: Self = Self { units: 0, on_lapse: OnLapse::Keep };

    /// A lease of `length`, rounded up to 10 ms.
    ///
    /// # Errors
    /// `INVALID` for a lease of nothing and for one of more than 497 days.
    pub fn new(length: Duration, on_lapse: OnLapse) -> Result<Self, Error> {
        let units = length.as_nanos().div_ceil(UNIT_NS.into());
        match u32::try_from(units) {
            Ok(units) if units > 0 => Ok(Self { units, on_lapse }),
            _ => {
                Err(Error::invalid(format!("a lease of {length:?}: it must be above 0 and at most 497 days")))
            }
        }
    }

    /// Its length, `None` for no lease.
    pub fn length(self) -> Option<Duration> {
        (self.units > 0).then(|| Duration::from_nanos(u64::from(self.units) * UNIT_NS))
    }

    /// Whether there is one.
    pub fn is_some(self) -> bool {
        self.units > 0
    }
}

/// Declares the lease of `generation` over if `is_over` says so of its last report; tells whether it is. Wait-free.
pub fn declare(cell: &Cell, generation: u32, is_over: impl FnOnce(Touch) -> bool) -> bool {
    let seen = read(&cell.touch);
    seen.generation() == generation && is_over(seen) && expire(&cell.touch, seen)
}

/// Commits the lapse of the lease that `seen` carries, unless somebody else has or its holder is gone by itself. Lock-free. `text` is the output
/// where the status changes for it.
///
/// # Errors
/// `LIMIT` when the versions of this life are used up.
pub fn lapse<'a>(
    cell: &'a Cell,
    revisions: &Revisions,
    now: i64,
    seen: &Snapshot,
    text: impl Fn(Lease) -> Arc<str>,
) -> Result<Option<Committed<'a>>, Error> {
    let said = OnceCell::new();
    commit(cell, revisions, |current, next| {
        let same = current.life == seen.life && current.generation == seen.generation;
        let over = current.holder == 0 && !mutated!("lapse-committed-twice");
        if !(same || mutated!("lapse-by-cell")) || current.gone || over {
            return Ok(false);
        }
        let least = current.lease.on_lapse.least();
        next.by(ENGINE, now);
        next.status = current.status.max(least.unwrap_or(current.status));
        next.output = least.map(|_| &**said.get_or_init(|| text(current.lease)));
        next.flags |= flag::ORPHANED;
        next.holder = 0;
        Ok(true)
    })
}

/// Ticks that found the time jumped and are remembered; should there ever be more, the oldest is forgotten and leases run longer, never
/// shorter.
const JUMPS: usize = 64;

/// The leases of an engine: which cells to look at and when. Blocking, but never on the way of a write in time.
#[derive(Default)]
pub struct Leases(Mutex<State>);

#[derive(Default)]
struct State {
    /// When to look at which cell: the first instant at which its lease may be over.
    due: BTreeSet<(u64, u32)>,
    /// By cell.
    watched: HashMap<u32, Watched>,
    /// The lengths of the live leases and how many have each.
    lengths: BTreeMap<u32, usize>,
    /// The instants after jumps.
    jumps: VecDeque<u64>,
    /// Cells whose leases are declared over and that nobody was told of yet.
    over: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Watched {
    due: u64,
    /// Of the live lease: whose it is, and how long; 0 if none is known.
    generation: u32,
    length: u32,
    /// Acquisitions that may be about to commit: as long as there are any the cell stays watched, whatever stands in it.
    acquiring: u32,
}

impl State {
    fn watch(&mut self, slot: u32, watched: Watched) {
        self.forget(slot);
        self.due.insert((watched.due, slot));
        if watched.length > 0 {
            *self.lengths.entry(watched.length).or_default() += 1;
        }
        self.watched.insert(slot, watched);
    }

    fn forget(&mut self, slot: u32) -> Option<Watched> {
        let watched = self.watched.remove(&slot)?;
        self.due.remove(&(watched.due, slot));
        if watched.length > 0 {
            let count = self.lengths.get_mut(&watched.length).expect("a live length is counted");
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&watched.length);
            }
        }
        Some(watched)
    }

    /// Forgets the lease, but goes on looking at the cell at `due` if somebody may be about to acquire it.
    fn release(&mut self, slot: u32, due: u64) {
        if let Some(watched) = self.forget(slot)
            && watched.acquiring > 0
        {
            self.watch(slot, Watched { due, generation: 0, length: 0, ..watched });
        }
    }

    /// The last instant of a lease whose holder reported at `report`.
    fn deadline(&self, report: u64, lease: Lease) -> u64 {
        // A jump at the very instant of the report is none for it: the report came after that tick.
        let from = self.jumps.iter().find(|jump| **jump > report).copied().unwrap_or(report);
        from + u64::from(lease.units)
    }
}

/// An acquisition that is under way: the cell is watched at least until it is over.
pub struct Acquiring<'a> {
    leases: &'a Leases,
    slot: u32,
    now: u64,
    lease: Lease,
}

impl Acquiring<'_> {
    /// It has committed: the lease is live from now on. O(log leases).
    pub fn committed(&self, generation: u32) {
        let mut state = self.leases.0.lock();
        let known = state.watched.get(&self.slot).copied().unwrap_or_default();
        // Somebody may have taken over meanwhile.
        if known.length == 0 || known.generation < generation {
            let due = self.now + u64::from(self.lease.units) + 1;
            let watched = Watched { due, generation, length: self.lease.units, ..known };
            state.watch(self.slot, watched);
        }
    }
}

impl Drop for Acquiring<'_> {
    fn drop(&mut self) {
        let mut state = self.leases.0.lock();
        if let Some(watched) = state.watched.get_mut(&self.slot) {
            watched.acquiring -= 1;
            if watched.acquiring == 0 && watched.length == 0 {
                state.forget(self.slot);
            }
        }
    }
}

impl Leases {
    /// Sees to it that a tick looks at the cell. Called *before* the commit that acquires: whoever is paused after it is watched already. O(log leases).
    pub fn watch(&self, slot: u32, now: u64, lease: Lease) -> Acquiring<'_> {
        let mut state = self.0.lock();
        let known = state.watched.get(&slot).copied();
        let first = now + u64::from(lease.units) + 1;
        // What is known already is looked at when it is due; the cell tells then who holds it.
        let known = known.unwrap_or(Watched { due: first, ..Watched::default() });
        state.watch(slot, Watched { due: known.due.min(first), acquiring: known.acquiring + 1, ..known });
        Acquiring { leases: self, slot, now, lease }
    }

    /// The lease of `generation` has ended otherwise: its holder closed the token, somebody took over, the check was deregistered. O(log leases).
    pub fn forget(&self, slot: u32, generation: u32) {
        let mut state = self.0.lock();
        if let Some(watched) = state.watched.get(&slot).copied()
            && watched.generation == generation
        {
            state.release(slot, watched.due);
        }
    }

    /// Whether the lease whose holder reported as in `seen` is over at `now`. O(1); takes a lock only when its plain length is over.
    pub fn is_over(&self, seen: Touch, lease: Lease, now: u64) -> bool {
        let report = seen.time().unwrap_or(0);
        seen.is_expired()
            || now > report + u64::from(lease.units) && now > self.0.lock().deadline(report, lease)
    }

    /// Takes in that the time has moved from `before` to `now`; tells whether that was a jump. To be called before anybody is told the new time.
    pub fn advance(&self, before: u64, now: u64) -> bool {
        let mut state = self.0.lock();
        let Some((shortest, _)) = state.lengths.first_key_value() else { return false };
        let jumped = (now - before) * 2 > u64::from(*shortest);
        let longest = state.lengths.last_key_value().map_or(0, |(longest, _)| u64::from(*longest));
        while state.jumps.front().is_some_and(|jump| jump + longest < before) {
            state.jumps.pop_front();
        }
        if jumped {
            if state.jumps.len() == JUMPS {
                state.jumps.pop_front();
            }
            state.jumps.push_back(now);
        }
        jumped
    }

    /// Looks at the cells that are due at `now`. `look` is asked for the present lease, its generation and the touch word of each; `declare` declares
    /// one over, and tells whether it is. Returns the cells whose leases are over. O(due cells · log leases).
    pub fn expire(
        &self,
        now: u64,
        mut look: impl FnMut(u32) -> Option<(Lease, u32, Touch)>,
        mut declare: impl FnMut(u32, Touch) -> bool,
    ) -> Vec<u32> {
        let mut state = self.0.lock();
        while let Some((_, slot)) = state.due.first().copied().filter(|(due, _)| *due <= now) {
            // Looked at before anything is changed: what panics here is looked at again by the next tick.
            let Some((lease, generation, seen)) = look(slot) else {
                state.release(slot, now + 1);
                continue;
            };
            let deadline = state.deadline(seen.time().unwrap_or(0), lease);
            let due = seen.is_expired() || now > deadline;
            if due && declare(slot, seen) {
                state.over.push(slot);
                state.release(slot, now + 1);
            } else {
                // If it was renewed between the two, it is over one lease after this instant at the latest.
                let due = if due { now + u64::from(lease.units) } else { deadline } + 1;
                let known = state.watched.get(&slot).copied().unwrap_or_default();
                state.watch(slot, Watched { due, generation, length: lease.units, ..known });
            }
        }
        std::mem::take(&mut state.over)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::AtomicU64;
    use crate::writer::touch::touch;

    fn lease(milliseconds: u64) -> Lease {
        Lease::new(Duration::from_millis(milliseconds), OnLapse::Keep).unwrap()
    }

    #[test]
    fn lengths_are_rounded_up() {
        assert_eq!(lease(11).length(), Some(Duration::from_millis(20)));
        assert!(Lease::new(Duration::ZERO, OnLapse::Keep).is_err());
        assert!(Lease::new(Duration::from_secs(60 * 60 * 24 * 500), OnLapse::Keep).is_err());
    }

    /// A report at `time`, in units.
    fn report(time: u64) -> Touch {
        let word = AtomicU64::new(0);
        touch(&word, 1, time * UNIT_NS);
        read(&word)
    }

    /// A lease acquired at `now` with generation 1.
    fn acquired(leases: &Leases, slot: u32, now: u64, lease: Lease) {
        leases.watch(slot, now, lease).committed(1);
    }

    #[test]
    fn a_jump_gives_one_whole_lease_once() {
        let (leases, ten) = (Leases::default(), lease(100));
        acquired(&leases, 1, 0, ten);
        let is_over = |time, now| leases.is_over(report(time), ten, now);
        assert!(!leases.advance(0, 5), "half a lease is no jump");
        assert!(leases.advance(5, 11) && !is_over(0, 11));
        assert!(leases.advance(11, 17) && !is_over(0, 17), "still the lease of the first jump");
        assert!(leases.advance(17, 23) && is_over(0, 23), "no second one");
        assert!(!is_over(14, 26), "who reported in between has one of its own");
    }

    #[test]
    fn only_live_leases_tell_what_a_jump_is() {
        let (leases, ten, hundred) = (Leases::default(), lease(100), lease(1_000));
        acquired(&leases, 1, 0, hundred);
        drop(leases.watch(1, 0, ten));
        assert!(!leases.advance(0, 11), "who was refused has no lease");
        acquired(&leases, 2, 11, ten);
        assert!(leases.advance(11, 22), "this one has");
        leases.forget(2, 7);
        assert!(leases.advance(22, 33), "another generation's end is not its own");
        leases.forget(2, 1);
        assert!(!leases.advance(33, 44) && leases.advance(44, 95));
        leases.forget(1, 1);
        assert!(!leases.advance(95, 9_999), "where there is none, nothing is");
    }

    #[test]
    fn a_refused_acquisition_gives_nobody_time() {
        let (leases, hundred) = (Leases::default(), lease(1_000));
        acquired(&leases, 1, 0, hundred);
        assert!(leases.advance(0, 51) && !leases.advance(51, 101));
        drop(leases.watch(1, 101, lease(100)));
        assert!(leases.advance(101, 152));
        assert!(leases.is_over(report(0), hundred, 152), "the jump at 51 is remembered");
    }

    #[test]
    fn a_cell_is_looked_at_when_it_is_due() {
        let (leases, ten) = (Leases::default(), lease(100));
        acquired(&leases, 7, 0, ten);
        assert!(leases.expire(10, |_| unreachable!("not due yet"), |_, _| true).is_empty());
        let seen = |_| Some((ten, 1, report(5)));
        assert!(leases.expire(11, seen, |_, _| true).is_empty(), "it has reported since");
        assert_eq!(leases.expire(16, seen, |_, _| true), [7]);
        assert!(leases.expire(99, |_| unreachable!("forgotten"), |_, _| true).is_empty());
    }

    #[test]
    fn a_cell_stays_watched_while_somebody_acquires() {
        let (leases, ten) = (Leases::default(), lease(100));
        let acquiring = leases.watch(7, 0, ten);
        assert!(leases.expire(11, |_| None, |_, _| true).is_empty(), "not committed yet");
        assert_eq!(
            leases.expire(12, |_| Some((ten, 1, report(1))), |_, _| true),
            [7],
            "paused after its commit"
        );
        drop(acquiring);
        assert!(leases.expire(99, |_| unreachable!("forgotten"), |_, _| true).is_empty());
    }
}
