//! How subscriptions begin: S2, S8.

use lifesign::{ErrorKind, Status};

use super::derive::Shown;
use super::subscription::{Ended, Subscription, Wanted};
use super::{Model, Outcome, Refusal, State, unless};
use crate::flaw::Flaw;
use crate::op::{CursorTold, Filter, Scope};

/// A cursor that was come to: all that its subscription wanted was told up to the call it was given out in.
#[derive(Clone, Debug)]
pub struct Mark {
    pub filter: Filter,
    pub wanted: Wanted,
    pub call: u64,
    /// How many lives there had been.
    pub lives: usize,
    /// What the subscribed summary showed then.
    pub summary: Option<Shown>,
}

impl Model {
    /// What `scope` means, or why it cannot be subscribed to.
    fn wanted(&self, scope: Scope) -> Option<Outcome<Wanted>> {
        Some(match scope {
            Scope::All => Ok(Wanted::All),
            Scope::Prefix(prefix) => Ok(Wanted::Prefix(prefix)),
            Scope::Service(service, summary) => {
                let one = &self.services[self.service(service)?];
                if one.alive { Ok(Wanted::Service(one.id, summary)) } else { gone() }
            }
            Scope::Check(check) => {
                let life = self.check(check)?;
                if self.lives[life].alive { Ok(Wanted::Check(life)) } else { gone() }
            }
        })
    }

    /// Subscribes, if need be with a token; `None` if the scope names what never was.
    pub fn subscribe(&mut self, token: Option<usize>, filter: Filter) -> Option<Outcome<usize>> {
        let wanted = self.wanted(filter.scope)?;
        let mut reasons = token.map_or_else(Vec::new, |token| self.against(token));
        reasons.extend(self.too_many());
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(more) => return Some(Err(reasons.into_iter().chain(more).collect())),
        };
        Some(unless(reasons, || {
            let mut subscription = Subscription::new(wanted, filter, self.calls);
            if !self.has(Flaw::SubscribingTellsNoState) {
                self.start(&mut subscription);
            }
            self.subscriptions.push(subscription);
            self.subscriptions.len() - 1
        }))
    }

    fn too_many(&self) -> Option<Refusal> {
        let open = self.subscriptions.iter().filter(|one| one.open).count();
        (open >= self.quotas.subscriptions).then(|| Refusal::new(ErrorKind::Limit))
    }

    /// Continues where a cursor stood.
    pub fn resume(&mut self, mark: &Mark, told: CursorTold) -> Outcome<usize> {
        let is_gone = match mark.wanted {
            Wanted::Service(id, _) => self.registered(id).is_none(),
            Wanted::Check(life) => !self.lives[life].alive,
            _ => false,
        };
        let mut reasons: Vec<_> = self.too_many().into_iter().collect();
        if is_gone {
            reasons.push(Refusal::new(ErrorKind::Gone));
        }
        if told == CursorTold::FromTheFuture {
            reasons.push(Refusal::new(ErrorKind::FutureCursor));
        }
        unless(reasons, || {
            let mut subscription = Subscription::new(mark.wanted, mark.filter, self.calls);
            match told {
                CursorTold::AnotherEngines => {
                    subscription.foreign = true;
                    self.start(&mut subscription);
                }
                _ => self.catch_up(&mut subscription, mark),
            }
            self.subscriptions.push(subscription);
            self.subscriptions.len() - 1
        })
    }

    /// Owes what has changed since the cursor; anything may come again.
    fn catch_up(&self, subscription: &mut Subscription, mark: &Mark) {
        subscription.resumed = true;
        subscription.heir_of = mark.lives;
        subscription.drained_at = mark.call;
        let all = self.has(Flaw::ResumingTellsEverything);
        for (at, life) in self.lives.iter().enumerate() {
            if !subscription.takes_in(at, &life.state.definition) {
                continue;
            }
            let changed = if life.is_alias() {
                let all: Vec<_> = life.shown_before.iter().chain(&life.shown).collect();
                alias_changed(&all, subscription, mark.call)
            } else {
                let all: Vec<_> = life.past.iter().chain([&life.state]).collect();
                check_changed(&all, subscription, mark.call)
            };
            if life.alive {
                subscription.owe(at, 0, changed || all);
            } else if life.ended_at.is_some_and(|ended| ended > mark.call) {
                let matches = life.state.status >= subscription.least;
                let must = matches || changed;
                let ended = Ended { life: at, id: life.id(), must, may: true, is_slight: !matches };
                subscription.ended.push(ended);
                subscription.ends += 1;
            }
        }
        if let Wanted::Service(id, true) = subscription.wanted
            && let now = self.shows(Some(id))
            && let Some(before) = &mark.summary
        {
            let matches = before.status.max(now.status) >= subscription.least;
            let changed = (before.status, before.registered) != (now.status, now.registered)
                || before.output != now.output && !subscription.filter.transitions_only;
            subscription.summary_changed(id, Status::Critical, matches && changed);
        }
    }

    /// Owes the whole matching state.
    fn start(&self, subscription: &mut Subscription) {
        for (at, life) in self.alive() {
            if subscription.takes_in(at, &life.state.definition) && life.status() >= subscription.least {
                let version = if life.is_alias() { life.shown_count() } else { life.state.version };
                subscription.owe(at, version, true);
            }
        }
        if let Wanted::Service(id, true) = subscription.wanted {
            subscription.summary_changed(id, self.shows(Some(id)).status, true);
        }
    }

    /// The subscription starts anew from the whole matching state.
    pub fn start_anew(&mut self, at: usize) {
        let mut subscription = self.subscriptions[at].clone();
        subscription.told.clear();
        // It may have begun with a batch that nothing was taken from: what happened since is told after the state as it was then.
        if subscription.partial {
            subscription.ends_may_rest();
        } else {
            subscription.ended.clear();
            subscription.ends = 0;
        }
        subscription.summary_told = None;
        subscription.resumed = false;
        for owed in subscription.owed.values_mut().chain(&mut subscription.summary_owed) {
            owed.must = false;
        }
        self.start(&mut subscription);
        if subscription.partial {
            subscription.owed.values_mut().for_each(|owed| owed.first = 0);
        }
        self.subscriptions[at] = subscription;
    }
}

