//! What is remembered of a check: P2, P3.

use lifesign::{HistoryKind, Status};

use super::Model;
use crate::flaw::Flaw;

/// How many entries the engines of these runs keep.
pub const DEPTH: usize = 5;

/// An entry of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: HistoryKind,
    /// The version of the commit, whose revision the engine tells.
    pub version: u64,
    pub time: i64,
    pub boot: u64,
    pub writer: &'static str,
    pub generation: u64,
    pub from: Status,
    pub to: Status,
}

/// What one writer did at a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    pub accepted: u64,
    pub refused: u64,
    pub first: i64,
    pub last: i64,
}

impl Model {
    /// Enters the present commit of a check into its history.
    pub fn remember(&mut self, life: usize, kind: HistoryKind, from: Status) {
        let (time, boot) = (self.wall, self.boot);
        let depth = if self.has(Flaw::HistoriesKeepAll) { usize::MAX } else { DEPTH };
        let one = &mut self.lives[life];
        let state = &one.state;
        let entry = Entry {
            kind,
            version: state.version,
            time,
            boot,
            writer: state.writer,
            generation: state.generation,
            from,
            to: state.status,
        };
        one.history.push(entry);
        if one.history.len() > depth {
            one.history.remove(0);
        }
    }

    /// Counts what `writer` did at a check.
    pub fn tally(&mut self, life: usize, writer: &'static str, accepted: bool) {
        let wall = self.wall;
        let one =
            self.lives[life].writers.entry(writer).or_insert(Activity { first: wall, ..Activity::default() });
        *if accepted { &mut one.accepted } else { &mut one.refused } += 1;
        one.first = one.first.min(wall);
        one.last = if one.accepted + one.refused == 1 { wall } else { one.last.max(wall) };
    }
}
