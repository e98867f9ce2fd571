//! What was seen and when, and whether one order of all of it explains it.
//!
//! The commits of a check have an order of their own: (incarnation, version). So a history is linearizable if that order agrees with time:
//! whoever begins after another has ended does not see less. For a view that shows a status alone the versions that it may show are bounded
//! from below by what was known before it began, and from above by what was still seen after it ended.
//!
//! Word and snapshot are one object. Aliases and events follow no later than the write's return: they are bounded from below by writes that
//! have returned, and not by what a reader of the check has seen before.

use std::collections::{BTreeMap, HashMap, HashSet};

use lifesign::Status;

/// A commit of a check: incarnation and version.
pub type Position = (u64, u64);
/// The version that stands for the end of a life.
pub const END: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub start: u64,
    pub end: u64,
    pub check: usize,
    pub position: Position,
    pub revision: u64,
    /// Which write made it, 0 before the first.
    pub sequence: u64,
    pub status: Status,
}

#[derive(Clone, Copy, Debug)]
pub struct Write {
    pub start: u64,
    pub end: u64,
    pub check: usize,
    pub sequence: u64,
    pub status: Status,
    pub accepted: bool,
}

/// The beginning or the end of a life.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    pub start: u64,
    pub end: u64,
    pub check: usize,
    pub incarnation: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub start: u64,
    pub end: u64,
    pub check: usize,
    pub incarnation: u64,
    pub status: Option<Status>,
}

#[derive(Clone, Copy, Debug)]
pub struct AliasRead {
    pub start: u64,
    pub end: u64,
    pub alias: usize,
    pub status: Status,
}

#[derive(Clone, Debug)]
pub struct SummaryRead {
    pub start: u64,
    pub end: u64,
    pub summary: usize,
    pub version: u64,
    pub epoch: u64,
    pub status: Status,
    pub text: String,
}

/// What was recorded.
pub struct History {
    checks: usize,
    below: &'static [&'static [usize]],
    pub reads: Vec<Read>,
    /// What a subscriber knew of a check after a poll.
    pub events: Vec<Read>,
    pub writes: Vec<Write>,
    pub begins: Vec<Register>,
    pub ends: Vec<Register>,
    pub words: Vec<Word>,
    pub aliases: Vec<AliasRead>,
    pub summaries: Vec<SummaryRead>,
}

/// How much was checked.
#[derive(Debug, Default)]
pub struct Report {
    pub operations: usize,
    pub refused: usize,
    pub lives: usize,
    /// Reads during which the check moved on, and words that may show more than one version.
    pub overlapping: usize,
    /// Words of which every version they may show was known.
    pub words_decided: usize,
    /// The same for aliases.
    pub aliases_decided: usize,
}

/// Bounds in time on an ordered value: whoever has ended gives a lower bound to all who begin later, and the other way round.
struct Timeline<P> {
    by_end: Vec<(u64, P)>,
    by_start: Vec<(u64, P)>,
}

impl<P: Ord + Copy> Timeline<P> {
    fn new(operations: impl Iterator<Item = (u64, u64, P)>) -> Self {
        let (by_end, by_start): (Vec<_>, Vec<_>) =
            operations.map(|(start, end, at)| ((end, at), (start, at))).unzip();
        let mut timeline = Self { by_end, by_start };
        timeline.bound_from_below(std::iter::empty());
        timeline.bound_from_above(std::iter::empty());
        timeline
    }

    /// Adds operations that only say what was there once they had ended.
    fn bound_from_below(&mut self, operations: impl Iterator<Item = (u64, u64, P)>) {
        self.by_end.extend(operations.map(|(_, end, at)| (end, at)));
        self.by_end.sort();
        for at in 1..self.by_end.len() {
            self.by_end[at].1 = self.by_end[at].1.max(self.by_end[at - 1].1);
        }
    }

    /// Adds operations that only say what was not passed before they began.
    fn bound_from_above(&mut self, operations: impl Iterator<Item = (u64, u64, P)>) {
        self.by_start.extend(operations.map(|(start, _, at)| (start, at)));
        self.by_start.sort();
        for at in (1..self.by_start.len()).rev() {
            self.by_start[at - 1].1 = self.by_start[at - 1].1.min(self.by_start[at].1);
        }
    }

    /// What each moment bounds from below.
    fn operations(&self) -> impl Iterator<Item = (u64, u64, P)> {
        self.by_end.iter().map(|(end, at)| (*end, *end, *at))
    }

