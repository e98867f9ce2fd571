//! Who goes next: the same schedule drives every design.

use lifesign::Status;

use crate::support::random::Random;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Updates the target.
    U,
    /// The old runner of the check that mirrors the target. It was started before anything else here happens.
    O,
    /// The new one, whose first step is to stop the old one.
    N,
}

impl Actor {
    pub const ALL: [Self; 3] = [Self::U, Self::O, Self::N];
}

/// What an actor has come to with a step, if it is anything that a schedule waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// A write of the target has returned.
    Wrote,
    /// It has told the old runner to stop.
    Stopped,
    /// It will be told of changes from here on.
    Subscribed,
    /// It has references to the checks in hand, or copies of them, and has not looked into them.
    Gathered,
    /// It has decided what to report, and the report has not taken effect.
    InHand,
    /// Its report has returned, whatever came of it.
    Reported,
    /// It has cleaned up and is gone.
    Done,
}

/// One move of a schedule.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    /// The actor goes on until it has come to the milestone or must wait for somebody.
    Until(Actor, Milestone),
    /// The actor goes on until it must wait for somebody or has nothing left to do.
    UntilBlocked(Actor),
    /// From here on the actor is not scheduled any more.
    HeldUp(Actor),
}

/// The orders that are forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    TornRead,
    MissedEdge,
    OverlappingLifetimes,
    LateUnsubscribe,
    LateRegister,
    HeldUp,
    /// Nothing is forced.
    Random,
}

impl Kind {
    pub const FORCED: [Self; 6] = [
        Self::TornRead,
        Self::MissedEdge,
        Self::OverlappingLifetimes,
        Self::LateUnsubscribe,
        Self::LateRegister,
        Self::HeldUp,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::TornRead => "torn read",
            Self::MissedEdge => "missed edge",
            Self::OverlappingLifetimes => "overlapping lifetimes",
            Self::LateUnsubscribe => "late unsubscribe",
            Self::LateRegister => "late register",
            Self::HeldUp => "old runner held up",
            Self::Random => "random",
        }
    }

    /// What is forced; before and after it the schedule is free. Each of U's writes here changes the status, the first to critical.
    fn core(self) -> Vec<Move> {
        use Actor::{N, O, U};
        use Milestone::{Done, Gathered, InHand, Reported, Stopped, Subscribed, Wrote};
        use Move::{HeldUp, Until, UntilBlocked};
        match self {
            Self::TornRead => vec![
                Until(U, Wrote),
                Until(O, Gathered),
                // U stands in the middle of its write while O reads.
                Until(U, InHand),
                Until(O, InHand),
                Until(U, Wrote),
                Until(O, Reported),
            ],
            Self::MissedEdge => vec![
                Until(U, Wrote),
                UntilBlocked(O),
                Until(N, Stopped),
                Until(O, Done),
                Until(U, Wrote),
                UntilBlocked(N),
            ],
            Self::OverlappingLifetimes => vec![
                Until(U, Wrote),
                Until(O, InHand),
                UntilBlocked(N),
                Until(U, Wrote),
                UntilBlocked(N),
                Until(O, Reported),
                Until(O, Done),
            ],
            Self::LateUnsubscribe => vec![
                Until(N, Subscribed),
                Until(U, Wrote),
                UntilBlocked(N),
                Until(O, Done),
                Until(U, Wrote),
                UntilBlocked(N),
            ],
            Self::LateRegister => vec![
                Until(N, Subscribed),
                Until(U, Wrote),
                UntilBlocked(N),
                Until(O, Subscribed),
                Until(O, InHand),
                Until(U, Wrote),
                Until(O, Done),
                UntilBlocked(N),
            ],
            Self::HeldUp => vec![
                Until(U, Wrote),
                UntilBlocked(O),
                Until(U, Wrote),
                Until(O, InHand),
                HeldUp(O),
                UntilBlocked(N),
                Until(U, Wrote),
                UntilBlocked(N),
                Until(U, Wrote),
                UntilBlocked(N),
            ],
            Self::Random => Vec::new(),
        }
    }
}

/// A schedule, repeatable from its seed.
pub struct Schedule {
    pub kind: Kind,
    /// What U reports, in turn. The last is `passing`.
    pub script: Vec<Status>,
    pub moves: Vec<Move>,
    random: Random,
}

impl Schedule {
    /// The schedule of this kind and seed: what is forced, after a free beginning and before a free end.
    pub fn new(kind: Kind, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut moves = Vec::new();
        let mut writes = 0;
        if kind == Kind::Random {
            writes = 2 + 2 * random.below(3) as usize;
        } else if seed > 0 {
            // Whole flips, so that the target is passing when the forced part begins. A runner that comes late has not begun before.
            for _ in 0..2 * random.below(3) {
                moves.push(Move::Until(Actor::U, Milestone::Wrote));
                writes += 1;
                if kind != Kind::LateRegister && random.below(2) == 0 {
                    moves.push(Move::UntilBlocked(Actor::O));
                }
            }
        }
        if !matches!(kind, Kind::LateRegister | Kind::Random) {
            moves.push(Move::UntilBlocked(Actor::O));
        }
        let core = kind.core();
        writes += core.iter().filter(|next| matches!(next, Move::Until(Actor::U, Milestone::Wrote))).count();
        moves.extend(core);
        let script = (0..writes).map(|at| [Status::Critical, Status::Passing][at % 2]).collect();
        Self { kind, script, moves, random }
    }

    /// The next free pick: an actor, and a number by which it decides what is not decided otherwise.
    pub fn pick(&mut self) -> (Actor, u64) {
        (Actor::ALL[self.random.below(3) as usize], self.random.next())
    }

    /// The same number for a step of a forced move: even, which is that a runner heeds a stop before anything else.
    pub fn choice(&mut self) -> u64 {
        self.random.next() & !1
    }
}
