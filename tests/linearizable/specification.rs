//! What the guarantees say of one check, one call after the other: the sequential objects that short windows are compared with.

use lifesign::Status;
use todc_utils::specifications::Specification;

/// A check: its word and its snapshot are one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub version: u64,
    pub status: Status,
    /// The write that the text comes from.
    pub sequence: u64,
    pub generation: u64,
    pub held: bool,
}

/// What a summary, an alias or a subscriber shows of it: the last write, of passing ones without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    pub status: Status,
    pub sequence: Option<u64>,
}

/// A call with its result.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// What stood there before the window.
    Begin(Object),
    Write {
        generation: u64,
        status: Status,
        sequence: u64,
        fenced: bool,
    },
    /// An acquisition, or a take-over from `expected`: the generation won, or the one that held the check.
    Claim {
        expected: Option<u64>,
        outcome: Result<u64, u64>,
    },
    Close {
        generation: u64,
    },
    Word(Status),
    Snapshot(Object),
    /// Of a view that follows no later than the write's return.
    Show(Shown),
}

pub struct ObjectSpecification;

impl Specification for ObjectSpecification {
    type State = Option<Object>;
    type Operation = Operation;

    fn init() -> Self::State {
        None
    }

    fn apply(operation: &Operation, state: &Self::State) -> (bool, Self::State) {
        let Some(before) = *state else {
            return match operation {
                Operation::Begin(object) => (true, Some(*object)),
                _ => (false, None),
            };
        };
        let after = match *operation {
            Operation::Begin(_) | Operation::Show(_) => None,
            Operation::Write { generation, fenced: true, .. } => {
                (generation != before.generation).then_some(before)
            }
            Operation::Write { generation, status, sequence, fenced: false } => {
                let same = (status, sequence) == (before.status, before.sequence);
                let version = before.version + u64::from(!same);
                (generation == before.generation).then_some(Object { version, status, sequence, ..before })
            }
            Operation::Claim { expected, outcome: Ok(generation) } => {
                let free = expected.map_or(!before.held, |expected| expected == before.generation);
                let next = Object { version: before.version + 1, generation, held: true, ..before };
                (free && generation == before.generation + 1).then_some(next)
            }
            Operation::Claim { expected, outcome: Err(holder) } => {
                let held = expected.map_or(before.held, |expected| expected != before.generation);
                (held && holder == before.generation).then_some(before)
            }
            Operation::Close { generation } if generation == before.generation && before.held => {
                Some(Object { version: before.version + 1, held: false, ..before })
            }
            Operation::Close { .. } => Some(before),
            Operation::Word(status) => (status == before.status).then_some(before),
            Operation::Snapshot(object) => (object == before).then_some(before),
        };
        (after.is_some(), after.or(*state))
    }
}

pub struct ShownSpecification;

impl Specification for ShownSpecification {
    type State = Option<(Status, u64)>;
    type Operation = Operation;

    fn init() -> Self::State {
        None
    }

    fn apply(operation: &Operation, state: &Self::State) -> (bool, Self::State) {
        match *operation {
            Operation::Begin(object) => (state.is_none(), Some((object.status, object.sequence))),
            Operation::Write { status, sequence, fenced: false, .. } => (true, Some((status, sequence))),
            Operation::Show(shown) => {
                let agrees = |(status, sequence): (Status, u64)| {
                    shown.status == status && shown.sequence.is_none_or(|shown| shown == sequence)
                };
                (state.is_some_and(agrees), *state)
            }
            _ => (false, *state),
        }
    }
}