    /// The newest that had been seen by an operation that ended before `start`.
    fn before(&self, start: u64) -> Option<P> {
        let at = self.by_end.partition_point(|(end, _)| *end < start);
        Some(self.by_end[at.checked_sub(1)?].1)
    }

    /// The oldest that was seen by an operation that began after `end`.
    fn after(&self, end: u64) -> Option<P> {
        let at = self.by_start.partition_point(|(start, _)| *start <= end);
        Some(self.by_start.get(at)?.1)
    }
}

/// What is known of one check.
struct Known {
    commits: BTreeMap<Position, Read>,
    /// Of words and snapshots.
    timeline: Timeline<Position>,
    /// Of calls that have returned.
    returned: Timeline<Position>,
}

impl Known {
    /// The statuses that the check may have had between two moments, `None` for a time without it; and whether each version was seen, so
    /// that there are no others.
    fn possible(&self, low: Option<Position>, end: u64) -> (HashSet<Option<Status>>, bool) {
        let (Some(low), Some(high)) = (low, self.timeline.after(end)) else { return (HashSet::new(), false) };
        let mut statuses = HashSet::new();
        let mut whole = true;
        let mut last: Option<Position> = None;
        for (position, commit) in self.commits.range(low..=high) {
            statuses.insert(if position.1 == END { None } else { Some(commit.status) });
            if let Some(last) = last {
                // Between two lives there is a time without the check, and the end of the first may not have been seen.
                whole &= if last.0 == position.0 {
                    last.1 + 1 == position.1 || position.1 == END && low == last
                } else {
                    last.1 == END && position.1 == 1
                };
            } else {
                whole &= *position == low;
            }
            last = Some(*position);
        }
        whole &= last == Some(high);
        (statuses, whole)
    }
}

