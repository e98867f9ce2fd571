//! A real engine and the model side by side: each call is made on both, and what it gives is compared.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use lifesign::{
    Check, CheckKind, ClockSource, Config, Cursor, Engine, Error, ErrorKind, Limits, Service, Token,
};

use crate::flaw::Flaw;
use crate::model::derive::Shown;
use crate::model::record::DEPTH;
use crate::model::subscribe::Mark;
use crate::model::subscription::Wanted;
use crate::model::{Model, Outcome, Quotas, START};
use crate::op::{Bounds, Kind, MAX_OUTPUT, Op, Text};

/// What differs; `Err` of every comparison.
pub type Same<T = ()> = Result<T, String>;

/// Fails with what differs.
macro_rules! differ {
    ($($text:tt)*) => { return Err(format!($($text)*)) };
}
pub(crate) use differ;

/// Compares one value.
pub fn same<T: PartialEq + Debug>(what: impl FnOnce() -> String, engine: T, model: T) -> Same {
    if engine == model {
        return Ok(());
    }
    differ!("{}: the engine has {engine:?}, the model {model:?}", what())
}

/// A summary as it was seen after a call.
pub struct Seen {
    /// Version, epoch, transitions.
    pub numbers: (u64, u64, u64),
    pub call: u64,
    pub shown: Shown,
}

/// The two, and what the indices of the model's things are on the engine's side.
pub struct World {
    pub engine: Engine,
    pub model: Model,
    pub services: Vec<Service>,
    pub checks: Vec<Check>,
    pub tokens: Vec<Token>,
    pub subscriptions: Vec<lifesign::Subscription>,
    /// The cursors that were come to.
    pub cursors: Vec<(Cursor, Mark)>,
    /// The position each subscription has come to.
    pub positions: Vec<u64>,
    /// Each summary when it was last seen; the node's has the empty id.
    pub summaries: HashMap<&'static str, Seen>,
    /// What the engine said to the call in hand.
    pub answer: String,
}

impl World {
    pub fn new(bounds: Bounds, flaw: Option<Flaw>) -> Self {
        let quotas = Quotas::of(bounds);
        let limits = Limits {
            max_output: MAX_OUTPUT,
            max_services: quotas.services,
            max_checks: quotas.checks,
            max_subscriptions: quotas.subscriptions,
            max_tokens: quotas.tokens,
            max_records: quotas.records,
            max_pending: quotas.pending,
        };
        let config = Config { clock: ClockSource::Manual, limits, history: DEPTH, ..Config::default() };
        let engine = Engine::open(config).expect("an engine opens");
        engine.tick(START, 0).expect("it is told the time");
        Self {
            engine,
            model: Model::new(bounds, flaw),
            services: Vec::new(),
            checks: Vec::new(),
            tokens: Vec::new(),
            subscriptions: Vec::new(),
            positions: Vec::new(),
            cursors: Vec::new(),
            summaries: HashMap::new(),
            answer: String::new(),
        }
    }

    /// Makes one call on both sides; `false` if it names what there never was.
    pub fn call(&mut self, op: &Op) -> Same<bool> {
        self.answer.clear();
        self.model.calls += 1;
        self.model.several_lapses = false;
        self.model.floor = self.model.revision;
        let made = self.dispatch(op)?;
        if made.is_some() {
            self.learn()?;
            if !matches!(op, Op::Poll { .. } | Op::Wait { .. } | Op::Join { .. }) {
                self.model.subscriptions.iter_mut().for_each(|one| one.stirred = true);
            }
            self.model.settle();
            self.summaries.retain(|id, _| id.is_empty() || self.model.summaries.contains_key(id));
            self.records(op)?;
        }
        Ok(made.is_some())
    }

    /// Keeps a cursor at which all was told.
    pub fn keep(&mut self, index: usize, cursor: Cursor) {
        let subscription = &self.model.subscriptions[index];
        let summary = match subscription.wanted {
            Wanted::Service(id, true) => self.model.summaries.get(id).cloned(),
            _ => None,
        };
        let (filter, wanted) = (subscription.filter, subscription.wanted);
        self.cursors.push((
            cursor,
            Mark { filter, wanted, call: self.model.calls, lives: self.model.lives.len().max(1), summary },
        ));
    }

