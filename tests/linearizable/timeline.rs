//! Bounds in time on a value that only rises.
//!
//! Whoever has ended gives a lower bound to all who begin later, and whoever begins later an upper bound to all who had ended. A history of reads is
//! linearizable in the order of the values if no read is outside its bounds.

use crate::recording::Span;

/// An operation that had seen a value, or made it.
struct Ended<P> {
    end: u64,
    /// The greatest value up to here.
    value: Option<P>,
    /// The latest beginning up to here.
    start: u64,
}

pub struct Timeline<P> {
    by_end: Vec<Ended<P>>,
    by_start: Vec<(u64, P)>,
}

impl<P: Ord + Copy> Timeline<P> {
    pub fn new() -> Self {
        Self { by_end: Vec::new(), by_start: Vec::new() }
    }

    /// Of reads, each of which bounds both ways.
    pub fn of(operations: impl Iterator<Item = (Span, P)> + Clone) -> Self {
        let mut timeline = Self::new();
        timeline.bound_from_below(operations.clone().map(|(span, value)| (span, Some(value))));
        timeline.bound_from_above(operations);
        timeline
    }

    /// Adds operations after which at least this value was there. One whose value is not known says only that what had ended before it began is over.
    pub fn bound_from_below(&mut self, operations: impl Iterator<Item = (Span, Option<P>)>) {
        let ended = operations.map(|(span, value)| Ended { end: span.end, value, start: span.start });
        self.by_end.extend(ended);
        self.by_end.sort_unstable_by_key(|one| one.end);
        for at in 1..self.by_end.len() {
            self.by_end[at].value = self.by_end[at].value.max(self.by_end[at - 1].value);
            self.by_end[at].start = self.by_end[at].start.max(self.by_end[at - 1].start);
        }
    }

    /// Adds operations before which at most this value was there.
    pub fn bound_from_above(&mut self, operations: impl Iterator<Item = (Span, P)>) {
        self.by_start.extend(operations.map(|(span, value)| (span.start, value)));
        self.by_start.sort_unstable();
        for at in (1..self.by_start.len()).rev() {
            self.by_start[at - 1].1 = self.by_start[at - 1].1.min(self.by_start[at].1);
        }
    }

    fn ended_before(&self, start: u64) -> Option<&Ended<P>> {
        let at = self.by_end.partition_point(|one| one.end < start);
        Some(&self.by_end[at.checked_sub(1)?])
    }

    /// The newest that was there before `start`.
    pub fn before(&self, start: u64) -> Option<P> {
        self.ended_before(start)?.value
    }

    /// What had ended before this moment was over by `start`: a later one has ended since.
    pub fn over(&self, start: u64) -> u64 {
        self.ended_before(start).map_or(0, |one| one.start)
    }

    /// The oldest that was there after `end`.
    pub fn after(&self, end: u64) -> Option<P> {
        let at = self.by_start.partition_point(|(start, _)| *start <= end);
        Some(self.by_start.get(at)?.1)
    }
}

/// From when until when each value may have stood.
pub struct Lifetimes<P> {
    values: Vec<P>,
    /// It came after this.
    from: Vec<u64>,
    /// It had gone before this.
    until: Vec<u64>,
}

impl<P: Ord + Copy> Lifetimes<P> {
    /// `seen` are reads, `made` writes with what they made.
    pub fn new(
        seen: impl Iterator<Item = (Span, P)> + Clone,
        made: impl Iterator<Item = (Span, P)> + Clone,
    ) -> Self {
        let mut values: Vec<P> = seen.clone().chain(made.clone()).map(|(_, value)| value).collect();
        values.sort_unstable();
        values.dedup();
        let index = |value: &P| values.binary_search(value).expect("collected above");
        let (mut from, mut until) = (vec![0; values.len()], vec![u64::MAX; values.len()]);
        for (span, value) in made.clone() {
            let at = index(&value);
            from[at] = from[at].max(span.start);
        }
        for (span, value) in seen.clone() {
            // Whoever saw it says that the next had not come when he began, and that those before were gone when he had ended.
            if let Some(next) = from.get_mut(index(&value) + 1) {
                *next = (*next).max(span.start);
            }
        }
        for (span, value) in seen.chain(made) {
            if let Some(before) = index(&value).checked_sub(1) {
                until[before] = until[before].min(span.end);
            }
        }
        for at in 1..values.len() {
            from[at] = from[at].max(from[at - 1]);
        }
        for at in (1..values.len()).rev() {
            until[at - 1] = until[at - 1].min(until[at]);
        }
        Self { values, from, until }
    }

    /// When `value` may have stood.
    pub fn of(&self, value: &P) -> (u64, u64) {
        match self.values.binary_search(value) {
            Ok(at) => (self.from[at], self.until[at]),
            Err(_) => (0, u64::MAX),
        }
    }
}