impl History {
    pub fn new(checks: usize, below: &'static [&'static [usize]]) -> Self {
        Self {
            checks,
            below,
            reads: Vec::new(),
            events: Vec::new(),
            writes: Vec::new(),
            begins: Vec::new(),
            ends: Vec::new(),
            words: Vec::new(),
            aliases: Vec::new(),
            summaries: Vec::new(),
        }
    }

    pub fn append(&mut self, mut other: Self) {
        self.reads.append(&mut other.reads);
        self.events.append(&mut other.events);
        self.writes.append(&mut other.writes);
        self.begins.append(&mut other.begins);
        self.ends.append(&mut other.ends);
        self.words.append(&mut other.words);
        self.aliases.append(&mut other.aliases);
        self.summaries.append(&mut other.summaries);
    }

    /// Checks everything.
    pub fn verify(&self) -> Report {
        let known: Vec<_> = (0..self.checks).map(|check| self.know(check)).collect();
        let mut report = Report {
            operations: self.reads.len()
                + self.events.len()
                + self.writes.len()
                + self.words.len()
                + self.aliases.len()
                + self.begins.len()
                + self.ends.len(),
            refused: self.writes.iter().filter(|write| !write.accepted).count(),
            lives: self.begins.len(),
            ..Report::default()
        };
        self.verify_writes();
        self.verify_reads(&known, &mut report);
        self.verify_words(&known, &mut report);
        self.verify_aliases(&known, &mut report);
        self.verify_summaries();
        report
    }

    /// The commits of one check as all readers saw them: the same for each of them, and in the order of their revisions.
    fn know(&self, check: usize) -> Known {
        let mut commits: BTreeMap<Position, Read> = BTreeMap::new();
        for read in self.reads.iter().chain(&self.events).filter(|read| read.check == check) {
            let first = commits.entry(read.position).or_insert(*read);
            let content = |read: &Read| (read.revision, read.sequence, read.status);
            assert_eq!(content(first), content(read), "two states of one version: {first:?} and {read:?}");
        }
        let revisions: Vec<_> = commits.values().map(|read| read.revision).collect();
        assert!(
            revisions.is_sorted_by(|one, other| one < other),
            "revision and version of check {check} rise together"
        );
        let made: HashMap<u64, Position> =
            commits.values().map(|read| (read.sequence, read.position)).rev().collect();
        let reads = self
            .reads
            .iter()
            .filter(|read| read.check == check)
            .map(|read| (read.start, read.end, read.position));
        // A write was over at the first version that carries it.
        let writes =
            self.writes.iter().filter(|write| write.check == check && write.accepted).filter_map(|write| {
                let position = made.get(&write.sequence)?;
                (position.1 != END).then_some((write.start, write.end, *position))
            });
        let begins = self
            .begins
            .iter()
            .filter(|one| one.check == check)
            .map(|one| (one.start, one.end, (one.incarnation, 1)));
        let ends = self
            .ends
            .iter()
            .filter(|one| one.check == check)
            .map(|one| (one.start, one.end, (one.incarnation, END)));
        // A returned write bounds from below whoever begins later. If nobody saw its own version, the next one that still carries its status
        // and text stands for it.
        let mut returned = Timeline::new(begins.chain(ends));
        returned.bound_from_below(writes.clone());
        let mut timeline = Timeline::new(reads);
        timeline.bound_from_below(returned.operations());
        // And nobody who has ended before it began has seen it.
        timeline.bound_from_above(
            writes.map(|(start, end, (incarnation, version))| (start, end, (incarnation, version - 1))),
        );
        Known { commits, timeline, returned }
    }

    /// What was refused was never seen, and nothing was seen before somebody began to write it.
    fn verify_writes(&self) {
        let writes: HashMap<u64, &Write> = self.writes.iter().map(|write| (write.sequence, write)).collect();
        for read in self.reads.iter().chain(&self.events).filter(|read| read.sequence != 0) {
            let write = writes[&read.sequence];
            assert!(write.accepted, "a refused write was seen: {write:?} in {read:?}");
            assert_eq!(
                (write.check, write.status),
                (read.check, read.status),
                "{write:?} was seen as {read:?}"
            );
            assert!(write.start < read.end, "{read:?} before {write:?}");
        }
    }

    fn verify_reads(&self, known: &[Known], report: &mut Report) {
        for read in &self.reads {
            let timeline = &known[read.check].timeline;
            let (low, high) = (timeline.before(read.start), timeline.after(read.end));
            assert!(low.is_none_or(|low| low <= read.position), "{read:?} after {low:?} was known");
            assert!(high.is_none_or(|high| read.position <= high), "{read:?} and later {high:?}");
            report.overlapping += usize::from(low.zip(high).is_some_and(|(low, high)| low < high));
        }
        for read in &self.events {
            let Known { timeline, returned, .. } = &known[read.check];
            let (low, high) = (returned.before(read.start), timeline.after(read.end));
            assert!(
                low.is_none_or(|low| low <= read.position),
                "{read:?} was delivered after {low:?} had returned"
            );
            assert!(
                high.is_none_or(|high| read.position <= high),
                "{read:?} was delivered, and later {high:?} was seen"
            );
        }
    }

    fn verify_words(&self, known: &[Known], report: &mut Report) {
        for word in &self.words {
            let timeline = &known[word.check].timeline;
            let (low, high) = (timeline.before(word.start), timeline.after(word.end));
            report.overlapping += usize::from(low.zip(high).is_some_and(|(low, high)| low < high));
            match word.status {
                None => assert!(
                    high.is_none_or(|high| high >= (word.incarnation, END)),
                    "{word:?} reads gone, and later {high:?} was seen"
                ),
                Some(status) => {
                    assert!(
                        low.is_none_or(|low| low < (word.incarnation, END)),
                        "{word:?} after {low:?} was known"
                    );
                    let (possible, whole) = known[word.check].possible(low, word.end);
                    if whole {
                        assert!(possible.contains(&Some(status)), "{word:?} shows none of {possible:?}");
                        report.words_decided += 1;
                    }
                }
            }
        }
    }

    fn verify_aliases(&self, known: &[Known], report: &mut Report) {
        for read in &self.aliases {
            let possible: Vec<_> = self.below[read.alias]
                .iter()
                .map(|check| known[*check].possible(known[*check].returned.before(read.start), read.end))
                .collect();
            let least = |statuses: &HashSet<Option<Status>>| {
                statuses.iter().map(|status| status.unwrap_or(Status::Passing)).min()
            };
            for (statuses, _) in possible.iter().filter(|(_, whole)| *whole) {
                assert!(
                    least(statuses) <= Some(read.status),
                    "{read:?} is better than one of its checks: {statuses:?}"
                );
            }
            if possible.iter().all(|(_, whole)| *whole) {
                let caused = possible.iter().any(|(statuses, _)| statuses.contains(&Some(read.status)));
                assert!(
                    caused || read.status == Status::Passing,
                    "{read:?} is worse than all of its checks: {possible:?}"
                );
                report.aliases_decided += 1;
            }
        }
    }

    /// One state for each (version, epoch) of a summary, and never back.
    fn verify_summaries(&self) {
        let mut states: HashMap<(usize, u64, u64), &SummaryRead> = HashMap::new();
        for read in &self.summaries {
            let first = states.entry((read.summary, read.version, read.epoch)).or_insert(read);
            assert_eq!(
                (first.status, &first.text),
                (read.status, &read.text),
                "two states of one (version, epoch)"
            );
        }
        for summary in 0..self.below.len() {
            let reads = || self.summaries.iter().filter(move |read| read.summary == summary);
            let timeline =
                Timeline::new(reads().map(|read| (read.start, read.end, (read.version, read.epoch))));
            for read in reads() {
                let low = timeline.before(read.start);
                assert!(low.is_none_or(|low| low <= (read.version, read.epoch)), "{read:?} after {low:?}");
            }
        }
    }
}

