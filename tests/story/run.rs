//! Runs a design under a schedule and judges how it ends.

use std::borrow::Cow;

use lifesign::Status;

use crate::schedule::{Actor, Milestone, Move, Schedule};

/// What U reports as its `number`th: a text from which it shows whether it belongs to its status.
pub fn report(status: Status, number: usize) -> String {
    format!("{status}, report {number}")
}

/// Whether status and text come from one report.
pub fn is_whole(status: Status, text: &str) -> bool {
    text.starts_with(status.as_str())
}

/// A step that was taken.
pub struct Step {
    pub milestone: Option<Milestone>,
    /// What was done, for the story; empty where there is nothing to tell.
    pub words: Cow<'static, str>,
    pub mark: Mark,
}

/// What a step was for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Plain,
    Refused,
    /// It put something wrong in the place of something right.
    Harm,
}

impl Step {
    pub fn to(milestone: Milestone, words: impl Into<Cow<'static, str>>) -> Self {
        Self { milestone: Some(milestone), words: words.into(), mark: Mark::Plain }
    }

    pub fn silent() -> Self {
        Self::doing("")
    }

    pub fn doing(words: impl Into<Cow<'static, str>>) -> Self {
        Self { milestone: None, words: words.into(), mark: Mark::Plain }
    }

    pub fn marked(self, mark: Mark) -> Self {
        Self { mark, ..self }
    }
}

/// What everybody can see at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub target: Status,
    /// The check that the runners write.
    pub mirror: Status,
    /// The alias that nobody writes, where there is such a thing.
    pub alias: Option<Status>,
}

/// A design that can be driven step by step.
pub trait World {
    /// Lets `actor` take its next step; `None` if it must wait for somebody or has nothing left to do.
    fn step(&mut self, actor: Actor, choice: u64) -> Option<Step>;

    fn shown(&mut self) -> Shown;

    /// Whether anybody has seen status and text of two reports in one.
    fn is_torn(&self) -> bool;

    /// Lets a long time pass; `false` if nobody waits for that.
    fn fire_timers(&mut self) -> bool;

    /// Changes the target once more: whether the new runner is told.
    fn is_successor_told(&mut self) -> bool;
}

/// Whether the mirror agrees with its target when no step is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Right,
    /// It does not, and a timer is all that will repair it.
    WrongUntilTimer,
    /// It does not, and no step is left that would repair it.
    WrongForEver,
}

impl End {
    pub fn words(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::WrongUntilTimer => "WRONG until the timer",
            Self::WrongForEver => "WRONG FOR EVER",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    pub end: End,
    pub torn: bool,
    /// The new runner was not told of a change after all this.
    pub deaf: bool,
}

/// One step of a run, with what was to be seen after it.
pub struct Told {
    /// The number of the move it belongs to; what is free at the end has the number after the last.
    pub at: usize,
    pub actor: Actor,
    pub words: Cow<'static, str>,
    pub mark: Mark,
    pub shown: Shown,
}

/// A run, step by step, and its end.
pub struct Run {
    pub steps: Vec<Told>,
    pub verdict: Verdict,
}

/// Drives `world` by `schedule` until no step is left.
pub fn run(world: &mut impl World, mut schedule: Schedule) -> Run {
    let mut steps = Vec::new();
    let mut held_up = None;
    let moves = std::mem::take(&mut schedule.moves);
    for (at, next) in moves.iter().enumerate() {
        let (actor, until) = match *next {
            Move::Until(actor, milestone) => (actor, Some(milestone)),
            Move::UntilBlocked(actor) => (actor, None),
            Move::HeldUp(actor) => {
                held_up = Some(actor);
                continue;
            }
        };
        while let Some(step) = take(world, at, actor, schedule.choice(), &mut steps) {
            if step.is_some() && step == until {
                break;
            }
        }
    }
    let end = moves.len();
    exhaust(world, end, &mut schedule, held_up, &mut steps);
    let is_right = |world: &mut _| {
        let shown = World::shown(world);
        shown.mirror == shown.target && shown.alias.is_none_or(|alias| alias == shown.target)
    };
    let end = if is_right(world) {
        End::Right
    } else if world.fire_timers() && {
        exhaust(world, end + 1, &mut schedule, held_up, &mut steps);
        is_right(world)
    } {
        End::WrongUntilTimer
    } else {
        End::WrongForEver
    };
    let verdict = Verdict { end, torn: world.is_torn(), deaf: !world.is_successor_told() };
    Run { steps, verdict }
}

/// One step; what milestone it came to.
fn take(
    world: &mut impl World,
    at: usize,
    actor: Actor,
    choice: u64,
    steps: &mut Vec<Told>,
) -> Option<Option<Milestone>> {
    let Step { milestone, words, mark } = world.step(actor, choice)?;
    steps.push(Told { at, actor, words, mark, shown: world.shown() });
    Some(milestone)
}

/// Picks freely until nobody can go on.
fn exhaust(
    world: &mut impl World,
    at: usize,
    schedule: &mut Schedule,
    held_up: Option<Actor>,
    steps: &mut Vec<Told>,
) {
    let mut blocked = Vec::new();
    while blocked.len() < Actor::ALL.len() {
        let (actor, choice) = schedule.pick();
        if held_up != Some(actor) && take(world, at, actor, choice, steps).is_some() {
            blocked.clear();
        } else if !blocked.contains(&actor) {
            blocked.push(actor);
        }
    }
}
