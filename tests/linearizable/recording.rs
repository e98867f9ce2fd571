//! What is recorded: who called what, from when to when, and what came back.

use std::sync::atomic::{AtomicU64, Ordering};

use lifesign::{ErrorKind, Status};

/// A commit of a check: incarnation and version.
pub type Position = (u64, u64);
/// The version that stands for the end of a life.
pub const END: u64 = u64::MAX;

/// When a call began and when it had returned. No two calls share a moment.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

/// One order of all beginnings and ends: a shared counter, because the clocks of two cores need not agree on which of two moments came first.
#[derive(Default)]
pub struct Clock(AtomicU64);

impl Clock {
    pub fn now(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub fn time<R>(&self, call: impl FnOnce() -> R) -> (Span, R) {
        let start = self.now();
        let result = call();
        (Span { start, end: self.now() }, result)
    }
}

/// What a commit said. `sequence` is the write that its text comes from, 0 before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub position: Position,
    pub revision: u64,
    pub generation: u64,
    pub sequence: u64,
    pub status: Status,
}

/// A check's whole state, as a call has returned it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub span: Span,
    pub check: usize,
    pub state: State,
}

#[derive(Clone, Copy, Debug)]
pub struct Write {
    pub span: Span,
    pub thread: u64,
    pub check: usize,
    pub incarnation: u64,
    pub generation: u64,
    pub sequence: u64,
    pub status: Status,
    /// Why it was refused.
    pub refused: Option<ErrorKind>,
    /// Whether it says what this writer has said before: a heartbeat, unless somebody else has written in between.
    pub repeated: bool,
}

/// An acquisition, or a take-over from the generation `expected`.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub span: Span,
    pub check: usize,
    pub incarnation: u64,
    pub expected: Option<u64>,
    /// The generation won, or the one that held the check.
    pub outcome: Result<u64, u64>,
}

/// The beginning or the end of a life of a check, or of a service.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub span: Span,
    pub check: usize,
    pub incarnation: u64,
}

/// A status read through the handle of one life.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub span: Span,
    pub check: usize,
    pub incarnation: u64,
    pub status: Option<Status>,
}

/// What the text of an alias or a summary says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    AllPassing,
    /// The target, or that of an alias below it, is not registered.
    Missing,
    /// The check that decides and its own text.
    Check {
        check: usize,
        status: Status,
        sequence: u64,
    },
}

/// What a summary showed: through the handle of its service or of an alias, or by an event.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub span: Span,
    pub summary: usize,
    pub status: Status,
    pub text: Option<Text>,
}

/// A summary's or an alias's whole state.
#[derive(Clone, Copy, Debug)]
pub struct Derived {
    pub span: Span,
    pub summary: usize,
    /// Version and epoch.
    pub key: (u64, u64),
    pub transitions: u64,
    pub status: Status,
    pub text: Text,
}

/// A service snapshot: its summary, and what its checks and its alias were at.
#[derive(Clone, Debug)]
pub struct Whole {
    pub span: Span,
    pub summary: usize,
    pub key: (u64, u64),
    pub checks: Vec<(usize, Position)>,
    pub alias: Option<(usize, (u64, u64))>,
}

/// Whether a subscriber that asked for critical alone takes a check for critical.
#[derive(Clone, Copy, Debug)]
pub struct Belief {
    pub span: Span,
    pub check: usize,
    pub critical: bool,
}

/// What one thread, or all of them together, have recorded.
#[derive(Default)]
pub struct History {
    /// Calls; an event or a service snapshot is part of the call that has delivered it.
    pub operations: usize,
    pub polls: usize,
    pub seen: Vec<Seen>,
    /// What a subscriber knew of a check after a poll.
    pub events: Vec<Seen>,
    pub writes: Vec<Write>,
    pub claims: Vec<Claim>,
    pub begins: Vec<Life>,
    pub ends: Vec<Life>,
    pub words: Vec<Word>,
    pub shown: Vec<Shown>,
    pub derived: Vec<Derived>,
    pub wholes: Vec<Whole>,
    pub beliefs: Vec<Belief>,
}

impl History {
    pub fn append(&mut self, mut other: Self) {
        self.operations += other.operations;
        self.polls += other.polls;
        self.seen.append(&mut other.seen);
        self.events.append(&mut other.events);
        self.writes.append(&mut other.writes);
        self.claims.append(&mut other.claims);
        self.begins.append(&mut other.begins);
        self.ends.append(&mut other.ends);
        self.words.append(&mut other.words);
        self.shown.append(&mut other.shown);
        self.derived.append(&mut other.derived);
        self.wholes.append(&mut other.wholes);
        self.beliefs.append(&mut other.beliefs);
    }
}