fn gone<T>() -> Outcome<T> {
    Err(vec![Refusal::new(ErrorKind::Gone)])
}

/// Whether a commit after `call` matches.
fn check_changed(states: &[&State], subscription: &Subscription, call: u64) -> bool {
    states.iter().enumerate().any(|(at, state)| {
        let before = at.checked_sub(1).map(|before| states[before].status);
        let worst = before.map_or(state.status, |before| before.max(state.status));
        let counts = !subscription.filter.transitions_only || before != Some(state.status);
        state.call > call && !state.gone && worst >= subscription.least && counts
    })
}

/// Whether an alias shows something else than at `call`, and what it has shown since matches.
fn alias_changed(shown: &[&Shown], subscription: &Subscription, call: u64) -> bool {
    let before = shown.iter().rposition(|shown| shown.call <= call);
    let since = &shown[before.unwrap_or(0)..];
    let worst = since.iter().map(|shown| shown.status).max();
    let (Some(first), Some(last)) = (since.first(), since.last()) else { return false };
    let changed = match before {
        None => true,
        Some(_) if subscription.filter.transitions_only => first.transitions != last.transitions,
        Some(_) => first.face() != last.face(),
    };
    changed && worst >= Some(subscription.least) && matching_step(since, subscription.least, before.is_none())
}

/// Whether one of the steps begins or ends at `least` or worse.
fn matching_step(since: &[&Shown], least: Status, is_new: bool) -> bool {
    let step = |two: &[&Shown]| two[0].status.max(two[1].status) >= least;
    since.windows(2).any(step) || is_new && since.iter().any(|shown| shown.status >= least)
}
