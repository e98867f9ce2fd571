//! The usual design, small and faithful: state behind one read-write lock whose entries are handed out by reference, one notification slot
//! per name, a runner per alias, and a stop that is a signal.
//!
//! Every step is one that the real thing takes at once: between two of them anybody else may run. The lock is modelled by who holds it: a step
//! that needs it is not enabled while another actor stands inside.

use lifesign::Status;

use crate::run::{Mark, Shown, Step, World, is_whole, report};
use crate::schedule::{Actor, Milestone, Schedule};

/// How far the races were cured, one after the other; each stage contains those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Entries by reference; a runner subscribes and waits; a stop is a signal.
    AsFirstWritten,
    /// A reader gets whole copies.
    WholeCopies,
    /// A runner looks once when it starts.
    LooksAtStart,
    /// A runner looks again when nothing has happened for a minute.
    Timer,
    /// A stop waits for the runner, which says that it runs when it begins to.
    StopWaits,
    /// A stop waits for the runner, of which its starter says so.
    StopAlwaysWaits,
}

impl Stage {
    pub const ALL: [Self; 6] = [
        Self::AsFirstWritten,
        Self::WholeCopies,
        Self::LooksAtStart,
        Self::Timer,
        Self::StopWaits,
        Self::StopAlwaysWaits,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::AsFirstWritten => "as first written",
            Self::WholeCopies => "+ whole copies",
            Self::LooksAtStart => "+ look at start",
            Self::Timer => "+ timer",
            Self::StopWaits => "+ stop waits",
            Self::StopAlwaysWaits => "+ always waits",
        }
    }
}

/// Where a runner stands: the step it takes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    StopOther,
    JoinOther,
    Begin,
    Subscribe,
    Gather,
    ReadStatus,
    ReadText,
    Report,
    Wait,
    Unsubscribe,
    Done,
}

struct Runner {
    at: At,
    /// Its channel has room for one notification: any number of them make it look once.
    notified: bool,
    stopped: bool,
    begun: bool,
    hand: (Status, String),
}

impl Runner {
    fn new(at: At) -> Self {
        Self { at, notified: false, stopped: false, begun: false, hand: (Status::Passing, String::new()) }
    }
}

/// One run of the usual design.
pub struct Usual {
    stage: Stage,
    script: Vec<Status>,
    written: usize,
    /// U stands inside a write and holds the lock.
    locked: bool,
    target: (Status, String),
    alias: (Status, String),
    /// Whose channel stands under the alias's name.
    slot: Option<usize>,
    runners: [Runner; 2],
    torn: bool,
}

impl Usual {
    pub fn new(stage: Stage, schedule: &Schedule) -> Self {
        let initial = (Status::Passing, report(Status::Passing, 0));
        Self {
            stage,
            script: schedule.script.clone(),
            written: 0,
            locked: false,
            target: initial.clone(),
            alias: initial,
            slot: None,
            runners: [Runner::new(At::Begin), Runner::new(At::StopOther)],
            torn: false,
        }
    }

    fn update(&mut self) -> Option<Step> {
        if self.locked {
            self.target.1 = report(self.target.0, self.written);
            self.locked = false;
            return Some(Step::to(Milestone::Wrote, format!("writes {}", self.target.0)));
        }
        let status = *self.script.get(self.written)?;
        self.written += 1;
        self.locked = true;
        let told = self.slot.map(|one| ["O", "N"][one]);
        if let Some(one) = self.slot {
            self.runners[one].notified = true;
        }
        self.target.0 = status;
        let told = told.map_or("tells nobody".into(), |name| format!("tells {name}"));
        Some(Step::to(Milestone::InHand, told))
    }

    /// Whether the stop of the other runner lets go.
    fn has_joined(&self, other: usize) -> bool {
        let other = &self.runners[other];
        match self.stage {
            Stage::StopAlwaysWaits => other.at == At::Done,
            Stage::StopWaits => other.at == At::Done || !other.begun,
            _ => true,
        }
    }

