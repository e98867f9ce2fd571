//! Lifesign under the same schedules: the real library, whose writes run in threads of their own and are stopped at a named point inside.
//!
//! Two counterparts of the usual design's alias stand side by side. The *alias* is derived: nobody runs it. The *mirror* is an ordinary
//! check that two runners compute by hand as in the usual design: they subscribe, read, write and wait, and the new one does not wait for
//! the old one. What differs is that they hold tokens.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lifesign::{
    Check, Engine, Error, ErrorKind, Service, Status, Subscription, SubscriptionFilter, Token, failpoint,
};

use crate::run::{Mark, Shown, Step, World, is_whole, report};
use crate::schedule::{Actor, Kind, Milestone, Schedule};
use crate::support::parked::{self, Parked};
use crate::support::{alias, check, drain, engine, service};

/// Before a write takes effect.
const UNDECIDED: &[&str] = &["commit:loaded", "commit:drawn"];
/// All along a write.
const ANYWHERE: &[&str] = &[
    "commit:loaded",
    "commit:drawn",
    "commit:done",
    "commit:published",
    "refresh:loaded",
    "refresh:evaluated",
    "walk:refreshed",
    "walk:marked",
    "commit:propagated",
    "mark:leaf",
    "mark:wake",
    "commit:settled",
];

/// A call that stands at a point inside, or behind its end if it did not come by that point.
struct Split<T> {
    parked: Parked<T>,
    inside: bool,
}

impl<T: Send + 'static> Split<T> {
    fn at(point: &'static str, call: impl FnOnce() -> T + Send + 'static) -> Self {
        let returned = Arc::new(AtomicBool::new(false));
        let returning = returned.clone();
        let parked = parked::at(point, move || {
            let result = call();
            returning.store(true, Ordering::Release);
            failpoint::hit(point);
            result
        });
        Self { parked, inside: !returned.load(Ordering::Acquire) }
    }
}

enum At {
    StopOther,
    TakeOver,
    TakingOver(Split<Result<Token, Error>>),
    Subscribe,
    Gather,
    Report(Status, String),
    Reporting(Status, Split<Result<(), Error>>),
    Wait,
    CleanUp,
    Done,
}

struct Runner {
    at: At,
    token: Option<Arc<Token>>,
    subscription: Option<Subscription>,
    stopped: bool,
    reported: Option<Status>,
}

impl Runner {
    fn new(at: At, token: Option<Arc<Token>>) -> Self {
        Self { at, token, subscription: None, stopped: false, reported: None }
    }
}

/// One run of Lifesign.
pub struct Real {
    points: &'static [&'static str],
    engine: Arc<Engine>,
    web: Service,
    target: Check,
    mirror: Check,
    alias: Check,
    u: Arc<Token>,
    update: Option<Split<Result<(), Error>>>,
    script: Vec<Status>,
    written: usize,
    /// What the target's last returned write said.
    returned: Status,
    /// The generation that N takes over from.
    generation: u64,
    runners: [Runner; 2],
    torn: bool,
    counts: Counts,
}

/// What happened in a run that a verdict does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Calls that were stopped inside.
    pub split: u64,
    /// Reports and subscriptions of an old runner that were refused.
    pub fenced: u64,
    /// Those among them that had been begun before the take-over.
    pub fenced_inside: u64,
    /// Looks at the alias between two steps.
    pub looks: u64,
    /// Looks at which it showed neither the last write that had returned nor the one under way.
    pub stale: u64,
    /// Runs after which the mirror disagreed with its target when everybody who had been held up had come back.
    pub wrong_after: u64,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.split += other.split;
        self.fenced += other.fenced;
        self.fenced_inside += other.fenced_inside;
        self.looks += other.looks;
        self.stale += other.stale;
        self.wrong_after += other.wrong_after;
    }
}

