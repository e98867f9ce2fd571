//! What is known of one check: its commits in the order of their versions, and at each moment which of them may have stood.
//!
//! Word and snapshot are one object: whoever has seen a commit bounds every later reader of either. Aliases, summaries and events follow no later
//! than the write's return: they are bounded from below by the writes that have returned, and not by what a reader of the check has seen.
//!
//! Some commits are seen by nobody. Each of them is an accepted write, so that what a status may have been is known all the same: it is that of a
//! commit that was seen within the bounds, or of a write nobody saw that ran at the time. A take-over or a closed token leaves status and text alone.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use lifesign::Status;

use crate::recording::{END, History, Life, Position, Span, State, Write};
use crate::timeline::{Lifetimes, Timeline};

pub struct Commits {
    /// Of readers of word and snapshot, and of what had returned.
    pub object: Timeline<Position>,
    /// Of what had returned alone.
    pub returned: Timeline<Position>,
    pub lifetimes: Lifetimes<Position>,
    seen: Vec<Position>,
    /// How often each status, "gone" first, stands before each of `seen`.
    counts: Vec<[u32; 4]>,
    carried: HashMap<u64, Vec<Position>>,
    /// Accepted writes of which no version is known for certain, by thread.
    unseen: Vec<Unseen>,
    /// When each thread wrote, and was accepted.
    written: Vec<Vec<Span>>,
}

/// One thread's writes: one after the other, from life to life.
#[derive(Default)]
struct Unseen {
    writes: Vec<Write>,
    counts: Vec<[u32; 4]>,
}

/// How often each of `statuses` comes, before each of them and after all.
fn count(statuses: impl Iterator<Item = Option<Status>>) -> Vec<[u32; 4]> {
    let mut counts = vec![[0; 4]];
    for status in statuses {
        let mut next = counts[counts.len() - 1];
        next[status.map_or(0, |status| status.code() as usize)] += 1;
        counts.push(next);
    }
    counts
}

/// What may have stood between two moments.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Statuses(u8);

impl Statuses {
    /// Bit 0 says "gone".
    fn insert(&mut self, status: Option<Status>) {
        self.0 |= 1 << status.map_or(0, Status::code);
    }

    fn insert_counted(&mut self, from: &[u32; 4], to: &[u32; 4]) {
        for code in 0..4 {
            self.0 |= u8::from(to[code] > from[code]) << code;
        }
    }

    pub fn contains(self, status: Option<Status>) -> bool {
        self.0 & 1 << status.map_or(0, Status::code) != 0
    }

    pub fn is_one(self) -> bool {
        self.0.count_ones() == 1
    }

    /// With "gone" counted as `gone`.
    pub fn counting_gone_as(mut self, gone: Status) -> Self {
        if self.contains(None) {
            self.0 &= !1;
            self.insert(Some(gone));
        }
        self
    }

    pub fn least(self) -> Option<Status> {
        Status::from_code(u64::from(self.0 & !1).trailing_zeros().into())
    }
}

impl std::ops::BitOrAssign for Statuses {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::fmt::Debug for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let statuses = (0..4).map(Status::from_code).filter(|status| self.contains(*status));
        f.debug_set().entries(statuses).finish()
    }
}

/// A stretch of a check's commits: from the newest known before, to the oldest known after.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub low: Option<Position>,
    pub high: Option<Position>,
    over: u64,
    end: u64,
}

impl Stretch {
    /// Nothing but the lower bound if two reads contradict each other, which is for those who compare them to say.
    fn positions(&self) -> RangeInclusive<Position> {
        let low = self.low.unwrap_or((0, 0));
        low..=self.high.unwrap_or((u64::MAX, END)).max(low)
    }

    /// Whether `write` was over before.
    fn is_before(&self, write: &Write) -> bool {
        write.span.end <= self.over || self.low.is_some_and(|low| write.incarnation < low.0)
    }

