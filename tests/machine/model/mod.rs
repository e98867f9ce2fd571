//! The model: what the guarantees say, for one thread, with plain collections and no cleverness. It knows nothing of the engine's code. Numbers
//! that the guarantees leave open (revisions, the generation a life begins with, record ids) are taken from the engine when they first show, and
//! held it to from then on.

pub mod derive;
pub mod lease;
pub mod record;
pub mod register;
pub mod subscribe;
pub mod subscription;
pub mod write;

use std::collections::{BTreeMap, HashMap};

use lifesign::{ErrorKind, Status};

use crate::flaw::Flaw;
use crate::op::{Bounds, CheckRef, Home, Kind, ServiceRef, Text, TokenRef};
use derive::Shown;
use lease::Lease;
use record::{Activity, Entry};
use subscription::Subscription;

/// The label of the engine's own record.
pub const ENGINE: &str = "engine";

/// The quotas of an engine.
#[derive(Clone, Copy)]
pub struct Quotas {
    pub services: usize,
    pub checks: usize,
    pub subscriptions: usize,
    pub tokens: usize,
    pub records: usize,
    pub pending: usize,
}

impl Quotas {
    pub fn of(bounds: Bounds) -> Self {
        match bounds {
            Bounds::Wide => Self {
                services: 100,
                checks: 100,
                subscriptions: 100,
                tokens: 100,
                records: 100,
                pending: 100,
            },
            Bounds::Tight => {
                Self { services: 2, checks: 4, subscriptions: 3, tokens: 3, records: 4, pending: 1 }
            }
        }
    }
}

/// One reason for which a call may be refused, and what the refusal must say.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub kind: ErrorKind,
    /// The caller's label, the holder's, and the generation that the error must name.
    pub sides: Option<(&'static str, Option<&'static str>, u64)>,
    /// What stands in its text.
    pub says: Vec<&'static str>,
}

impl Refusal {
    pub fn new(kind: ErrorKind) -> Self {
        Self { kind, sides: None, says: Vec::new() }
    }

    pub fn about(kind: ErrorKind, says: &[&'static str]) -> Self {
        Self { says: says.to_vec(), ..Self::new(kind) }
    }
}

/// What a call gives: where several reasons to refuse it hold, the engine may name any of them.
pub type Outcome<T> = Result<T, Vec<Refusal>>;

/// `value`, unless there is a reason against it.
pub fn unless<T>(reasons: Vec<Refusal>, value: impl FnOnce() -> T) -> Outcome<T> {
    if reasons.is_empty() { Ok(value()) } else { Err(reasons) }
}

/// A registered service, in one life.
pub struct Service {
    pub id: &'static str,
    pub text: Text,
    pub alive: bool,
}

/// What was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    pub id: &'static str,
    pub home: Option<&'static str>,
    pub kind: Kind,
    pub initial: Status,
    pub text: Text,
}

/// One commit of a direct check.
#[derive(Clone, Debug)]
pub struct State {
    pub definition: Definition,
    pub version: u64,
    pub transitions: u64,
    pub status: Status,
    pub output: String,
    pub generation: u64,
    pub writer: &'static str,
    pub holder: Option<&'static str>,
    pub initial: bool,
    pub restored: bool,
    pub orphaned: bool,
    pub lease: Option<Lease>,
    pub held_since: i64,
    /// The output names this lost writer in the engine's words: what it is exactly the engine tells.
    pub names: Option<&'static str>,
    /// In which call it was committed.
    pub call: u64,
    pub time: i64,
    pub since: i64,
    /// 0 until the engine has told it.
    pub revision: u64,
    pub gone: bool,
}

/// A check or alias in one life.
pub struct Life {
    pub state: State,
    /// The commits before it.
    pub past: Vec<State>,
    pub alive: bool,
    /// What the engine has told: the revision of the registration.
    pub incarnation: u64,
    /// What the engine has told: the number of its handle.
    pub number: u64,
    /// When its holder was heard of last, on the boot clock, and the jump since that its lease counts from.
    pub heard: Option<u64>,
    pub grace: Option<u64>,
    pub history: Vec<Entry>,
    pub writers: BTreeMap<&'static str, Activity>,
    /// In which call it ended.
    pub ended_at: Option<u64>,
    /// What the engine has told: the cell it lives in.
    pub cell: u32,
    /// Of an alias: what it shows, and what it showed before.
    pub shown: Option<Shown>,
    pub shown_before: Vec<Shown>,
}

impl Life {
    pub fn id(&self) -> &'static str {
        self.state.definition.id
    }

    pub fn is_alias(&self) -> bool {
        self.state.definition.kind != Kind::Direct
    }

    /// What readers see.
    pub fn status(&self) -> Status {
        self.shown.as_ref().map_or(self.state.status, |shown| shown.status)
    }
}

/// A token.
pub struct Token {
    pub life: usize,
    pub generation: u64,
    pub label: &'static str,
    pub closed: bool,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub commits: u64,
    pub transitions: u64,
    pub heartbeats: u64,
    pub held: u64,
    pub fenced: u64,
    pub derived: u64,
    pub expired: u64,
    pub lapses: u64,
    pub jumps: u64,
}