impl Real {
    pub fn new(schedule: &Schedule) -> Self {
        let engine = engine();
        let web = service(&engine, "web");
        let target = check(&engine, "web:alive", Some(&web));
        let u = Arc::new(engine.acquire(&target, "U").unwrap());
        u.write(Status::Passing, &report(Status::Passing, 0)).unwrap();
        let api = service(&engine, "api");
        let mirror = check(&engine, "api:web", Some(&api));
        let alias = alias(&engine, "sidecar:web", None, "web");
        let o = Arc::new(engine.acquire(&mirror, "O").unwrap());
        o.write(Status::Passing, "").unwrap();
        Self {
            points: if schedule.kind == Kind::Random { ANYWHERE } else { UNDECIDED },
            engine: Arc::new(engine),
            web,
            target,
            mirror,
            alias,
            u,
            update: None,
            script: schedule.script.clone(),
            written: 0,
            returned: Status::Passing,
            generation: o.generation(),
            runners: [Runner::new(At::Subscribe, Some(o)), Runner::new(At::StopOther, None)],
            torn: false,
            counts: Counts::default(),
        }
    }

    /// Lets everybody go on who was held up, and tells what happened.
    pub fn end(mut self) -> Counts {
        for actor in [Actor::N, Actor::O, Actor::N] {
            while self.step(actor, 0).is_some() {}
        }
        let Shown { target, mirror, .. } = self.shown();
        self.counts.wrong_after += u64::from(mirror != target);
        assert_eq!(self.engine.audit().unwrap(), 0, "nothing had to be repaired");
        self.counts
    }

    /// Makes the alias wrong, as a bug would.
    pub fn corrupt(&self) {
        self.engine.corrupt_summary(&self.web);
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn point(&self, choice: u64) -> &'static str {
        self.points[(choice >> 1) as usize % self.points.len()]
    }

    fn update(&mut self, choice: u64) -> Option<Step> {
        if let Some(update) = self.update.take() {
            update.parked.finish().expect("nobody takes the target over");
            self.returned = self.script[self.written - 1];
            return Some(Step::to(Milestone::Wrote, format!("writes {}", self.returned)));
        }
        let status = *self.script.get(self.written)?;
        self.written += 1;
        let (token, text) = (self.u.clone(), report(status, self.written));
        let split = Split::at(self.point(choice), move || token.write(status, &text));
        self.counts.split += u64::from(split.inside);
        self.update = Some(split);
        Some(Step::to(Milestone::InHand, ""))
    }

    fn run(&mut self, one: usize, choice: u64) -> Option<Step> {
        let at = std::mem::replace(&mut self.runners[one].at, At::Done);
        let (next, step) = match at {
            At::StopOther => {
                self.runners[1 - one].stopped = true;
                (At::TakeOver, Step::to(Milestone::Stopped, "stops O, does not wait"))
            }
            At::TakeOver => {
                let (engine, mirror, expected) = (self.engine.clone(), self.mirror, self.generation);
                let split = Split::at(self.point(choice), move || engine.take_over(&mirror, expected, "N"));
                self.counts.split += u64::from(split.inside);
                (At::TakingOver(split), Step::silent())
            }
            At::TakingOver(split) => {
                let token = split.parked.finish().expect("nobody else takes over");
                let words = format!("takes over as generation {}", token.generation());
                self.runners[one].token = Some(Arc::new(token));
                (At::Subscribe, Step::doing(words))
            }
            At::Subscribe => {
                let token = self.runners[one].token.as_ref().expect("a runner has its token");
                match token.subscribe(&SubscriptionFilter::service(&self.web, true)) {
                    Ok(subscription) => {
                        self.runners[one].subscription = Some(subscription);
                        (At::Gather, Step::to(Milestone::Subscribed, "subscribes"))
                    }
                    Err(refused) => (At::CleanUp, self.refused(&refused, Milestone::Subscribed)),
                }
            }
            At::Gather => {
                let web = self.engine.service_snapshot(&self.web).expect("the target is registered");
                self.torn |= web.checks.iter().any(|(_, check)| !is_whole(check.status(), check.output()));
                let (_, worst) = web
                    .checks
                    .iter()
                    .max_by_key(|(_, check)| check.status())
                    .expect("the target has a check");
                (At::Report(worst.status(), worst.output().into()), Step::to(Milestone::Gathered, ""))
            }
            At::Report(status, text) => {
                let token = self.runners[one].token.clone().expect("a runner has its token");
                let split = Split::at(self.point(choice), move || token.write(status, &text));
                self.counts.split += u64::from(split.inside);
                let words = if self.runners[one].reported == Some(status) {
                    Cow::Borrowed("")
                } else {
                    format!("reads {status}").into()
                };
                (At::Reporting(status, split), Step::to(Milestone::InHand, words))
            }
            At::Reporting(status, split) => match split.parked.finish() {
                Ok(()) => {
                    let again = self.runners[one].reported.replace(status) == Some(status);
                    let words = if again { Cow::Borrowed("") } else { format!("writes {status}").into() };
                    (At::Wait, Step::to(Milestone::Reported, words))
                }
                Err(refused) => {
                    self.counts.fenced_inside += u64::from(split.inside);
                    (At::CleanUp, self.refused(&refused, Milestone::Reported))
                }
            },
            At::Wait if self.runners[one].stopped && choice & 1 == 0 => (At::CleanUp, Step::silent()),
            At::Wait if self.is_told(one) => (At::Gather, Step::silent()),
            At::Wait if self.runners[one].stopped => (At::CleanUp, Step::silent()),
            At::Wait => {
                self.runners[one].at = At::Wait;
                return None;
            }
            At::CleanUp => {
                let runner = &mut self.runners[one];
                (runner.subscription, runner.token) = (None, None);
                (At::Done, Step::to(Milestone::Done, "closes its own subscription and token"))
            }
            At::Done => return None,
        };
        self.runners[one].at = next;
        Some(step)
    }