    /// Whether `write` had not begun.
    fn is_after(&self, write: &Write) -> bool {
        write.span.start >= self.end || self.high.is_some_and(|high| write.incarnation > high.0)
    }

    /// The part that belongs to one life.
    pub fn within(self, incarnation: u64) -> Self {
        let low = self.low.max(Some((incarnation, 0)));
        let last = (incarnation, END - 1);
        Self { low, high: Some(self.high.map_or(last, |high| high.min(last))), ..self }
    }
}

impl Commits {
    /// All that readers saw of `check`: the same for each of them, and in the order of the revisions.
    pub fn of(history: &History, check: usize) -> Self {
        let mut states: BTreeMap<Position, State> = BTreeMap::new();
        // The first moment at which somebody had seen it.
        let mut seen_by: HashMap<Position, u64> = HashMap::new();
        for seen in history.seen.iter().chain(&history.events).filter(|seen| seen.check == check) {
            let first = states.entry(seen.state.position).or_insert(seen.state);
            assert_eq!(*first, seen.state, "two states of one version of check {check}");
            let by = seen_by.entry(seen.state.position).or_insert(u64::MAX);
            *by = seen.span.end.min(*by);
        }
        let rising = |one: &&State, other: &&State| {
            one.revision < other.revision
                && (one.position.0, one.generation) <= (other.position.0, other.generation)
        };
        assert!(
            states.values().is_sorted_by(rising),
            "revision, generation and version of check {check} rise together"
        );

        let writes: Vec<&Write> =
            history.writes.iter().filter(|write| write.check == check && write.refused.is_none()).collect();
        let mut made: HashMap<u64, Position> = HashMap::new();
        for state in states.values().filter(|state| state.position.1 != END) {
            made.entry(state.sequence).or_insert(state.position);
        }
        let mut repeated: HashMap<u64, u64> = HashMap::new();
        for write in writes.iter().filter(|write| write.repeated) {
            let first = repeated.entry(write.sequence).or_insert(u64::MAX);
            *first = write.span.start.min(*first);
        }
        // A write was over at the first version that carries it, unless that may be the version of somebody who said the same again.
        let version = |write: &Write| {
            let position = *made.get(&write.sequence)?;
            let again = repeated.get(&write.sequence).copied().unwrap_or(u64::MAX);
            (!write.repeated && seen_by[&position] < again).then_some(position)
        };
        let lives = || {
            let life = |version: u64| move |one: &Life| (one.span, (one.incarnation, version));
            let of_check = move |one: &&Life| one.check == check;
            let begins = history.begins.iter().filter(of_check).map(life(1));
            begins.chain(history.ends.iter().filter(of_check).map(life(END)))
        };
        let certain = || writes.iter().filter_map(|write| Some((write.span, version(write)?))).chain(lives());
        let reads = || {
            let of_check = history.seen.iter().filter(|seen| seen.check == check);
            of_check.map(|seen| (seen.span, seen.state.position))
        };

        let mut object = Timeline::of(reads());
        let mut returned = Timeline::new();
        for timeline in [&mut object, &mut returned] {
            timeline.bound_from_below(certain().map(|(span, position)| (span, Some(position))));
        }
        // Before somebody began to write it nobody had seen it, nor anything later.
        let earliest = writes.iter().filter(|write| !write.repeated).filter_map(|write| {
            let position = made.get(&write.sequence)?;
            Some((write.span, *position))
        });
        object.bound_from_above(
            earliest.chain(lives()).map(|(span, (incarnation, version))| (span, (incarnation, version - 1))),
        );

        // A write that nobody saw came after all that was there before it.
        let unseen = || writes.iter().filter(|write| version(write).is_none());
        let bounds: Vec<_> = unseen()
            .map(|write| {
                let before = object.before(write.span.start);
                let bound =
                    before.filter(|_| !write.repeated).map(|before| (before.0, before.1.saturating_add(1)));
                (write.span, bound.filter(|bound| bound.0 == write.incarnation))
            })
            .collect();
        for timeline in [&mut object, &mut returned] {
            timeline.bound_from_below(bounds.iter().copied());
        }
        let mut threads: BTreeMap<u64, Vec<Write>> = BTreeMap::new();
        for write in unseen() {
            threads.entry(write.thread).or_default().push(**write);
        }
        let threads = threads.into_values().map(|mut writes| {
            writes.sort_unstable_by_key(|write| write.span.start);
            Unseen { counts: count(writes.iter().map(|write| Some(write.status))), writes }
        });
        let unseen = threads.collect();

        let mut written: BTreeMap<u64, Vec<Span>> = BTreeMap::new();
        for write in &writes {
            written.entry(write.thread).or_default().push(write.span);
        }
        let mut written: Vec<_> = written.into_values().collect();
        written.iter_mut().for_each(|spans| spans.sort_unstable_by_key(|span| span.start));

        let mut carried: HashMap<u64, Vec<Position>> = HashMap::new();
        for state in states.values() {
            carried.entry(state.sequence).or_default().push(state.position);
        }
        let mut statuses: BTreeMap<Position, Option<Status>> = BTreeMap::new();
        for (_, position) in lives() {
            statuses.insert(position, (position.1 != END).then_some(Status::Passing));
        }
        for state in states.values() {
            statuses.insert(state.position, (state.position.1 != END).then_some(state.status));
        }
        let counts = count(statuses.values().copied());
        let seen = statuses.into_keys().collect();
        let lifetimes = Lifetimes::new(reads(), certain());
        Self { object, returned, lifetimes, seen, counts, carried, unseen, written }
    }