/// The model of one engine.
pub struct Model {
    pub quotas: Quotas,
    pub wall: i64,
    pub boot: u64,
    /// Every service there was, in the order of registration; an index is a life.
    pub services: Vec<Service>,
    /// Every check there was, likewise.
    pub lives: Vec<Life>,
    /// Every token there was.
    pub tokens: Vec<Token>,
    /// Every subscription there was.
    pub subscriptions: Vec<Subscription>,
    /// The writer records in the order of their numbers, from 1.
    pub records: Vec<&'static str>,
    pub counts: Counts,
    /// What each summary that somebody refers to showed after the last call.
    pub summaries: HashMap<&'static str, Shown>,
    /// What the node shows.
    pub node: Option<Shown>,
    /// The highest revision the engine had told before the call in hand: what is committed by it comes after.
    pub floor: u64,
    /// The highest revision the engine has told.
    pub revision: u64,
    /// The wall clock was set back once: first and last times mean little from then on.
    pub set_back: bool,
    /// Several leases ended in the last call: in which order is left open, and with it how often a summary changed on the way.
    pub several_lapses: bool,
    /// How many calls were made.
    pub calls: u64,
    /// What is wrong with this model, for the test of the test.
    pub flaw: Option<Flaw>,
}

/// The time at which every run begins.
pub const START: i64 = 1_700_000_000_000_000_000;

impl Model {
    pub fn new(bounds: Bounds, flaw: Option<Flaw>) -> Self {
        Self {
            quotas: Quotas::of(bounds),
            wall: START,
            boot: 0,
            services: Vec::new(),
            lives: Vec::new(),
            tokens: Vec::new(),
            subscriptions: Vec::new(),
            records: vec![ENGINE],
            counts: Counts::default(),
            summaries: HashMap::new(),
            node: None,
            floor: 0,
            revision: 0,
            set_back: false,
            several_lapses: false,
            calls: 0,
            flaw,
        }
    }

    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub fn service(&self, service: ServiceRef) -> Option<usize> {
        nth(&self.services, service.1, |one| one.id == service.0)
    }

    pub fn check(&self, check: CheckRef) -> Option<usize> {
        nth(&self.lives, check.1, |one| one.id() == check.0)
    }

    pub fn token(&self, token: TokenRef) -> Option<usize> {
        nth(&self.tokens, token.1, |one| self.lives[one.life].id() == token.0)
    }

    pub fn subscription(&self, back: u8) -> Option<usize> {
        self.subscriptions.len().checked_sub(1 + usize::from(back))
    }

    /// The handle a call names, `None` where it was never given out.
    pub fn home(&self, home: Home) -> Option<Option<usize>> {
        match home {
            None => Some(None),
            Some(service) => self.service(service).map(Some),
        }
    }

    pub fn registered(&self, id: &str) -> Option<usize> {
        self.services.iter().position(|one| one.alive && one.id == id)
    }

    pub fn living(&self, id: &str) -> Option<usize> {
        self.lives.iter().position(|one| one.alive && one.id() == id)
    }

    pub fn alive(&self) -> impl Iterator<Item = (usize, &Life)> {
        self.lives.iter().enumerate().filter(|(_, life)| life.alive)
    }

    /// Whether another check has lived in the cell of this one since everything was taken from `subscription`. Where it matters a mark of one may
    /// be taken for one of the other, and is then told though the filter might not want it.
    pub fn shares_cell(&self, life: usize, subscription: &Subscription) -> bool {
        self.lives.iter().enumerate().any(|(at, other)| {
            let is_other = at != life && other.cell == self.lives[life].cell;
            is_other && other.ended_at.is_none_or(|ended| ended >= subscription.drained_at)
        })
    }

    /// Commits a change to the direct check `life`.
    pub fn commit(&mut self, life: usize, writer: &'static str, change: impl FnOnce(&mut State)) {
        let wall = self.wall;
        let one = &mut self.lives[life];
        one.past.push(one.state.clone());
        let state = &mut one.state;
        let (before, was_restored) = (state.status, state.restored);
        state.names = None;
        change(state);
        state.call = self.calls;
        let is_transition = state.status != before && (was_restored || !state.restored);
        state.version += 1;
        state.writer = writer;
        state.time = wall;
        state.revision = 0;
        if is_transition {
            state.transitions += 1;
            state.since = wall;
            self.counts.transitions += 1;
        }
        self.counts.commits += 1;
        let (definition, version, after) = (state.definition, state.version, state.status);
        let recast = state.restored && !was_restored;
        let (is_alias, shown_count) = (one.is_alias(), one.shown_count());
        let severity = match before.max(after) {
            // A new name is all that an alias can commit, and it may be told whatever it shows.
            _ if is_alias => Status::Critical,
            _ if self.has(Flaw::FilterSeesOnlyTheStatusAfter) => after,
            worst => worst,
        };
        let transitions_count = self.has(Flaw::TransitionsAloneIsIgnored);
        for subscription in &mut self.subscriptions {
            let wants = is_transition || recast || !subscription.filter.transitions_only || transitions_count;
            if wants && subscription.takes_in(life, &definition) && severity >= subscription.least {
                let must = !(is_alias || recast && subscription.filter.transitions_only);
                subscription.owe(life, if is_alias { shown_count } else { version }, must);
            }
        }
    }

    /// The engine tells the revision of the present commit of a check.
    pub fn revised(&mut self, life: usize, revision: u64) -> Result<(), String> {
        let one = &mut self.lives[life];
        let (state, last) = (&mut one.state, one.past.last().map_or(0, |past| past.revision));
        if state.revision == 0 {
            let last = last.max(self.floor);
            if revision <= last {
                return Err(format!("revision {revision} after {last}"));
            }
            state.revision = revision;
            self.revision = self.revision.max(revision);
        }
        if state.revision != revision {
            return Err(format!("revision {revision}, it was {}", state.revision));
        }
        Ok(())
    }
}

/// The index of the newest but `back` of those that `are`.
fn nth<T>(all: &[T], back: u8, are: impl Fn(&T) -> bool) -> Option<usize> {
    all.iter().enumerate().rev().filter(|(_, one)| are(one)).nth(back.into()).map(|(at, _)| at)
}