    fn is_told(&self, one: usize) -> bool {
        self.runners[one].subscription.as_ref().is_some_and(|subscription| !drain(subscription).is_empty())
    }

    fn refused(&mut self, refused: &Error, milestone: Milestone) -> Step {
        assert_eq!(refused.kind(), ErrorKind::Fenced, "{refused}");
        self.counts.fenced += 1;
        let holder = refused.holder().map_or("nobody", |record| &*record.label);
        let generation = refused.generation().unwrap_or_default();
        Step::to(milestone, format!("FENCED: {holder} holds it, generation {generation}"))
            .marked(Mark::Refused)
    }

    /// Whether the alias shows the last write that has returned, or the one that is under way; whole in both cases.
    fn look_at_alias(&mut self) {
        let under_way = self.update.as_ref().map(|_| self.script[self.written - 1]);
        let is_due = |status| status == self.returned || Some(status) == under_way;
        let word = self.alias.status().expect("the alias is registered");
        let snapshot = self.engine.snapshot(&self.alias).expect("the alias is registered");
        self.counts.looks += 1;
        self.counts.stale += u64::from(!is_due(word) || !is_due(snapshot.status()));
        let says_critical = snapshot.output().contains(&*format!("is critical: {}", Status::Critical));
        self.torn |= says_critical != (snapshot.status() == Status::Critical);
    }
}

impl World for Real {
    fn step(&mut self, actor: Actor, choice: u64) -> Option<Step> {
        let step = match actor {
            Actor::U => self.update(choice),
            Actor::O => self.run(0, choice),
            Actor::N => self.run(1, choice),
        };
        self.look_at_alias();
        step
    }

    fn shown(&mut self) -> Shown {
        let status = |check: &Check| check.status().expect("it is registered");
        Shown { target: status(&self.target), mirror: status(&self.mirror), alias: Some(status(&self.alias)) }
    }

    fn is_torn(&self) -> bool {
        self.torn
    }

    fn fire_timers(&mut self) -> bool {
        false
    }

    fn is_successor_told(&mut self) -> bool {
        self.script.push(Status::Critical);
        while self.update(0).is_some() {}
        let told = matches!(self.runners[1].at, At::Wait) && self.is_told(1);
        if told {
            self.runners[1].at = At::Gather;
        }
        told
    }
}