    /// What a reader of word or snapshot may see.
    pub fn stretch(&self, span: Span) -> Stretch {
        self.between(&self.object, span)
    }

    /// What a reader of another view may see.
    pub fn stretch_of_followers(&self, span: Span) -> Stretch {
        self.between(&self.returned, span)
    }

    fn between(&self, below: &Timeline<Position>, span: Span) -> Stretch {
        let (low, high) = (below.before(span.start), self.object.after(span.end));
        Stretch { low, high, over: below.over(span.start), end: span.end }
    }

    /// The statuses the check may have had, `None` for a time without it.
    pub fn statuses(&self, stretch: Stretch) -> Statuses {
        let mut statuses = Statuses::default();
        let range = stretch.positions();
        let from = self.seen.partition_point(|position| position < range.start());
        let to = self.seen.partition_point(|position| position <= range.end());
        statuses.insert_counted(&self.counts[from], &self.counts[to]);
        for thread in &self.unseen {
            let from = thread.writes.partition_point(|write| stretch.is_before(write));
            let to = from + thread.writes[from..].partition_point(|write| !stretch.is_after(write));
            statuses.insert_counted(&thread.counts[from], &thread.counts[to]);
        }
        statuses
    }

    /// Whether a write that was accepted ran at the same time as a read.
    pub fn was_written(&self, read: Span) -> bool {
        self.written.iter().any(|spans| {
            let at = spans.partition_point(|write| write.end < read.start);
            spans.get(at).is_some_and(|write| write.start < read.end)
        })
    }

    /// Whether the check may have carried the text of this write.
    pub fn may_carry(&self, stretch: Stretch, sequence: u64) -> bool {
        let range = stretch.positions();
        let seen = self.carried.get(&sequence);
        if seen.is_some_and(|positions| positions.iter().any(|position| range.contains(position))) {
            return true;
        }
        self.unseen.iter().any(|thread| {
            let from = thread.writes.partition_point(|write| stretch.is_before(write));
            let during = thread.writes[from..].iter().take_while(|write| !stretch.is_after(write));
            during.into_iter().any(|write| write.sequence == sequence)
        })
    }
}