    fn run(&mut self, one: usize, choice: u64) -> Option<Step> {
        let joined = self.has_joined(1 - one);
        let runner = &mut self.runners[one];
        let (next, step) = match runner.at {
            At::StopOther => {
                self.runners[1 - one].stopped = true;
                let words = if self.stage < Stage::StopWaits { "stops O, does not wait" } else { "stops O" };
                (At::JoinOther, Step::to(Milestone::Stopped, words))
            }
            At::JoinOther if joined => (At::Begin, Step::silent()),
            At::JoinOther => return None,
            At::Begin => {
                runner.begun = true;
                (At::Subscribe, Step::silent())
            }
            At::Subscribe if self.locked => return None,
            At::Subscribe => {
                let words = if self.slot.is_some_and(|other| other != one) {
                    "registers its channel, replacing the other's"
                } else {
                    "registers its channel"
                };
                self.slot = Some(one);
                let next = if self.stage >= Stage::LooksAtStart { At::Gather } else { At::Wait };
                (next, Step::to(Milestone::Subscribed, words))
            }
            At::Gather if self.locked => return None,
            At::Gather if self.stage >= Stage::WholeCopies => {
                runner.hand = self.target.clone();
                (At::Report, Step::to(Milestone::InHand, format!("reads {}", runner.hand.0)))
            }
            At::Gather => (At::ReadStatus, Step::to(Milestone::Gathered, "takes references")),
            // Through the reference, without the lock.
            At::ReadStatus => {
                runner.hand.0 = self.target.0;
                (At::ReadText, Step::silent())
            }
            At::ReadText => {
                runner.hand.1 = self.target.1.clone();
                (At::Report, Step::to(Milestone::InHand, format!("reads {}", runner.hand.0)))
            }
            At::Report if self.locked => return None,
            At::Report => {
                self.torn |= !is_whole(runner.hand.0, &runner.hand.1);
                self.alias = runner.hand.clone();
                let mark = if self.alias.0 == self.target.0 { Mark::Plain } else { Mark::Harm };
                (At::Wait, Step::to(Milestone::Reported, format!("writes {}", self.alias.0)).marked(mark))
            }
            At::Wait if runner.stopped && (choice & 1 == 0 || !runner.notified) => {
                (At::Unsubscribe, Step::silent())
            }
            At::Wait if runner.notified => {
                runner.notified = false;
                (At::Gather, Step::silent())
            }
            At::Wait => return None,
            At::Unsubscribe if self.locked => return None,
            At::Unsubscribe => {
                let (words, mark) = match self.slot.take() {
                    Some(other) if other != one => {
                        ("is stopped: removes the channel of its name, N's", Mark::Harm)
                    }
                    _ => ("is stopped: removes its channel", Mark::Plain),
                };
                (At::Done, Step::to(Milestone::Done, words).marked(mark))
            }
            At::Done => return None,
        };
        self.runners[one].at = next;
        Some(step)
    }
}

impl World for Usual {
    fn step(&mut self, actor: Actor, choice: u64) -> Option<Step> {
        match actor {
            Actor::U => self.update(),
            Actor::O => self.run(0, choice),
            Actor::N => self.run(1, choice),
        }
    }

    fn shown(&mut self) -> Shown {
        Shown { target: self.target.0, mirror: self.alias.0, alias: None }
    }

    fn is_torn(&self) -> bool {
        self.torn
    }

    fn fire_timers(&mut self) -> bool {
        let mut fired = false;
        for runner in &mut self.runners {
            if self.stage >= Stage::Timer && runner.at == At::Wait {
                runner.at = At::Gather;
                fired = true;
            }
        }
        fired
    }

    fn is_successor_told(&mut self) -> bool {
        self.runners[1].notified = false;
        self.script.push(Status::Critical);
        while self.update().is_some() {}
        self.runners[1].at == At::Wait && self.runners[1].notified
    }
}