    /// Compares the outcomes of one call; gives both values if it succeeded.
    pub fn agree<T, U>(&mut self, expected: Outcome<T>, actual: Result<U, Error>) -> Same<Option<(T, U)>> {
        self.answer = match &actual {
            Ok(_) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        let (reasons, error) = match (expected, actual) {
            (Ok(expected), Ok(actual)) => return Ok(Some((expected, actual))),
            (Ok(_), Err(error)) => differ!("the engine refuses it with {error}, the model does not"),
            (Err(reasons), Ok(_)) => differ!("the engine does it, the model refuses it with {reasons:?}"),
            (Err(reasons), Err(error)) => (reasons, error),
        };
        let text = error.to_string();
        let fits = reasons.iter().any(|reason| {
            reason.kind == error.kind()
                && reason.says.iter().all(|part| text.contains(&part.escape_debug().to_string()))
                && reason.sides.is_none_or(|sides| {
                    let label =
                        |record: Option<&lifesign::WriterRecord>| record.map(|record| record.label.clone());
                    label(error.caller()).as_deref() == Some(sides.0)
                        && label(error.holder()).as_deref() == sides.1
                        && error.generation() == Some(sides.2)
                })
        });
        if !fits {
            differ!("the engine refuses it with {text}, the model with {reasons:?}");
        }
        match error.kind() {
            ErrorKind::Held => self.model.counts.held += 1,
            ErrorKind::Fenced => self.model.counts.fenced += 1,
            ErrorKind::Derived => self.model.counts.derived += 1,
            ErrorKind::Expired => self.model.counts.expired += 1,
            _ => {}
        }
        Ok(None)
    }

    pub fn wait(&mut self, index: usize) -> Same {
        let actual = self.subscriptions[index].wait(Some(Duration::ZERO));
        let kind = actual.as_ref().err().map(Error::kind);
        self.answer = format!("{kind:?}");
        let subscription = &self.model.subscriptions[index];
        if !subscription.open {
            return same(|| "the wait".into(), kind, Some(ErrorKind::Closed));
        }
        match (kind, subscription.missing(&self.model)) {
            (None, _) if subscription.stirred => Ok(()),
            (Some(ErrorKind::Timeout), None) => {
                let Some(bookmark) = actual.err().and_then(|error| error.bookmark()) else {
                    differ!("the time-out has no bookmark")
                };
                self.keep(index, bookmark);
                Ok(())
            }
            (_, missing) => differ!("the wait gives {kind:?}, and there is to tell: {missing:?}"),
        }
    }

    /// Takes in what a lapse has written: the engine words it, and names the lost writer.
    fn learn(&mut self) -> Same {
        for life in 0..self.model.lives.len() {
            let Some(lost) = self.model.lives[life].state.names else { continue };
            let snapshot = self.engine.snapshot(&self.checks[life]).map_err(|error| error.to_string())?;
            if !snapshot.output().contains(&format!("{lost:?}")) {
                differ!("after a lapse {:?} does not name {lost:?}", snapshot.output());
            }
            self.model.lives[life].state.output = snapshot.output().to_owned();
        }
        Ok(())
    }

    /// Takes in the writer records that the call has made: of its own label alone.
    fn records(&mut self, op: &Op) -> Same {
        while let Some(record) = self.engine.record(self.model.records.len() as u32 + 1) {
            let label = match op {
                Op::Acquire { label, .. }
                | Op::TakeOver { label, .. }
                | Op::DeregisterByForce { label, .. } => label,
                _ => differ!("a record {record} from nowhere"),
            };
            same(|| "the label of a new record".into(), &*record.label, *label)?;
            if self.model.records.contains(label) {
                differ!("a second record for {label:?}");
            }
            self.model.records.push(label);
        }
        Ok(())
    }
}

/// The name and the data of a text.
pub fn wording(id: &str, text: Text) -> (String, Vec<u8>) {
    let name = if text & 1 == 0 { id.to_owned() } else { format!("the other {id}") };
    (name, if text & 2 == 0 { Vec::new() } else { b"\0opaque\xff".to_vec() })
}

/// The kind in the engine's words.
pub fn check_kind(kind: Kind) -> CheckKind {
    match kind {
        Kind::Direct => CheckKind::Direct,
        Kind::Alias(target) => CheckKind::AliasService(target.to_owned()),
        Kind::NodeAlias => CheckKind::AliasNode,
    }
}