/// Histories that no correct engine could have: each must be noticed.
#[cfg(test)]
mod tests {
    use super::*;

    const BELOW: [&[usize]; 1] = [&[0]];

    fn read(start: u64, end: u64, version: u64, sequence: u64, status: Status) -> Read {
        Read { start, end, check: 0, position: (1, version), revision: version * 10, sequence, status }
    }

    /// Write 1 makes version 2 warning, then write 2 makes version 3 critical; both are seen when they have returned.
    fn good() -> History {
        let mut history = History::new(1, &BELOW);
        history.begins.push(Register { start: 0, end: 1, check: 0, incarnation: 1 });
        history.reads.push(read(2, 3, 1, 0, Status::Passing));
        history.writes.push(Write {
            start: 4,
            end: 6,
            check: 0,
            sequence: 1,
            status: Status::Warning,
            accepted: true,
        });
        history.reads.push(read(7, 8, 2, 1, Status::Warning));
        history.writes.push(Write {
            start: 10,
            end: 12,
            check: 0,
            sequence: 2,
            status: Status::Critical,
            accepted: true,
        });
        history.reads.push(read(20, 21, 3, 2, Status::Critical));
        history
    }

    #[test]
    fn a_linearizable_history_is_accepted() {
        let mut history = good();
        for (start, end, status) in
            [(4, 6, Status::Passing), (4, 6, Status::Warning), (9, 11, Status::Critical)]
        {
            history.words.push(Word { start, end, check: 0, incarnation: 1, status: Some(status) });
            history.aliases.push(AliasRead { start, end, alias: 0, status });
        }
        let report = history.verify();
        assert_eq!((report.words_decided, report.aliases_decided), (3, 3));
    }

    #[test]
    #[should_panic(expected = "was known")]
    fn a_snapshot_that_misses_a_returned_write_is_noticed() {
        let mut history = good();
        history.reads.push(read(13, 14, 2, 1, Status::Warning));
        history.verify();
    }

    #[test]
    #[should_panic(expected = "shows none of")]
    fn a_word_that_misses_a_returned_write_is_noticed() {
        let mut history = good();
        history.words.push(Word {
            start: 13,
            end: 14,
            check: 0,
            incarnation: 1,
            status: Some(Status::Warning),
        });
        history.verify();
    }

    #[test]
    #[should_panic(expected = "is better than one of its checks")]
    fn an_alias_that_misses_a_returned_write_is_noticed() {
        let mut history = good();
        history.aliases.push(AliasRead { start: 13, end: 14, alias: 0, status: Status::Warning });
        history.verify();
    }

    #[test]
    #[should_panic(expected = "is worse than all of its checks")]
    fn an_alias_that_stays_critical_is_noticed() {
        let mut history = good();
        history.aliases.push(AliasRead { start: 7, end: 8, alias: 0, status: Status::Critical });
        history.verify();
    }

    #[test]
    #[should_panic(expected = "before Write")]
    fn a_status_that_is_read_before_it_is_there_is_noticed() {
        let mut history = good();
        history.reads.push(read(5, 6, 3, 2, Status::Critical));
        history.verify();
    }

    #[test]
    #[should_panic(expected = "a refused write was seen")]
    fn a_refused_write_that_was_seen_is_noticed() {
        let mut history = good();
        history.writes[1].accepted = false;
        history.verify();
    }

    #[test]
    #[should_panic(expected = "two states of one version")]
    fn two_states_of_one_version_are_noticed() {
        let mut history = good();
        history.reads.push(read(20, 21, 3, 1, Status::Warning));
        history.verify();
    }

    #[test]
    #[should_panic(expected = "rise together")]
    fn a_revision_that_falls_behind_its_version_is_noticed() {
        let mut history = good();
        history.reads[2].revision = 5;
        history.verify();
    }

    #[test]
    #[should_panic(expected = "reads gone")]
    fn a_word_that_reads_gone_too_early_is_noticed() {
        let mut history = good();
        history.words.push(Word { start: 13, end: 14, check: 0, incarnation: 1, status: None });
        history.verify();
    }
}
